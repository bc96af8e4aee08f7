//! Messages on the screen.

use quick_xml::escape::escape;

/// The key of the name under which Windows shows notifications, among this user's classes. Its own name is the
/// AppUserModelID.
pub const NOTIFICATION_KEY: &str = r"AppUserModelId\msipcfg";

/// The value with that name.
pub const NOTIFICATION_NAME: &str = "DisplayName";

/// The value with the path of the icon that notifications have.
pub const NOTIFICATION_ICON: &str = "IconUri";

/// A message. Its texts are shown as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The first line.
    pub title: &'a str,
    /// The other lines.
    pub text: &'a str,
    /// The web page that a click opens.
    pub link: Option<&'a str>,
}

/// How a message is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a notification of Windows.
    Toast,
    /// In a window of this process.
    Window,
    /// Not at all, because the user turned notifications off.
    TurnedOff,
}

impl Message<'_> {
    /// Returns the message as Windows reads a notification. A click starts the browser without this program, which may
    /// have exited already.
    pub fn toast_xml(&self) -> String {
        let link = self.link.map_or(String::new(), |link| {
            format!(r#" activationType="protocol" launch="{}""#, escape(&*allowed_in_xml(link)))
        });
        let [title, text] = [self.title, self.text].map(|text| escape(allowed_in_xml(text)).into_owned());
        format!(
            r#"<toast{link}><visual><binding template="ToastGeneric"><text>{title}</text><text>{text}</text></binding></visual></toast>"#
        )
    }
}

/// Removes the characters that XML 1.0 can't contain at all.
fn allowed_in_xml(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)).collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    /// Reads a text back: the attributes of the first element, and the texts.
    fn read_back(xml: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut reader = Reader::from_str(xml);
        let (mut attributes, mut texts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) => {
                    names.push(element.name().as_ref().to_string());
                    if names.len() == 1 {
                        attributes = element
                            .attributes()
                            .map(|one| one.unwrap())
                            .map(|one| {
                                let value = one.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
                                (one.key.as_ref().to_string(), value.into_owned())
                            })
                            .collect();
                    }
                    if element.name().as_ref() == "text" {
                        texts.push(String::new());
                    }
                }
                Event::Text(text) => texts.last_mut().unwrap().push_str(&text),
                Event::GeneralRef(reference) => {
                    let character = match &*reference {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        other => panic!("&{other};"),
                    };
                    texts.last_mut().unwrap().push(character);
                }
                Event::End(_) => {}
                Event::Eof => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(names, ["toast", "visual", "binding", "text", "text"]);
        (attributes, texts)
    }

    #[test]
    fn a_callers_text_is_only_text() {
        for text in [
            "100 is calling",
            "</text><actions><action content='x' arguments='calc'/></actions><text>",
            "&lt;b&gt; &#x26; &evil;",
            "<![CDATA[x]]> <?x?> <!-- -->",
            "\"' onload=\"x",
            "ü 😀 {binding}",
        ] {
            let link = "https://h/?a=1&b='\"<x>";
            let message = Message { title: text, text, link: Some(link) };
            let (attributes, texts) = read_back(&message.toast_xml());
            assert_eq!(texts, [text, text]);
            let expected = [("activationType", "protocol"), ("launch", link)];
            assert_eq!(attributes, expected.map(|(name, value)| (name.to_string(), value.to_string())));
            let (attributes, _) = read_back(&Message { link: None, ..message }.toast_xml());
            assert!(attributes.is_empty());
        }
        let message = Message { title: "a\0\u{1}\u{FFFE}b", text: "", link: None };
        assert_eq!(read_back(&message.toast_xml()).1, ["ab", ""]);
    }
}
