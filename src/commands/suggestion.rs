//! Suggests a command text that does what the author of a broken one intended.

use crate::hook::command::{self, Decoded, HookCommand};
use crate::hook::event::Event;
use crate::hook::meaning;
use crate::hook::save_dialect::SaveDialect;
use crate::hook::target::{self, Allow, Places, TargetFault};
use crate::ini::wide;

/// Returns the value to use instead, if the intention is clear and another text fulfills it. `stand_in` is a word
/// in it that stands for any user's name.
pub fn text_for(
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
    // The same value in other quotes fixes nothing.
    suggestion.filter(|suggestion| command::read(&wide(suggestion)) != wide(&decoded.value))
}

/// Returns a command that MicroSIP can start: a script is started with its interpreter.
fn startable(command: HookCommand, places: &Places) -> Option<HookCommand> {
    if !target::check(&command, places).iter().any(TargetFault::is_fatal) {
        return Some(command);
    }
    let allow = Allow { missing: true, unsafe_target: true, mark: true };
    target::resolve(&command, places, allow).ok().map(|(command, _)| command)
}
