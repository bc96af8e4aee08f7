//! Names and values that can be written without planting another line, and found again.

use std::str::FromStr;

use super::document::is_blank;
use crate::diagnostic::{Code, ToDiagnostic};

/// Why a text cannot stand in an ini as a name or a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the {what} is empty")]
    Empty { what: &'static str },
    #[error("the {what} holds {found}, which would plant another line or could not be found again")]
    Forbidden { what: &'static str, found: &'static str },
}

impl ToDiagnostic for NameError {
    fn code(&self) -> Code {
        Code::NameRefused
    }

    fn hint(&self) -> Option<String> {
        Some(
            "no name or value may hold a line break or NUL, no key a '=' or a leading '[' or ';', no section a ']'"
                .into(),
        )
    }
}

/// The name of a section, without brackets. Letter case of ASCII does not matter.
#[derive(Clone, Debug)]
pub struct SectionName(String);

/// The name of a key. Letter case of ASCII does not matter.
#[derive(Clone, Debug)]
pub struct KeyName(String);

/// The text behind `=`, exactly as it is to stand in the file.
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
    /// Blanks at the ends are dropped, as they are when it is read.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = clean(text, "section name")?;
        forbid(name, "section name", &[("a ']'", name.contains(']'))])?;
        Ok(SectionName(name.to_string()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyName {
    /// Blanks at the ends are dropped, as they are when it is read.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let name = clean(text, "key")?;
        let found = [
            ("a '='", name.contains('=')),
            ("a leading '['", name.starts_with('[')),
            ("a leading ';'", name.starts_with(';')),
        ];
        forbid(name, "key", &found)?;
        Ok(KeyName(name.to_string()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ValueText {
    /// Any text in one line.
    pub fn new(text: &str) -> Result<Self, NameError> {
        forbid(text, "value", &[])?;
        Ok(ValueText(text.to_string()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key in a section, written `SECTION/KEY`.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyPath {
    /// Where the key stands.
    pub section: SectionName,
    /// Its name.
    pub key: KeyName,
}

impl KeyPath {
    /// A key in [Settings], where MicroSIP keeps most of them.
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

    /// `SECTION/KEY`, or `KEY` for one in [Settings].
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

fn clean<'a>(text: &'a str, what: &'static str) -> Result<&'a str, NameError> {
    let name = text.trim_matches(|c| u16::try_from(u32::from(c)).is_ok_and(is_blank));
    if name.is_empty() { Err(NameError::Empty { what }) } else { Ok(name) }
}

fn forbid(text: &str, what: &'static str, more: &[(&'static str, bool)]) -> Result<(), NameError> {
    let always = [("a line break", text.contains(['\r', '\n'])), ("a NUL character", text.contains('\0'))];
    match always.iter().chain(more).find(|(_, is_there)| *is_there) {
        // the text itself may be a password
        Some((found, _)) => Err(NameError::Forbidden { what, found }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_plant_a_line_is_a_name_or_a_value() {
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
    fn a_key_path_is_in_settings_unless_it_says_otherwise() {
        let path: KeyPath = "Account1/password".parse().unwrap();
        assert_eq!((path.section.as_str(), path.key.as_str()), ("Account1", "password"));
        assert_eq!("VAD".parse::<KeyPath>().unwrap().to_string(), "VAD");
        assert_eq!("settings/VAD".parse::<KeyPath>().unwrap().to_string(), "VAD");
    }
}
