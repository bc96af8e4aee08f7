//! Suggests a command text that does what the author of a broken one intended.

use crate::hook::command::{self, Decoded, HookCommand};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::meaning;
use crate::hook::target::{self, Allow, TargetContext, TargetError};
use crate::ini::wide;

/// Returns the value to use instead, if the intention is clear and another text fulfills it. `stand_in` is a word
/// in it that stands for any user's name.
pub fn text_for(
    text: &str,
    decoded: &Decoded,
    stand_in: Option<&str>,
    event: Event,
    save_dialect: &SaveDialect,
    targets: &TargetContext,
) -> Option<String> {
    let command = meaning::intended_command(text, decoded)?;
    let suggestion = match stand_in {
        Some(name) => meaning::working_text_for_any_user(&command, name, event, save_dialect),
        None => meaning::working_text(&startable(command, targets)?, event, save_dialect),
    };
    // The same value in other quotes fixes nothing.
    suggestion.filter(|suggestion| command::read(&wide(suggestion)) != wide(&decoded.value))
}

/// Returns a command that MicroSIP can start: a script is started with its interpreter.
fn startable(command: HookCommand, targets: &TargetContext) -> Option<HookCommand> {
    if !target::check(&command, targets).iter().any(TargetError::is_fatal) {
        return Some(command);
    }
    let allow = Allow { missing: true, unsafe_target: true, mark: true };
    target::resolve(&command, targets, allow).ok().map(|(command, _)| command)
}
