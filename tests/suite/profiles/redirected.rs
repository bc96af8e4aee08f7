//! A user who replaces a folder with a link while an administrator's run works in it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use msipcfg::commands::{self, Context};
use msipcfg::desired::passwords::PasswordHasher;
use msipcfg::hook::target::Allow;
use msipcfg::platform::{Env, FileId, FileSystem, LockFile, SystemFs, TempFile};
use msipcfg::request::{
    DesiredChoice, ManyUsers, ManyUsersAction, Profiles, Purge, Request, UninstallMany, UninstallRequest,
    UninstallUsers, WhileRunning, WriteOptions,
};

use super::OLD;
use crate::sandbox::{Sandbox, utf16, wants_many_cases};

/// The file system of this computer, but before one of the calls a folder is replaced with a link.
struct RedirectingFs<'a> {
    /// The number of the call, starting at 1.
    before: usize,
    calls: AtomicUsize,
    /// The folder, and where the link leads.
    folder: &'a Path,
    target: &'a Path,
}

impl RedirectingFs<'_> {
    fn count(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.before {
            std::fs::rename(self.folder, self.folder.with_extension("moved")).unwrap();
            symlink(self.target, self.folder).unwrap();
        }
    }
}

/// Passes each call on, after counting it.
macro_rules! counted {
    ($(fn $name:ident(&self $(, $argument:ident: $kind:ty)*) -> $result:ty;)*) => {
        #[warn(clippy::missing_trait_methods)]
        impl FileSystem for RedirectingFs<'_> {
            $(fn $name(&self $(, $argument: $kind)*) -> io::Result<$result> {
                self.count();
                SystemFs.$name($($argument),*)
            })*
        }
    };
}

counted! {
    fn read(&self, path: &Path) -> Vec<u8>;
    fn metadata(&self, path: &Path) -> Metadata;
    fn link_metadata(&self, path: &Path) -> Metadata;
    fn is_same_file(&self, a: &Path, b: &Path) -> bool;
    fn file_id(&self, path: &Path) -> FileId;
    fn canonicalize(&self, path: &Path) -> PathBuf;
    fn read_link(&self, path: &Path) -> PathBuf;
    fn list(&self, folder: &Path) -> Vec<DirEntry>;
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> TempFile;
    fn create_folders(&self, path: &Path) -> ();
    fn write(&self, temp: &mut TempFile, bytes: &[u8]) -> ();
    fn sync(&self, temp: &TempFile) -> ();
    fn copy_access(&self, model: Option<&Path>, temp: &mut TempFile) -> ();
    fn copy_attributes(&self, model: Option<&Path>, temp: &mut TempFile) -> ();
    fn link(&self, from: &Path, to: &Path) -> ();
    fn replace(&self, temp: TempFile, to: &Path) -> ();
    fn persist_new(&self, temp: TempFile, to: &Path) -> ();
    fn rename_exclusively(&self, from: &Path, to: &Path) -> ();
    fn sync_folder(&self, folder: &Path) -> ();
    fn remove(&self, path: &Path) -> ();
    fn open_to_lock(&self, path: &Path) -> LockFile;
    fn open_shared_lock(&self, path: &Path) -> LockFile;
}

const INI: &str = "AppData/Roaming/MicroSIP/MicroSIP.ini";
const STAMP: &str = "20260131T235959.123Z";
const CALLS: &str = "AppData/Local/msipcfg/calls.db";

/// Everything in a folder: its contents, owner, mode and time.
fn state(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32, u32, i64)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let bytes = if metadata.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
        if metadata.is_dir() {
            all.extend(state(&path));
        }
        all.insert(path, (bytes, metadata.uid(), metadata.mode(), metadata.mtime_nsec()));
    }
    all
}

fn apply(sandbox: &Sandbox) -> Request {
    // clearing a password needs no hash, which takes long, but a note about it
    let account = "{ domain = 'a', username = '1', password = false }";
    let desired =
        sandbox.write("desired.toml", format!("accounts = [{account}]\n[settings]\nvolumeRing = 50\n"));
    Request::ManyUsers(ManyUsers {
        profiles: Profiles::In(sandbox.path("profiles")),
        code_page: None,
        desired: DesiredChoice {
            file: desired,
            variables: Vec::new(),
            variable_files: Vec::new(),
            users: None,
        },
        fail_on_skipped: false,
        action: ManyUsersAction::Apply {
            allow: Allow::default(),
            options: WriteOptions {
                dry_run: false,
                create: true,
                timeout: Duration::ZERO,
                while_running: WhileRunning::Wait,
                backup: true,
                keep_backups: 10,
                any_ini: false,
            },
            skip_running: false,
        },
    })
}

fn uninstall(sandbox: &Sandbox) -> Request {
    Request::Uninstall(UninstallRequest {
        users: UninstallUsers::Many(UninstallMany {
            profiles: Profiles::In(sandbox.path("profiles")),
            code_page: None,
            fail_on_skipped: false,
            skip_running: false,
        }),
        all_hooks: true,
        purge: Purge::Now,
        options: WriteOptions {
            dry_run: false,
            create: false,
            timeout: Duration::ZERO,
            while_running: WhileRunning::Wait,
            backup: false,
            keep_backups: 10,
            any_ini: true,
        },
    })
}

/// Carries out a request for the only user while this folder of the user is redirected. Returns the number of calls.
fn run_redirected(request: fn(&Sandbox) -> Request, folder: &str, has_ini: bool, before: usize) -> usize {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("profiles/ann/AppData/Roaming/MicroSIP")).unwrap();
    if has_ini {
        sandbox.write(&format!("profiles/ann/{INI}"), utf16(OLD));
    }
    for name in [&format!("{INI}.{STAMP}.bak"), CALLS] {
        sandbox.write(&format!("profiles/ann/{name}"), "the user's");
    }
    // what a run would edit, link, remove or give away if it followed the link
    let target = sandbox.path("target");
    sandbox.write(&format!("target/{INI}"), utf16(OLD));
    sandbox.write(&format!("target/{CALLS}"), "theirs");
    for name in [
        &format!("MicroSIP.ini.{STAMP}.bak"),
        "MicroSIP.hooks.toml",
        "MicroSIP.ini.msipcfg-state.json",
        ".MicroSIP.ini.msipcfg-lock",
        ".MicroSIP.ini.abcdef.msipcfg-tmp",
    ] {
        sandbox.write(&format!("target/AppData/Roaming/MicroSIP/{name}"), "theirs");
    }
    let before_run = state(&target);
    let fs = RedirectingFs {
        before,
        calls: AtomicUsize::new(0),
        folder: &sandbox.path(&format!("profiles/ann{folder}")),
        target: &sandbox.path(&format!("target{folder}")),
    };
    // whether it fails depends on the call; a panic or a change of the target would be wrong
    let _ = commands::run(
        request(&sandbox),
        &mut Context {
            env: &Env::default(),
            fs: &fs,
            now: &SystemTime::now,
            stop: &|| false,
            variable: |_| None,
            secret: &|_| unreachable!("the password is in the file"),
            hashes: &PasswordHasher::new(&|| Some([0; 16])),
            report: &mut |_| {},
        },
    );
    assert_eq!(state(&target), before_run, "{folder:?} was redirected before call {before}, ini {has_ini}");
    fs.calls.into_inner()
}

#[test]
fn a_folder_that_becomes_a_link_at_any_step_redirects_nothing() {
    // a sample, unless all cases are asked for
    let step = if wants_many_cases() { 1 } else { 5 };
    let innermost = "/AppData/Roaming/MicroSIP";
    for (folder, has_ini) in
        [("", true), ("/AppData", true), ("/AppData/Roaming", true), (innermost, true), (innermost, false)]
    {
        for request in [apply, uninstall] {
            let mut places = (1..).step_by(step);
            let is_last = |before: &usize| run_redirected(request, folder, has_ini, *before) < *before;
            let calls = places.find(is_last).unwrap();
            assert!(calls > 20, "{calls}");
            println!("{folder} was redirected before every {step}. of {calls} calls");
        }
    }
}
