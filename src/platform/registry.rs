//! The part of Windows' registry that says which program opens a link. What is changed is named relative to
//! this user's classes, so that whoever has only this cannot write anywhere else.

use std::io;

/// Whose part of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hive {
    /// HKEY_CURRENT_USER.
    User,
    /// HKEY_LOCAL_MACHINE.
    Machine,
}

/// A value as the registry keeps it, so that it can be given back exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassValue {
    /// Windows' number of its type.
    pub kind: u32,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl ClassValue {
    /// REG_SZ.
    const TEXT: u32 = 1;
    /// REG_EXPAND_SZ.
    const TEXT_WITH_VARIABLES: u32 = 2;

    /// A text as programs write it, with a NUL at its end.
    pub fn of_text(text: &str) -> ClassValue {
        let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        ClassValue { kind: ClassValue::TEXT, bytes }
    }

    /// What it says, if it is text.
    pub fn text(&self) -> Option<String> {
        if ![ClassValue::TEXT, ClassValue::TEXT_WITH_VARIABLES].contains(&self.kind) {
            return None;
        }
        let units = self.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
        Some(String::from_utf16_lossy(&units))
    }
}

/// A change below `HKEY_CURRENT_USER\Software\Classes`, where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassChange {
    /// A value is set; its key is made if it is not there.
    Set { key: String, name: String, value: ClassValue },
    /// A value goes, if it is there.
    Remove { key: String, name: String },
    /// A value goes, and its key with it if nothing else is in that: one change, so that no key stays behind
    /// of which nobody knows any more whose it is.
    RemoveWithKey { key: String, name: String },
}

/// Where classes of files and links are registered.
pub trait ClassRegistry {
    /// The class that the user chose for a scheme in Windows' own settings.
    ///
    /// # Errors
    /// When the registry cannot be read.
    fn user_choice(&self, scheme: &str) -> io::Result<Option<String>>;

    /// A value below `Software\Classes`; the empty name is the default value.
    ///
    /// # Errors
    /// When the registry cannot be read.
    fn value(&self, hive: Hive, key: &str, name: &str) -> io::Result<Option<ClassValue>>;

    /// Whether this user has a key below `Software\Classes`.
    ///
    /// # Errors
    /// When the registry cannot be read.
    fn has_key(&self, key: &str) -> io::Result<bool>;

    /// Makes a change.
    ///
    /// # Errors
    /// When the registry cannot be written.
    fn change(&mut self, change: &ClassChange) -> io::Result<()>;

    /// Tells Windows that classes changed: it keeps what it read of them.
    fn announce(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_text() {
        assert_eq!(ClassValue::of_text("a b").text().as_deref(), Some("a b"));
        assert_eq!(ClassValue::of_text("").text().as_deref(), Some(""));
        assert_eq!(ClassValue { kind: 2, bytes: b"a\0b\0".into() }.text().as_deref(), Some("ab"));
        assert_eq!(ClassValue { kind: 1, bytes: b"a\0\0\0b\0c".into() }.text().as_deref(), Some("a"));
        assert_eq!(ClassValue { kind: 4, bytes: vec![1, 0, 0, 0] }.text(), None);
    }
}
