//! Actions: what a hook does without a script. A hook is either a program, which MicroSIP starts, or a list of actions,
//! which msipcfg carries out. Pure.

pub mod audience;
pub mod numbers;
pub mod template;
pub mod url_template;

use std::iter;
use std::time::Duration;

use serde_json::Value as Json;

use super::command::HookCommand;
use super::event::Event;
use super::target;
use audience::Audience;
use numbers::{NumberForm, Numbers};
use template::{CallFacts, Placeholder, Template};
use url_template::UrlTemplate;

/// Everything that `hooks.toml` says: the actions of each event, and the settings for all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actions {
    /// How long calls are remembered.
    pub history: History,
    /// How phone numbers are read.
    pub numbers: Numbers,
    /// The events that have actions, each once, and their actions in the order in which they start.
    pub hooks: Vec<(Event, Vec<Action>)>,
}

impl Actions {
    /// Returns the actions of an event.
    pub fn of(&self, event: Event) -> &[Action] {
        let hook = self.hooks.iter().find(|(other, _)| *other == event);
        hook.map_or(&[], |(_, actions)| actions)
    }

    /// Returns the events at which the runner must be started, in the order of a call: those that have actions, and
    /// those from which their actions learn how the call went.
    pub fn needed_events(&self) -> Vec<Event> {
        let all = || self.hooks.iter().filter(|(_, actions)| !actions.is_empty());
        let needs_call = all().any(|(_, actions)| actions.iter().any(|action| action.work.needs_call()));
        let is_needed = |event: &&Event| {
            all().any(|(own, _)| own == *event) || needs_call && CALL_EVENTS.contains(*event)
        };
        Event::ALL.iter().filter(is_needed).copied().collect()
    }
}

/// The events that show when a call began, was answered and ended.
pub const CALL_EVENTS: [Event; 5] = [Event::Ring, Event::Start, Event::End, Event::Busy, Event::Outgoing];

/// How long calls are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// Until everything is done.
    Off,
    /// For this time.
    For(Duration),
}

impl Default for History {
    /// 90 days.
    fn default() -> History {
        History::For(Duration::from_secs(90 * 24 * 60 * 60))
    }
}

/// One thing that happens on an event, and for whose calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What happens.
    pub work: Work,
    /// For which callers.
    pub audience: Audience,
}

impl Action {
    /// Returns whether the action isn't for the callers of this call.
    pub fn skips(&self, facts: &CallFacts) -> bool {
        !self.audience.includes(&facts.number, &facts.numbers)
    }

    /// Returns the action for every caller.
    pub fn for_everybody(work: Work) -> Action {
        Action { work, audience: Audience::default() }
    }

    /// Returns the address of the action if it contains a user and a password.
    pub fn private_url_mut(&mut self) -> Option<&mut UrlTemplate> {
        let url = match &mut self.work {
            Work::Open { url, .. } => Some(url),
            Work::Notify { link, .. } => link.as_mut(),
            Work::Send(request) => Some(&mut request.url),
            Work::Log { .. } | Work::Run { .. } => None,
        };
        url.filter(|url| url.has_user())
    }

    /// Returns the private values that are written in the action itself: values of headers and the secret, each with
    /// its place. One that is only named, as in `Bearer {env:TOKEN}`, is somewhere else.
    pub fn secrets_mut(&mut self) -> impl Iterator<Item = (String, &mut Template)> {
        let (headers, secret) = match &mut self.work {
            Work::Send(request) => (&mut request.headers[..], request.secret.as_mut()),
            _ => (&mut [][..], None),
        };
        let headers = headers.iter_mut().map(|(name, value)| (format!("the header {name}"), value));
        let all = headers.chain(secret.map(|secret| ("the secret".to_string(), secret)));
        all.filter(|(_, value)| value.has_own_text())
    }
}

/// What an action does.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Opens a web page in the user's browser.
    Open {
        /// The page.
        url: UrlTemplate,
        /// How long the same page isn't opened again for a caller who rings again.
        again_after: Duration,
    },
    /// Shows a message.
    Notify {
        /// The message.
        text: Template,
        /// The page that a click on it opens.
        link: Option<UrlTemplate>,
    },
    /// Sends a web request.
    Send(WebRequest),
    /// Adds a line to a file.
    Log {
        /// The file, as it was written.
        file: String,
        /// What is between the columns of a CSV file.
        separator: Separator,
    },
    /// Runs a program.
    Run {
        /// The program, as it was written.
        program: String,
        /// Its arguments.
        args: Vec<Template>,
        /// When the program and its children are ended. Without a limit, the action is done once the program has
        /// started.
        timeout: Option<Duration>,
    },
}

impl std::fmt::Display for Action {
    /// Shows what the action does in one line, without headers, bodies, secrets, and passwords in addresses.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.work.kind().name())?;
        match &self.work {
            Work::Open { url, .. } => f.write_str(&url.shown())?,
            Work::Notify { text, link: None } => write!(f, "\"{text}\"")?,
            Work::Notify { text, link: Some(link) } => {
                write!(f, "\"{text}\" (a click opens {})", link.shown())?;
            }
            Work::Send(request) => f.write_str(&request.url.shown())?,
            Work::Log { file, .. } => f.write_str(file)?,
            Work::Run { program, args, .. } => {
                let command = HookCommand {
                    program: program.clone(),
                    args: args.iter().map(Template::to_string).collect(),
                };
                write!(f, "{command}")?;
            }
        }
        for (word, callers) in [("only", &self.audience.only), ("except", &self.audience.except)] {
            if !callers.is_empty() {
                let callers: Vec<String> = callers.iter().map(ToString::to_string).collect();
                write!(f, " ({word} {})", callers.join(", "))?;
            }
        }
        Ok(())
    }
}

/// The kinds of actions. Their names are the keys in `hooks.toml` and the options of `set-hook`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Open,
    Notify,
    Get,
    Post,
    Log,
    Run,
}

impl Kind {
    /// All kinds, in the order of the documentation.
    pub const ALL: &[Kind] = &[Kind::Open, Kind::Notify, Kind::Post, Kind::Get, Kind::Log, Kind::Run];

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Open => "open",
            Kind::Notify => "notify",
            Kind::Get => "get",
            Kind::Post => "post",
            Kind::Log => "log",
            Kind::Run => "run",
        }
    }
}

/// Why calls can't be logged to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFileError {
    /// The name doesn't say in which format.
    #[error("it doesn't end with .csv, .jsonl or .txt")]
    Extension,
    /// Windows has no such files.
    #[error("{0}")]
    Name(&'static str),
}

impl Work {
    /// Returns the work that adds a line to a file.
    ///
    /// # Errors
    /// It can't be such a file.
    pub fn log(file: String, separator: Separator) -> Result<Work, LogFileError> {
        if LogFormat::of(&file).is_none() {
            return Err(LogFileError::Extension);
        }
        match target::defect_of_parts(&file) {
            Some(defect) => Err(LogFileError::Name(defect)),
            None => Ok(Work::Log { file, separator }),
        }
    }

    /// How long a page isn't opened again for a caller who rings again, by default.
    pub const AGAIN_AFTER: Duration = Duration::from_secs(60);

    /// Returns the kind of the action.
    pub fn kind(&self) -> Kind {
        match self {
            Work::Open { .. } => Kind::Open,
            Work::Notify { .. } => Kind::Notify,
            Work::Send(WebRequest { method: Method::Get, .. }) => Kind::Get,
            Work::Send(WebRequest { method: Method::Post(_), .. }) => Kind::Post,
            Work::Log { .. } => Kind::Log,
            Work::Run { .. } => Kind::Run,
        }
    }

    /// Returns whether the action uses what only other events of the call show: who called whom, whether it was
    /// answered, and for how long.
    pub fn needs_call(&self) -> bool {
        let sends_all = matches!(
            self,
            Work::Send(WebRequest { method: Method::Post(Body::Call), .. }) | Work::Log { .. }
        );
        let of_call = |one: &Placeholder| {
            matches!(one, Placeholder::Direction | Placeholder::Answered | Placeholder::Duration)
        };
        sends_all || self.has_placeholder(of_call)
    }

    /// Returns whether the action uses a number in a form that depends on the country.
    pub fn needs_country(&self) -> bool {
        self.has_placeholder(|one| {
            matches!(one, Placeholder::Number(NumberForm::E164 | NumberForm::National))
        })
    }

    fn has_placeholder(&self, is_wanted: impl Fn(&Placeholder) -> bool) -> bool {
        self.templates().into_iter().flat_map(Template::placeholders).any(is_wanted)
    }

    /// Returns all texts with placeholders.
    fn templates(&self) -> Vec<&Template> {
        match self {
            Work::Open { url, .. } => vec![url.template()],
            Work::Notify { text, link } => {
                iter::once(text).chain(link.as_ref().map(UrlTemplate::template)).collect()
            }
            Work::Log { .. } => Vec::new(),
            Work::Run { args, .. } => args.iter().collect(),
            Work::Send(request) => {
                let headers = request.headers.iter().map(|(_, value)| value);
                let url = iter::once(request.url.template());
                url.chain(headers).chain(request.method.templates()).collect()
            }
        }
    }
}

/// A web request.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRequest {
    /// The method, with the body if it has one.
    pub method: Method,
    /// The address.
    pub url: UrlTemplate,
    /// Headers by name. Their values are private.
    pub headers: Vec<(String, Template)>,
    /// How long it is repeated if the server can't be reached or has a problem.
    pub retry: Duration,
    /// The key with which requests are signed. Private.
    pub secret: Option<Template>,
}

impl WebRequest {
    /// How long a request is repeated by default.
    pub const RETRY: Duration = Duration::from_secs(60 * 60);

    /// Returns whether a header can have this name (RFC 9110: a token).
    pub fn is_header_name(name: &str) -> bool {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(is_token)
    }

    /// Returns whether msipcfg sets this header itself, so that nobody else can.
    pub fn sets_header(name: &str) -> bool {
        const OWN: [&str; 6] = [
            "content-length",
            "host",
            "transfer-encoding",
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
        ];
        OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// The method of a web request.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    Get,
    Post(Body),
}

impl Method {
    fn templates(&self) -> Vec<&Template> {
        match self {
            Method::Get | Method::Post(Body::Call) => Vec::new(),
            Method::Post(Body::Json(json)) => json.templates(),
            Method::Post(Body::Form(fields)) => fields.iter().map(|(_, value)| value).collect(),
            Method::Post(Body::Text(text)) => vec![text],
        }
    }
}

/// What a POST request sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The call as JSON.
    Call,
    /// This JSON, with placeholders in its texts.
    Json(JsonTemplate),
    /// The fields of a form.
    Form(Vec<(String, Template)>),
    /// This text.
    Text(Template),
}

/// JSON with placeholders in its texts.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// A number, a boolean or null.
    Fixed(Json),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object, in the order in which it was written.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    fn templates(&self) -> Vec<&Template> {
        match self {
            JsonTemplate::Fixed(_) => Vec::new(),
            JsonTemplate::Text(text) => vec![text],
            JsonTemplate::List(items) => items.iter().flat_map(JsonTemplate::templates).collect(),
            JsonTemplate::Object(entries) => entries.iter().flat_map(|(_, item)| item.templates()).collect(),
        }
    }
}

/// What is between the columns of a CSV file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Separator {
    #[default]
    Comma,
    Semicolon,
}

/// The format of a log file, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A table.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One line of text per call.
    Txt,
}

impl LogFormat {
    /// Returns the format of a file by its name.
    pub fn of(file: &str) -> Option<LogFormat> {
        let (_, extension) = file.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" => Some(LogFormat::Csv),
            "jsonl" => Some(LogFormat::Jsonl),
            "txt" => Some(LogFormat::Txt),
            _ => None,
        }
    }
}
