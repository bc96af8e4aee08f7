//! What is said about actions that can't work as they are.

use std::path::Path;

use crate::actions::worker::actions_cache::{ActionsError, trust_error};
use crate::commands::ini::Ini;
use crate::diagnostic::{Code, Diagnostic};
use crate::edit::companion::MAX_LEN;
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::masks;
use crate::hook::writers::Writer;
use crate::page::path_text;
use crate::platform;
use crate::quote::command_line;

/// Finds somebody who can change the file with the actions, but not the ini.
pub fn untrusted_file(ini: &Ini) -> Option<Diagnostic> {
    let ActionsError::Untrusted { file, writer } = trust_error(ini.file.to_open())? else { return None };
    let file = ini.file.shown_for(&file);
    let writer = match writer {
        Writer::Account(sid) => platform::account_name(&sid).unwrap_or(sid.0),
        writer => writer.to_string(),
    };
    let message = format!(
        "{writer} can change {} but not the ini, so msipcfg doesn't carry out its actions",
        file.display()
    );
    let path = path_text(&file);
    let command = match platform::CAN_REACH_WINDOWS {
        true => ["icacls", &path, "/reset"],
        false => ["chmod", "go-w", &path],
    };
    let hint = format!(
        "check its actions with 'msipcfg hooks', then give it the access rights of the ini, for example with: {}",
        command_line(&command)
    );
    Some(Diagnostic::new(Code::HooksFileWritable, message).with_hint(hint))
}

/// Returns the error that the file with the actions would become too large.
pub fn too_large(file: &Path) -> Diagnostic {
    let limit = MAX_LEN / 1024 / 1024;
    let message =
        format!("{} would become larger than {limit} MiB, and couldn't be read again", file.display());
    Diagnostic::new(Code::HooksFileInvalid, message)
        .with_hint("use shorter values; a file or an environment variable can contain a long one")
}

/// Returns the error that MicroSIP may replace a part of the command that starts the runner.
pub fn mask_in_runner(command: &str) -> Option<Diagnostic> {
    let mask = masks::masks_in(command).next()?;
    let message = format!("{mask} is in the path of a file in {command}, and MicroSIP would replace it");
    Some(
        Diagnostic::new(Code::HookMaskIgnored, message).with_hint("rename the folder whose name contains it"),
    )
}

/// Returns the warning that national numbers can't be converted.
pub fn country_unset() -> Diagnostic {
    let message = "no country is set, so numbers that don't start with + stay as received";
    Diagnostic::new(Code::CountryUnset, message)
        .with_hint("add --country and the calling code of your country, for example --country 49")
}

/// Returns the error that only MicroSIP replaces a mask.
pub fn mask_needs_program(mask: &str) -> Diagnostic {
    let message =
        format!("{mask} is replaced only in the arguments of a program that MicroSIP starts itself");
    Diagnostic::new(Code::HookMaskIgnored, message).with_hint(
        "remove it; the number is the last argument anyway. To let MicroSIP start a script itself, use --direct",
    )
}

/// Returns the warning that a program runs where the runner is needed.
pub fn event_has_program(event: Event, has_actions: bool) -> Diagnostic {
    let message = if !has_actions {
        format!(
            "a program runs on {event} instead of msipcfg-run, which the actions of other events need there"
        )
    } else {
        format!("a program runs on {event}, so its actions don't happen")
    };
    Diagnostic::new(Code::EventHasProgram, message).with_hint(format!(
        "to keep the program and add an action, run 'msipcfg set-hook {event} --add --log FILE' or another action"
    ))
}

pub fn actions_unsupported(save_dialect: &SaveDialect) -> Diagnostic {
    let version = match save_dialect.version {
        Some(version) => version.to_string(),
        None => save_dialect.dialect.to_string(),
    };
    let message =
        format!("MicroSIP {version} starts programs without arguments, so it can't start the runner");
    Diagnostic::new(Code::ActionsUnsupported, message).with_hint(
        "update MicroSIP to 3.19 or later; if you use another version, specify it with --microsip-version",
    )
}
