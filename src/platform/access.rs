//! Windows users and groups, and who may access a file.

use std::io;

/// A Windows user or group, as text such as `S-1-5-18`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(pub String);

impl Sid {
    /// Returns whether this is a user account of this machine, of a domain or of Entra ID, and not one of Windows' own
    /// services and groups.
    pub fn is_user(&self) -> bool {
        // [MS-DTYP] 2.4.2.4, which doesn't list those of Entra ID
        let has_start = |start: &str| self.0.starts_with(start);
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (has_start("S-1-5-21-") || has_start("S-1-12-1-")) && self.0[2..].split('-').all(is_number)
    }

    /// Returns whether this is SYSTEM or the group of administrators.
    pub fn is_administrative(&self) -> bool {
        matches!(&*self.0, "S-1-5-18" | "S-1-5-32-544")
    }
}

/// The owner and the access list of a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The owner.
    pub owner: Sid,
    /// The access list, in the order in which Windows evaluates it. Without a list, everybody has full access.
    pub entries: Option<Vec<AccessEntry>>,
}

impl Access {
    /// Returns whether somebody may read this file who may not read the other one.
    pub fn has_more_readers_than(&self, other: &Access) -> bool {
        const READ: u32 = 0x1 | 0x1000_0000 | 0x8000_0000;
        let readers = |access: &Access| -> Option<Vec<Sid>> {
            let may_read = |entry: &&AccessEntry| {
                entry.kind == EntryKind::Allow && !entry.is_inherit_only && entry.mask & READ != 0
            };
            let entries = access.entries.as_ref()?;
            Some(entries.iter().filter(may_read).map(|entry| entry.sid.clone()).collect())
        };
        match (readers(self), readers(other)) {
            // without a list everybody may read
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(here), Some(there)) => here.iter().any(|sid| !there.contains(sid)),
        }
    }
}

/// An entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whether it allows or denies access.
    pub kind: EntryKind,
    /// Whether it applies only to files that will be created in the folder.
    pub is_inherit_only: bool,
    /// The user or group that it applies to.
    pub sid: Sid,
    /// The rights, as the bits that Windows uses.
    pub mask: u32,
}

/// The kind of an access list entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// It allows access.
    Allow,
    /// It denies access.
    Deny,
}

/// Who may change a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Those whom Windows' access list names.
    List(Access),
    /// Those whom the mode of Unix names.
    Mode {
        /// The owner.
        user: u32,
        /// Whether the owner is the user of this program or root.
        is_trusted: bool,
        /// The group.
        group: u32,
        /// The permissions.
        mode: u32,
    },
    /// It isn't known.
    Unknown,
}

/// The user and the rights of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// Whether it runs with administrator rights.
    pub is_elevated: bool,
    /// The user, if known.
    pub user: Option<Sid>,
}

/// Who owns a file that replaces another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewOwner {
    /// The owner of the file that it replaces.
    Same,
    /// The user of this program, who may not give it to that owner.
    Us,
}

impl NewOwner {
    /// Returns who owns a file after Windows' answer to the request to give it to that owner (SetSecurityInfo). The
    /// user of this program does if they lack the right to the file or the privilege to name an owner other than
    /// themselves; then the edit is made nevertheless.
    ///
    /// # Errors
    /// Anything else went wrong.
    pub fn after(answer: io::Result<()>) -> io::Result<NewOwner> {
        // from winerror.h
        const ACCESS_DENIED: i32 = 5;
        const INVALID_OWNER: i32 = 1307;
        const PRIVILEGE_NOT_HELD: i32 = 1314;
        match answer {
            Ok(()) => Ok(NewOwner::Same),
            Err(error) => match error.raw_os_error() {
                Some(ACCESS_DENIED | INVALID_OWNER | PRIVILEGE_NOT_HELD) => Ok(NewOwner::Us),
                _ => Err(error),
            },
        }
    }
}

/// What a new file couldn't get from the file that it replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotCopied {
    /// Whether it belongs to the user of this program, because this user may not give files away.
    pub owner: bool,
    /// The names of the alternate data streams that it lacks.
    pub streams: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_given_to_its_owner_belongs_to_us() {
        // what Windows answers for an owner, without and with the privilege to give files away
        for (owner, answer, with_privilege) in [
            ("us", Ok(()), Ok(())),
            ("Administrators", Err(1307), Ok(())),
            ("SYSTEM", Err(1307), Ok(())),
            ("another user", Err(1307), Ok(())),
            ("an unknown SID", Err(1307), Ok(())),
            ("another user on a share", Err(5), Ok(())),
            ("another user, restricted token", Err(1314), Err(1314)),
        ] {
            let after =
                |answer: Result<(), i32>| NewOwner::after(answer.map_err(io::Error::from_raw_os_error));
            let wanted = |answer: Result<(), i32>| if answer.is_ok() { NewOwner::Same } else { NewOwner::Us };
            assert_eq!(after(answer).unwrap(), wanted(answer), "{owner}");
            assert_eq!(after(with_privilege).unwrap(), wanted(with_privilege), "{owner}, with the privilege");
        }
        // a full disk, an invalid handle, a write-protected disk
        for other in [112, 6, 19] {
            let error = NewOwner::after(Err(io::Error::from_raw_os_error(other))).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(other));
        }
    }

    #[test]
    fn only_system_and_administrators_are_administrative() {
        let is_administrative = |sid: &str| Sid(sid.into()).is_administrative();
        assert!(is_administrative("S-1-5-18") && is_administrative("S-1-5-32-544"));
        for other in ["S-1-5-19", "S-1-5-32-545", "S-1-5-21-1-2-3-500", "S-1-1-0", "S-1-5-32-5440"] {
            assert!(!is_administrative(other), "{other}");
        }
    }

    #[test]
    fn another_reader_makes_access_wider() {
        let access = |entries: &[(&str, EntryKind, bool, u32)]| {
            let entry = |(sid, kind, is_inherit_only, mask): &(&str, EntryKind, bool, u32)| AccessEntry {
                kind: *kind,
                is_inherit_only: *is_inherit_only,
                sid: Sid((*sid).to_string()),
                mask: *mask,
            };
            let owner = Sid("S-1-5-18".into());
            Access { owner, entries: Some(entries.iter().map(entry).collect()) }
        };
        use EntryKind::{Allow, Deny};
        let ini = access(&[("S-1-5-21-1", Allow, false, 0x001F_01FF)]);
        let everybody = Access { entries: None, ..ini.clone() };
        assert!(access(&[("S-1-1-0", Allow, false, 0x1)]).has_more_readers_than(&ini));
        assert!(everybody.has_more_readers_than(&ini));
        assert!(!ini.has_more_readers_than(&ini) && !ini.has_more_readers_than(&everybody));
        // deleting, a denial and what only new files inherit give no right to read
        for entry in [
            ("S-1-1-0", Allow, false, 0x0001_0000),
            ("S-1-1-0", Deny, false, 0x1),
            ("S-1-1-0", Allow, true, 0x1),
        ] {
            assert!(!access(&[entry]).has_more_readers_than(&ini), "{entry:?}");
        }
    }
}
