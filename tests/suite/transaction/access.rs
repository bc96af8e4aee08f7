//! Owner, mode, attributes and access lists of the files that a run creates.

use std::cell::{Cell, RefCell};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use msipcfg::diagnostic::{ExitStatus, ToDiagnostic};
use msipcfg::edit::transaction::Step;

use super::faulty_fs::FaultyFs;
use super::harness::{IniState, Moment, NEW, NO_BACKUP, OLD, ONE_BACKUP, TestRun};
use crate::sandbox::Sandbox;

/// An owner other than the user who runs the tests, if that user may change owners.
const STRANGER: (u32, u32) = (4321, 5432);

fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lists the ini and the files next to it with owner, group and mode.
fn files(sandbox: &Sandbox) -> Vec<(String, u32, u32, u32)> {
    let entry = |name: String| {
        let metadata = std::fs::symlink_metadata(sandbox.path(&name)).ok()?;
        Some((name, metadata.uid(), metadata.gid(), metadata.mode() & 0o7777))
    };
    sandbox.names().into_iter().filter_map(entry).collect()
}

fn sandbox_with_mode(mode: u32) -> Sandbox {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    std::fs::set_permissions(sandbox.ini(), std::fs::Permissions::from_mode(mode)).unwrap();
    sandbox
}

#[test]
fn all_files_have_the_owner_and_mode_of_the_ini() {
    for (mode, links) in [(0o640, true), (0o664, true), (0o600, true), (0o640, false)] {
        let sandbox = sandbox_with_mode(mode);
        let ini = sandbox.ini();
        if am_root() {
            std::os::unix::fs::chown(&ini, Some(STRANGER.0), Some(STRANGER.1)).unwrap();
        }
        let before = std::fs::metadata(&ini).unwrap();
        let owner = (before.uid(), before.gid());
        let seen = RefCell::new(Vec::new());
        let on_step = |moment: Moment| {
            // the lock exists after this step
            if moment.step != Step::Wait && moment.step != Step::Lock {
                for (name, uid, gid, file_mode) in files(&sandbox) {
                    assert_eq!(((uid, gid), file_mode), (owner, mode), "{name} at {moment:?}");
                    seen.borrow_mut().push(name);
                }
            }
        };
        let fs = if links { FaultyFs::default() } else { FaultyFs::without_links() };
        TestRun { on_step: &on_step, fs: &fs, ..TestRun::default() }.run(&ini).outcome();
        for suffix in [".msipcfg-lock", ".msipcfg-tmp", ".bak"] {
            assert!(seen.borrow().iter().any(|name| name.ends_with(suffix)), "no {suffix}: {seen:?}");
        }
        for (name, uid, gid, file_mode) in files(&sandbox) {
            assert_eq!(((uid, gid), file_mode), (owner, mode), "{name} at the end");
        }
    }
}

#[test]
fn no_file_is_ever_more_accessible_than_the_ini() {
    for links in [true, false] {
        for backups in [ONE_BACKUP, NO_BACKUP] {
            let sandbox = sandbox_with_mode(0o600);
            let checks = Cell::new(0);
            let wide = RefCell::new(Vec::new());
            let check = |when: &str| {
                checks.set(checks.get() + 1);
                for (name, _, _, mode) in files(&sandbox) {
                    // the lock file is empty
                    if mode & 0o077 != 0 && !name.ends_with(".msipcfg-lock") {
                        wide.borrow_mut().push(format!("{name} has {mode:o} {when}"));
                    }
                }
            };
            let after = |call: &str| check(&format!("after {call}"));
            let base = if links { FaultyFs::default() } else { FaultyFs::without_links() };
            let fs = FaultyFs { after: Some(&after), ..base };
            let on_step = |moment| check(&format!("at {moment:?}"));
            TestRun { on_step: &on_step, fs: &fs, backups, ..TestRun::default() }
                .run(&sandbox.ini())
                .outcome();
            assert!(checks.get() > Step::ALL.len());
            assert_eq!(*wide.borrow(), Vec::<String>::new(), "links {links}, {backups:?}");
        }
    }
}

#[test]
fn a_created_ini_has_the_mode_of_any_new_file() {
    let sandbox = Sandbox::new();
    TestRun::default().run(&sandbox.ini()).outcome();
    let model = sandbox.write("model", b"");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode();
    assert_eq!(mode(&sandbox.ini()), mode(&model));
}

#[cfg(target_os = "linux")]
#[test]
fn extended_attributes_and_access_lists_are_kept() {
    // user::rw-, user:4321:r--, group::---, mask::r--, other::---
    const LIST: [(u16, u16, u32); 5] = [
        (0x01, 6, u32::MAX),
        (0x02, 4, STRANGER.0),
        (0x04, 0, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, access, id) in LIST {
        list.extend(tag.to_le_bytes());
        list.extend(access.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    for (name, value) in [("user.note", b"mine".to_vec()), ("system.posix_acl_access", list)] {
        let sandbox = sandbox_with_mode(0o600);
        // not supported by this file system
        if xattr::set(sandbox.ini(), name, &value).is_err() {
            continue;
        }
        let fs = FaultyFs::without_links();
        let result = TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini());
        for path in [sandbox.ini(), result.outcome().backup.clone().unwrap()] {
            assert_eq!(xattr::get(&path, name).unwrap().as_ref(), Some(&value), "{name} of {path:?}");
        }
        assert_eq!(IniState::of(&sandbox.ini()), Some(NEW));
    }
}

#[test]
fn planted_links_are_not_followed() {
    let planted = ["MicroSIP.ini.msipcfg-lock", ".MicroSIP.ini.old.msipcfg-tmp", "MicroSIP.ini.tmp"];
    for name in planted.into_iter().chain([".MicroSIP.ini.msipcfg-lock"]) {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let victim = sandbox.write("victim", b"not yours");
        let before = std::fs::metadata(&victim).unwrap();
        std::os::unix::fs::symlink(&victim, sandbox.path(name)).unwrap();
        for backups in [ONE_BACKUP, NO_BACKUP] {
            let result = TestRun { backups, ..TestRun::default() }.run(&sandbox.ini());
            if let Err(error) = &result.result {
                assert_eq!(error.code().exit_status(), ExitStatus::File, "{name}: {error}");
            }
        }
        let after = std::fs::metadata(&victim).unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"not yours", "{name}");
        assert_eq!((after.mode(), after.uid()), (before.mode(), before.uid()), "{name}");
        assert!(!sandbox.ini().is_symlink(), "{name}");
    }
}
