//! Users and groups of Windows, and who may do what to a file.

/// A user or a group of Windows, as text such as S-1-5-18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid(pub String);

impl Sid {
    /// Whether it is a person's: of this machine, a domain, or Entra ID. Windows' own services and groups have others.
    pub fn is_user(&self) -> bool {
        // [MS-DTYP] 2.4.2.4; Entra ID's are not in there
        let has_start = |start: &str| self.0.starts_with(start);
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (has_start("S-1-5-21-") || has_start("S-1-12-1-")) && self.0[2..].split('-').all(is_number)
    }
}

/// Who may do what to a file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub owner: Sid,
    /// Its list, in the order in which Windows goes through it. `None`: it has none, and everybody may do all.
    pub entries: Option<Vec<AccessEntry>>,
}

impl Access {
    /// Whether somebody is let read here who is not let read there.
    pub fn lets_more_read_than(&self, other: &Access) -> bool {
        const READ: u32 = 0x1 | 0x1000_0000 | 0x8000_0000;
        let readers = |access: &Access| -> Option<Vec<Sid>> {
            let may_read = |entry: &&AccessEntry| {
                entry.kind == EntryKind::Allow && !entry.is_inherit_only && entry.mask & READ != 0
            };
            let entries = access.entries.as_ref()?;
            Some(entries.iter().filter(may_read).map(|entry| entry.sid.clone()).collect())
        };
        match (readers(self), readers(other)) {
            // without a list everybody may
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(here), Some(there)) => here.iter().any(|sid| !there.contains(sid)),
        }
    }
}

/// An entry of an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// Whether it allows or denies.
    pub kind: EntryKind,
    /// Whether it is only there for what will be made in the folder.
    pub is_inherit_only: bool,
    /// For whom it is.
    pub sid: Sid,
    /// The rights, as Windows numbers them.
    pub mask: u32,
}

/// What an entry of an access list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// As whom this program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Privileges {
    /// With the rights of an administrator, which a click or a password gave.
    pub is_elevated: bool,
    /// The user, where that can be told.
    pub user: Option<Sid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_is_wider_if_somebody_else_may_read() {
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
        assert!(access(&[("S-1-1-0", Allow, false, 0x1)]).lets_more_read_than(&ini));
        assert!(everybody.lets_more_read_than(&ini));
        assert!(!ini.lets_more_read_than(&ini) && !ini.lets_more_read_than(&everybody));
        // to delete, to be denied, or only for what comes below is not to read
        for entry in [
            ("S-1-1-0", Allow, false, 0x0001_0000),
            ("S-1-1-0", Deny, false, 0x1),
            ("S-1-1-0", Allow, true, 0x1),
        ] {
            assert!(!access(&[entry]).lets_more_read_than(&ini), "{entry:?}");
        }
    }
}
