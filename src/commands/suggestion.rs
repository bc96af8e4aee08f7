//! A text that does what the author of a command meant.

use crate::hook::command::{self, Decoded, HookCommand};
use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::hook::meaning;
use crate::hook::target::{self, Allow, TargetContext, TargetError};
use crate::ini::wide;

/// The text to put behind `=`, if what was meant can be told and another text does it. `stand_in` is a word in
/// it that any user's name may take the place of.
pub(super) fn text_for(
    text: &str,
    decoded: &Decoded,
    stand_in: Option<&str>,
    event: Event,
    save_dialect: &SaveDialect,
    places: &TargetContext,
) -> Option<String> {
    let command = meaning::intended_command(text, decoded)?;
    let suggestion = match stand_in {
        Some(name) => meaning::working_text_for_any_user(&command, name, event, save_dialect),
        None => meaning::working_text(&startable(command, places)?, event, save_dialect),
    };
    // the same value between other quotes mends nothing
    suggestion.filter(|suggestion| command::read(&wide(suggestion)) != wide(&decoded.value))
}

/// A command as MicroSIP could start it: a script that Windows only opens gets the program that runs it.
fn startable(command: HookCommand, places: &TargetContext) -> Option<HookCommand> {
    if !target::check(&command, places).iter().any(TargetError::is_fatal) {
        return Some(command);
    }
    let allow = Allow { missing: true, unsafe_target: true, mark: true };
    target::resolve(&command, places, allow).ok().map(|(command, _)| command)
}
