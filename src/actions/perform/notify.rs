//! Shows messages.

use url::Url;

use super::job::{Job, Performed};
use super::open::page;
use super::values::plain;
use crate::hook::action::template::{CallFacts, Direction, Template};
use crate::hook::action::url_template::UrlTemplate;
use crate::hook::event::Event;
use crate::platform::{Message, Messages, Shown};

/// How many characters of a message are shown.
const MAX_LENGTH: usize = 250;

/// A message for a call.
pub struct Prepared {
    /// What happened.
    pub title: &'static str,
    /// The message.
    pub text: String,
    /// The page that a click opens.
    pub link: Option<Url>,
}

/// Returns the message for a call. A link that can't be used for this caller is left out.
pub fn prepare(text: &Template, link: Option<&UrlTemplate>, job: Job<'_>) -> Prepared {
    let text = shortened(plain(text, job.facts).trim());
    Prepared { title: title(job.facts), text, link: link.and_then(|link| page(link, job).ok()) }
}

/// Shows a message.
pub fn show(prepared: &Prepared, messages: &Messages) -> Performed {
    let link = prepared.link.as_ref().map(Url::as_str);
    match messages.show(&Message { title: prepared.title, text: &prepared.text, link }) {
        Ok(Shown::Toast) => Performed::Done("shown as a notification of Windows".into()),
        Ok(Shown::Window) => Performed::Done("shown in a window".into()),
        Ok(Shown::TurnedOff) => {
            Performed::Skipped("notifications are turned off in Windows' settings".into())
        }
        Err(error) => Performed::Failed(format!("the message couldn't be shown: {error}")),
    }
}

/// Returns what happened, in words for the person who has the phone.
fn title(facts: &CallFacts) -> &'static str {
    let is_outgoing = facts.direction == Some(Direction::Outgoing);
    match facts.event {
        Event::Ring | Event::Ringing => "Incoming call",
        Event::Outgoing => "Outgoing call",
        Event::Answer | Event::AnswerVideo => "Call answered",
        Event::Start => "Call connected",
        Event::End if facts.answered || is_outgoing => "Call ended",
        Event::End => "Missed call",
        Event::Busy if is_outgoing => "Busy",
        Event::Busy => "Call declined",
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::perform::tests::{job, log_to};
    use crate::hook::action::template::tests::facts;

    fn message(text: &str, link: Option<&str>, facts: &CallFacts) -> Prepared {
        let link = link.map(|link| UrlTemplate::parse(link).unwrap());
        prepare(
            &Template::parse(text).unwrap(),
            link.as_ref(),
            job(&log_to("a.txt"), facts, "MicroSIP.ini".as_ref()),
        )
    }

    #[test]
    fn messages_are_short_lines_of_plain_text() {
        let shown = |number: &str| message("{name|number} is calling", None, &facts(number)).text;
        assert_eq!(shown("100"), "100 is calling");
        assert_eq!(shown("<b>&amp;</b>\r\n\u{7}x"), "<b>&amp;</b>x is calling");
        assert_eq!(shown(&"ü".repeat(300)), format!("{}…", "ü".repeat(250)));
    }

    #[test]
    fn the_link_is_left_out_for_a_caller_without_a_number() {
        let link = |number: &str| message("x", Some("h/?q={number}"), &facts(number)).link.map(String::from);
        assert_eq!(link("1&2").as_deref(), Some("https://h/?q=1%262"));
        assert_eq!(link(""), None);
    }

    #[test]
    fn titles_say_what_happened() {
        let outgoing = Some(Direction::Outgoing);
        for (event, direction, answered, expected) in [
            (Event::Ring, Some(Direction::Incoming), false, "Incoming call"),
            (Event::Outgoing, outgoing, false, "Outgoing call"),
            (Event::End, Some(Direction::Incoming), false, "Missed call"),
            (Event::End, Some(Direction::Incoming), true, "Call ended"),
            (Event::End, outgoing, false, "Call ended"),
            (Event::Busy, outgoing, false, "Busy"),
            (Event::Busy, None, false, "Call declined"),
        ] {
            assert_eq!(title(&CallFacts { event, direction, answered, ..facts("1") }), expected);
        }
    }
}
