//! MicroSIP's versions, and the dialects in which they read and save commands.

use std::str::FromStr;

/// A version of MicroSIP, such as 3.22.3. A fourth number is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16, pub u16, pub u16);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Option<Vec<u16>> = text.trim().split('.').map(|part| part.parse::<u16>().ok()).collect();
        match parts.as_deref() {
            Some([major, minor]) => Ok(Version(*major, *minor, 0)),
            Some([major, minor, patch] | [major, minor, patch, _]) => Ok(Version(*major, *minor, *patch)),
            _ => Err(format!("'{text}' isn't a MicroSIP version; use the form 3.22.3")),
        }
    }
}

impl From<[u16; 4]> for Version {
    /// Converts the four numbers of a version resource, and drops the fourth.
    fn from([major, minor, patch, _]: [u16; 4]) -> Version {
        Version(major, minor, patch)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The way in which a version reads and saves commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Before 3.19: the whole value is one file, without arguments. Saved without quotes.
    WholeValue,
    /// 3.19 to 3.21.4: a command line. Saved without quotes, so the next start loses outer quotes.
    Raw,
    /// Since 3.21.6: a command line. Saved in double quotes.
    Quoted,
}

impl Dialect {
    /// The dialect of current versions.
    pub const PRESENT: Dialect = Dialect::Quoted;

    /// Returns the dialect of a version, or `None` for 3.21.5: it isn't known whether this version or 3.21.6 changed
    /// the dialect.
    pub fn of(version: Version) -> Option<Dialect> {
        if version < Version(3, 19, 0) {
            Some(Dialect::WholeValue)
        } else if version <= Version(3, 21, 4) {
            Some(Dialect::Raw)
        } else if version < Version(3, 21, 6) {
            None
        } else {
            Some(Dialect::Quoted)
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Dialect::WholeValue => "older than 3.19",
            Dialect::Raw => "3.19 to 3.21.4",
            Dialect::Quoted => "3.21.6 or newer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_dialect() {
        let dialect = |text: &str| Dialect::of(text.parse().unwrap());
        assert_eq!(dialect("3.14.0"), Some(Dialect::WholeValue));
        assert_eq!(dialect("3.19.27"), Some(Dialect::Raw));
        assert_eq!(dialect("3.21.4"), Some(Dialect::Raw));
        assert_eq!(dialect("3.21.5"), None);
        assert_eq!(dialect("3.21.6"), Some(Dialect::Quoted));
        assert_eq!(dialect("3.22"), Some(Dialect::Quoted));
        assert!("three".parse::<Version>().is_err());
    }
}
