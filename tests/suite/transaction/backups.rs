//! Which backups are made and kept.

use std::io;
use std::path::Path;

use msipcfg::edit::backup::{BackupPolicy, MadeBy};
use msipcfg::edit::transaction::{self, TransactionOutcome};
use msipcfg::platform::{FileId, FileSystem};

use super::failing::LOCKING;
use super::faulty_fs::FaultyFs;
use super::harness::{
    NEW, NO_BACKUP, OLD, ONE_BACKUP, OTHERS, TestRun, assert_no_unexpected_files, backup_states,
};
use crate::sandbox::Sandbox;

#[test]
fn the_old_file_becomes_the_backup() {
    let sandbox = Sandbox::with_ini(OLD.bytes());
    let old_file = sandbox.path("home/old_file");
    std::fs::hard_link(sandbox.ini(), &old_file).unwrap();
    let result = TestRun::default().run(&sandbox.ini());
    let backup = result.outcome().backup.clone().unwrap();
    assert!(same_file::is_same_file(&backup, &old_file).unwrap());
    assert!(!same_file::is_same_file(sandbox.ini(), &old_file).unwrap());
    assert_eq!(std::fs::read(&backup).unwrap(), OLD.bytes());
    let name = backup.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("MicroSIP.ini.2") && name.ends_with("Z.bak"), "{name}");
    assert_no_unexpected_files(&sandbox);
}

#[test]
fn the_policy_decides_which_backups_are_made_and_kept() {
    const EARLIER: &str = "MicroSIP.ini.20200101T000000.000Z.bak";
    for (policy, has_earlier, is_earlier_kept, is_new_kept) in [
        (NO_BACKUP, true, true, false),
        (BackupPolicy { keep: 0, ..NO_BACKUP }, true, true, false),
        (BackupPolicy { keep: 0, ..ONE_BACKUP }, false, false, false),
        (BackupPolicy { keep: 1, ..ONE_BACKUP }, false, false, true),
        // the oldest is kept longest
        (BackupPolicy { keep: 1, ..ONE_BACKUP }, true, true, false),
        (BackupPolicy { keep: 2, ..ONE_BACKUP }, true, true, true),
        (BackupPolicy { made_by: Some(MadeBy::Restore), keep: 2 }, true, true, true),
    ] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        if has_earlier {
            sandbox.write(EARLIER, OLD.bytes());
        }
        let result = TestRun { backups: policy, ..TestRun::default() }.run(&sandbox.ini());
        let outcome = result.outcome();
        assert!(outcome.changed, "{policy:?}");
        assert_eq!(sandbox.path(EARLIER).exists(), is_earlier_kept, "{policy:?}");
        assert_eq!(outcome.backup.is_some(), is_new_kept, "{policy:?}");
        let count = usize::from(is_earlier_kept) + usize::from(is_new_kept);
        assert_eq!(backup_states(&sandbox), vec![OLD; count], "{policy:?}");
        if let Some(backup) = &outcome.backup {
            let is_restore = backup.to_str().unwrap().ends_with(".restore.bak");
            assert_eq!(is_restore, policy.made_by == Some(MadeBy::Restore));
        }
        assert_no_unexpected_files(&sandbox);
    }
}

/// A file system whose numbers of files don't identify them, such as the share of a virtual machine.
struct WithoutIds(FileId);

impl FileSystem for WithoutIds {
    fn file_id(&self, _path: &Path) -> io::Result<FileId> {
        Ok(self.0)
    }
}

#[test]
fn backups_stay_where_all_files_have_the_same_number() {
    for (index, links) in [(0, 1), (0, 2), (7, 1), (7, 2)] {
        let sandbox = Sandbox::with_ini(OLD.bytes());
        let fs = WithoutIds(FileId { volume: 1, index, links });
        for expected in [vec![OLD], vec![OTHERS, OLD]] {
            TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini()).outcome();
            assert_eq!(backup_states(&sandbox), expected, "number {index}, {links} links");
            transaction::remove_leftovers(&sandbox.ini(), &fs);
            std::fs::write(sandbox.ini(), OTHERS.bytes()).unwrap();
        }
    }
}

#[test]
fn nothing_is_written_if_nothing_changes() {
    let sandbox = Sandbox::with_ini(NEW.bytes());
    let same = sandbox.path("home/same");
    std::fs::hard_link(sandbox.ini(), &same).unwrap();
    let modified = std::fs::metadata(sandbox.ini()).unwrap().modified().unwrap();
    let fs = FaultyFs::default();
    let result = TestRun { fs: &fs, ..TestRun::default() }.run(&sandbox.ini());
    assert_eq!(*result.outcome(), TransactionOutcome { changed: false, backup: None });
    assert!(same_file::is_same_file(sandbox.ini(), &same).unwrap());
    assert_eq!(std::fs::metadata(sandbox.ini()).unwrap().modified().unwrap(), modified);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"]);
    assert_eq!(*fs.calls.borrow(), LOCKING);
}
