//! What the user wants to happen on a call, and when.

use std::ops::Range;

use super::texts::sentence;
use crate::hook::action::template::Template;
use crate::hook::action::url_template::UrlTemplate;
use crate::hook::action::{Action, Body, LogFormat, Method, Separator, WebRequest, Work};
use crate::hook::event::Event;

/// What should happen on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    ShowCaller,
    OpenPage,
    LogCalls,
    NotifyService,
    StartProgram,
}

impl Goal {
    /// Every goal, in the order of the menu.
    pub const ALL: [Goal; 5] =
        [Goal::ShowCaller, Goal::OpenPage, Goal::LogCalls, Goal::NotifyService, Goal::StartProgram];

    /// Returns the item of the menu.
    pub fn label(self) -> &'static str {
        match self {
            Goal::ShowCaller => "Show who is calling",
            Goal::OpenPage => "Open a web page with the caller's number",
            Goal::LogCalls => "Log calls to a file",
            Goal::NotifyService => "Notify a web service",
            Goal::StartProgram => "Start a program",
        }
    }

    /// Returns the moments that the short list offers. The first is the recommended one.
    pub fn moments(self) -> [Moment; 3] {
        match self {
            // only at its end is it known how a call went
            Goal::LogCalls => [Moment::Ended, Moment::Ringing, Moment::Answered],
            _ => [Moment::Ringing, Moment::Answered, Moment::Ended],
        }
    }
}

/// A moment of a call, as the short list offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Ringing,
    Answered,
    Ended,
}

impl Moment {
    /// Returns the item of the list.
    pub fn label(self) -> &'static str {
        match self {
            Moment::Ringing => "The phone is ringing",
            Moment::Answered => "You answer a call",
            Moment::Ended => "A call has ended, also a missed one",
        }
    }

    /// Returns its events. A call that was busy or declined has its own event instead of `end`.
    pub fn events(self) -> &'static [Event] {
        match self {
            Moment::Ringing => &[Event::Ring],
            Moment::Answered => &[Event::Answer],
            Moment::Ended => &[Event::End, Event::Busy],
        }
    }
}

/// Returns the message that is shown on an event if the user types none.
pub fn usual_message(event: Event) -> &'static str {
    match event {
        Event::Ring | Event::Ringing => "{name|number} is calling",
        Event::Answer | Event::AnswerVideo | Event::Start => "You are talking to {name|number}",
        Event::End => "The call with {name|number} has ended",
        Event::Busy => "The call with {name|number} was busy or declined",
        Event::Outgoing => "You are calling {name|number}",
    }
}

/// Returns the action that shows a message. A click on it opens the page, if there is one.
///
/// # Errors
/// A message that the user can read: what is wrong, and how to write it.
pub fn message(text: &str, link: &str) -> Result<Action, String> {
    let text = Template::parse(text).map_err(|error| with_hint(&error, error.hint()))?;
    let link = Some(link).filter(|link| !link.is_empty()).map(page).transpose()?;
    Ok(Action::for_everybody(Work::Notify { text, link }))
}

/// Returns the action that opens a page.
///
/// # Errors
/// Like [`message`].
pub fn opening(address: &str) -> Result<Action, String> {
    Ok(Action::for_everybody(Work::Open { url: page(address)?, again_after: Work::AGAIN_AFTER }))
}

/// Returns the action that sends the call to a web service.
///
/// # Errors
/// Like [`message`].
pub fn posting(address: &str) -> Result<Action, String> {
    let (method, url) = (Method::Post(Body::Call), page(address)?);
    let request = WebRequest { method, url, headers: Vec::new(), retry: WebRequest::RETRY, secret: None };
    Ok(Action::for_everybody(Work::Send(request)))
}

/// Returns the action that adds a line to a file.
///
/// # Errors
/// Like [`message`].
pub fn logging(file: &str) -> Result<Action, String> {
    if LogFormat::of(file).is_none() {
        return Err(format!("{file} must end with .csv, .txt or .jsonl. A .csv file opens in Excel."));
    }
    Ok(Action::for_everybody(Work::Log { file: file.into(), separator: Separator::default() }))
}

fn page(address: &str) -> Result<UrlTemplate, String> {
    UrlTemplate::parse(address).map_err(|error| with_hint(&error, error.hint()))
}

fn with_hint(error: &dyn std::error::Error, hint: Option<String>) -> String {
    let end = |text: &str| if text.ends_with('?') { "" } else { "." };
    let hint = hint.map_or(String::new(), |hint| format!("\nHint: {hint}{}", end(&hint)));
    format!("{}{hint}", sentence(&error.to_string()).trim_end())
}

/// Where a number belongs in an address that was typed without `{number}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPlace {
    /// The item of the list.
    pub label: String,
    /// The address with the number there.
    pub address: String,
}

/// Returns the places where a number could belong in an address; the likeliest is the first. None if the address
/// already says where.
pub fn number_places(address: &str) -> Vec<NumberPlace> {
    if address.contains('{') {
        return Vec::new();
    }
    let place = |label: String, address: String| NumberPlace { label, address };
    let example = example_number(address).map(|range| {
        place(format!("Instead of {}", &address[range.clone()]), with_number_at(address, range))
    });
    // a caller may not choose the host
    let full = if path_start(address).is_none() { format!("{address}/") } else { address.into() };
    let at_end = place("At the end".into(), with_number_at(&full, full.len()..full.len()));
    let nowhere = place("Nowhere: every call opens the same page".into(), address.into());
    let others = if seems_to_have_place(address) { [at_end, nowhere] } else { [nowhere, at_end] };
    example.into_iter().chain(others).collect()
}

/// Returns whether the number of an example is in an address, or the address ends where a number could follow.
pub fn seems_to_have_place(address: &str) -> bool {
    address.ends_with(['=', '/', ':', '?', '&']) || example_number(address).is_some()
}

/// Returns whether this is a word rather than an address. A server on the own network has such a name, too; for that,
/// `https://` is needed.
pub fn is_word(address: &str) -> bool {
    !address.is_empty() && !address.contains(['.', '/', ':', '{'])
}

/// Returns where the part of an address after the host begins.
fn path_start(address: &str) -> Option<usize> {
    let host = address.find("://").map_or(0, |at| at + "://".len());
    Some(host + address[host..].find(['/', '?', '#'])?)
}

/// Returns the address with the caller's number in place of a part of it.
fn with_number_at(address: &str, part: Range<usize>) -> String {
    format!("{}{{number}}{}", &address[..part.start], &address[part.end..])
}

/// Returns the part of an address that looks like a phone number, if there is one such part after the host.
fn example_number(address: &str) -> Option<Range<usize>> {
    /// Shorter ones are likelier something else, such as a year.
    const MIN_DIGITS: usize = 6;
    let start = path_start(address)?;
    let mut found = Vec::new();
    let mut at = start;
    while let Some(offset) = address[at..].find(|c: char| c.is_ascii_digit()) {
        let mut first = at + offset;
        let length = address[first..].find(|c: char| !c.is_ascii_digit()).unwrap_or(address.len() - first);
        at = first + length;
        let plus = ["%2B", "%2b", "+"].into_iter().find(|plus| address[..first].ends_with(plus));
        if length >= MIN_DIGITS {
            first -= plus.map_or(0, str::len);
            found.push(first..at);
        }
    }
    match &found[..] {
        [one] => Some(one.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_messages_are_valid() {
        for event in Event::ALL {
            assert!(message(usual_message(*event), "").is_ok(), "{event}");
        }
    }

    #[test]
    fn mistakes_are_explained_in_sentences() {
        for error in [
            message("{numbr} is calling", "").unwrap_err(),
            opening("https://{number}.example/").unwrap_err(),
            opening("not a page").unwrap_err(),
            opening("https//crm.example").unwrap_err(),
            logging("calls.xls").unwrap_err(),
        ] {
            assert!(error.ends_with(['.', '?']), "{error}");
        }
        assert!(opening("crm.example/find?phone={number}").is_ok());
    }

    #[test]
    fn the_number_goes_where_a_number_was() {
        let first = |address: &str| number_places(address).first().map(|place| place.address.clone());
        for (address, expected) in [
            ("https://crm.example/find?phone=", "https://crm.example/find?phone={number}"),
            ("https://crm.example/find?phone=0301234567", "https://crm.example/find?phone={number}"),
            ("crm.example/find?phone=%2B49301234&new=1", "crm.example/find?phone={number}&new=1"),
            ("https://crm.example/contact/+49301234/view", "https://crm.example/contact/{number}/view"),
            // an id and a number: nobody knows which is which
            ("https://crm.example/1234567?n=7654321", "https://crm.example/1234567?n=7654321"),
            ("https://crm.example/customer/4711/show", "https://crm.example/customer/4711/show"),
            ("https://123456789.example/", "https://123456789.example/{number}"),
            ("https://crm.example/2026/find?q=", "https://crm.example/2026/find?q={number}"),
        ] {
            assert_eq!(first(address).as_deref(), Some(expected), "{address}");
        }
        assert_eq!(first("https://crm.example/{number}"), None);
        assert_eq!(number_places("https://crm.example/?").last().unwrap().address, "https://crm.example/?");
    }
}
