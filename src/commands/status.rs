//! `status`: installed and running MicroSIPs, and their inis, on one page. It never fails: what can't be read says
//! so in its place.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use serde_json::{Value as Json, json};

use crate::actions::call::system_time;
use crate::diagnostic::Diagnostic;
use crate::edit::backup;
use crate::hook::event::Event;
use crate::ini::encoding::Encoding;
use crate::microsip::accounts::{self, Account};
use crate::microsip::instances::{Instance, Processes};
use crate::microsip::locate::{self, Candidate, Install, Search, Why};
use crate::microsip::version::Version;
use crate::page::{Page, Styles, diagnostic_text, local_time, path_text};
use crate::request::IniChoice;

use super::backups::{self, ListedBackup};
use super::call_history::{self, SHORT_PATIENCE};
use super::context::Context;
use super::doctor::examine::examine;
use super::doctor::finding::{Finding, Severity, count, counted};
use super::error::Error;
use super::hook_actions;
use super::hook_state::{self, Hook};
use super::hooks::{hook_json, hook_line};
use super::ini::{Ini, with_ini_nearby};
use super::outcome::Outcome;

/// Installed and running MicroSIPs, and their inis.
#[derive(Debug)]
pub struct Status {
    /// Installed MicroSIPs and portable copies.
    pub installs: Vec<Install>,
    /// Running instances.
    pub instances: Vec<Instance>,
    /// Why those aren't known, if so.
    pub scan_error: Option<Diagnostic>,
    /// The named ini, or all that were found.
    pub inis: Vec<IniStatus>,
    /// The places that were checked, if no ini was named.
    pub searched: Vec<PathBuf>,
}

/// An ini and its content.
#[derive(Debug)]
pub struct IniStatus {
    /// The ini, and why it was chosen.
    pub found: Candidate,
    /// When it was last written.
    pub modified: Option<SystemTime>,
    /// Its content, or why it can't be read.
    pub content: Result<Content, Diagnostic>,
}

/// The content of an ini.
#[derive(Debug)]
pub struct Content {
    /// Its encoding.
    pub encoding: Encoding,
    /// The version of its MicroSIP, by the exe or by what the ini contains.
    pub version: Option<Version>,
    /// The hook of every event.
    pub hooks: Vec<Hook>,
    /// The last event at which MicroSIP ran the hook that carries out actions, and when that was, if that is known.
    pub last_event: Option<(Event, SystemTime)>,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// The number of the account in use.
    pub selected: Option<u32>,
    /// Its backups, newest first.
    pub backups: Vec<ListedBackup>,
    /// The problems that doctor finds.
    pub problems: Vec<Finding>,
}

impl Outcome for Status {
    fn text(&self, page: &Page) -> String {
        let heading = page.styles.heading;
        let mut text = format!("{heading}MicroSIP{heading:#}\n");
        if self.installs.is_empty() {
            text.push_str("  not installed\n");
        }
        for install in &self.installs {
            let version = install.version.map_or("of unknown version".into(), |version| version.to_string());
            let kind = if install.is_portable { "portable" } else { "installed" };
            let _ = writeln!(text, "  {} {version}, {kind}", install.exe.display());
        }
        match &self.scan_error {
            Some(error) => text.push_str(&diagnostic_text("  ", error, "  ", page.styles)),
            None if self.instances.is_empty() => text.push_str("  not running\n"),
            None => {}
        }
        for instance in &self.instances {
            let _ = writeln!(text, "  running: {instance}");
        }
        if self.inis.is_empty() {
            let _ = writeln!(text, "\n{heading}No ini{heading:#} found; looked in");
            for place in &self.searched {
                let _ = writeln!(text, "  {}", place.display());
            }
            text.push_str("to find or create one, run 'msipcfg wizard'; to specify one, use --ini PATH\n");
        }
        for ini in &self.inis {
            text.push('\n');
            ini_text(&mut text, ini, self, page.styles);
        }
        text
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "ok": true,
            "installs": self.installs.iter().map(install_json).collect::<Vec<_>>(),
            "instances": self.instances,
            "inis": self.inis.iter().map(|ini| ini_json(ini, self)).collect::<Vec<_>>(),
            "looked": self.searched.iter().map(|place| path_text(place)).collect::<Vec<_>>(),
        });
        if let Some(error) = &self.scan_error {
            json["instances_error"] = json!(error);
        }
        json
    }
}

/// Collects the status.
pub fn status(choice: &IniChoice, context: &Context<'_>) -> Status {
    let (instances, scan_error) = match Processes::default().instances(&[]) {
        Ok(instances) => (instances, None),
        Err(error) => (Vec::new(), Some(Diagnostic::from(&error))),
    };
    let Search { found, searched } = match &choice.path {
        Some(path) => {
            let ini = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Search { found: vec![Candidate { ini, why: Vec::new() }], searched: Vec::new() }
        }
        None => locate::search(context.env, &instances),
    };
    let inis = found.into_iter().map(|found| ini_status(found, choice, context)).collect();
    Status { installs: locate::installs(context.env), instances, scan_error, inis, searched }
}

fn ini_status(found: Candidate, choice: &IniChoice, context: &Context<'_>) -> IniStatus {
    let metadata = context.fs.metadata(&found.ini).ok();
    IniStatus {
        modified: metadata.and_then(|metadata| metadata.modified().ok()),
        content: content(&found, choice, context)
            .map_err(|error| Diagnostic::from(&with_ini_nearby(error, context.fs))),
        found,
    }
}

fn content(found: &Candidate, choice: &IniChoice, context: &Context<'_>) -> Result<Content, Error> {
    let ini = Ini::at(found.ini.clone(), choice, context.fs)?;
    let decoded = ini.read(context)?;
    let document = &decoded.document;
    Ok(Content {
        encoding: decoded.encoding,
        version: hook_state::save_dialect(None, &ini, document, context.env).version,
        hooks: hook_state::all(&ini, document, &hook_actions::read_or_warn(&ini, context.fs).0, context.env),
        last_event: last_event(&ini, context),
        accounts: accounts::all(document),
        selected: accounts::selected(document),
        backups: backups::listed(
            backup::list(ini.file.to_open(), context.fs).unwrap_or_default(),
            context.fs,
        ),
        problems: examine(&ini, context)?,
    })
}

/// Returns the last event of an ini in the calls database. What is wrong with the database is among the problems.
fn last_event(ini: &Ini, context: &Context<'_>) -> Option<(Event, SystemTime)> {
    let store = call_history::open_within(SHORT_PATIENCE, context).ok()??;
    let last = call_history::last_event(&store, &ini.path, context).ok()??.event;
    Some((last.event, system_time(last.time)))
}

fn install_json(install: &Install) -> Json {
    json!({
        "exe": path_text(&install.exe),
        "version": install.version.map(|version| version.to_string()),
        "portable": install.is_portable,
        "ini": install.ini.as_deref().map(path_text),
    })
}

fn ini_json(ini: &IniStatus, status: &Status) -> Json {
    let users = status.instances.iter().filter(|instance| instance.blocks(&ini.found.ini));
    let mut json = json!({
        "ini": path_text(&ini.found.ini),
        "why": ini.found.why.iter().map(Why::to_string).collect::<Vec<_>>(),
        "modified": ini.modified.map(time),
        "used_by": users.map(|instance| instance.pid).collect::<Vec<_>>(),
    });
    match &ini.content {
        Ok(content) => {
            json["encoding"] = content.encoding.to_string().into();
            json["version"] = content.version.map(|version| version.to_string()).into();
            json["hooks"] = content.hooks.iter().map(hook_json).collect();
            json["last_event"] = content
                .last_event
                .map(|(event, at)| json!({ "event": event.name(), "time": time(at) }))
                .into();
            json["accounts"] =
                content.accounts.iter().map(|account| account_json(account, content.selected)).collect();
            json["backups"] = json!(content.backups);
            json["problems"] = Severity::WORST_FIRST
                .iter()
                .map(|severity| {
                    (severity.name().to_string(), count(content.problems.iter(), *severity).into())
                })
                .collect::<serde_json::Map<String, Json>>()
                .into();
        }
        Err(error) => json["error"] = json!(error),
    }
    json
}

fn account_json(account: &Account, selected: Option<u32>) -> Json {
    let mut json = json!(account);
    json["selected"] = json!(selected == Some(account.number));
    json
}

fn ini_text(text: &mut String, ini: &IniStatus, status: &Status, styles: Styles) {
    let _ = writeln!(text, "{0}{1}{0:#}", styles.heading, ini.found.ini.display());
    let why: Vec<String> = ini.found.why.iter().map(Why::to_string).collect();
    if !why.is_empty() {
        let _ = writeln!(text, "  {}", why.join(", "));
    }
    let content = match &ini.content {
        Ok(content) => content,
        Err(error) => {
            let start = format!("{0}error{0:#}: ", styles.error);
            text.push_str(&diagnostic_text(&start, error, "  ", styles));
            return;
        }
    };
    let modified =
        ini.modified.map_or(String::new(), |modified| format!(", written {}", local_time(modified)));
    let version = content.version.map_or(String::new(), |version| format!("MicroSIP {version}, "));
    let _ = writeln!(text, "  {version}{}{modified}", content.encoding);
    for instance in status.instances.iter().filter(|instance| instance.blocks(&ini.found.ini)) {
        let _ = writeln!(text, "  in use by pid {}", instance.pid);
    }
    accounts_text(text, content);
    backups_text(text, content);
    problems_text(text, content, styles);
    text.push_str("  hooks:\n");
    for hook in &content.hooks {
        let _ = write!(text, "  {}", hook_line(hook, styles));
    }
    if let Some((event, at)) = content.last_event {
        let _ = writeln!(text, "  last event: {event}, {}", local_time(at));
    }
}

fn accounts_text(text: &mut String, content: &Content) {
    let shown = content.accounts.iter().filter(|account| !account.domain.is_empty());
    let shown: Vec<String> = shown
        .map(|account| {
            let address = format!("{}@{}", account.username, account.domain);
            let label = if account.label.is_empty() { String::new() } else { format!("{} ", account.label) };
            let kind = if account.number == accounts::LOCAL { " (local)" } else { "" };
            let used = if content.selected == Some(account.number) { " (in use)" } else { "" };
            format!("{label}{address}{kind}{used}")
        })
        .collect();
    let none = "none".to_string();
    let _ = writeln!(text, "  accounts: {}", if shown.is_empty() { none } else { shown.join(", ") });
}

fn backups_text(text: &mut String, content: &Content) {
    let _ = match content.backups.first() {
        None => writeln!(text, "  backups: none"),
        Some(newest) => {
            writeln!(text, "  backups: {}, the newest of {}", content.backups.len(), newest.local_time())
        }
    };
}

fn problems_text(text: &mut String, content: &Content, Styles { warning, .. }: Styles) {
    let summary = counted(content.problems.iter());
    let _ = if summary.is_empty() {
        writeln!(text, "  problems: none")
    } else {
        writeln!(text, "  {warning}problems{warning:#}: {summary}; run 'msipcfg doctor' for details")
    };
}

/// Returns a time for scripts: UTC to the second, as RFC 3339.
fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
