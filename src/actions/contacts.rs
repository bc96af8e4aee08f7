//! Names in MicroSIP's contacts, which are in `Contacts.xml` next to the ini (Contacts.cpp, `ContactsSave`):
//!
//! ```xml
//! <?xml version="1.0"?>
//! <contacts>
//! <contact name="Ann" number="+49301234567" firstname="" phone="" mobile="" presence="0"/>
//! </contacts>
//! ```

use std::cell::OnceCell;
use std::path::Path;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::hook::action::numbers::{NumberForm, Numbers, Party};
use crate::platform::{FileSystem, FileSystemExt};

/// The name of the file.
const FILE: &str = "Contacts.xml";
/// A larger file isn't one that MicroSIP wrote.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;
/// A longer name isn't one.
const MAX_NAME: usize = 200;

/// Returns the name that a number has in the contacts next to an ini; empty if it has none, or if they can't be read.
pub fn name_of(received: &str, numbers: &Numbers, ini: &Path, fs: &dyn FileSystem) -> String {
    let file = ini.with_file_name(FILE);
    let is_readable =
        fs.is_file(&file) && fs.metadata(&file).is_ok_and(|metadata| metadata.len() <= MAX_LENGTH);
    if numbers.party(received) == Party::Anonymous || !is_readable {
        return String::new();
    }
    let text = fs.read(&file).unwrap_or_default();
    find(&String::from_utf8_lossy(&text), received, numbers).unwrap_or_default()
}

/// Returns the name of a number in the text of the file. Up to a mistake in the file, contacts are found.
fn find(xml: &str, received: &str, numbers: &Numbers) -> Option<String> {
    let caller = Caller::new(received, numbers);
    let mut similar = None;
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element))
                if element.local_name().as_ref() == "contact" =>
            {
                let Some(name) = name(&element) else { continue };
                for number in ["number", "phone", "mobile"].iter().filter_map(|key| attribute(&element, key))
                {
                    match caller.compare(&number) {
                        Match::Same => return Some(name),
                        Match::Similar => similar = Some(name.clone()),
                        Match::Other => {}
                    }
                }
            }
            Ok(Event::Eof) | Err(_) => return similar,
            Ok(_) => {}
        }
    }
}

/// Returns the name of a contact. One that has none has its number instead.
fn name(contact: &BytesStart<'_>) -> Option<String> {
    let name: String =
        attribute(contact, "name")?.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty() && attribute(contact, "number").as_deref() != Some(name)).then(|| name.to_string())
}

/// Returns the value of an attribute. One that uses an entity defined in the file counts as missing, so that a small
/// file can't expand to a huge text.
fn attribute(element: &BytesStart<'_>, key: &str) -> Option<String> {
    let attribute = element.try_get_attribute(key).ok()??;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned()).filter(|value| !value.is_empty())
}

/// How a contact's number compares to the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Same,
    /// The caller's has up to three characters more at its start. MicroSIP takes such contacts if no other matches
    /// (Contacts.cpp, `GetNameByNumber`).
    Similar,
    Other,
}

/// The number that is searched.
struct Caller<'a> {
    received: &'a str,
    digits: String,
    /// Parsed only if a contact ends in the same digits, because loading the numbering plans takes time.
    e164: OnceCell<Option<String>>,
    numbers: &'a Numbers,
}

impl Caller<'_> {
    fn new<'a>(received: &'a str, numbers: &'a Numbers) -> Caller<'a> {
        let received = received.trim();
        let digits = numbers.form(received, NumberForm::Digits);
        Caller { received, digits, e164: OnceCell::new(), numbers }
    }

    fn compare(&self, contact: &str) -> Match {
        const COMPARED: usize = 4;
        const MAX_PREFIX: usize = 3;
        let contact = number_part(contact);
        if contact.eq_ignore_ascii_case(self.received) {
            return Match::Same;
        }
        let is_number = |text: &str| !text.contains(|c: char| c.is_alphabetic());
        let digits = self.numbers.form(contact, NumberForm::Digits);
        if digits.is_empty() || !is_number(contact) || !is_number(self.received) {
            return Match::Other;
        }
        if digits == self.digits {
            return Match::Same;
        }
        let end = |digits: &str| digits[digits.len().saturating_sub(COMPARED)..].to_string();
        if end(&digits) == end(&self.digits) {
            let own = self.e164.get_or_init(|| self.numbers.e164(self.received));
            if own.is_some() && self.numbers.e164(contact) == *own {
                return Match::Same;
            }
        }
        let prefix = self.received.strip_suffix(contact).map(str::len);
        let is_similar = contact.len() > MAX_PREFIX && prefix.is_some_and(|prefix| prefix <= MAX_PREFIX);
        if is_similar { Match::Similar } else { Match::Other }
    }
}

/// Returns the number in what a contact contains: it can also be a SIP address, and tones to send can follow a comma.
fn number_part(contact: &str) -> &str {
    let contact = contact.trim();
    let contact = match contact.get(..4) {
        Some(scheme) if ["sip:", "tel:"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => {
            &contact[4..]
        }
        _ => contact,
    };
    let end = contact.find(['@', ',', ';']).unwrap_or(contact.len());
    contact[..end].trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::SystemFs;

    const CONTACTS: &str = "<?xml version=\"1.0\"?>\r\n<contacts>\r\n\
        <contact name=\"Ann &amp; Bob &#252;\" number=\"030 123-4567\" mobile=\"0170 7654321\" presence=\"0\"/>\r\n\
        <contact name=\"Reception\" number=\"100\"></contact>\r\n\
        <contact name=\"Room\" number=\"sip:200@pbx.example;transport=tcp\"/>\r\n\
        <contact name=\"Voicemail\" number=\"*97,1234#\"/>\r\n\
        <contact name=\"555\" number=\"555\"/>\r\n\
        <contact name=\"Anna\" number=\"anna\"/>\r\n\
        <contact name=\"Door\" number=\"4711\"/>\r\n\
        </contacts>\r\n";

    fn german() -> Numbers {
        Numbers { country: Some(49), ..Numbers::default() }
    }

    fn found(xml: &str, received: &str) -> Option<String> {
        find(xml, received, &german())
    }

    #[test]
    fn a_number_is_found_in_every_form() {
        for (received, name) in [
            ("+49301234567", Some("Ann & Bob ü")),
            ("0301234567", Some("Ann & Bob ü")),
            ("0049301234567", Some("Ann & Bob ü")),
            ("+491707654321", Some("Ann & Bob ü")),
            ("100", Some("Reception")),
            ("200", Some("Room")),
            ("*97", Some("Voicemail")),
            ("ANNA", Some("Anna")),
            ("04711", Some("Door")),
            ("00004711", None),
            ("1100", None),
            ("555", None),
            ("anna1", None),
            ("7", None),
        ] {
            assert_eq!(found(CONTACTS, received).as_deref(), name, "{received}");
        }
    }

    #[test]
    fn entities_are_not_expanded() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
            <contacts><contact name=\"&b;\" number=\"1000\"/><contact name=\"Ann\" number=\"100\"/></contacts>";
        assert_eq!(found(bomb, "1000"), None);
        assert_eq!(found(bomb, "100").as_deref(), Some("Ann"));
        let file =
            "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><contact name='&a;' number='1000'/>";
        assert_eq!(found(file, "1000"), None);
    }

    #[test]
    fn contacts_before_a_mistake_are_found() {
        let cut = &CONTACTS[..CONTACTS.find("Voicemail").unwrap()];
        assert_eq!(found(cut, "200").as_deref(), Some("Room"));
        assert_eq!(found(cut, "*97"), None);
        for text in
            ["", "<", "no XML", "<contacts><contact name='x' number=1000/>", "<contact name number='1000'/>"]
        {
            assert_eq!(found(text, "1000"), None, "{text}");
        }
    }

    #[test]
    fn the_file_is_next_to_the_ini() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("x.ini");
        let name = |received: &str| name_of(received, &german(), &ini, &SystemFs);
        assert_eq!(name("100"), "", "the file doesn't exist");
        let file = folder.path().join(FILE);
        std::fs::write(&file, CONTACTS).unwrap();
        assert_eq!(name("100"), "Reception");
        std::fs::write(&file, CONTACTS.replace("Reception", "R\u{1}ü\nx")).unwrap();
        assert_eq!(name("100"), "Rü x");
        std::fs::write(&file, CONTACTS.replace("Reception", "anonymous").replace("100", "anonymous"))
            .unwrap();
        assert_eq!(name("anonymous"), "", "who withholds the number has no name");
        std::fs::write(&file, [b"\xFF\xFE<contacts>".as_slice(), CONTACTS.as_bytes()].concat()).unwrap();
        assert_eq!(name("100"), "Reception");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert_eq!(name("100"), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_file_is_an_error(
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), "[<>&;\"'=/a-c0-9 \u{0}ü]{0,3}"), 0..6),
            received in "[+0-9a-c&\"<]{0,8}",
        ) {
            let mut xml = CONTACTS.to_string();
            for (at, text) in cuts {
                let at = at.index(xml.len() + 1);
                let at = (0..=at).rev().find(|at| xml.is_char_boundary(*at)).unwrap_or(0);
                xml.insert_str(at, &text);
            }
            let _ = find(&xml, &received, &german());
        }
    }
}
