//! Values that not everybody may see, as a type that can't be printed by mistake.

use std::fmt;

use super::keys::{self, MASK, Privacy};

/// Who is going to see a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Anyone: output can end up in a log, in a ticket or on another screen.
    Anyone,
    /// The person who asked for this value by name.
    Requester,
    /// Nobody: the program compares the value, hashes it or writes it to the ini.
    Program,
}

/// A value and who may see it. It has no `Display`, and its `Debug` form is masked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Guarded {
    value: String,
    privacy: Privacy,
}

impl Guarded {
    /// Guards the value of a key as the catalogue says.
    pub fn of_key(section: &str, key: &str, value: impl Into<String>) -> Guarded {
        Guarded { value: value.into(), privacy: keys::privacy(section, key) }
    }

    /// Guards a value with this privacy.
    pub fn new(value: impl Into<String>, privacy: Privacy) -> Guarded {
        Guarded { value: value.into(), privacy }
    }

    /// Guards a password.
    pub fn password(value: impl Into<String>) -> Guarded {
        Guarded::new(value, Privacy::Secret)
    }

    /// Returns the value, or [`MASK`] if this viewer may not see it. An empty value is never masked.
    pub fn reveal(&self, viewer: Viewer) -> &str {
        let is_visible = match viewer {
            Viewer::Anyone => self.privacy == Privacy::Open,
            Viewer::Requester => self.privacy < Privacy::Secret,
            Viewer::Program => true,
        };
        if is_visible || self.value.is_empty() { &self.value } else { MASK }
    }

    /// Returns whether the value is empty, which anyone may know.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reveal(Viewer::Anyone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_viewer_sees_what_the_catalogue_allows() {
        let seen = |section, key| {
            let guarded = Guarded::of_key(section, key, "value");
            [Viewer::Anyone, Viewer::Requester, Viewer::Program]
                .map(|viewer| guarded.reveal(viewer).to_string())
        };
        assert_eq!(seen("Settings", "VAD"), ["value", "value", "value"]);
        assert_eq!(seen("Calls", "3"), [MASK, "value", "value"]);
        assert_eq!(seen("Account1", "password"), [MASK, MASK, "value"]);
        assert_eq!(Guarded::password("").reveal(Viewer::Anyone), "");
    }

    #[test]
    fn debug_output_is_masked() {
        assert_eq!(format!("{:?}", Guarded::password("secret")), MASK);
    }
}
