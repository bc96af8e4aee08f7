//! Who can change a file that belongs to an ini. Pure.

use super::trust;
use crate::platform::{Sid, Writers};

const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const STICKY: u32 = 0o1000;

/// Somebody who can change a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A Windows user or group.
    Account(Sid),
    /// A user of a Unix, by number.
    User(u32),
    /// A group of a Unix, by number.
    Group(u32),
    /// Everybody.
    Everybody,
}

/// Returns somebody who can change a file, but not the ini next to it. Whoever can replace files in their folder can
/// replace the ini too. `user` runs msipcfg.
pub fn writer_without_ini(
    file: &Writers,
    ini: &Writers,
    folder: &Writers,
    user: Option<Sid>,
) -> Option<Writer> {
    let list = |writers: &Writers| match writers {
        Writers::List(access) => Some(access.clone()),
        _ => None,
    };
    match file {
        Writers::Unknown => None,
        Writers::List(access) => {
            let who = trust::writer_without_ini(access, list(ini).as_ref(), list(folder).as_ref(), user);
            who.map(Writer::Account)
        }
        Writers::Mode { user, is_trusted, group, mode } => {
            let can_write_ini = |who: &Writer| can_write(ini, who) || can_replace(folder, who);
            let owner = (!is_trusted).then_some(Writer::User(*user));
            let group = (mode & GROUP_WRITES != 0).then_some(Writer::Group(*group));
            let others = (mode & OTHERS_WRITE != 0).then_some(Writer::Everybody);
            [owner, group, others].into_iter().flatten().find(|who| !can_write_ini(who))
        }
    }
}

/// Returns somebody besides its owner who can change or replace an ini, by its mode and that of its folder. A group
/// with the number of the owner is the owner's own.
pub fn other_writer(ini: &Writers, folder: &Writers) -> Option<Writer> {
    let Writers::Mode { user: owner, .. } = ini else { return None };
    let groups = [ini, folder].into_iter().filter_map(|writers| match writers {
        Writers::Mode { group, .. } if group != owner => Some(Writer::Group(*group)),
        _ => None,
    });
    std::iter::once(Writer::Everybody)
        .chain(groups)
        .find(|who| can_write(ini, who) || can_replace(folder, who))
}

/// Returns whether somebody can write a file by its mode. Its owner can give themselves the right.
fn can_write(file: &Writers, who: &Writer) -> bool {
    let Writers::Mode { user, group, mode, .. } = file else { return false };
    mode & OTHERS_WRITE != 0
        || match who {
            Writer::User(other) => user == other,
            Writer::Group(other) => group == other && mode & GROUP_WRITES != 0,
            Writer::Account(_) | Writer::Everybody => false,
        }
}

/// Returns whether somebody can replace any file in a folder by its mode.
fn can_replace(folder: &Writers, who: &Writer) -> bool {
    let Writers::Mode { user, mode, .. } = folder else { return false };
    if mode & STICKY != 0 { *who == Writer::User(*user) } else { can_write(folder, who) }
}

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Writer::Account(sid) => f.write_str(&sid.0),
            Writer::User(number) => write!(f, "the user with the number {number}"),
            Writer::Group(number) => write!(f, "the group with the number {number}"),
            Writer::Everybody => f.write_str("everybody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: u32 = 1000;
    const BOB: u32 = 1001;

    fn mode(user: u32, group: u32, mode: u32) -> Writers {
        Writers::Mode { user, is_trusted: user == ANN || user == 0, group, mode }
    }

    #[test]
    fn an_ini_should_be_written_only_by_its_owner() {
        let (closed, open, sticky) = (mode(ANN, ANN, 0o755), mode(ANN, 7, 0o775), mode(0, 0, 0o1777));
        for (ini, folder, who) in [
            (mode(ANN, ANN, 0o644), &closed, None),
            (mode(ANN, ANN, 0o664), &closed, None),
            (mode(ANN, 7, 0o664), &closed, Some(Writer::Group(7))),
            (mode(ANN, 7, 0o646), &closed, Some(Writer::Everybody)),
            (mode(ANN, ANN, 0o644), &open, Some(Writer::Group(7))),
            (mode(ANN, ANN, 0o644), &mode(ANN, ANN, 0o777), Some(Writer::Everybody)),
            (mode(ANN, ANN, 0o644), &sticky, None),
            (Writers::Unknown, &open, None),
        ] {
            assert_eq!(other_writer(&ini, folder), who, "{ini:?} {folder:?}");
        }
    }

    #[test]
    fn a_file_may_be_written_by_those_who_can_write_the_ini() {
        let own = mode(ANN, ANN, 0o755);
        let writer =
            |file: Writers, ini: Writers, folder: &Writers| writer_without_ini(&file, &ini, folder, None);
        let (private, group, open) = (mode(ANN, 7, 0o600), mode(ANN, 7, 0o664), mode(ANN, 7, 0o666));
        for (file, ini, folder, who) in [
            (&private, &private, &own, None),
            (&mode(0, 0, 0o644), &private, &own, None),
            (&mode(BOB, 7, 0o444), &private, &own, Some(Writer::User(BOB))),
            (&mode(BOB, 7, 0o600), &mode(BOB, 7, 0o600), &own, None),
            (&group, &private, &own, Some(Writer::Group(7))),
            (&group, &group, &own, None),
            (&group, &mode(ANN, 8, 0o664), &own, Some(Writer::Group(7))),
            (&group, &open, &own, None),
            (&open, &private, &own, Some(Writer::Group(7))),
            (&open, &group, &own, Some(Writer::Everybody)),
            (&open, &open, &own, None),
            // they can replace the ini
            (&group, &private, &mode(ANN, 7, 0o775), None),
            (&open, &private, &mode(ANN, 7, 0o777), None),
            (&open, &private, &mode(0, 0, 0o1777), Some(Writer::Group(7))),
            (&mode(BOB, 7, 0o600), &private, &mode(BOB, 7, 0o755), None),
            (&mode(BOB, 7, 0o600), &private, &mode(BOB, 7, 0o1777), None),
            (&group, &Writers::Unknown, &own, Some(Writer::Group(7))),
            (&Writers::Unknown, &private, &own, None),
        ] {
            assert_eq!(writer(file.clone(), ini.clone(), folder), who, "{file:?} {ini:?} {folder:?}");
        }
    }
}
