//! The options of `set-hook` for actions.

use std::time::Duration;

use clap::Args;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::action::audience::{Audience, UnknownWho, Who};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::{Placeholder, Template, TemplateError};
use crate::hook::action::url_template::{UrlError, UrlTemplate};
use crate::hook::action::{Action, Body, LogFileError, Method, Separator, WebRequest, Work};
use crate::request::ValueSource;

/// What msipcfg does on an event, and for whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Actions")]
pub(super) struct ActionArgs {
    /// Open a web page, for example https://crm.example/find?phone={number}
    #[arg(long, value_name = "URL", group = "work")]
    open: Option<String>,

    /// Show a message, for example "{name|number} is calling"
    #[arg(long, value_name = "TEXT", group = "work")]
    notify: Option<String>,

    /// Page that a click on the message opens
    #[arg(long, value_name = "URL")]
    link: Option<String>,

    /// Send the call to a web service as JSON
    #[arg(long, value_name = "URL", group = "work")]
    post: Option<String>,

    /// Request a web address
    #[arg(long, value_name = "URL", group = "work")]
    get: Option<String>,

    /// Add a line to a file, which ends with .csv, .jsonl or .txt
    #[arg(long, value_name = "FILE", group = "work")]
    log: Option<String>,

    /// Header of a request; its value comes from a variable or a file: NAME=@env:VARIABLE or NAME=@FILE
    #[arg(long, value_name = "NAME=@env:VARIABLE")]
    header: Vec<String>,

    /// How long to repeat a request that gets no answer, for example 24h [default: 1h]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    retry: Option<Duration>,

    /// Only for these callers: external, internal, anonymous, or numbers such as +49*
    #[arg(long, value_name = "WHO")]
    only: Vec<String>,

    /// Not for these callers
    #[arg(long, value_name = "WHO")]
    except: Vec<String>,

    /// Calling code of your country, such as 49, which {number:e164}, {name} and --only use. It is set once for all
    /// actions
    #[arg(long, value_name = "CODE", value_parser = calling_code)]
    pub country: Option<u16>,

    /// Keep what the event does now, and do this too
    #[arg(long)]
    pub add: bool,

    /// Path of msipcfg-run.exe on the computer that uses the ini [default: next to msipcfg.exe]
    #[arg(long, value_name = "PATH")]
    pub runner: Option<String>,
}

impl ActionArgs {
    /// Returns the action, if an option names one.
    pub fn action(&self) -> Result<Option<Action>, ActionError> {
        let Some(work) = self.work()? else {
            let given = [
                ("--link", self.link.is_some(), "--notify"),
                ("--header", !self.header.is_empty(), "--post or --get"),
                ("--retry", self.retry.is_some(), "--post or --get"),
                ("--only", !self.only.is_empty(), "an action such as --open"),
                ("--except", !self.except.is_empty(), "an action such as --open"),
                ("--country", self.country.is_some(), "an action such as --open"),
            ];
            return match given.into_iter().find(|(_, is_given, _)| *is_given) {
                Some((option, _, needed)) => Err(ActionError::OptionAlone { option, needed }),
                None => Ok(None),
            };
        };
        let is_request = matches!(work, Work::Send(_));
        if !is_request && (!self.header.is_empty() || self.retry.is_some()) {
            let option = if self.header.is_empty() { "--retry" } else { "--header" };
            return Err(ActionError::OptionAlone { option, needed: "--post or --get" });
        }
        if self.link.is_some() && !matches!(work, Work::Notify { .. }) {
            return Err(ActionError::OptionAlone { option: "--link", needed: "--notify" });
        }
        let callers = |list: &[String]| list.iter().map(|who| who.parse::<Who>()).collect::<Result<_, _>>();
        Ok(Some(Action {
            work,
            audience: Audience { only: callers(&self.only)?, except: callers(&self.except)? },
        }))
    }

    /// Returns the headers, and where their values come from.
    pub fn headers(&self) -> Result<Vec<(String, ValueSource)>, ActionError> {
        let mut headers: Vec<(String, ValueSource)> = Vec::new();
        for given in &self.header {
            let (name, source) = header(given)?;
            if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(ActionError::HeaderTwice { name });
            }
            headers.push((name, source));
        }
        Ok(headers)
    }

    fn work(&self) -> Result<Option<Work>, ActionError> {
        let request = |method, url: &String| -> Result<Work, ActionError> {
            Ok(Work::Send(WebRequest {
                method,
                url: UrlTemplate::parse(url)?,
                headers: Vec::new(),
                retry: self.retry.unwrap_or(WebRequest::RETRY),
                secret: None,
            }))
        };
        Ok(Some(if let Some(url) = &self.open {
            Work::Open { url: UrlTemplate::parse(url)?, again_after: Work::AGAIN_AFTER }
        } else if let Some(text) = &self.notify {
            if text.trim().is_empty() {
                return Err(ActionError::EmptyMessage);
            }
            let link = self.link.as_ref().map(|link| UrlTemplate::parse(link)).transpose()?;
            Work::Notify { text: Template::parse(text)?, link }
        } else if let Some(url) = &self.post {
            request(Method::Post(Body::Call), url)?
        } else if let Some(url) = &self.get {
            request(Method::Get, url)?
        } else if let Some(file) = &self.log {
            Work::log(file.clone(), Separator::default())
                .map_err(|source| ActionError::LogFile { file: file.clone(), source })?
        } else {
            return Ok(None);
        }))
    }
}

fn calling_code(text: &str) -> Result<u16, String> {
    Numbers::calling_code(text)
        .ok_or_else(|| "expected the calling code of a country, for example 49".to_string())
}

/// Parses a header. Text on the command line, where other programs can read it, can't be a password: it needs an
/// environment variable in it, or a name that is never secret.
fn header(given: &str) -> Result<(String, ValueSource), ActionError> {
    const PUBLIC: [&str; 5] = ["accept", "accept-language", "content-type", "from", "user-agent"];
    let form = || ActionError::HeaderForm { given: given.to_string() };
    let (name, value) = given.split_once('=').ok_or_else(form)?;
    if !WebRequest::is_header_name(name) || value.is_empty() {
        return Err(form());
    }
    if WebRequest::sets_header(name) {
        return Err(ActionError::OwnHeader { name: name.to_string() });
    }
    let source = match value.strip_prefix('@') {
        Some(source) => match source.strip_prefix("env:") {
            Some("") => return Err(form()),
            Some(variable) => ValueSource::Variable(variable.to_string()),
            None => ValueSource::File(source.into()),
        },
        None => {
            let template = Template::parse_private(value)?;
            let has_variable = template.placeholders().any(|one| matches!(one, Placeholder::Env(_)));
            if !has_variable && !PUBLIC.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(ActionError::HeaderInline { name: name.to_string() });
            }
            ValueSource::Inline(value.to_string())
        }
    };
    Ok((name.to_string(), source))
}

/// A mistake in the options for actions.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    #[error("an event gets an action or a program in one command, not both")]
    WithProgram,
    #[error("{option} needs {needed}")]
    OptionAlone { option: &'static str, needed: &'static str },
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Who(#[from] UnknownWho),
    #[error("calls can't be logged to '{file}': {source}")]
    LogFile { file: String, source: LogFileError },
    #[error("the message is empty")]
    EmptyMessage,
    #[error("'{given}' isn't in the form NAME=@env:VARIABLE")]
    HeaderForm { given: String },
    #[error("msipcfg itself sets the header {name} of each request")]
    OwnHeader { name: String },
    #[error("the header {name} is given twice")]
    HeaderTwice { name: String },
    #[error("the value of {name} was given on the command line, where other programs can read it")]
    HeaderInline { name: String },
}

impl ToDiagnostic for ActionError {
    fn code(&self) -> Code {
        match self {
            ActionError::Url(_)
            | ActionError::Template(_)
            | ActionError::Who(_)
            | ActionError::EmptyMessage
            | ActionError::LogFile { .. } => Code::ActionRefused,
            ActionError::HeaderInline { .. } => Code::SecretInline,
            ActionError::WithProgram
            | ActionError::OptionAlone { .. }
            | ActionError::HeaderForm { .. }
            | ActionError::OwnHeader { .. }
            | ActionError::HeaderTwice { .. } => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            ActionError::Url(error) => return error.hint(),
            ActionError::Template(error) => return error.hint(),
            ActionError::Who(_) => return None,
            ActionError::EmptyMessage => "for example --notify \"{name|number} is calling\"",
            ActionError::WithProgram => "to do both, add the program with --add in a second command",
            ActionError::OptionAlone { .. } => "'msipcfg help set-hook' has examples",
            ActionError::LogFile { source: LogFileError::Name(_), .. } => return None,
            ActionError::LogFile { .. } => "a .csv file opens in Excel",
            ActionError::HeaderForm { .. } => "for example --header Authorization=@env:CRM_TOKEN",
            ActionError::OwnHeader { .. } | ActionError::HeaderTwice { .. } => "remove this --header",
            ActionError::HeaderInline { .. } => {
                "put it in an environment variable and use NAME=@env:VARIABLE, or in a file and use NAME=@FILE"
            }
        };
        Some(hint.into())
    }
}
