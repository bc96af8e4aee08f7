//! Names and values that are safe to write: they can't inject another line, and a name can be found again.

use std::str::FromStr;

use super::utf16::is_whitespace;
use crate::diagnostic::{Code, ToDiagnostic};

/// The reason why a text can't be a name or a value in an ini.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the {what} is empty")]
    Empty { what: &'static str },
    // without the text itself, because it may be a password
    #[error("an ini can't store this {what}, because it {found}")]
    Forbidden { what: &'static str, found: &'static str },
}

impl ToDiagnostic for NameError {
    fn code(&self) -> Code {
        Code::NameRefused
    }

    fn hint(&self) -> Option<String> {
        Some(
            "names and values can't contain line breaks or NULs, keys can't contain '=' or start with '[' or ';', and \
             section names can't contain ']'"
                .into(),
        )
    }
}

/// The name of a section, without brackets. The case of ASCII letters doesn't matter.
#[derive(Clone, Debug)]
pub struct SectionName(String);

/// The name of a key. The case of ASCII letters doesn't matter.
#[derive(Clone, Debug)]
pub struct KeyName(String);

/// The text after `=`, exactly as it is written to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueText(String);

impl PartialEq for SectionName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl PartialEq for KeyName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl SectionName {
    /// Creates a section name. Whitespace at its ends is trimmed, because Windows does so when it reads the name.
    ///
    /// # Errors
    /// If the name is empty or couldn't be found again.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = trim(text, "section name")?;
        forbid(name, "section name", &[("contains a ']'", name.contains(']'))])?;
        Ok(SectionName(name.to_string()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyName {
    /// Creates a key name. Whitespace at its ends is trimmed, because Windows does so when it reads the name.
    ///
    /// # Errors
    /// If the name is empty or couldn't be found again.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = trim(text, "key")?;
        let found = [
            ("contains a '='", name.contains('=')),
            ("starts with '['", name.starts_with('[')),
            ("starts with ';'", name.starts_with(';')),
        ];
        forbid(name, "key", &found)?;
        Ok(KeyName(name.to_string()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ValueText {
    /// Creates a value from any text without line breaks and NULs.
    ///
    /// # Errors
    /// If the text contains a line break or a NUL.
    pub fn new(text: &str) -> Result<Self, NameError> {
        forbid(text, "value", &[])?;
        Ok(ValueText(text.to_string()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key in a section, written `SECTION/KEY`.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPath {
    /// The section of the key.
    pub section: SectionName,
    /// The name of the key.
    pub key: KeyName,
}

impl KeyPath {
    /// Creates a path of a key in [Settings], which contains most of MicroSIP's keys.
    ///
    /// # Errors
    /// If this isn't the name of a key.
    pub fn in_settings(key: &str) -> Result<Self, NameError> {
        KeyPath::new("Settings", key)
    }

    /// Creates the path of a key in a section.
    pub fn new(section: &str, key: &str) -> Result<Self, NameError> {
        Ok(KeyPath { section: SectionName::new(section)?, key: KeyName::new(key)? })
    }
}

impl FromStr for KeyPath {
    type Err = NameError;

    /// Parses `SECTION/KEY`, or `KEY` for a key in [Settings].
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((section, key)) => {
                Ok(KeyPath { section: SectionName::new(section)?, key: KeyName::new(key)? })
            }
            None => KeyPath::in_settings(text),
        }
    }
}

impl std::fmt::Display for KeyPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.section.0.eq_ignore_ascii_case("Settings") {
            write!(f, "{}/", self.section.0)?;
        }
        f.write_str(&self.key.0)
    }
}

fn trim<'a>(text: &'a str, what: &'static str) -> Result<&'a str, NameError> {
    let name = text.trim_matches(|c| u16::try_from(u32::from(c)).is_ok_and(is_whitespace));
    if name.is_empty() { Err(NameError::Empty { what }) } else { Ok(name) }
}

fn forbid(text: &str, what: &'static str, more: &[(&'static str, bool)]) -> Result<(), NameError> {
    let always = [
        ("contains a line break", text.contains(['\r', '\n'])),
        ("contains a NUL character", text.contains('\0')),
    ];
    match always.iter().chain(more).find(|(_, is_found)| *is_found) {
        Some((found, _)) => Err(NameError::Forbidden { what, found }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_could_inject_a_line_is_refused() {
        for text in ["a\rb", "a\nb", "a\0b", "a\r\n[S]"] {
            assert!(SectionName::new(text).is_err(), "{text:?}");
            assert!(KeyName::new(text).is_err(), "{text:?}");
            assert!(ValueText::new(text).is_err(), "{text:?}");
        }
        for text in ["a=b", "[a", ";a", "", " ", "\t[a"] {
            assert!(KeyName::new(text).is_err(), "{text:?}");
        }
        assert!(SectionName::new("a]b").is_err());
        assert!(ValueText::new("[x] ; = ] 'q'").is_ok());
    }

    #[test]
    fn a_key_path_without_a_section_is_in_settings() {
        let path: KeyPath = "Account1/password".parse().unwrap();
        assert_eq!((path.section.as_str(), path.key.as_str()), ("Account1", "password"));
        assert_eq!("VAD".parse::<KeyPath>().unwrap().to_string(), "VAD");
        assert_eq!("settings/VAD".parse::<KeyPath>().unwrap().to_string(), "VAD");
    }
}
