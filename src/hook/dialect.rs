//! Which MicroSIP will save an ini, and so the dialect in which its commands must stay the same.

use crate::ini::document::IniDocument;
use crate::ini::lookup;
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
    /// ini, the version in the ini, and how the ini's empty commands are written.
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
        let by_version = version.and_then(Dialect::of);
        let (dialect, certain) = match (by_version, document.and_then(dialect_of_empty_commands)) {
            (Some(dialect), None) => (dialect, true),
            (None, Some(EmptyCommands::Agree(dialect))) if version.is_none() => (dialect, true),
            (Some(dialect), Some(EmptyCommands::Agree(other))) if dialect == other => (dialect, true),
            _ => (Dialect::PRESENT, false),
        };
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

/// What the empty commands of an ini say about the dialect.
enum EmptyCommands {
    Agree(Dialect),
    Disagree,
}

/// Returns the dialect in which the empty commands are written. MicroSIP writes every command that it knows, also the
/// empty ones: `cmdCallEnd=""` or `cmdCallEnd=`. Another program or person may have written the other commands.
fn dialect_of_empty_commands(document: &IniDocument) -> Option<EmptyCommands> {
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
        (false, true) => Some(EmptyCommands::Agree(Dialect::Quoted)),
        (true, false) => {
            Some(EmptyCommands::Agree(if since_3_19 { Dialect::Raw } else { Dialect::WholeValue }))
        }
        (true, true) => Some(EmptyCommands::Disagree),
    }
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
    }

    #[test]
    fn dialect_is_uncertain_without_a_source_or_if_sources_disagree() {
        assert_eq!(determined("[Settings]\n"), (Dialect::Quoted, false));
        assert_eq!(determined("[Settings]\ncmdCallEnd=C:\\x.exe\n"), (Dialect::Quoted, false));
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
