//! Checks values of settings, and converts them to the form in which MicroSIP would save them.
//!
//! Values are written in that form, so that they don't change when MicroSIP saves its settings. A value that would
//! change is refused, with a suggestion that wouldn't.

use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;
use crate::ini::name::{KeyPath, NameError, ValueText};
use crate::ini::{Wide, lookup, wide};

use super::keys::{self, Key, Kind, Save, Word};

/// A value with the text that is written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The value as MicroSIP will read it.
    pub value: String,
    /// The text after `=`.
    pub text: ValueText,
    /// Warnings about the value.
    pub warnings: Vec<ValueWarning>,
}

/// Why a text with a quotation mark isn't a path.
pub const NO_QUOTE_IN_PATHS: &str = "a path can't contain a quotation mark";

/// How a quotation mark gets into a path: Windows programs read `\"` as a quotation mark, so the argument goes on.
pub const BACKSLASH_BEFORE_QUOTE: &str = "if the path ends with a backslash, remove it: before a closing quote, it makes the text after it part of the path";

/// The reason why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{path} can't be '{value}': {allowed}")]
    Impossible { path: String, value: String, allowed: String },
    #[error("{path} has {length} characters; MicroSIP reads only {limit}")]
    TooLong { path: String, length: usize, limit: usize },
    #[error("{path} wouldn't stay '{value}': MicroSIP removes spaces and quotes at both ends")]
    Unstable { path: String, value: String, suggestion: String },
    #[error("{path} can't be '{value}': the quotes would become part of the device's name")]
    QuotedName { path: String, value: String, suggestion: String },
    #[error("{path} can't be '{value}': {NO_QUOTE_IN_PATHS}")]
    QuoteInPath { path: String, value: String },
    #[error("{path} isn't a MicroSIP setting")]
    Misspelled { path: String, meant: String },
}

impl ValueError {
    /// Returns this error with another name for the key.
    pub fn named(mut self, name: &str) -> ValueError {
        match &mut self {
            ValueError::Name(_) => {}
            ValueError::Impossible { path, .. }
            | ValueError::TooLong { path, .. }
            | ValueError::Unstable { path, .. }
            | ValueError::QuotedName { path, .. }
            | ValueError::QuoteInPath { path, .. }
            | ValueError::Misspelled { path, .. } => *path = name.into(),
        }
        self
    }

    /// Returns this error with a mask for the value, which may be a password at the wrong key.
    pub fn without_value(mut self) -> ValueError {
        match &mut self {
            ValueError::Name(_) | ValueError::TooLong { .. } | ValueError::Misspelled { .. } => {}
            ValueError::Impossible { value, .. }
            | ValueError::Unstable { value, .. }
            | ValueError::QuotedName { value, .. }
            | ValueError::QuoteInPath { value, .. } => *value = keys::MASK.into(),
        }
        self
    }
}

impl ToDiagnostic for ValueError {
    fn code(&self) -> Code {
        match self {
            ValueError::Name(error) => error.code(),
            ValueError::Impossible { .. } => Code::ValueRefused,
            ValueError::TooLong { .. } => Code::ValueTooLong,
            ValueError::Unstable { .. } => Code::ValueUnstable,
            ValueError::QuotedName { .. } | ValueError::QuoteInPath { .. } => Code::ValueRefused,
            ValueError::Misspelled { .. } => Code::KeyMisspelled,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ValueError::Name(error) => error.hint(),
            ValueError::Impossible { path, .. } => {
                Some(format!("run 'msipcfg keys {path}' for the allowed values"))
            }
            ValueError::TooLong { limit, .. } => Some(format!("shorten it to {limit} characters")),
            ValueError::Unstable { suggestion, .. } | ValueError::QuotedName { suggestion, .. } => {
                Some(format!("use '{suggestion}' instead"))
            }
            ValueError::QuoteInPath { .. } => Some(BACKSLASH_BEFORE_QUOTE.into()),
            ValueError::Misspelled { meant, .. } => {
                Some(format!("did you mean {meant}? To write it anyway, use --allow-unknown"))
            }
        }
    }
}

/// A warning about a value that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueWarning {
    #[error("{path} isn't a MicroSIP setting")]
    UnknownKey { path: String, nearest: Option<String> },
    #[error("{path}: '{given}' is written as '{saved}', as MicroSIP would save it")]
    Normalised { path: String, given: String, saved: String },
    #[error("{path}: MicroSIP ignores '{word}', because it doesn't know it")]
    UnknownWord { path: String, word: String, nearest: Option<&'static str> },
    #[error("{path}: '{word}' works only in MicroSIP {versions}")]
    OtherVersion { path: String, word: &'static str, versions: String },
    #[error(
        "{path}: MicroSIP mistakes about 1 in 256 plain passwords of {length} characters for an encrypted one"
    )]
    PasswordLength { path: String, length: usize },
}

impl ToDiagnostic for ValueWarning {
    fn code(&self) -> Code {
        match self {
            ValueWarning::UnknownKey { .. } => Code::KeyUnknown,
            ValueWarning::Normalised { .. } => Code::ValueNormalised,
            ValueWarning::UnknownWord { .. } | ValueWarning::OtherVersion { .. } => Code::ValueUnknownWord,
            ValueWarning::PasswordLength { .. } => Code::PasswordLength,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            ValueWarning::UnknownKey { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            ValueWarning::UnknownWord { nearest: Some(nearest), .. } => {
                Some(format!("did you mean {nearest}?"))
            }
            ValueWarning::PasswordLength { .. } => {
                Some("if the account can't log in, use a password that is one character longer".into())
            }
            _ => None,
        }
    }
}

/// Returns the warning about an unknown key, with the nearest known one.
pub fn unknown_key(path: &KeyPath) -> ValueWarning {
    let typed = path.key.as_str();
    let known = || keys::all().filter(|key| same_kind_of_section(key.section, path.section.as_str()));
    let nearest = if keys::is_section(typed) {
        Some(key_of_section(typed))
    } else {
        guess::nearest(typed, known().map(|key| key.name).filter(|name| *name != "#")).map(str::to_string)
    };
    ValueWarning::UnknownKey { path: path.to_string(), nearest }
}

/// Refuses an unknown key that is almost certainly a known one, misspelled or in the wrong place.
///
/// # Errors
/// The key that was probably meant.
pub fn refuse_misspelled(path: &KeyPath) -> Result<(), ValueError> {
    let (section, typed) = (path.section.as_str(), path.key.as_str());
    if keys::find(section, typed).is_some() {
        return Ok(());
    }
    let meant = if !keys::is_section(section) {
        misspelled_section(section).map(|section| keys::setting_path(&section, typed))
    } else if keys::is_section(typed) {
        Some(key_of_section(typed))
    } else {
        let names = keys::all().filter(|key| same_kind_of_section(key.section, section) && key.name != "#");
        let misspelled = guess::misspelled(typed, names.map(|key| key.name));
        let home = || keys::all().find(|key| key.name.eq_ignore_ascii_case(typed));
        let misplaced = || home().map(|key| keys::setting_path(&key.section.replace('N', "1"), key.name));
        misspelled.map(|name| keys::setting_path(section, name)).or_else(misplaced)
    };
    match meant {
        Some(meant) => Err(ValueError::Misspelled { path: path.to_string(), meant }),
        None => Ok(()),
    }
}

/// Returns the section that was probably meant: `[Settings]` for `[Setings]`, `[Account2]` for `[Acount2]`.
fn misspelled_section(typed: &str) -> Option<String> {
    let name = typed.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &typed[name.len()..];
    let known = || keys::sections().into_iter().map(|section| section.trim_end_matches('N'));
    let same = known().find(|section| section.eq_ignore_ascii_case(name) && number.is_empty());
    let meant = same.or_else(|| guess::misspelled(name, known()))?;
    let number = if meant == "Account" && number.is_empty() { "1" } else { number };
    Some(format!("{meant}{number}"))
}

/// Returns how to write a key of a section, for users who wrote only the section.
pub fn key_of_section(section: &str) -> String {
    format!("{section}/KEY")
}

/// Returns the form in which MicroSIP would save a value. For commands, see `hook::command`.
///
/// # Errors
/// The key can't have the value, or wouldn't keep it.
pub fn as_saved(path: &KeyPath, given: &str) -> Result<Saved, ValueError> {
    let named = path.to_string();
    ValueText::new(given)?;
    let Some(key) = keys::find(path.section.as_str(), path.key.as_str()) else {
        // MicroSIP never rewrites it, so the value only has to be read back unchanged
        let text = if survives_bare(given) { given.to_string() } else { format!("\"{given}\"") };
        fits(&named, given, lookup::NO_LIMIT - 2)?;
        let warnings = vec![unknown_key(path)];
        return Ok(Saved { value: given.to_string(), text: ValueText::new(&text)?, warnings });
    };
    let (value, mut warnings) = check(&named, &key, given)?;
    let text = match key.save {
        Save::Quoted => {
            if !survives_bare(value.trim()) {
                let suggestion = String::from_utf16_lossy(&read_bare(value.trim()));
                return Err(ValueError::QuotedName { path: named, value, suggestion });
            }
            // of a quoted text as long as the limit, MicroSIP loses the last unit
            fits(&named, &value, key.limit - 1)?;
            format!("\"{value}\"")
        }
        // MicroSIP reads a plain password once and then saves it encrypted
        Save::Bare if key.kind == Kind::Secret && !survives_bare(&value) => {
            fits(&named, &value, key.limit - 1)?;
            format!("\"{value}\"")
        }
        Save::Bare | Save::Dialect => {
            fits(&named, &value, key.limit)?;
            if !survives_bare(&value) {
                let suggestion = String::from_utf16_lossy(&read_bare(&value));
                return Err(ValueError::Unstable { path: named, value, suggestion });
            }
            value.clone()
        }
    };
    if key.kind == Kind::Secret {
        let length = value.encode_utf16().count();
        if may_be_taken_for_encrypted(length) {
            warnings.push(ValueWarning::PasswordLength { path: named, length });
        }
    }
    Ok(Saved { value, text: ValueText::new(&text)?, warnings })
}

/// Returns whether MicroSIP sometimes takes plain passwords of this length for encrypted ones, because encrypted
/// ones can be as long (all versions seen).
pub fn may_be_taken_for_encrypted(length: usize) -> bool {
    length >= 15 && (length.is_multiple_of(16) || length % 16 == 15)
}

/// Returns whether a password has the form of an encrypted one: hex digits of whole blocks (all versions seen).
pub fn is_encrypted(password: &[u16]) -> bool {
    let is_hex = |unit: &u16| u8::try_from(*unit).is_ok_and(|byte| byte.is_ascii_hexdigit());
    password.len().is_multiple_of(2 * BLOCK) && password.iter().all(is_hex)
}

/// Returns the number of hex digits of an encrypted password, from the number of UTF-16 units in the plain one.
///
/// MicroSIP encrypts MFC's form of a string (FF FE FF, the length, two bytes per unit), padded to whole blocks with
/// at least one byte.
pub fn encrypted_length(length: usize) -> usize {
    let header = if length < 0xFF { 4 } else { 6 };
    ((header + 2 * length) / BLOCK + 1) * BLOCK * 2
}

/// The block size of RC2, in bytes.
const BLOCK: usize = 8;

fn check(path: &str, key: &Key, given: &str) -> Result<(String, Vec<ValueWarning>), ValueError> {
    let impossible = |allowed: String| ValueError::Impossible {
        path: path.to_string(),
        value: given.to_string(),
        allowed: format!("it can be {allowed}"),
    };
    let normalised = |saved: String| {
        let warning = ValueWarning::Normalised {
            path: path.to_string(),
            given: given.to_string(),
            saved: saved.clone(),
        };
        let warnings = if saved == given { Vec::new() } else { vec![warning] };
        (saved, warnings)
    };
    match &key.kind {
        Kind::Bool(_) if given != "0" && given != "1" => Err(impossible(key.kind.to_string())),
        Kind::Int { min, max, read_as } => {
            let number: i32 = given.trim().parse().map_err(|_| impossible(key.kind.to_string()))?;
            let number = read_as
                .iter()
                .find(|rule| (rule.from..=rule.to).contains(&number))
                .map_or(number, |r| r.number);
            if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                return Err(impossible(key.kind.to_string()));
            }
            Ok(normalised(number.to_string()))
        }
        Kind::Enum(words) => {
            let word = words
                .iter()
                .find(|word| word.text.eq_ignore_ascii_case(given))
                .ok_or_else(|| impossible(format!("one of {}", key.kind)))?;
            let (saved, mut warnings) = normalised(word.text.to_string());
            let path = path.to_string();
            warnings.extend(versions_of(word).map(|versions| ValueWarning::OtherVersion {
                path,
                word: word.text,
                versions,
            }));
            Ok((saved, warnings))
        }
        Kind::Words(known) => {
            let warnings = given
                .split_whitespace()
                .filter(|word| !known.contains(word))
                .map(|word| ValueWarning::UnknownWord {
                    path: path.to_string(),
                    word: word.to_string(),
                    nearest: guess::nearest(word, known.iter().copied()),
                })
                .collect();
            Ok((given.to_string(), warnings))
        }
        // outer quotes are refused with the path between them
        Kind::Path if given.contains('"') && survives_bare(given) => {
            Err(ValueError::QuoteInPath { path: path.to_string(), value: given.to_string() })
        }
        _ => Ok((given.to_string(), Vec::new())),
    }
}

/// Returns which versions know a word, if not all do.
fn versions_of(word: &Word) -> Option<String> {
    match (word.since, word.until) {
        (Some(since), _) => Some(format!("{since} and later")),
        (_, Some(until)) => Some(format!("{until} and earlier")),
        (None, None) => None,
    }
}

/// Returns what MicroSIP reads if the value is written without quotes.
fn read_bare(value: &str) -> Wide {
    lookup::read_text(&wide(value), lookup::NO_LIMIT)
}

fn survives_bare(value: &str) -> bool {
    read_bare(value) == wide(value)
}

fn fits(path: &str, value: &str, limit: usize) -> Result<(), ValueError> {
    let length = value.encode_utf16().count();
    if length > limit { Err(ValueError::TooLong { path: path.to_string(), length, limit }) } else { Ok(()) }
}

fn same_kind_of_section(known: &str, asked: &str) -> bool {
    known.eq_ignore_ascii_case(asked)
        || known == "AccountN" && asked.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Account"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(path: &str, value: &str) -> Result<(String, Vec<Code>), Code> {
        as_saved(&path.parse().unwrap(), value)
            .map(|saved| {
                (saved.text.as_str().to_string(), saved.warnings.iter().map(ToDiagnostic::code).collect())
            })
            .map_err(|error| error.code())
    }

    fn plain(text: &str) -> Result<(String, Vec<Code>), Code> {
        Ok((text.to_string(), vec![]))
    }

    #[test]
    fn numbers_are_checked_and_normalised() {
        assert_eq!(saved("VAD", "1"), plain("1"));
        assert_eq!(saved("VAD", "yes"), Err(Code::ValueRefused));
        assert_eq!(saved("VAD", "2"), Err(Code::ValueRefused));
        assert_eq!(saved("volumeRing", "100"), plain("100"));
        assert_eq!(saved("volumeRing", "101"), Err(Code::ValueRefused));
        assert_eq!(saved("mainX", "-5"), plain("-5"));
        assert_eq!(saved("mainX", "007"), Ok(("7".into(), vec![Code::ValueNormalised])));
        assert_eq!(saved("Account1/keepAlive", "0"), Ok(("15".into(), vec![Code::ValueNormalised])));
        assert_eq!(saved("Account1/registerRefresh", "9"), Ok(("10".into(), vec![Code::ValueNormalised])));
        assert_eq!(saved("mainX", "99999999999"), Err(Code::ValueRefused));
        assert_eq!(saved("mainX", ""), Err(Code::ValueRefused));
    }

    #[test]
    fn unknown_words_are_refused_or_reported() {
        assert_eq!(saved("autoAnswer", "all"), plain("all"));
        assert_eq!(saved("autoAnswer", ""), plain(""));
        assert_eq!(saved("autoAnswer", "ALL"), Ok(("all".into(), vec![Code::ValueNormalised])));
        assert_eq!(saved("autoAnswer", "maybe"), Err(Code::ValueRefused));
        assert_eq!(saved("denyIncoming", "rdomain"), Ok(("rdomain".into(), vec![Code::ValueUnknownWord])));
        let codecs = saved("audioCodecs", "PCMA/8000/1 PCMX/8000/1");
        assert_eq!(codecs, Ok(("PCMA/8000/1 PCMX/8000/1".into(), vec![Code::ValueUnknownWord])));
    }

    #[test]
    fn a_value_that_saving_would_change_is_refused_with_a_suggestion() {
        let error = as_saved(&"userAgent".parse().unwrap(), "\"My Phone\"").unwrap_err();
        assert_eq!(error.code(), Code::ValueUnstable);
        assert_eq!(error.hint().as_deref(), Some("use 'My Phone' instead"));
        assert_eq!(saved("userAgent", " x"), Err(Code::ValueUnstable));
        assert_eq!(saved("userAgent", "say \"x\""), plain("say \"x\""));
        assert_eq!(saved("userAgent", &"x".repeat(256)), Err(Code::ValueTooLong));
        assert_eq!(saved("userAgent", "a\r\nb"), Err(Code::NameRefused));
    }

    #[test]
    fn devices_are_quoted_and_keep_any_text_except_quotes_around_it() {
        assert_eq!(saved("audioInputDevice", " \"Mic\" 2 "), plain("\" \"Mic\" 2 \""));
        for quoted in ["\"Mic\"", "'Mic'", " \"Mic\" "] {
            assert_eq!(saved("audioInputDevice", quoted), Err(Code::ValueRefused), "{quoted}");
        }
        assert_eq!(saved("audioInputDevice", &"x".repeat(255)), Err(Code::ValueTooLong));
    }

    #[test]
    fn unknown_keys_keep_any_value() {
        let path = "updateInterval".parse().unwrap();
        let warning = &as_saved(&path, "x").unwrap().warnings[0];
        assert_eq!(warning.hint().as_deref(), Some("did you mean updatesInterval?"));
        assert_eq!(saved("Mine/key", " x "), Ok(("\" x \"".into(), vec![Code::KeyUnknown])));
        assert_eq!(saved("Mine/key", "'x'"), Ok(("\"'x'\"".into(), vec![Code::KeyUnknown])));
    }

    #[test]
    fn an_encrypted_password_is_whole_blocks_of_hex_digits() {
        assert_eq!([1, 6, 32, 33, 34].map(encrypted_length), [16, 48, 144, 144, 160]);
        assert!(is_encrypted(&wide("0123456789abcdEF")));
        assert!(!is_encrypted(&wide("0123456789abcde")) && !is_encrypted(&wide("0123456789abcdeg")));
    }

    #[test]
    fn passwords_of_an_ambiguous_length_cause_a_warning() {
        let codes = |length: usize| saved("Account1/password", &"x".repeat(length)).unwrap().1;
        for length in [15, 16, 31, 32, 47] {
            assert_eq!(codes(length), [Code::PasswordLength], "{length}");
        }
        assert_eq!(codes(14), []);
        assert_eq!(codes(17), []);
        assert_eq!(saved("Account1/password", "\"pw\""), plain("\"\"pw\"\""));
    }
}
