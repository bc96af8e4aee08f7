//! The part of Windows' registry that determines which program opens a link. Changes name keys relative to this user's
//! classes, so this interface can't write anywhere else.

use std::io;

/// A part of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hive {
    /// HKEY_CURRENT_USER.
    User,
    /// HKEY_LOCAL_MACHINE.
    Machine,
}

/// A value exactly as the registry stores it, so that it can be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassValue {
    /// The number that Windows uses for its type.
    pub kind: u32,
    /// Its data.
    pub bytes: Vec<u8>,
}

impl ClassValue {
    /// REG_SZ.
    const TEXT: u32 = 1;
    /// REG_EXPAND_SZ.
    const TEXT_WITH_VARIABLES: u32 = 2;

    /// Returns a text as programs write it, with a NUL at the end.
    pub fn of_text(text: &str) -> ClassValue {
        let bytes = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        ClassValue { kind: ClassValue::TEXT, bytes }
    }

    /// Returns the text, if it is one.
    pub fn text(&self) -> Option<String> {
        if ![ClassValue::TEXT, ClassValue::TEXT_WITH_VARIABLES].contains(&self.kind) {
            return None;
        }
        let units = self.bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let units: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
        Some(String::from_utf16_lossy(&units))
    }
}

/// A change below `HKEY_CURRENT_USER\Software\Classes`; keys are relative to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassChange {
    /// Sets a value, and creates its key if it doesn't exist.
    Set { key: String, name: String, value: ClassValue },
    /// Removes a value, if it exists.
    Remove { key: String, name: String },
    /// Removes a value, and its key too if that contains nothing else. This is one change, so that no key is left whose
    /// origin nobody knows.
    RemoveWithKey { key: String, name: String },
}

impl ClassChange {
    /// Returns the key in which something changes.
    pub fn key(&self) -> &str {
        let (ClassChange::Set { key, .. }
        | ClassChange::Remove { key, .. }
        | ClassChange::RemoveWithKey { key, .. }) = self;
        key
    }
}

/// The registry of classes of files and links.
pub trait ClassRegistry {
    /// Returns the class that the user chose for a scheme in Windows' settings.
    ///
    /// # Errors
    /// The registry can't be read.
    fn user_choice(&self, scheme: &str) -> io::Result<Option<String>>;

    /// Returns a value below `Software\Classes`; the empty name means the default value.
    ///
    /// # Errors
    /// The registry can't be read.
    fn value(&self, hive: Hive, key: &str, name: &str) -> io::Result<Option<ClassValue>>;

    /// Returns whether this user has a key below `Software\Classes`.
    ///
    /// # Errors
    /// The registry can't be read.
    fn has_key(&self, key: &str) -> io::Result<bool>;

    /// Makes a change.
    ///
    /// # Errors
    /// The registry can't be written.
    fn change(&mut self, change: &ClassChange) -> io::Result<()>;

    /// Tells Windows that classes changed, because it caches them.
    fn announce(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_string_types_have_text() {
        assert_eq!(ClassValue::of_text("a b").text().as_deref(), Some("a b"));
        assert_eq!(ClassValue::of_text("").text().as_deref(), Some(""));
        assert_eq!(ClassValue { kind: 2, bytes: b"a\0b\0".into() }.text().as_deref(), Some("ab"));
        assert_eq!(ClassValue { kind: 1, bytes: b"a\0\0\0b\0c".into() }.text().as_deref(), Some("a"));
        assert_eq!(ClassValue { kind: 4, bytes: vec![1, 0, 0, 0] }.text(), None);
    }
}
