//! The version that the stand-in imitates.

/// A version such as 3.22.3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Returns the version that the environment names.
    pub fn from_environment() -> Self {
        let text = std::env::var("STAND_IN_VERSION").unwrap_or_else(|_| "3.22.3".into());
        let numbers: Vec<u32> = text.split('.').map(|part| part.parse().unwrap()).collect();
        let [major, minor, patch] = numbers[..] else { panic!("not a version: {text}") };
        Version(major, minor, patch)
    }

    /// Returns whether commands are saved in quotes. It isn't known whether 3.21.5 or 3.21.6 introduced that.
    pub fn quotes_commands(self) -> bool {
        self >= Version(3, 21, 6)
    }

    /// Returns whether the whole value of a command is one file.
    pub fn has_no_arguments(self) -> bool {
        self < Version(3, 19, 0)
    }

    /// Returns the section of the ini that contains the version, if this version writes it.
    pub fn section(self) -> Option<&'static str> {
        if self >= Version(3, 22, 16) {
            Some("Global")
        } else {
            (self >= Version(3, 22, 3)).then_some("Settings")
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}
