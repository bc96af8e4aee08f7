//! What the user wants to happen on a call, and when.

use super::texts::sentence;
use crate::hook::action::template::Template;
use crate::hook::action::url_template::UrlTemplate;
use crate::hook::action::{Action, Body, Method, Separator, WebRequest, Work};
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
            Moment::Ended => "A call has ended or was missed",
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
    let work = Work::log(file.into(), Separator::default());
    let work = work.map_err(|error| format!("Calls can't be logged to {file}: {error}."))?;
    Ok(Action::for_everybody(work))
}

fn page(address: &str) -> Result<UrlTemplate, String> {
    UrlTemplate::parse(address).map_err(|error| with_hint(&error, error.hint()))
}

fn with_hint(error: &dyn std::error::Error, hint: Option<String>) -> String {
    let end = |text: &str| if text.ends_with('?') { "" } else { "." };
    let hint = hint.map_or(String::new(), |hint| format!("\nHint: {hint}{}", end(&hint)));
    format!("{}{hint}", sentence(&error.to_string()).trim_end())
}

/// Returns whether this is a word rather than an address. A server on the own network has such a name, too; for that,
/// `https://` is needed.
pub fn is_word(address: &str) -> bool {
    !address.is_empty() && !address.contains(['.', '/', ':', '{'])
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
}
