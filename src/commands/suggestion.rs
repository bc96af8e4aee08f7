//! A text that does what the author of a command meant.

use crate::hook::command::{self, Decoded, HookCommand};
use crate::hook::event::Event;
use crate::hook::meaning;
use crate::hook::save_dialect::SaveDialect;
use crate::hook::target::{self, Allow, Places, TargetFault};
use crate::ini::wide;

/// The text to put behind `=`, if what was meant can be told and another text does it. `stand_in` is a word in
/// it that any user's name may take the place of.
pub(super) fn text_for(
    text: &str,
    decoded: &Decoded,
    stand_in: Option<&str>,
    event: Event,
    save_dialect: &SaveDialect,
    places: &Places,
) -> Option<String> {
    let command = meaning::meant(text, decoded)?;
    let suggestion = match stand_in {
        Some(name) => meaning::text_for_any_name(&command, name, event, save_dialect),
        None => meaning::text_for(&startable(command, places)?, event, save_dialect),
    };
    // the same value between other quotes mends nothing
    suggestion.filter(|suggestion| command::read(&wide(suggestion)) != wide(&decoded.value))
}

/// A command as MicroSIP could start it: a script that Windows only opens gets the program that runs it.
fn startable(command: HookCommand, places: &Places) -> Option<HookCommand> {
    if !target::check(&command, places).iter().any(TargetFault::is_fatal) {
        return Some(command);
    }
    let allow = Allow { missing: true, unsafe_target: true, mark: true };
    target::resolve(&command, places, allow).ok().map(|(command, _)| command)
}
