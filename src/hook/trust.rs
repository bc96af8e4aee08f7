//! Whether a program can be trusted: who can replace it, and whether it's marked as downloaded from the internet. Pure:
//! callers pass a function that asks the system about files.

use std::path::{Path, PathBuf};

use crate::ini::encoding::{self, CodePage, Encoding};
use crate::ini::lookup;
use crate::platform::{Access, AccessEntry, EntryKind, Privileges, Sid};

// access rights, from winnt.h
const WRITE_DATA: u32 = 0x2;
const ADD_FILE: u32 = 0x2;
const APPEND_DATA: u32 = 0x4;
const DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x0001_0000;
const WRITE_DAC: u32 = 0x0004_0000;
const WRITE_OWNER: u32 = 0x0008_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const FILE_ALL_ACCESS: u32 = 0x001F_01FF;
const FILE_GENERIC_WRITE: u32 = 0x0012_0116;

/// Each of these rights is enough to change a file.
const RIGHTS_ON_FILE: u32 = WRITE_DATA | APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER;
/// Each of these rights on a file's folder is enough to replace the file, or to move the whole folder away.
const RIGHTS_ON_FOLDER: u32 = ADD_FILE | DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER;
/// Each of these rights on a folder further up is enough to move the folder below it away.
const RIGHTS_ON_ANCESTORS: u32 = DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER;

const EVERYONE: &str = "S-1-1-0";
const CREATOR_OWNER: &str = "S-1-3-0";
const CREATOR_GROUP: &str = "S-1-3-1";
const OWNER_RIGHTS: &str = "S-1-3-4";
const SYSTEM: &str = "S-1-5-18";
const ADMINISTRATORS: &str = "S-1-5-32-544";
const USERS: &str = "S-1-5-32-545";
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// Who may change a hook's program without a warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The user who runs msipcfg, and the owner of the ini. Administrators and Windows itself are always trusted.
    users: Vec<Sid>,
    /// Whether a program that others may change is refused, because they could use it to get rights that they don't
    /// have.
    pub is_strict: bool,
}

impl Trust {
    /// Determines whom to trust by the user who runs msipcfg and the owner of the ini. An ini that belongs to the
    /// administrators or to Windows doesn't count as another user's.
    pub fn new(runner: Privileges, ini_owner: Option<Sid>) -> Trust {
        let owner = ini_owner.filter(|owner| !is_administrator(owner));
        let is_system = runner.user.as_ref().is_some_and(|user| user.0 == SYSTEM);
        let is_for_another = owner.is_some() && runner.user.is_some() && owner != runner.user;
        Trust {
            is_strict: runner.is_elevated || is_system || is_for_another,
            users: runner.user.into_iter().chain(owner).collect(),
        }
    }

    fn includes(&self, sid: &Sid) -> bool {
        is_administrator(sid) || self.users.contains(sid)
    }
}

/// Returns whether this is an administrator or Windows itself, who can change everything anyway.
fn is_administrator(sid: &Sid) -> bool {
    // Administrator, Domain Admins and Enterprise Admins have the same last number in every domain
    let is_known = |id: &str| ["-500", "-512", "-519"].iter().any(|end| id.ends_with(end));
    [SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER].contains(&sid.0.as_str())
        || sid.0.starts_with("S-1-5-21-") && is_known(&sid.0)
}

/// A file or folder through which others can replace a hook's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeakSpot {
    /// The program itself, or a folder above it.
    pub path: PathBuf,
    /// Who can change it.
    pub who: Sid,
    /// The commands that fix it; `None` for a whole disk.
    pub fix: Option<String>,
}

/// Returns the weak spot of a file that is nearest to the root of the disk, since a fix there is inherited below.
/// `access_of` returns `None` if the access list isn't known.
pub fn weak_spot(
    file: &Path,
    trust: &Trust,
    access_of: impl Fn(&Path) -> Option<Access>,
) -> Option<WeakSpot> {
    let paths: Vec<&Path> = file.ancestors().collect();
    paths.iter().enumerate().rev().find_map(|(depth, path)| {
        let is_root = path.parent().is_none();
        let rights = match depth {
            0 => RIGHTS_ON_FILE,
            1 => RIGHTS_ON_FOLDER,
            _ => RIGHTS_ON_ANCESTORS,
        };
        // a whole disk can't be moved away
        let rights = if is_root { rights & !DELETE } else { rights };
        let access = access_of(path)?;
        let who = untrusted_holder(&access, rights, trust)?;
        let fix = (!is_root).then(|| fix(path, depth == 0, &access, &who, trust));
        Some(WeakSpot { path: path.to_path_buf(), who, fix })
    })
}

/// Returns somebody who can write a file, but not the ini next to it. Whoever can replace files in their folder can
/// replace the ini too. `user` runs msipcfg.
pub fn writer_without_ini(
    file: &Access,
    ini: Option<&Access>,
    folder: Option<&Access>,
    user: Option<Sid>,
) -> Option<Sid> {
    let mut trust = Trust { users: user.into_iter().collect(), is_strict: false };
    for (access, rights) in [(ini, RIGHTS_ON_FILE), (folder, RIGHTS_ON_FOLDER)] {
        let Some(access) = access else { continue };
        access.entries.as_ref()?;
        while let Some(writer) = untrusted_holder(access, rights, &trust) {
            trust.users.push(writer);
        }
    }
    let everyone = trust.users.iter().any(|sid| sid.0 == EVERYONE);
    untrusted_holder(file, RIGHTS_ON_FILE, &trust).filter(|_| !everyone)
}

/// Returns the first account that has one of these rights and isn't trusted.
fn untrusted_holder(access: &Access, rights: u32, trust: &Trust) -> Option<Sid> {
    let Some(entries) = &access.entries else { return Some(Sid(EVERYONE.into())) };
    let entries: Vec<&AccessEntry> = entries.iter().filter(|entry| !entry.is_inherit_only).collect();
    // owners may change the list, unless it has an entry for owners
    let has_owner_entry = entries.iter().any(|entry| entry.sid.0 == OWNER_RIGHTS);
    if !has_owner_entry && !trust.includes(&access.owner) {
        return Some(access.owner.clone());
    }
    let holder = |entry: &AccessEntry| match entry.sid.0.as_str() {
        CREATOR_OWNER | OWNER_RIGHTS => access.owner.clone(),
        _ => entry.sid.clone(),
    };
    entries.iter().enumerate().find_map(|(index, entry)| {
        let who = holder(entry);
        if entry.kind == EntryKind::Deny || entry.sid.0 == CREATOR_GROUP || trust.includes(&who) {
            return None;
        }
        // A denial counts for the entries after it, and only if it certainly includes the account.
        let denies = |earlier: &&&AccessEntry| {
            earlier.kind == EntryKind::Deny && (earlier.sid.0 == EVERYONE || holder(earlier) == who)
        };
        let denied =
            entries[..index].iter().filter(denies).fold(0, |mask, earlier| mask | file_rights(earlier.mask));
        (file_rights(entry.mask) & rights & !denied != 0).then_some(who)
    })
}

/// Adds the file rights that the generic rights in a mask include.
fn file_rights(mask: u32) -> u32 {
    let all = if mask & GENERIC_ALL != 0 { FILE_ALL_ACCESS } else { 0 };
    let write = if mask & GENERIC_WRITE != 0 { FILE_GENERIC_WRITE } else { 0 };
    mask | all | write
}

/// Returns the commands that give access only to the trusted accounts. Accounts are given as SIDs, because their names
/// differ between the languages of Windows.
fn fix(path: &Path, is_file: bool, access: &Access, who: &Sid, trust: &Trust) -> String {
    let path = path.display();
    let inheritance = if is_file { "" } else { "(OI)(CI)" };
    let mut grants: Vec<(&str, char)> = vec![(ADMINISTRATORS, 'F'), (SYSTEM, 'F')];
    if !is_administrator(&access.owner) && trust.includes(&access.owner) {
        grants.push((&access.owner.0, 'F'));
    }
    let keeps = |sid: &str| sid == USERS || grants.iter().any(|(kept, _)| *kept == sid);
    let removed = if keeps(&who.0) { String::new() } else { format!(" /remove:g *{}", who.0) };
    let grants: String = grants.iter().map(|(sid, right)| format!(" *{sid}:{inheritance}{right}")).collect();
    let icacls =
        format!("icacls \"{path}\" /inheritance:r{removed} /grant:r{grants} *{USERS}:{inheritance}RX");
    if trust.includes(&access.owner) {
        icacls
    } else {
        format!("icacls \"{path}\" /setowner *{ADMINISTRATORS}, then {icacls}")
    }
}

/// Returns whether the content of a `Zone.Identifier` stream marks a file as downloaded from the internet or from a
/// restricted site: ZoneId 3 or 4 in [ZoneTransfer], read as Windows reads an ini.
pub fn is_from_internet(mark: &[u8]) -> bool {
    const INTERNET: u32 = 3;
    const RESTRICTED: u32 = 4;
    zone_in(mark).is_some_and(|zone| zone == INTERNET || zone == RESTRICTED)
}

fn zone_in(mark: &[u8]) -> Option<u32> {
    const LATIN: u16 = 1252;
    let utf16 = Encoding::Utf16Le { bom: true };
    // The addresses in it may be in any code page; the number is the same in each.
    let encoding =
        if mark.starts_with(&encoding::BOM) { utf16 } else { Encoding::Ansi(CodePage::from_number(LATIN)?) };
    let document = encoding::decode_as(mark.to_vec(), encoding).ok()?;
    let value = lookup::value(&document, "ZoneTransfer", "ZoneId", lookup::NO_LIMIT)?;
    let digits = value.iter().map_while(|&unit| char::from_u32(unit.into())?.to_digit(10));
    digits.fold(None, |number, digit| Some(number.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    const ANN: &str = "S-1-5-21-1-2-3-1001";
    const BOB: &str = "S-1-5-21-1-2-3-1002";
    const AUTHENTICATED: &str = "S-1-5-11";
    const MODIFY: u32 = 0x0013_01BF;
    const READ: u32 = 0x0012_00A9;

    fn sid(text: &str) -> Sid {
        Sid(text.into())
    }

    fn entry(kind: EntryKind, who: &str, mask: u32) -> AccessEntry {
        AccessEntry { kind, is_inherit_only: false, sid: sid(who), mask }
    }

    fn allow(who: &str, mask: u32) -> AccessEntry {
        entry(EntryKind::Allow, who, mask)
    }

    fn deny(who: &str, mask: u32) -> AccessEntry {
        entry(EntryKind::Deny, who, mask)
    }

    fn later(entry: AccessEntry) -> AccessEntry {
        AccessEntry { is_inherit_only: true, ..entry }
    }

    fn owned(owner: &str, entries: &[AccessEntry]) -> Access {
        Access { owner: sid(owner), entries: Some(entries.to_vec()) }
    }

    fn by_ann() -> Privileges {
        Privileges { is_elevated: false, user: Some(sid(ANN)) }
    }

    fn ann() -> Trust {
        Trust::new(by_ann(), Some(sid(ANN)))
    }

    /// An access list that lets only administrators change a file.
    fn safe() -> Access {
        owned(
            TRUSTED_INSTALLER,
            &[
                allow(TRUSTED_INSTALLER, FILE_ALL_ACCESS),
                allow(SYSTEM, FILE_ALL_ACCESS),
                allow(ADMINISTRATORS, FILE_ALL_ACCESS),
                allow(USERS, READ),
                later(allow(CREATOR_OWNER, GENERIC_ALL)),
            ],
        )
    }

    /// Returns the weak spot of /hooks/new/ring.exe and who can change it. Everything but the given paths is safe.
    fn spot(of: &[(&str, Access)]) -> Option<(String, String)> {
        let access_of = |path: &Path| {
            let given = of.iter().find(|(given, _)| Path::new(given) == path);
            Some(given.map_or_else(safe, |(_, access)| access.clone()))
        };
        let spot = weak_spot(Path::new("/hooks/new/ring.exe"), &ann(), access_of)?;
        Some((spot.path.to_str().unwrap().to_string(), spot.who.0))
    }

    fn over(path: &str, entries: &[AccessEntry]) -> Option<String> {
        spot(&[(path, owned(ADMINISTRATORS, entries))]).map(|(found, who)| {
            assert_eq!(found, path);
            who
        })
    }

    const FILE: &str = "/hooks/new/ring.exe";
    const FOLDER: &str = "/hooks/new";
    const ABOVE: &str = "/hooks";
    const ROOT: &str = "/";

    #[test]
    fn rights_that_count_depend_on_the_level() {
        assert_eq!(spot(&[]), None);
        for (right, paths) in [
            (WRITE_DATA, &[FILE, FOLDER][..]),
            (APPEND_DATA, &[FILE]),
            (DELETE_CHILD, &[FOLDER, ABOVE, ROOT]),
            (DELETE, &[FILE, FOLDER, ABOVE]),
            (WRITE_DAC, &[FILE, FOLDER, ABOVE, ROOT]),
            (WRITE_OWNER, &[FILE, FOLDER, ABOVE, ROOT]),
            (READ, &[]),
        ] {
            for path in [FILE, FOLDER, ABOVE, ROOT] {
                let expected = paths.contains(&path).then(|| BOB.to_string());
                assert_eq!(over(path, &[allow(BOB, right)]), expected, "{right:#x} on {path}");
            }
        }
    }

    #[test]
    fn default_lists_of_windows_are_judged_correctly() {
        // On C:\, users may create folders, and everything in them is theirs.
        let root = owned(
            TRUSTED_INSTALLER,
            &[
                allow(AUTHENTICATED, APPEND_DATA),
                later(allow(AUTHENTICATED, 0xE001_0000)),
                allow(SYSTEM, FILE_ALL_ACCESS),
                allow(ADMINISTRATORS, FILE_ALL_ACCESS),
                allow(USERS, READ),
            ],
        );
        assert_eq!(spot(&[(ROOT, root.clone())]), None);
        let new_folder =
            owned(ADMINISTRATORS, &[allow(AUTHENTICATED, MODIFY), later(allow(USERS, 0xE001_0000))]);
        let found = spot(&[
            (ROOT, root),
            (ABOVE, new_folder.clone()),
            (FOLDER, new_folder.clone()),
            (FILE, new_folder),
        ]);
        assert_eq!(found, Some((ABOVE.into(), AUTHENTICATED.into())));
        // a second disk, which can't be moved away
        assert_eq!(over(ROOT, &[allow(AUTHENTICATED, MODIFY)]), None);
    }

    #[test]
    fn the_user_and_administrators_are_trusted() {
        for who in [
            ANN,
            SYSTEM,
            ADMINISTRATORS,
            TRUSTED_INSTALLER,
            "S-1-5-21-9-9-9-500",
            "S-1-5-21-9-9-9-512",
            "S-1-5-21-9-9-9-519",
        ] {
            assert_eq!(over(FOLDER, &[allow(who, FILE_ALL_ACCESS)]), None, "{who}");
            assert_eq!(spot(&[(FOLDER, owned(who, &[]))]), None, "{who}");
        }
        for who in [BOB, USERS, EVERYONE, AUTHENTICATED, "S-1-5-32-1544", "S-1-5-80-1-500", "S-1-5-180"] {
            assert_eq!(over(FOLDER, &[allow(who, FILE_ALL_ACCESS)]).as_deref(), Some(who));
        }
    }

    #[test]
    fn generic_rights_include_file_rights() {
        for mask in [GENERIC_ALL, GENERIC_WRITE] {
            assert_eq!(over(FILE, &[allow(BOB, mask)]).as_deref(), Some(BOB), "{mask:#x}");
        }
        assert_eq!(over(FILE, &[allow(BOB, 0xA000_0000)]), None, "read and execute");
        assert_eq!(
            over(ABOVE, &[allow(BOB, GENERIC_WRITE)]),
            None,
            "generic write does not include delete child"
        );
        assert_eq!(over(ABOVE, &[allow(BOB, GENERIC_ALL)]).as_deref(), Some(BOB));
    }

    #[test]
    fn denials_count_only_for_later_entries() {
        assert_eq!(over(FILE, &[deny(BOB, FILE_ALL_ACCESS), allow(BOB, MODIFY)]), None);
        assert_eq!(over(FILE, &[deny(BOB, GENERIC_ALL), allow(BOB, GENERIC_ALL)]), None);
        assert_eq!(over(FILE, &[deny(EVERYONE, FILE_ALL_ACCESS), allow(BOB, MODIFY)]), None);
        assert_eq!(over(FILE, &[allow(BOB, MODIFY), deny(BOB, FILE_ALL_ACCESS)]).as_deref(), Some(BOB));
        assert_eq!(over(FILE, &[deny(BOB, WRITE_DATA), allow(BOB, MODIFY)]).as_deref(), Some(BOB));
        // the larger group has other members, too
        assert_eq!(over(FILE, &[deny(BOB, MODIFY), allow(EVERYONE, MODIFY)]).as_deref(), Some(EVERYONE));
        assert_eq!(over(FILE, &[deny(USERS, MODIFY), allow(BOB, MODIFY)]).as_deref(), Some(BOB));
        let later_denial = later(deny(BOB, FILE_ALL_ACCESS));
        assert_eq!(over(FILE, &[later_denial, allow(BOB, MODIFY)]).as_deref(), Some(BOB));
    }

    #[test]
    fn untrusted_owners_are_weak_spots() {
        assert_eq!(spot(&[(FOLDER, owned(BOB, &[]))]), Some((FOLDER.into(), BOB.into())));
        assert_eq!(spot(&[(FOLDER, owned(BOB, &[allow(OWNER_RIGHTS, READ)]))]), None);
        let full = owned(BOB, &[allow(OWNER_RIGHTS, FILE_ALL_ACCESS)]);
        assert_eq!(spot(&[(FOLDER, full)]), Some((FOLDER.into(), BOB.into())));
        let later_rights = owned(BOB, &[later(allow(OWNER_RIGHTS, READ))]);
        assert_eq!(spot(&[(FOLDER, later_rights)]), Some((FOLDER.into(), BOB.into())));
        for who in [CREATOR_OWNER, OWNER_RIGHTS] {
            assert_eq!(spot(&[(FOLDER, owned(ANN, &[allow(who, FILE_ALL_ACCESS)]))]), None);
        }
        assert_eq!(over(FOLDER, &[allow(CREATOR_GROUP, FILE_ALL_ACCESS)]), None, "no account has this SID");
    }

    #[test]
    fn everyone_may_change_a_file_without_a_list() {
        let open = Access { owner: sid(ADMINISTRATORS), entries: None };
        assert_eq!(spot(&[(FILE, open)]), Some((FILE.into(), EVERYONE.into())));
        assert_eq!(over(FILE, &[]), None, "an empty list allows nothing");
    }

    #[test]
    fn unknown_access_is_no_weak_spot() {
        assert_eq!(weak_spot(Path::new(FILE), &ann(), |_| None), None);
    }

    #[test]
    fn fix_gives_access_only_to_trusted_accounts() {
        let fix = |weak: &str, access: Access| {
            let access_of = |path: &Path| Some(if path == Path::new(weak) { access.clone() } else { safe() });
            weak_spot(Path::new(FILE), &ann(), access_of).unwrap().fix
        };
        assert_eq!(
            fix(FOLDER, owned(ADMINISTRATORS, &[allow(AUTHENTICATED, MODIFY)])).unwrap(),
            r#"icacls "/hooks/new" /inheritance:r /remove:g *S-1-5-11 /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F *S-1-5-32-545:(OI)(CI)RX"#
        );
        assert_eq!(
            fix(FILE, owned(ANN, &[allow(USERS, MODIFY)])).unwrap(),
            r#"icacls "/hooks/new/ring.exe" /inheritance:r /grant:r *S-1-5-32-544:F *S-1-5-18:F *S-1-5-21-1-2-3-1001:F *S-1-5-32-545:RX"#
        );
        assert_eq!(
            fix(FOLDER, owned(BOB, &[])).unwrap(),
            r#"icacls "/hooks/new" /setowner *S-1-5-32-544, then icacls "/hooks/new" /inheritance:r /remove:g *S-1-5-21-1-2-3-1002 /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F *S-1-5-32-545:(OI)(CI)RX"#
        );
        // nobody should lose access to a whole disk
        assert_eq!(fix(ROOT, owned(ADMINISTRATORS, &[allow(BOB, GENERIC_ALL)])), None);
    }

    #[test]
    fn a_file_may_be_written_by_those_who_can_write_the_ini() {
        let list =
            |writers: &[&str]| owned(ANN, &writers.iter().map(|who| allow(who, MODIFY)).collect::<Vec<_>>());
        let writer = |file: &Access, ini: &Access, folder: &Access| {
            writer_without_ini(file, Some(ini), Some(folder), Some(sid(ANN))).map(|sid| sid.0)
        };
        let own = list(&[ANN, SYSTEM, ADMINISTRATORS]);
        let bob = Some(BOB.to_string());
        assert_eq!(writer(&own, &own, &own), None);
        assert_eq!(writer(&list(&[BOB]), &own, &own), bob);
        assert_eq!(writer(&list(&[BOB]), &list(&[BOB]), &own), None);
        assert_eq!(writer(&list(&[BOB]), &own, &list(&[BOB])), None);
        assert_eq!(writer(&list(&[AUTHENTICATED, BOB]), &list(&[AUTHENTICATED]), &own), bob);
        assert_eq!(writer(&list(&[BOB]), &list(&[EVERYONE]), &own), None);
        assert_eq!(writer(&owned(BOB, &[]), &own, &own), bob, "the owner can change the list");
        assert_eq!(writer(&owned(BOB, &[]), &owned(BOB, &[]), &own), None);
        let open = Access { owner: sid(ANN), entries: None };
        assert_eq!(writer(&open, &own, &own), Some(EVERYONE.into()));
        assert_eq!(writer(&open, &open, &own), None);
        assert_eq!(writer_without_ini(&list(&[BOB]), None, None, None), Some(sid(ANN)));
    }

    #[test]
    fn acting_for_another_user_is_strict() {
        let is_strict =
            |runner: Privileges, owner: Option<&str>| Trust::new(runner, owner.map(sid)).is_strict;
        assert!(!is_strict(by_ann(), Some(ANN)));
        assert!(!is_strict(by_ann(), None), "the ini does not exist yet");
        assert!(!is_strict(by_ann(), Some(ADMINISTRATORS)), "belongs to no particular user");
        assert!(!is_strict(Privileges::default(), Some(BOB)), "the user is not known");
        assert!(is_strict(by_ann(), Some(BOB)));
        assert!(is_strict(Privileges { is_elevated: true, ..by_ann() }, Some(ANN)));
        assert!(is_strict(Privileges { is_elevated: false, user: Some(sid(SYSTEM)) }, Some(SYSTEM)));
        let for_bob = Trust::new(by_ann(), Some(sid(BOB)));
        assert!(for_bob.includes(&sid(ANN)) && for_bob.includes(&sid(BOB)));
    }

    #[test]
    fn mark_is_read_as_windows_reads_it() {
        for (mark, is_marked) in [
            ("[ZoneTransfer]\r\nZoneId=3\r\n", true),
            ("[ZoneTransfer]\r\nZoneId=4", true),
            ("[ZoneTransfer]\r\nReferrerUrl=https://x/\r\nHostUrl=https://x/y\r\nZoneId = \"3\" \r\n", true),
            ("[zonetransfer]\nzoneid=3", true),
            ("[ZoneTransfer]\r\nZoneId=0\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=1\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=2\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=33\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=99999999999\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=\r\n", false),
            ("[ZoneTransfer]\r\nZoneId=x3\r\n", false),
            ("[Other]\r\nZoneId=3\r\n", false),
            ("ZoneId=3", false),
            ("", false),
        ] {
            assert_eq!(is_from_internet(mark.as_bytes()), is_marked, "{mark:?}");
            assert_eq!(is_from_internet(&encode(mark)), is_marked, "{mark:?} as UTF-16");
        }
        assert!(is_from_internet(b"[ZoneTransfer]\r\nHostUrl=https://x/\x81\xFC\r\nZoneId=3\r\n"));
        assert!(!is_from_internet(&[0xFF, 0xFE, 0x00]));
    }
}
