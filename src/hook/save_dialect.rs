//! Which MicroSIP will save an ini, and so in which dialect its commands must live on.

use crate::ini::document::IniDocument;
use crate::ini::lookup;
use crate::microsip::version::{Dialect, Version};

use super::event::Event;

/// The MicroSIP that will save an ini, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveDialect {
    /// How it saves commands; the present way where nothing tells.
    pub dialect: Dialect,
    /// Its version, where something says it.
    pub version: Option<Version>,
    /// Whether the sources agree on the dialect, and there is one.
    pub certain: bool,
}

impl SaveDialect {
    /// Asks, in this order: the version that was named; that of the exe that uses the ini; the one written in
    /// the ini; how the ini's empty commands stand.
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
        let version = exe.or_else(|| document.and_then(written_version));
        let by_version = version.and_then(Dialect::of);
        let (dialect, certain) = match (by_version, document.and_then(told_by_empty_commands)) {
            (Some(told), None) => (told, true),
            (None, Some(Told::One(told))) if version.is_none() => (told, true),
            (Some(told), Some(Told::One(other))) if told == other => (told, true),
            _ => (Dialect::PRESENT, false),
        };
        SaveDialect { dialect, version, certain }
    }

    /// Whether this MicroSIP runs a command at the event.
    pub fn has(&self, event: Event) -> bool {
        match self.version {
            Some(version) => version >= event.since(),
            None => self.dialect != Dialect::WholeValue || event.since() < Version(3, 19, 0),
        }
    }
}

/// `version` in [Settings] (3.22.3) or in [Global] (3.22.16). Older versions write none.
fn written_version(document: &IniDocument) -> Option<Version> {
    ["Global", "Settings"].iter().find_map(|section| {
        let value = lookup::value(document, section, "version", lookup::NO_LIMIT)?;
        String::from_utf16_lossy(&value).parse().ok()
    })
}

enum Told {
    One(Dialect),
    Several,
}

/// MicroSIP writes every command it knows, empty ones too: `cmdCallEnd=""` or `cmdCallEnd=`. One that is not
/// empty may have been written by anybody and tells nothing.
fn told_by_empty_commands(document: &IniDocument) -> Option<Told> {
    let section = lookup::section(document, "Settings")?;
    let (mut bare, mut quoted, mut since_3_19) = (false, false, false);
    for key in document.keys(&section) {
        let Some(event) = Event::ALL.iter().find(|event| key.name.eq_ignore_ascii_case(event.key())) else {
            continue;
        };
        since_3_19 |= matches!(event, Event::Ringing | Event::Outgoing);
        let Some(value) = key.value else { continue };
        match document.units(value).to_string().as_str() {
            "" => bare = true,
            "\"\"" => quoted = true,
            _ => {}
        }
    }
    match (bare, quoted) {
        (false, false) => None,
        (false, true) => Some(Told::One(Dialect::Quoted)),
        (true, false) => Some(Told::One(if since_3_19 { Dialect::Raw } else { Dialect::WholeValue })),
        (true, true) => Some(Told::Several),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    fn told(text: &str) -> (Dialect, bool) {
        let document = IniDocument::from_utf16le(encode(text));
        let save_dialect = SaveDialect::determine(None, None, Some(&document));
        (save_dialect.dialect, save_dialect.certain)
    }

    #[test]
    fn the_ini_tells_by_its_version_or_its_empty_commands() {
        assert_eq!(told("[Settings]\nversion=3.22.3\n"), (Dialect::Quoted, true));
        assert_eq!(told("[Global]\nversion=3.22.16\n[Settings]\ncmdCallEnd=\"\"\n"), (Dialect::Quoted, true));
        assert_eq!(told("[Settings]\ncmdCallEnd=\ncmdCallRing=\n"), (Dialect::Raw, true));
        assert_eq!(told("[Settings]\ncmdCallEnd=\ncmdCallStart=\n"), (Dialect::WholeValue, true));
        assert_eq!(told("[Settings]\ncmdCallEnd=\"\"\n"), (Dialect::Quoted, true));
    }

    #[test]
    fn where_nothing_tells_or_two_disagree_it_is_the_present_one_and_not_certain() {
        assert_eq!(told("[Settings]\n"), (Dialect::Quoted, false));
        assert_eq!(told("[Settings]\ncmdCallEnd=C:\\x.exe\n"), (Dialect::Quoted, false));
        assert_eq!(told("[Settings]\ncmdCallEnd=\ncmdCallRing=\"\"\n"), (Dialect::Quoted, false));
        assert_eq!(told("[Settings]\nversion=3.22.3\ncmdCallEnd=\ncmdCallRing=\n"), (Dialect::Quoted, false));
        assert_eq!(told("[Settings]\nversion=3.21.5\ncmdCallEnd=\ncmdCallRing=\n"), (Dialect::Quoted, false));
    }

    #[test]
    fn a_named_version_outweighs_the_ini() {
        let document = IniDocument::from_utf16le(encode("[Settings]\nversion=3.22.3\n"));
        let save_dialect = SaveDialect::determine(Some(Version(3, 20, 5)), None, Some(&document));
        assert_eq!((save_dialect.dialect, save_dialect.certain), (Dialect::Raw, true));
        assert!(save_dialect.has(Event::Ringing) && !save_dialect.has(Event::AnswerVideo));
    }

    #[test]
    fn before_3_19_there_are_four_events() {
        let document = IniDocument::from_utf16le(encode("[Settings]\ncmdCallEnd=\n"));
        let save_dialect = SaveDialect::determine(None, None, Some(&document));
        let events: Vec<_> = Event::ALL.iter().filter(|event| save_dialect.has(**event)).collect();
        assert_eq!(events, [&Event::Ring, &Event::Answer, &Event::Start, &Event::End]);
    }
}
