//! Which MicroSIP will save an ini, and so the dialect in which its commands must stay the same.

use crate::ini::document::{IniDocument, KeyLine};
use crate::ini::lookup;
use crate::microsip::keys;
use crate::microsip::version::{Dialect, Version};

use super::event::Event;

/// The MicroSIP that will save an ini, as far as it can be determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveDialect {
    /// How it saves commands; the present dialect if nothing says otherwise.
    pub dialect: Dialect,
    /// Its version, if known.
    pub version: Option<Version>,
    /// Whether there is a source for the dialect, and all sources agree.
    pub certain: bool,
}

impl SaveDialect {
    /// Determines the dialect by, in this order: the version that the user named, the version of the exe that uses the
    /// ini, the version in the ini, the newest key in the ini, and how the ini's empty commands are written.
    pub fn determine(
        named: Option<Version>,
        exe: Option<Version>,
        document: Option<&IniDocument>,
    ) -> SaveDialect {
        if let Some(version) = named {
            let dialect = Dialect::of(version);
            let certain = dialect.is_some();
            return SaveDialect {
                dialect: dialect.unwrap_or(Dialect::PRESENT),
                version: Some(version),
                certain,
            };
        }
        let version = exe.or_else(|| document.and_then(version_in));
        let at_least = || Dialect::of(document.map_or(OLDEST, newest_key_version));
        let known = match (version, document.and_then(EmptyCommands::of)) {
            (Some(version), None) => Dialect::of(version),
            (Some(version), Some(empty)) => Dialect::of(version).filter(|dialect| empty.fit(*dialect)),
            (None, None) => at_least().filter(|dialect| *dialect == Dialect::Quoted),
            (None, Some(EmptyCommands::Quoted)) => Some(Dialect::Quoted),
            (None, Some(EmptyCommands::Bare)) => at_least().filter(|dialect| *dialect != Dialect::Quoted),
            (None, Some(EmptyCommands::Mixed)) => None,
        };
        let (dialect, certain) = (known.unwrap_or(Dialect::PRESENT), known.is_some());
        SaveDialect { dialect, version, certain }
    }

    /// Returns whether this MicroSIP runs a command at the event.
    pub fn supports(&self, event: Event) -> bool {
        match self.version {
            Some(version) => version >= event.since(),
            None => self.dialect != Dialect::WholeValue || event.since() < Version(3, 19, 0),
        }
    }
}

/// Returns `version` from [Settings] (3.22.3) or [Global] (3.22.10 and later). Older versions don't write one.
fn version_in(document: &IniDocument) -> Option<Version> {
    ["Global", "Settings"].iter().find_map(|section| {
        let value = lookup::value(document, section, "version", lookup::NO_LIMIT)?;
        String::from_utf16_lossy(&value).parse().ok()
    })
}

/// A version that is older than all keys whose first version is known.
const OLDEST: Version = Version(0, 0, 0);

/// Returns the first version that has all keys of an ini, so the MicroSIP that wrote them isn't older. A command that
/// isn't empty may be a person's; it counts only if every MicroSIP since 3.19 writes this key.
fn newest_key_version(document: &IniDocument) -> Version {
    let mut newest = OLDEST;
    for section in document.sections() {
        let known = keys::of_section(&section.name.to_string());
        for key in document.keys(&section) {
            let is_counted = match event_of(&key) {
                None | Some(Event::Ringing | Event::Outgoing) => true,
                Some(_) => matches!(&*value_text(document, &key), "" | "\"\""),
            };
            let known = known.find(&key.name.to_string()).filter(|_| is_counted);
            newest = newest.max(known.and_then(|known| known.since).unwrap_or(OLDEST));
        }
    }
    newest
}

/// How the empty commands of an ini are written: `cmdCallEnd=""` or `cmdCallEnd=`. MicroSIP writes every command that
/// it knows, also the empty ones. Another program or person may have written the other commands.
#[derive(Clone, Copy)]
enum EmptyCommands {
    Bare,
    Quoted,
    Mixed,
}

impl EmptyCommands {
    fn of(document: &IniDocument) -> Option<EmptyCommands> {
        let section = lookup::section(document, "Settings")?;
        let (mut bare, mut quoted) = (false, false);
        for key in document.keys(&section) {
            match &*value_text(document, &key) {
                "" if event_of(&key).is_some() && key.value.is_some() => bare = true,
                "\"\"" if event_of(&key).is_some() => quoted = true,
                _ => {}
            }
        }
        match (bare, quoted) {
            (false, false) => None,
            (true, false) => Some(EmptyCommands::Bare),
            (false, true) => Some(EmptyCommands::Quoted),
            (true, true) => Some(EmptyCommands::Mixed),
        }
    }

    /// Returns whether a MicroSIP of this dialect writes them so.
    fn fit(self, dialect: Dialect) -> bool {
        match self {
            EmptyCommands::Bare => dialect != Dialect::Quoted,
            EmptyCommands::Quoted => dialect == Dialect::Quoted,
            EmptyCommands::Mixed => false,
        }
    }
}

fn event_of(key: &KeyLine<'_>) -> Option<Event> {
    Event::ALL.iter().copied().find(|event| key.name.eq_ignore_ascii_case(event.key()))
}

fn value_text(document: &IniDocument, key: &KeyLine<'_>) -> String {
    key.value.clone().map_or_else(String::new, |value| document.units(value).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    fn determined(text: &str) -> (Dialect, bool) {
        let document = IniDocument::from_utf16le(encode(text));
        let save_dialect = SaveDialect::determine(None, None, Some(&document));
        (save_dialect.dialect, save_dialect.certain)
    }

    #[test]
    fn dialect_follows_the_inis_version_or_empty_commands() {
        assert_eq!(determined("[Settings]\nversion=3.22.3\n"), (Dialect::Quoted, true));
        assert_eq!(
            determined("[Global]\nversion=3.22.16\n[Settings]\ncmdCallEnd=\"\"\n"),
            (Dialect::Quoted, true)
        );
        assert_eq!(determined("[Settings]\ncmdCallEnd=\ncmdCallRing=\n"), (Dialect::Raw, true));
        assert_eq!(determined("[Settings]\ncmdCallEnd=\ncmdCallStart=\n"), (Dialect::WholeValue, true));
        assert_eq!(determined("[Settings]\ncmdCallEnd=\"\"\n"), (Dialect::Quoted, true));
        assert_eq!(determined("[Settings]\ncmdCallEnd=\nvolumeRing=5\n"), (Dialect::Raw, true));
        // A person may have written the command of a newer version.
        assert_eq!(determined("[Settings]\ncmdCallEnd=\ncmdCallBusy=x.exe\n"), (Dialect::WholeValue, true));
        assert_eq!(determined("[Settings]\nnetworkChanges=1\n"), (Dialect::Quoted, true));
    }

    #[test]
    fn dialect_is_uncertain_without_a_source_or_if_sources_disagree() {
        assert_eq!(determined("[Settings]\n"), (Dialect::Quoted, false));
        assert_eq!(determined("[Settings]\ncmdCallEnd=C:\\x.exe\n"), (Dialect::Quoted, false));
        // A person or a script wrote the empty command into the ini of a newer MicroSIP.
        assert_eq!(determined("[Settings]\ncmdCallEnd=\nbuttonCONF=1\n"), (Dialect::Quoted, false));
        assert_eq!(determined("[Global]\ninstance=abc\n[Settings]\ncmdCallEnd=\n"), (Dialect::Quoted, false));
        assert_eq!(determined("[Settings]\ncmdCallEnd=\ncmdCallRing=\"\"\n"), (Dialect::Quoted, false));
        assert_eq!(
            determined("[Settings]\nversion=3.22.3\ncmdCallEnd=\ncmdCallRing=\n"),
            (Dialect::Quoted, false)
        );
        assert_eq!(
            determined("[Settings]\nversion=3.21.5\ncmdCallEnd=\ncmdCallRing=\n"),
            (Dialect::Quoted, false)
        );
    }

    #[test]
    fn named_version_outweighs_the_ini() {
        let document = IniDocument::from_utf16le(encode("[Settings]\nversion=3.22.3\n"));
        let save_dialect = SaveDialect::determine(Some(Version(3, 20, 5)), None, Some(&document));
        assert_eq!((save_dialect.dialect, save_dialect.certain), (Dialect::Raw, true));
        assert!(save_dialect.supports(Event::Ringing) && !save_dialect.supports(Event::AnswerVideo));
    }

    #[test]
    fn versions_before_3_19_have_four_events() {
        let document = IniDocument::from_utf16le(encode("[Settings]\ncmdCallEnd=\n"));
        let save_dialect = SaveDialect::determine(None, None, Some(&document));
        let events: Vec<_> = Event::ALL.iter().filter(|event| save_dialect.supports(**event)).collect();
        assert_eq!(events, [&Event::Ring, &Event::Answer, &Event::Start, &Event::End]);
    }
}
