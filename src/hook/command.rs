//! The command line between the ini and the program, both ways.
//!
//! What MicroSIP does with a command (3.19 to 3.22.16, lib/MSIP.cpp RunCmd): the profile functions take one
//! pair of outer quotes off and cut at 255 characters; the value is split by CommandLineToArgvW; the first
//! part is the file, the others are joined again with single blanks and **without quotes**; a blank and the
//! caller's number follow, bare; ShellExecuteEx starts the file with that text. When MicroSIP saves its
//! settings it writes the value back, bare to 3.21.4, between quotes from 3.21.6.
//!
//! [`run`], [`received`], [`save`] and [`read`] are a model of that. [`encode`] is the way back: it makes
//! candidates and keeps those for which the model says that the program receives what was asked for, at once
//! and after any number of saves.

use std::time::Duration;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::name::ValueText;
use crate::ini::utf16::is_whitespace;
use crate::ini::{Wide, lookup, wide};
use crate::microsip::version::{Dialect, Version};

use super::event::Event;
use super::save_dialect::SaveDialect;

/// UTF-16 code units of a command that MicroSIP reads (all versions).
pub const READ_LIMIT: usize = 255;

/// The longest command that is written: a quoted one of 255 loses its last unit in some readers.
pub const WRITE_LIMIT: usize = READ_LIMIT - 1;

/// How long MicroSIP waits for the program of a hook, from 3.19 (lib/MSIP.cpp RunCmd).
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A program and its arguments, as the program is to receive them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCommand {
    /// The full path of the program.
    pub program: String,
    /// Its arguments, before the caller's number.
    pub args: Vec<String>,
}

impl std::fmt::Display for HookCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&quote(&self.program))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quote(arg)))
    }
}

/// A command in the form it has in an ini.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The value as MicroSIP reads it.
    pub value: String,
    /// Whether it is the same command for every dialect that knows arguments.
    pub holds_everywhere: bool,
}

impl Encoded {
    /// The text behind `=`, as the MicroSIP of that dialect would save it.
    pub fn text(&self, dialect: Dialect) -> String {
        save(&self.value, dialect)
    }
}

/// What MicroSIP does at the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// The value is empty: nothing.
    Nothing,
    /// The value is blank: the split of an empty text yields MicroSIP's own exe, which would dial the number.
    Itself,
    /// A file is started with these parameters, to which a blank and the number are added.
    Program { file: Wide, parameters: Wide },
}

/// Why a command cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("the command is {length} characters long; MicroSIP safely reads {WRITE_LIMIT}")]
    TooLong { length: usize },
    #[error("a MicroSIP of this age ({dialect}) would lose the quotes of this command when it saves it")]
    Unstable { dialect: Dialect },
    #[error("the command is empty")]
    Empty,
    #[error("a MicroSIP older than 3.19 takes the whole command for one file, without arguments")]
    NoArguments,
    #[error("the program's path '{path}' cannot stand in a command")]
    Program { path: String },
    #[error("the argument '{arg}' cannot reach the program unchanged")]
    Argument { arg: String },
    #[error("{mask} would put the account's password on a command line, which every program can read")]
    SecretMask { mask: &'static str },
    #[error("MicroSIP {version} has no event '{event}'")]
    EventUnsupported { event: Event, version: String },
}

impl ToDiagnostic for CommandError {
    fn code(&self) -> Code {
        match self {
            CommandError::TooLong { .. } => Code::HookTooLong,
            CommandError::Empty => Code::HookBlank,
            CommandError::Unstable { .. } => Code::HookUnstable,
            CommandError::NoArguments | CommandError::Argument { .. } => Code::HookArgumentRefused,
            CommandError::Program { .. } => Code::HookTargetBadPath,
            CommandError::SecretMask { .. } => Code::HookMaskSecret,
            CommandError::EventUnsupported { .. } => Code::EventUnsupported,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                CommandError::TooLong { .. } => "put the arguments into a script or a file and set that as the hook",
                CommandError::Unstable { .. } => {
                    "put the program where its path has no blanks, add an argument without blanks, or update MicroSIP \
                     (name its version with --microsip-version if this is not the one)"
                }
                CommandError::Empty => "'msipcfg unset-hook EVENT' removes a hook",
                CommandError::NoArguments => {
                    "set a program without arguments, or name a newer MicroSIP with --microsip-version"
                }
                CommandError::Program { .. } => "name the program by its full path, such as C:\\hooks\\ring.exe",
                CommandError::Argument { .. } => "pass it another way, for example in a file beside the program",
                CommandError::SecretMask { .. } => "leave the mask out, or accept it with 'set-hook --allow-unsafe'",
                CommandError::EventUnsupported { .. } => {
                    "'msipcfg events' lists them; name a newer MicroSIP with --microsip-version if this is not the one"
                }
            }
            .into(),
        )
    }
}

/// The value for a command, the shortest that holds everywhere, or else in this dialect.
///
/// # Errors
/// When no value makes the program receive exactly this, now and after MicroSIP has saved it.
pub fn encode(command: &HookCommand, dialect: Dialect) -> Result<Encoded, CommandError> {
    let HookCommand { program, args } = command;
    let is_bad = |text: &str| ValueText::new(text).is_err();
    if program.is_empty()
        || program.contains('"')
        || is_bad(program)
        || trimmed(&wide(program)) != wide(program)
    {
        return Err(CommandError::Program { path: program.clone() });
    }
    if let Some(arg) = args.iter().find(|arg| is_bad(arg)) {
        return Err(CommandError::Argument { arg: arg.clone() });
    }
    if dialect == Dialect::WholeValue {
        if !args.is_empty() {
            return Err(CommandError::NoArguments);
        }
        let holds_everywhere = !program.contains(BLANKS);
        return fitting(Encoded { value: program.clone(), holds_everywhere });
    }

    let mut start = if program.contains(BLANKS) { format!("\"{program}\"") } else { program.clone() };
    let last_forms = match args.split_last() {
        None => vec![String::new()],
        Some((last, others)) => {
            for arg in others {
                start.push(' ');
                start.push_str(&argument_forms(arg)?[0]);
            }
            // a value that begins with a quote must not end with one where saving loses the pair
            argument_forms(last)?.into_iter().map(|form| format!(" {form}")).collect()
        }
    };
    let values = last_forms.into_iter().map(|last| format!("{start}{last}"));
    let right: Vec<String> = values.filter(|value| arrives(command, value)).collect();
    let is_stable = |value: &String, dialect| read(&wide(&save(value, dialect))) == wide(value);
    let stable_everywhere = right.iter().find(|value| is_stable(value, Dialect::Raw));
    let stable_here = || right.iter().find(|value| is_stable(value, dialect));
    match (right.first(), stable_everywhere.or_else(stable_here)) {
        (_, Some(value)) => {
            fitting(Encoded { value: value.clone(), holds_everywhere: stable_everywhere.is_some() })
        }
        (Some(value), None) if value.encode_utf16().count() > WRITE_LIMIT => {
            Err(CommandError::TooLong { length: value.encode_utf16().count() })
        }
        (Some(_), None) => Err(CommandError::Unstable { dialect }),
        (None, None) => Err(CommandError::Argument { arg: args.join(" ") }),
    }
}

fn fitting(encoded: Encoded) -> Result<Encoded, CommandError> {
    let length = encoded.value.encode_utf16().count();
    if length > WRITE_LIMIT { Err(CommandError::TooLong { length }) } else { Ok(encoded) }
}

/// Whether the model says that the program receives exactly the command, and then the number.
fn arrives(command: &HookCommand, value: &str) -> bool {
    const A_NUMBER: &str = "100";
    let Run::Program { file, parameters } = run(&wide(value), Dialect::PRESENT) else { return false };
    let wanted = command.args.iter().map(String::as_str).chain([A_NUMBER]).map(wide);
    file == wide(&command.program) && received(&parameters, A_NUMBER).into_iter().eq(wanted)
}

/// What MicroSIP does with a value.
pub fn run(value: &[u16], dialect: Dialect) -> Run {
    if value.is_empty() {
        return Run::Nothing;
    }
    if dialect == Dialect::WholeValue {
        return Run::Program { file: value.to_vec(), parameters: Wide::new() };
    }
    let value = trimmed(value);
    if value.is_empty() {
        return Run::Itself;
    }
    let mut parts = command_line_to_argv(&value).into_iter();
    let file = parts.next().unwrap_or_default();
    let parameters = parts.collect::<Vec<_>>().join(&SPACE);
    Run::Program { file, parameters }
}

/// The arguments that a program finds when it is started with these parameters and the caller's number, empty
/// for a caller without one.
pub fn received(parameters: &[u16], caller: &str) -> Vec<Wide> {
    let mut line = wide("program ");
    line.extend(with_caller(parameters, caller, Dialect::PRESENT));
    command_line_to_argv(&line).split_off(1)
}

/// The parameters with which the shell opens the file: those of the command and the caller's number, which is bare,
/// and empty for a caller without one.
pub fn with_caller(parameters: &[u16], caller: &str, dialect: Dialect) -> Wide {
    let mut whole = parameters.to_vec();
    if !caller.is_empty() && dialect != Dialect::WholeValue {
        whole.push(SPACE);
    }
    whole.extend(wide(caller));
    whole
}

/// The text that MicroSIP writes for a value.
pub fn save(value: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::WholeValue | Dialect::Raw => value.to_string(),
        Dialect::Quoted => format!("\"{value}\""),
    }
}

/// The value that MicroSIP reads from the text behind `=`.
pub fn read(text: &[u16]) -> Wide {
    lookup::read_text(text, READ_LIMIT)
}

/// CommandLineToArgvW: how Windows parts a command line. The first part ends at the next quote or blank, no
/// matter what; behind it, `\"` is a quote, two backslashes before a quote are one, and three quotes in a row
/// are one (observed with shell32 of Wine 8.0).
pub fn command_line_to_argv(line: &[u16]) -> Vec<Wide> {
    let mut units = line.iter().copied().peekable();
    let mut program = Wide::new();
    if units.next_if_eq(&QUOTE).is_some() {
        while let Some(unit) = units.next_if(|&unit| unit != QUOTE) {
            program.push(unit);
        }
        units.next();
    } else {
        while let Some(unit) = units.next_if(|&unit| !is_separator(unit)) {
            program.push(unit);
        }
    }
    let mut parts = vec![program];
    loop {
        while units.next_if(|&unit| is_separator(unit)).is_some() {}
        if units.peek().is_none() {
            return parts;
        }
        let mut part = Wide::new();
        let mut open_quotes = 0;
        let mut backslashes = 0_usize;
        while let Some(unit) = units.next_if(|&unit| open_quotes == 1 || !is_separator(unit)) {
            match unit {
                BACKSLASH => {
                    part.push(unit);
                    backslashes += 1;
                    continue;
                }
                QUOTE => {
                    part.truncate(part.len() - backslashes.div_ceil(2));
                    if backslashes % 2 == 1 {
                        part.push(QUOTE);
                    } else {
                        open_quotes += 1;
                    }
                    while units.next_if_eq(&QUOTE).is_some() {
                        open_quotes += 1;
                        if open_quotes == 3 {
                            part.push(QUOTE);
                            open_quotes = 0;
                        }
                    }
                    if open_quotes == 2 {
                        open_quotes = 0;
                    }
                }
                unit => part.push(unit),
            }
            backslashes = 0;
        }
        parts.push(part);
    }
}

const SPACE: u16 = 0x20;
const QUOTE: u16 = 0x22;
const BACKSLASH: u16 = 0x5C;
const BLANKS: [char; 2] = [' ', '\t'];

fn is_separator(unit: u16) -> bool {
    unit == SPACE || unit == 0x09
}

/// As MicroSIP trims a command before it splits it.
fn trimmed(value: &[u16]) -> Wide {
    let is_white = |unit: &u16| is_whitespace(*unit) || matches!(unit, 0x0A | 0x0D);
    let start = value.iter().position(|unit| !is_white(unit)).unwrap_or(value.len());
    let end = value.iter().rposition(|unit| !is_white(unit)).map_or(start, |last| last + 1);
    value[start..end].to_vec()
}

/// The texts in a value that bring an argument to the program unchanged: the shortest first, and where that
/// ends with a quote also the shortest that does not.
fn argument_forms(arg: &str) -> Result<Vec<String>, CommandError> {
    // twice quoted: once for the program's own splitting, once for MicroSIP's
    let mut forms: Vec<String> = [quote(arg), quote_blanks(arg)]
        .iter()
        .flat_map(|inner| [escape_quotes(inner), quote(inner), quote_blanks(inner)])
        .filter(|form| {
            let probe = HookCommand { program: "x".into(), args: vec![arg.to_string()] };
            arrives(&probe, &format!("x {form}"))
        })
        .collect();
    forms.sort_by_key(String::len);
    let bare_end = forms.iter().find(|form| !form.ends_with('"')).cloned();
    forms.truncate(1);
    if forms.is_empty() {
        return Err(CommandError::Argument { arg: arg.to_string() });
    }
    forms.extend(bare_end.filter(|form| *form != forms[0]));
    Ok(forms)
}

/// Between quotes if it must be, so that CommandLineToArgvW gives the text back.
pub fn quote(text: &str) -> String {
    if text.is_empty() || text.contains([' ', '\t', '\u{B}']) {
        between_quotes(text)
    } else {
        escape_quotes(text)
    }
}

/// Between quotes, so that CommandLineToArgvW gives the text back.
pub fn between_quotes(text: &str) -> String {
    let backslashes = text.len() - text.trim_end_matches('\\').len();
    format!("\"{}{}\"", escape_quotes(text), "\\".repeat(backslashes))
}

/// A backslash before each quote, and another for each backslash before it.
pub fn escape_quotes(text: &str) -> String {
    let mut escaped = String::new();
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            escaped.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        escaped.push(c);
    }
    escaped
}

/// Quotes round the blanks only: the text need not end with one.
fn quote_blanks(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    let mut quoted = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let plain = &rest[..rest.find(BLANKS).unwrap_or(rest.len())];
        quoted.push_str(&escape_quotes(plain));
        rest = &rest[plain.len()..];
        let blanks = &rest[..rest.len() - rest.trim_start_matches(BLANKS).len()];
        if !blanks.is_empty() {
            let backslashes = plain.len() - plain.trim_end_matches('\\').len();
            quoted.push_str(&"\\".repeat(backslashes));
            quoted.push('"');
            quoted.push_str(blanks);
            quoted.push('"');
        }
        rest = &rest[blanks.len()..];
    }
    quoted
}

/// The masks that the command of an outgoing call may hold (3.22.3, global.cpp), and since when.
const MASKS: &[(&str, Version)] = &[
    ("{server}", Version(3, 21, 3)),
    ("{extension}", Version(3, 21, 3)),
    ("{time}", Version(3, 21, 3)),
    ("{duration}", Version(3, 21, 3)),
    ("{user}", Version(3, 21, 3)),
    ("{number}", Version(3, 21, 3)),
    ("{domain}", Version(3, 21, 3)),
    ("{name}", Version(3, 21, 3)),
    ("{callerid}", Version(3, 21, 3)),
    ("{password}", Version(3, 21, 6)),
    ("{md5_password}", Version(3, 21, 6)),
    ("{callid}", Version(3, 21, 6)),
    ("{direction}", Version(3, 21, 6)),
];

/// Masks that always have the same text at an outgoing call, the only one at which they are replaced (3.22.3, global.cpp
/// URLMask).
pub const CONSTANT_MASKS: &[(&str, &str)] = &[("{callid}", ""), ("{direction}", ""), ("{duration}", "-1")];

/// Masks that give the account's password away.
pub const SECRET_MASKS: &[&str] = &["{password}", "{md5_password}"];

/// The masks in a text, whether or not the event expands them.
pub fn masks(text: &str) -> impl Iterator<Item = &'static str> + '_ {
    let text = text.to_ascii_lowercase();
    MASKS.iter().map(|(mask, _)| *mask).filter(move |mask| text.contains(mask))
}

/// The masks that MicroSIP replaces in this text: in the outgoing event, in versions that know them.
pub fn expanded_masks<'a>(
    text: &'a str,
    event: Event,
    version: Option<Version>,
) -> impl Iterator<Item = &'static str> + 'a {
    masks(text).filter(move |mask| event.expands_masks() && (version.is_none() || version >= since(mask)))
}

fn since(mask: &str) -> Option<Version> {
    MASKS.iter().find(|(known, _)| *known == mask).map(|(_, since)| *since)
}

/// The mask in a text that gives the account's password away, where it is expanded.
pub fn secret_mask(text: &str, event: Event, version: Option<Version>) -> Option<&'static str> {
    expanded_masks(text, event, version).find(|mask| SECRET_MASKS.contains(mask))
}

/// A reason why a command does not do what its author meant, told from its text alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFault {
    #[error("the value is blank, not empty: MicroSIP would start itself and dial the caller")]
    Blank,
    #[error("the value is a web address; MicroSIP starts a program")]
    Url,
    #[error("the value has {length} characters; MicroSIP reads {READ_LIMIT} and loses the rest")]
    Cut { length: usize },
    #[error("the first and the last quote are taken off when the value is read, so that '{file}' is started")]
    QuotesLost { file: String },
    #[error(
        "the first and the last quote are gone, as after a save by a MicroSIP up to 3.21.4, so that '{file}' is started"
    )]
    Decayed { file: String },
    #[error("the path '{path}' has blanks and is read without quotes, so that '{file}' is started")]
    PathUnquoted { path: String, file: String },
    #[error("the argument '{arg}' loses its quotes and arrives in {pieces} pieces")]
    ArgumentSplit { arg: String, pieces: usize },
    #[error("MicroSIP will save this command without its outer quotes, and then run another one")]
    Unstable,
    #[error("MicroSIP replaces no {placeholder}; the number comes as the last argument")]
    Placeholder { placeholder: String },
    #[error("{mask} is not replaced here: only the outgoing event of {since} and newer does so")]
    MaskIgnored { mask: &'static str, since: Version },
    #[error("{mask} puts the account's password on a command line")]
    SecretMask { mask: &'static str },
    #[error("{mask} says nothing here: at an outgoing call it is always {text}")]
    MaskConstant { mask: &'static str, text: &'static str },
    #[error("the number comes as an argument of its own: '{option}' stays empty")]
    NumberDetached { option: String },
    #[error("an open quote takes the number into the last argument, such as '{arg}'")]
    NumberJoined { arg: String },
}

impl CommandFault {
    /// Whether the command fails, or runs another program than was meant; otherwise it is only a warning.
    pub fn is_fatal(&self) -> bool {
        use CommandFault as F;
        !matches!(
            self,
            F::Placeholder { .. }
                | F::MaskIgnored { .. }
                | F::NumberDetached { .. }
                | F::NumberJoined { .. }
                | F::SecretMask { .. }
                | F::MaskConstant { .. }
        )
    }
}

impl ToDiagnostic for CommandFault {
    fn code(&self) -> Code {
        match self {
            CommandFault::Blank => Code::HookBlank,
            CommandFault::Url => Code::HookUrl,
            CommandFault::Cut { .. } => Code::HookCut,
            CommandFault::QuotesLost { .. } => Code::HookQuotesLost,
            CommandFault::Decayed { .. } => Code::HookDecayed,
            CommandFault::PathUnquoted { .. } => Code::HookPathUnquoted,
            CommandFault::ArgumentSplit { .. } => Code::HookArgumentSplit,
            CommandFault::Unstable => Code::HookUnstable,
            CommandFault::Placeholder { .. } => Code::HookPlaceholder,
            CommandFault::MaskIgnored { .. } => Code::HookMaskIgnored,
            CommandFault::SecretMask { .. } => Code::HookMaskSecret,
            CommandFault::MaskConstant { .. } => Code::HookMaskConstant,
            CommandFault::NumberDetached { .. } => Code::HookNumberDetached,
            CommandFault::NumberJoined { .. } => Code::HookNumberJoined,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            CommandFault::Blank => "remove it with unset-hook".into(),
            CommandFault::Url => "set a program that opens the address".into(),
            CommandFault::Cut { .. } => "put the arguments into a script and set that".into(),
            CommandFault::MaskIgnored { .. } | CommandFault::Placeholder { .. } => {
                "leave it out, and read the last argument in the program".into()
            }
            CommandFault::SecretMask { .. } => "set the hook again without the mask".into(),
            CommandFault::MaskConstant { .. } => {
                "leave it out; an argument of nothing but an empty mask is none".into()
            }
            CommandFault::NumberDetached { .. } => {
                "let the program read the number from its last argument".into()
            }
            CommandFault::QuotesLost { .. }
            | CommandFault::Decayed { .. }
            | CommandFault::PathUnquoted { .. }
            | CommandFault::ArgumentSplit { .. }
            | CommandFault::NumberJoined { .. } => {
                "set it with 'msipcfg set-hook EVENT PROGRAM ARGS', which finds a form that lasts".into()
            }
            CommandFault::Unstable => {
                "set it with one argument more, 'msipcfg set-hook EVENT PROGRAM -': that lasts".into()
            }
        })
    }
}

/// What a text behind `=` says, ours or hand-written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The value as MicroSIP reads it.
    pub value: String,
    /// The program that MicroSIP starts, if any.
    pub program: Option<String>,
    /// What the program receives before the caller's number.
    pub args: Vec<String>,
    /// Where that is not what was meant.
    pub faults: Vec<CommandFault>,
}

impl Decoded {
    /// The command, if there is one.
    pub fn command(&self) -> Option<HookCommand> {
        self.program.clone().map(|program| HookCommand { program, args: self.args.clone() })
    }
}

/// What MicroSIP makes of a text behind `=`, and what its author may have meant otherwise.
pub fn decode(text: &[u16], event: Event, save_dialect: &SaveDialect) -> Decoded {
    let value = read(text);
    let lossy = String::from_utf16_lossy(&value);
    let mut faults = Vec::new();
    let whole = lookup::read_text(text, lookup::NO_LIMIT).len();
    if whole > READ_LIMIT {
        faults.push(CommandFault::Cut { length: whole });
    }
    let (program, args) = match run(&value, save_dialect.dialect) {
        Run::Nothing => (None, Vec::new()),
        Run::Itself => {
            faults.push(CommandFault::Blank);
            (None, Vec::new())
        }
        Run::Program { file, parameters } => {
            let file = String::from_utf16_lossy(&file);
            if save_dialect.dialect != Dialect::WholeValue {
                faults.extend(misread(text, &lossy, &file, &parameters));
            }
            if read(&wide(&save(&lossy, save_dialect.dialect))) != wide(&lossy) && whole <= READ_LIMIT {
                faults.push(CommandFault::Unstable);
            }
            faults.extend(placeholders(&lossy, event, save_dialect.version));
            let args: Vec<String> =
                received(&parameters, "").iter().map(|arg| String::from_utf16_lossy(arg)).collect();
            if let Some(option) = args.last().filter(|arg| arg.starts_with(['-', '/']) && arg.ends_with('='))
            {
                faults.push(CommandFault::NumberDetached { option: option.clone() });
            }
            faults.extend(joined_number(&file, &args, &parameters));
            (Some(file), args)
        }
    };
    Decoded { value: lossy, program, args, faults }
}

/// Quotes and blanks that part the command elsewhere than its author thought.
fn misread(text: &[u16], value: &str, file: &str, parameters: &[u16]) -> Vec<CommandFault> {
    let mut faults = Vec::new();
    let has_lost_a_pair = text.len() > value.encode_utf16().count();
    // inside out: what was a closing quote is the first one now
    let first_quote = value.find('"').filter(|&at| {
        let before = value[..at].chars().next_back();
        let behind = value[at + 1..].chars().next();
        before.is_some_and(|c| !c.is_whitespace() && c != '\\' && c != '=')
            && behind.is_none_or(char::is_whitespace)
    });
    let parts: Vec<String> =
        command_line_to_argv(&wide(value.trim())).iter().map(|part| String::from_utf16_lossy(part)).collect();
    if has_lost_a_pair && first_quote.is_some() {
        return vec![CommandFault::QuotesLost { file: file.to_string() }];
    }
    // one more in front and behind, and all of them pair up
    let has_open_end = value.matches('"').count().is_multiple_of(2) && !value.ends_with('"');
    if first_quote.is_some() && has_open_end && value.contains('\\') {
        return vec![CommandFault::Decayed { file: file.to_string() }];
    }
    if is_web_address(file) {
        faults.push(CommandFault::Url);
    } else if let Some(path) = unquoted_path(value.trim()) {
        faults.push(CommandFault::PathUnquoted { path, file: file.to_string() });
    }
    if !reads_its_whole_command_line(file, &parts) {
        for part in parts[1..].iter().filter(|part| part.is_empty() || part.contains(BLANKS)) {
            let pieces = received(&wide(part), "").len();
            // more quotes inside may hold it together across parts: then all arrive as they stand
            if pieces != 1 && !received(parameters, "").contains(&wide(part)) {
                faults.push(CommandFault::ArgumentSplit { arg: part.clone(), pieces });
            }
        }
    }
    faults
}

/// The last argument where the caller's number becomes a part of it.
fn joined_number(file: &str, args: &[String], parameters: &[u16]) -> Option<CommandFault> {
    const A_NUMBER: &str = "100";
    let arrived = received(parameters, A_NUMBER);
    if arrived.last().is_none_or(|last| *last == wide(A_NUMBER)) {
        return None;
    }
    let parts: Vec<String> =
        std::iter::once(file).chain(args.iter().map(String::as_str)).map(str::to_string).collect();
    let arg = arrived.last().map(|last| String::from_utf16_lossy(last))?;
    (!reads_its_whole_command_line(file, &parts)).then_some(CommandFault::NumberJoined { arg })
}

/// Shells read the text behind the program's name as it is, so that split arguments do not hurt them.
pub fn reads_its_whole_command_line(file: &str, parts: &[String]) -> bool {
    let name = file.rsplit(['\\', '/']).next().unwrap_or(file).to_ascii_lowercase();
    let stem = name.strip_suffix(".exe").unwrap_or(&name);
    let runs_a_file = parts.iter().any(|part| part.eq_ignore_ascii_case("-File"));
    matches!(stem, "cmd" | "powershell" | "pwsh") && !runs_a_file
}

fn is_web_address(file: &str) -> bool {
    let scheme = file.split("://").next().unwrap_or_default();
    file.contains("://") && scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Endings of files that people set as hooks.
const PROGRAM_ENDINGS: &[&str] =
    &[".exe", ".com", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".wsf", ".py", ".pyw", ".jar"];

/// A path with blanks that stands without quotes at the start: its first word is no program, a longer piece is.
fn unquoted_path(value: &str) -> Option<String> {
    let ends_like_a_program = |text: &str| {
        let text = text.to_ascii_lowercase();
        PROGRAM_ENDINGS.iter().any(|ending| text.ends_with(ending))
    };
    let first = value.split(BLANKS).next()?;
    if value.starts_with('"') || !first.contains('\\') || ends_like_a_program(first) {
        return None;
    }
    let ends = value.match_indices(BLANKS).map(|(at, _)| at).chain([value.len()]);
    ends.map(|end| &value[..end]).find(|path| ends_like_a_program(path)).map(str::to_string)
}

fn placeholders(value: &str, event: Event, version: Option<Version>) -> Vec<CommandFault> {
    let expanded: Vec<_> = expanded_masks(value, event, version).collect();
    let ignored = masks(value).filter(|mask| !expanded.contains(mask));
    let mut faults: Vec<CommandFault> =
        ignored.filter_map(|mask| Some(CommandFault::MaskIgnored { mask, since: since(mask)? })).collect();
    faults.extend(secret_mask(value, event, version).map(|mask| CommandFault::SecretMask { mask }));
    let constant = CONSTANT_MASKS.iter().filter(|(mask, _)| expanded.contains(mask));
    faults.extend(constant.map(|(mask, text)| CommandFault::MaskConstant {
        mask,
        text: if text.is_empty() { "empty" } else { text },
    }));
    let words =
        value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '=' | '&' | '?' | '/' | ':' | ','));
    let is_placeholder = |word: &&str| {
        matches!(*word, "%s" | "%d" | "%n" | "%u")
            || word.strip_prefix('%').is_some_and(|rest| {
                rest.len() == 1 && rest.starts_with(|c: char| c.is_ascii_digit())
                    || rest.strip_suffix('%').is_some_and(|name| {
                        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    })
            })
    };
    faults.extend(
        words.filter(is_placeholder).map(|word| CommandFault::Placeholder { placeholder: word.to_string() }),
    );
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn argv(line: &str) -> Vec<String> {
        command_line_to_argv(&wide(line)).iter().map(|part| String::from_utf16_lossy(part)).collect()
    }

    fn hook(program: &str, args: &[&str]) -> HookCommand {
        HookCommand { program: program.into(), args: args.iter().map(ToString::to_string).collect() }
    }

    fn value(program: &str, args: &[&str], dialect: Dialect) -> Result<String, CommandError> {
        encode(&hook(program, args), dialect).map(|encoded| encoded.value)
    }

    fn save_dialect(dialect: Dialect) -> SaveDialect {
        SaveDialect { dialect, version: None, certain: true }
    }

    fn faults(text: &str, event: Event) -> Vec<CommandFault> {
        decode(&wide(text), event, &save_dialect(Dialect::Quoted)).faults
    }

    #[test]
    fn a_command_line_is_parted_as_windows_does() {
        for (line, parts) in [
            (r#"a b  c"#, &["a", "b", "c"][..]),
            (r#""a b" c"#, &["a b", "c"]),
            (r#""a b"c"#, &["a b", "c"]),
            (r#"C:\a"b c"#, &[r#"C:\a"b"#, "c"]),
            (r#"x "a b" \"c d\""#, &["x", "a b", "\"c", "d\""]),
            (r#"x "a\\" b\\c \\\"d"#, &["x", r"a\", r"b\\c", r#"\"d"#]),
            (r#"x "" y"#, &["x", "", "y"]),
            (r#"x "& ""C:\y.ps1""" z"#, &["x", r#"& "C:\y.ps1""#, "z"]),
            (r#"x """a""" "b"#, &["x", r#""a""#, "b"]),
            ("x\ta\t", &["x", "a"]),
            (r#""a b"#, &["a b"]),
        ] {
            assert_eq!(argv(line), parts, "{line}");
        }
    }

    #[test]
    fn plain_commands_stand_as_they_are_typed() {
        assert_eq!(value(r"C:\hooks\ring.exe", &[], Dialect::Quoted).unwrap(), r"C:\hooks\ring.exe");
        let plain = value(r"C:\hooks\ring.exe", &["--to", "crm"], Dialect::Raw).unwrap();
        assert_eq!(plain, r"C:\hooks\ring.exe --to crm");
    }

    #[test]
    fn blanks_take_the_form_that_survives_the_rejoining() {
        let path = value(r"C:\a b\x.exe", &["-"], Dialect::Raw).unwrap();
        assert_eq!(path, r#""C:\a b\x.exe" -"#);
        let argument = value(r"C:\x.exe", &["a b"], Dialect::Quoted).unwrap();
        assert_eq!(argument, r#"C:\x.exe \"a b\""#);
        // begins with a quote, so that it must not end with one where saving is bare
        let both = encode(&hook(r"C:\a b\x.exe", &["y z"]), Dialect::Quoted).unwrap();
        assert_eq!((both.value.as_str(), both.holds_everywhere), (r#""C:\a b\x.exe" y\" \"z"#, true));
    }

    #[test]
    fn a_lone_path_with_blanks_lasts_only_where_commands_are_saved_in_quotes() {
        let lone = hook(r"C:\a b\x.exe", &[]);
        let encoded = encode(&lone, Dialect::Quoted).unwrap();
        assert_eq!(encoded.text(Dialect::Quoted), r#"""C:\a b\x.exe"""#);
        assert!(!encoded.holds_everywhere);
        assert_eq!(encode(&lone, Dialect::Raw), Err(CommandError::Unstable { dialect: Dialect::Raw }));
        assert_eq!(encode(&lone, Dialect::WholeValue).unwrap().value, r"C:\a b\x.exe");
        assert_eq!(encode(&hook("C:\\x.exe", &["a"]), Dialect::WholeValue), Err(CommandError::NoArguments));
    }

    #[test]
    fn the_limit_counts_utf16_units() {
        let path = |length: usize| format!("C:\\{}.exe", "x".repeat(length - 7));
        assert!(value(&path(254), &[], Dialect::Quoted).is_ok());
        assert_eq!(value(&path(255), &[], Dialect::Quoted), Err(CommandError::TooLong { length: 255 }));
        let emoji = format!("C:\\{}.exe", "😀".repeat(124));
        assert_eq!(value(&emoji, &[], Dialect::Quoted), Err(CommandError::TooLong { length: 255 }));
    }

    #[test]
    fn what_would_plant_a_line_is_refused() {
        assert!(matches!(
            value("C:\\x.exe", &["a\r\nb"], Dialect::Quoted),
            Err(CommandError::Argument { .. })
        ));
        assert!(matches!(value("C:\\x\n.exe", &[], Dialect::Quoted), Err(CommandError::Program { .. })));
    }

    #[test]
    fn masks_count_only_where_they_are_expanded() {
        let masks = |text, event, version| secret_mask(text, event, version);
        assert_eq!(masks("-p {password}", Event::Outgoing, None), Some("{password}"));
        assert_eq!(masks("-p {password}", Event::Ring, None), None);
        assert_eq!(masks("-p {password}", Event::Outgoing, Some(Version(3, 21, 3))), None);
        assert_eq!(
            faults(r"C:\x.exe {number}", Event::Ring),
            [CommandFault::MaskIgnored { mask: "{number}", since: Version(3, 21, 3) }]
        );
        assert!(faults(r"C:\x.exe {number}", Event::Outgoing).is_empty());
        assert_eq!(
            faults(r"C:\x.exe {number} {CallId} {duration}", Event::Outgoing),
            [("{callid}", "empty"), ("{duration}", "-1")]
                .map(|(mask, text)| CommandFault::MaskConstant { mask, text })
        );
    }

    #[test]
    fn faults_name_what_was_not_meant() {
        let one = |text: &str| {
            let faults = faults(text, Event::Ring);
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            faults[0].code()
        };
        assert_eq!(one("\" \""), Code::HookBlank);
        assert_eq!(one("https://crm.example.org/call"), Code::HookUrl);
        assert_eq!(one(r"C:\Program Files\x.exe -a"), Code::HookPathUnquoted);
        assert_eq!(one(r#""C:\Program Files\x.exe""#), Code::HookPathUnquoted);
        assert_eq!(one(r#""C:\Program Files\x.exe" "y z""#), Code::HookQuotesLost);
        assert_eq!(one(r#"C:\x.exe "y z" a"#), Code::HookArgumentSplit);
        assert_eq!(one(r#"C:\x.exe "" a"#), Code::HookArgumentSplit);
        assert_eq!(one(r"C:\x.exe %callerid%"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe %1"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe https://crm.example.org/call/%callerid%"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe tel:%1"), Code::HookPlaceholder);
        assert_eq!(one(r"C:\x.exe --cid="), Code::HookNumberDetached);
        assert_eq!(one(r#"C:\x.exe \"a"#), Code::HookNumberJoined);
        assert_eq!(one(&format!("C:\\{}.exe", "x".repeat(300))), Code::HookCut);
    }

    #[test]
    fn commands_that_work_have_no_faults() {
        for text in [
            "",
            r"C:\hooks\ring.bat",
            r#""C:\hooks\ring.exe""#,
            r#"""C:\Program Files\x.exe"""#,
            r#""C:\a b\sendosc.exe" 127.0.0.1 9001 /microsip s"#,
            r#"powershell "& ""C:\Users\me\callback.ps1""" cmdCallRing"#,
            r#""python" "C:\path\call_hook.py" start"#,
            r#""powershell.exe -NoProfile -File C:\x\y.ps1 answered""#,
            r#""C:\x.exe \"y z\"""#,
            r"C:\x.exe https://crm.example.org/a%20b/%C3%A4",
        ] {
            assert_eq!(faults(text, Event::Ring), [], "{text}");
        }
    }

    #[test]
    fn a_form_that_decays_is_told_in_the_dialect_that_saves_it_bare() {
        let text = wide(r#"""C:\Program Files\x.exe"""#);
        let decoded = decode(&text, Event::Ring, &save_dialect(Dialect::Raw));
        assert_eq!(decoded.program.as_deref(), Some(r"C:\Program Files\x.exe"));
        assert_eq!(decoded.faults, [CommandFault::Unstable]);
    }

    fn program() -> impl Strategy<Value = String> {
        r"[A-Z]:(\\[a-zA-Z0-9 äЖ'=&%^()+,;.~{}-]{0,11}[a-z0-9]){1,4}\.exe"
    }

    fn argument() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9 \\\\\"'=&%^{}\t-]{0,16}",
            "[ \\\\\"\t]{0,6}",
            "\\PC{0,12}",
            Just(String::new())
        ]
    }

    fn caller() -> impl Strategy<Value = String> {
        "[0-9a-z+&;|^%\"' -]{0,12}"
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_accepted_arrives_intact_however_often_it_is_saved(
            program in program(),
            args in prop::collection::vec(argument(), 0..4),
            caller in caller(),
        ) {
            let command = HookCommand { program, args };
            for dialect in [Dialect::WholeValue, Dialect::Raw, Dialect::Quoted] {
                let Ok(encoded) = encode(&command, dialect) else { continue };
                let mut readers = vec![dialect];
                if encoded.holds_everywhere {
                    readers.extend([Dialect::Raw, Dialect::Quoted]);
                }
                for reader in readers {
                    let mut text = encoded.text(dialect);
                    for saves in 0..=3 {
                        let value = read(&wide(&text));
                        let Run::Program { file, parameters } = run(&value, reader) else {
                            panic!("nothing runs after {saves} saves: {text}");
                        };
                        prop_assert_eq!(&file, &wide(&command.program));
                        let mut wanted: Vec<Wide> = command.args.iter().map(|arg| wide(arg)).collect();
                        wanted.extend(command_line_to_argv(&wide(&format!("x {caller}"))).split_off(1));
                        prop_assert_eq!(received(&parameters, &caller), wanted);
                        text = save(&String::from_utf16(&value).unwrap(), reader);
                    }
                }
                let decoded = decode(&wide(&encoded.text(dialect)), Event::Ring, &save_dialect(dialect));
                prop_assert_eq!(decoded.command(), Some(command.clone()));
                prop_assert!(decoded.faults.iter().all(|fault| !fault.is_fatal()), "{:?}", decoded.faults);
            }
        }

        #[test]
        fn where_commands_are_saved_in_quotes_only_length_is_refused(
            program in program(),
            args in prop::collection::vec(argument(), 0..4),
        ) {
            let result = encode(&HookCommand { program, args }, Dialect::Quoted);
            prop_assert!(matches!(result, Ok(_) | Err(CommandError::TooLong { .. })), "{:?}", result);
        }

        #[test]
        fn any_text_can_be_decoded(units in prop::collection::vec(any::<u16>(), 0..300)) {
            for dialect in [Dialect::WholeValue, Dialect::Raw, Dialect::Quoted] {
                let decoded = decode(&units, Event::Outgoing, &save_dialect(dialect));
                prop_assert!(decoded.value.encode_utf16().count() <= READ_LIMIT);
            }
        }
    }
}
