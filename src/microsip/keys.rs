//! The catalogue of MicroSIP's settings, from `keys.tsv` in this folder.
//!
//! The program contains the table as text, and parses a row only when it is needed. So commands that need one key or
//! none don't start slower.
//!
//! Columns: section (`AccountN` for every account), name (`#` for a numbered key), kind, default, longest value in
//! UTF-16 units, how it is saved, the first and the last version seen that knows it, whether MicroSIP rewrites it with
//! every save of its settings, privacy, meaning.

use super::version::Version;

const TABLE: &str = include_str!("keys.tsv");

/// A setting of MicroSIP.
#[derive(Clone, Debug)]
pub struct Key {
    /// The section; `AccountN` for every account.
    pub section: &'static str,
    /// The name; `#` for a numbered key.
    pub name: &'static str,
    /// The allowed values.
    pub kind: Kind,
    /// The value that MicroSIP uses if the key is missing.
    pub default: &'static str,
    /// The number of UTF-16 units that MicroSIP reads; the rest is cut off.
    pub limit: usize,
    /// How MicroSIP saves the value.
    pub save: Save,
    /// The first version seen that knows the key, if there is one.
    pub since: Option<Version>,
    /// The last version that knew the key, if newer ones don't.
    pub until: Option<Version>,
    /// Whether MicroSIP writes the key every time it saves its settings.
    pub rewritten: bool,
    /// Who may see the value.
    pub privacy: Privacy,
    /// A sentence that says what the setting does.
    pub meaning: &'static str,
}

/// The values that a setting can have.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// 0 or 1. How MicroSIP reads other numbers depends on the rule.
    Bool(BoolRule),
    /// A whole number. MicroSIP reads those in `read_as` as another number.
    Int { min: Option<i32>, max: Option<i32>, read_as: Vec<ReadAs> },
    /// One of these words, which may include the empty one.
    Enum(Vec<Word>),
    /// Words from this set, separated by spaces. MicroSIP ignores others.
    Words(Vec<&'static str>),
    /// Any text.
    Text,
    /// A path. Some versions expand variables in it.
    Path,
    /// The command of an event.
    Command,
    /// A password.
    Secret,
    /// A list in its own format.
    List,
}

/// The numbers that mean yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolRule {
    /// Every number except 0. Text that isn't a number counts as 0.
    NonZero,
    /// Only 1.
    One,
    /// Everything except exactly `0`.
    AllButZero,
}

/// A range of numbers that MicroSIP reads as another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadAs {
    /// The smallest number.
    pub from: i32,
    /// The largest number.
    pub to: i32,
    /// The number that MicroSIP uses instead.
    pub number: i32,
}

/// An allowed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word in MicroSIP's spelling.
    pub text: &'static str,
    /// The first version that knows it, if older ones don't.
    pub since: Option<Version>,
    /// The last version that knew it, if newer ones don't.
    pub until: Option<Version>,
}

/// The form in which MicroSIP saves a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Save {
    /// Without quotes: spaces and quotes at both ends are lost.
    Bare,
    /// In double quotes.
    Quoted,
    /// Commands: bare up to 3.21.4, quoted since 3.21.6.
    Dialect,
}

/// Who may see a value. Later variants are stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privacy {
    /// Everybody.
    Open,
    /// It is about calls and people, or may contain a password. It is shown only if the user names it.
    Private,
    /// Never shown.
    Secret,
}

/// The text that is shown instead of a secret value.
pub const MASK: &str = "***";

/// Returns every key in the catalogue.
pub fn all() -> impl Iterator<Item = Key> {
    rows().filter_map(parse)
}

/// Returns the sections in the order of the catalogue; `AccountN` is every account.
pub fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> = rows().filter_map(|row| row.split('\t').next()).collect();
    sections.dedup();
    sections
}

/// Returns whether MicroSIP has a section of this name, in any letter case.
pub fn is_section(name: &str) -> bool {
    !of_section(name).rows.is_empty()
}

/// The keys of one section, for callers that look up many of them.
pub struct SectionKeys {
    rows: Vec<&'static str>,
    /// The offset of the names in the rows.
    name_at: usize,
}

/// Returns the keys of a section, in any letter case.
pub fn of_section(section: &str) -> SectionKeys {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let account = section.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Account"));
    let section = if account && number(&section[7..]) { "AccountN" } else { section };
    let rows = rows().filter(|row| begins_with(row, section)).collect();
    SectionKeys { rows, name_at: section.len() + 1 }
}

/// Returns whether a row starts with this column, in any letter case.
fn begins_with(row: &str, column: &str) -> bool {
    let row = row.as_bytes();
    row.get(column.len()) == Some(&b'\t') && row[..column.len()].eq_ignore_ascii_case(column.as_bytes())
}

impl SectionKeys {
    /// Returns all keys.
    pub fn all(&self) -> impl Iterator<Item = Key> {
        self.rows.iter().filter_map(|row| parse(row))
    }

    /// Returns a key by name, in any letter case, or by its pattern if it is numbered.
    pub fn find(&self, name: &str) -> Option<Key> {
        let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let is_named = |row: &&&str| {
            let from_name = row.get(self.name_at..).unwrap_or_default();
            begins_with(from_name, name) || is_number && begins_with(from_name, "#")
        };
        self.rows.iter().find(is_named).and_then(|row| parse(row))
    }

    /// Returns how many UTF-16 units of a value MicroSIP reads. Unknown keys have no limit of their own.
    pub fn limit(&self, name: &str) -> usize {
        self.find(name).map_or(crate::ini::lookup::NO_LIMIT, |key| key.limit)
    }

    /// Returns who may see the value of a key. A `password` is secret in every section, and so is an unknown key with
    /// a similar name.
    pub fn privacy(&self, name: &str) -> Privacy {
        if name.eq_ignore_ascii_case("password") {
            return Privacy::Secret;
        }
        match self.find(name) {
            Some(key) => key.privacy,
            None if looks_like_a_password(name) => Privacy::Secret,
            None => Privacy::Open,
        }
    }
}

/// Returns whether a name is like `mypassword` or `password2`.
fn looks_like_a_password(name: &str) -> bool {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase().ends_with("password")
}

/// Returns a key in a section.
pub fn find(section: &str, name: &str) -> Option<Key> {
    of_section(section).find(name)
}

/// Returns how many UTF-16 units of a value MicroSIP reads. Unknown keys have no limit of their own.
pub fn limit(section: &str, name: &str) -> usize {
    of_section(section).limit(name)
}

/// Returns who may see the value of a key, see [`SectionKeys::privacy`].
pub fn privacy(section: &str, name: &str) -> Privacy {
    of_section(section).privacy(name)
}

/// Returns the lines of the table without the first.
fn rows() -> impl Iterator<Item = &'static str> {
    TABLE.lines().skip(1)
}

/// Parses a row. A test parses all of them, so none is lost.
fn parse(row: &'static str) -> Option<Key> {
    let columns: Vec<&'static str> = row.split('\t').collect();
    let [section, name, kind, default, limit, save, since, until, rewritten, privacy, meaning] = columns[..]
    else {
        return None;
    };
    Some(Key {
        section,
        name,
        kind: parse_kind(kind)?,
        default,
        limit: limit.parse().ok()?,
        save: match save {
            "bare" => Save::Bare,
            "quoted" => Save::Quoted,
            "dialect" => Save::Dialect,
            _ => return None,
        },
        since: parse_version(since)?,
        until: parse_version(until)?,
        rewritten: match rewritten {
            "yes" => true,
            "no" => false,
            _ => return None,
        },
        privacy: match privacy {
            "-" => Privacy::Open,
            "private" => Privacy::Private,
            "secret" => Privacy::Secret,
            _ => return None,
        },
        meaning,
    })
}

/// Parses a version, or an empty text as `Some(None)`. `None` is a mistake in the table.
fn parse_version(text: &str) -> Option<Option<Version>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

fn parse_kind(text: &'static str) -> Option<Kind> {
    let (kind, more) = text.split_once(':').unwrap_or((text, ""));
    Some(match kind {
        "bool" => Kind::Bool(match more {
            "nonzero" => BoolRule::NonZero,
            "one" => BoolRule::One,
            "zero" => BoolRule::AllButZero,
            _ => return None,
        }),
        "int" => {
            let mut parts = more.split(';');
            let (min, max) = parts.next()?.split_once("..").unwrap_or_default();
            let bound = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
            Kind::Int {
                min: bound(min)?,
                max: bound(max)?,
                read_as: parts.map(parse_read_as).collect::<Option<_>>()?,
            }
        }
        "enum" => Kind::Enum(more.split('|').map(parse_word).collect::<Option<_>>()?),
        "words" => Kind::Words(more.split(' ').collect()),
        "string" => Kind::Text,
        "path" => Kind::Path,
        "command" => Kind::Command,
        "secret" => Kind::Secret,
        "list" => Kind::List,
        _ => return None,
    })
}

/// Parses `<=0=15`, `1=2` or `1..9=10`.
fn parse_read_as(text: &str) -> Option<ReadAs> {
    let (numbers, number) = text.rsplit_once('=')?;
    let number = number.parse().ok()?;
    Some(if let Some(to) = numbers.strip_prefix("<=") {
        ReadAs { from: i32::MIN, to: to.parse().ok()?, number }
    } else if let Some((from, to)) = numbers.split_once("..") {
        ReadAs { from: from.parse().ok()?, to: to.parse().ok()?, number }
    } else {
        let only = numbers.parse().ok()?;
        ReadAs { from: only, to: only, number }
    })
}

/// Parses `word`, `word@>=3.22.3` or `word@<=3.20.5`.
fn parse_word(text: &'static str) -> Option<Word> {
    let (text, bound) = text.split_once('@').unwrap_or((text, ""));
    let (mut since, mut until) = (None, None);
    if let Some(version) = bound.strip_prefix(">=") {
        since = Some(version.parse().ok()?);
    } else if let Some(version) = bound.strip_prefix("<=") {
        until = Some(version.parse().ok()?);
    } else if !bound.is_empty() {
        return None;
    }
    Some(Word { text, since, until })
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Bool(_) => f.write_str("0 or 1"),
            Kind::Int { min, max, .. } => match (min, max) {
                (Some(min), Some(max)) => write!(f, "{min} to {max}"),
                (Some(min), None) => write!(f, "{min} or more"),
                (None, Some(max)) => write!(f, "{max} or less"),
                (None, None) => f.write_str("a whole number"),
            },
            Kind::Enum(words) => {
                let shown: Vec<_> = words
                    .iter()
                    .map(|word| if word.text.is_empty() { "(empty)" } else { word.text })
                    .collect();
                f.write_str(&shown.join(", "))
            }
            Kind::Words(words) => write!(f, "any of these words: {}", words.join(" ")),
            Kind::Text => f.write_str("text"),
            Kind::Path => f.write_str("path"),
            Kind::Command => f.write_str("command"),
            Kind::Secret => f.write_str("password"),
            Kind::List => f.write_str("list"),
        }
    }
}

/// Returns a key as it is written on the command line: `KEY`, or `SECTION/KEY` outside of `[Settings]`. What is in no
/// section is `KEY` too.
///
/// Unlike a [`KeyPath`](crate::ini::name::KeyPath), both parts may contain anything that an ini can contain.
pub fn setting_path(section: &str, key: &str) -> String {
    let is_alone = section.is_empty() || section.eq_ignore_ascii_case("Settings");
    if is_alone { key.to_string() } else { format!("{section}/{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_a_key() {
        for row in rows() {
            assert!(parse(row).is_some(), "{row}");
        }
        assert_eq!(all().count(), rows().count());
    }

    #[test]
    fn no_key_is_listed_twice() {
        let mut seen = std::collections::HashSet::new();
        for key in all() {
            assert!(seen.insert((key.section, key.name)), "{}/{}", key.section, key.name);
        }
    }

    #[test]
    fn keys_are_found_in_any_letter_case_and_by_pattern() {
        assert_eq!(find("SETTINGS", "vad").unwrap().name, "VAD");
        assert_eq!(find("account12", "Domain").unwrap().limit, 1040);
        assert_eq!(find("Calls", "17").unwrap().name, "#");
        assert!(find("Account", "domain").is_none());
        assert!(find("Settings", "cmdCallIncoming").is_none());
    }

    #[test]
    fn every_command_and_only_those_is_a_command() {
        use crate::hook::event::Event;
        for event in Event::ALL {
            let key = find("Settings", event.key()).unwrap();
            assert_eq!((key.kind, key.save), (Kind::Command, Save::Dialect));
        }
        assert_eq!(all().filter(|key| key.kind == Kind::Command).count(), Event::ALL.len());
    }

    #[test]
    fn passwords_are_secret_everywhere() {
        assert_eq!(privacy("Account1", "Password"), Privacy::Secret);
        assert_eq!(privacy("Strange", "password"), Privacy::Secret);
        assert_eq!(privacy("Calls", "3"), Privacy::Private);
        assert_eq!(privacy("Settings", "VAD"), Privacy::Open);
    }
}
