//! How `status` is shown: one page for people, one object for scripts.

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::{Value as Json, json};

use crate::commands::doctor::finding::Severity;
use crate::commands::status::{Content, IniStatus, Status};
use crate::microsip::accounts::{self, Account};
use crate::microsip::locate::{Install, Why};

use super::json::{backup_json, hook_json, instance_json};
use super::text::hook_line;
use super::{Styles, doctor, text_of, time_of};

pub(super) fn json(status: &Status) -> Json {
    json!({
        "ok": true,
        "installs": status.installs.iter().map(install_json).collect::<Vec<_>>(),
        "instances": status.instances.iter().map(instance_json).collect::<Vec<_>>(),
        "inis": status.inis.iter().map(|ini| ini_json(ini, status)).collect::<Vec<_>>(),
        "looked": status.looked.iter().map(|place| text_of(place)).collect::<Vec<_>>(),
    })
}

fn install_json(install: &Install) -> Json {
    json!({
        "exe": text_of(&install.exe),
        "version": install.version.map(|version| version.to_string()),
        "portable": install.is_portable,
        "ini": install.ini.as_deref().map(text_of),
    })
}

fn ini_json(ini: &IniStatus, status: &Status) -> Json {
    let users = status.instances.iter().filter(|instance| instance.blocks(&ini.found.ini));
    let mut json = json!({
        "ini": text_of(&ini.found.ini),
        "why": ini.found.why.iter().map(Why::to_string).collect::<Vec<_>>(),
        "modified": ini.modified.map(time),
        "used_by": users.map(|instance| instance.pid).collect::<Vec<_>>(),
    });
    match &ini.content {
        Ok(content) => {
            json["encoding"] = content.encoding.to_string().into();
            json["version"] = content.version.map(|version| version.to_string()).into();
            json["hooks"] = content.hooks.iter().map(hook_json).collect();
            json["accounts"] =
                content.accounts.iter().map(|account| account_json(account, content.selected)).collect();
            json["backups"] = content.backups.iter().map(backup_json).collect();
            json["problems"] = Severity::WORST_FIRST
                .iter()
                .map(|severity| {
                    (severity.name().to_string(), doctor::count(content.problems.iter(), *severity).into())
                })
                .collect::<serde_json::Map<String, Json>>()
                .into();
        }
        Err(error) => json["error"] = json!(error),
    }
    json
}

fn account_json(account: &Account, selected: Option<u32>) -> Json {
    json!({
        "number": account.number,
        "label": account.label,
        "username": account.username,
        "domain": account.domain,
        "has_password": account.has_password,
        "selected": selected == Some(account.number),
    })
}

pub(super) fn text(status: &Status, styles: Styles) -> String {
    let Styles { heading, .. } = styles;
    let mut text = format!("{heading}MicroSIP{heading:#}\n");
    if status.installs.is_empty() {
        text.push_str("  none found on the disk\n");
    }
    for install in &status.installs {
        let version = install.version.map_or("of unknown version".into(), |version| version.to_string());
        let kind = if install.is_portable { "portable" } else { "installed" };
        let _ = writeln!(text, "  {} {version}, {kind}", install.exe.display());
    }
    if status.instances.is_empty() {
        text.push_str("  none runs\n");
    }
    for instance in &status.instances {
        let _ = writeln!(text, "  runs: {instance}");
    }
    if status.inis.is_empty() {
        let _ = writeln!(text, "\n{heading}No ini{heading:#} was found; looked in");
        for place in &status.looked {
            let _ = writeln!(text, "  {}", place.display());
        }
        text.push_str("'msipcfg wizard' helps to find or make one; --ini PATH names one\n");
    }
    for ini in &status.inis {
        text.push('\n');
        ini_text(&mut text, ini, status, styles);
    }
    text
}

fn ini_text(text: &mut String, ini: &IniStatus, status: &Status, styles: Styles) {
    let Styles { heading, error: error_style, hint: hint_style, .. } = styles;
    let _ = writeln!(text, "{heading}{}{heading:#}", ini.found.ini.display());
    let why: Vec<String> = ini.found.why.iter().map(Why::to_string).collect();
    if !why.is_empty() {
        let _ = writeln!(text, "  {}", why.join(", "));
    }
    let content = match &ini.content {
        Ok(content) => content,
        Err(error) => {
            let _ = writeln!(
                text,
                "  {error_style}error{error_style:#}: {} [{}]",
                error.message,
                error.code.name()
            );
            if let Some(hint) = &error.hint {
                let _ = writeln!(text, "    {hint_style}hint{hint_style:#}: {hint}");
            }
            return;
        }
    };
    let modified = ini.modified.map_or(String::new(), |modified| format!(", written {}", time(modified)));
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
            writeln!(text, "  backups: {}, the newest of {}", content.backups.len(), time_of(newest))
        }
    };
}

fn problems_text(text: &mut String, content: &Content, Styles { warning, .. }: Styles) {
    let counted = doctor::counted(content.problems.iter());
    let _ = if counted.is_empty() {
        writeln!(text, "  problems: none")
    } else {
        writeln!(text, "  {warning}problems{warning:#}: {counted}; 'msipcfg doctor' tells them")
    };
}

/// To the second: nobody is helped by more.
fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
