//! What is said about actions that can't work as they are.

use crate::diagnostic::{Code, Diagnostic};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;

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
