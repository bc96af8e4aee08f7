//! Programs in a Wine prefix.

use std::path::Path;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::hook::command::HookCommand;
use crate::hook::trust::Trust;
use crate::platform::{self, Access, WindowsPaths, WinePrefix};

use super::probe::nearest_in_folder;
use super::{Allow, FileProbe, Redirection, TargetContext, TargetError, check, resolve};

struct Prefix {
    folder: tempfile::TempDir,
    paths: WindowsPaths,
    trust: Trust,
    probe: FileProbe,
}

/// Creates a Wine prefix with these files.
fn prefix(files: &[(&str, &[u8])]) -> Prefix {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("drive_c")).unwrap();
    for (name, bytes) in files {
        let path = folder.path().join("drive_c").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let paths = WindowsPaths::Prefix(WinePrefix::at(folder.path()).unwrap());
    Prefix { folder, paths, trust: Trust::default(), probe: NO_PROBE }
}

const NO_PROBE: FileProbe = FileProbe { mark_of: |_| None, can_remove_mark: |_| Ok(()), access_of: |_| None };

fn image() -> Vec<u8> {
    let mut image = vec![0_u8; 64];
    image[..2].copy_from_slice(b"MZ");
    image[60] = 64;
    image.extend(b"PE\0\0");
    image
}

impl Prefix {
    fn resolve(&self, program: &str, args: &[&str], allow: Allow) -> Result<(HookCommand, Vec<Code>), Code> {
        let typed =
            HookCommand { program: program.into(), args: args.iter().map(ToString::to_string).collect() };
        resolve(&typed, &self.context(), allow)
            .map(|(command, warnings)| (command, warnings.iter().map(ToDiagnostic::code).collect()))
            .map_err(|error| error.code())
    }

    fn redirection(&self) -> Option<Redirection> {
        Redirection::of(None, r"C:\Windows", |path| {
            self.paths.to_host(path).is_some_and(|host| host.is_file())
        })
    }

    fn context(&self) -> TargetContext {
        TargetContext {
            paths: self.paths.clone(),
            redirection: self.redirection(),
            ini: self.folder.path().join("drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini"),
            search_folders: [r"C:\Windows\System32", r"C:\Windows"].map(String::from).into(),
            extensions: [".COM", ".EXE", ".BAT"].map(String::from).into(),
            trust: self.trust.clone(),
            probe: self.probe,
        }
    }

    fn verdict(&self, program: &str) -> Result<Vec<Code>, Code> {
        self.resolve(program, &[], Allow::default()).map(|(_, warnings)| warnings)
    }
}

#[test]
fn only_files_that_microsip_can_start_are_accepted() {
    let image = image();
    let prefix = prefix(&[
        ("hooks/ring.exe", &image),
        ("hooks/fake.exe", b"MZ but no more"),
        ("hooks/empty.exe", b""),
        ("hooks/note.txt", b"x"),
        ("hooks/noextension", b"x"),
        ("hooks/hook.bat", b"x"),
    ]);
    assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"c:/HOOKS/Ring.EXE"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\hooks\fake.exe"), Err(Code::HookTargetNotProgram));
    assert_eq!(prefix.verdict(r"C:\hooks\empty.exe"), Err(Code::HookTargetEmpty));
    assert_eq!(prefix.verdict(r"C:\hooks\note.txt"), Err(Code::HookTargetNotProgram));
    assert_eq!(prefix.verdict(r"C:\hooks\noextension"), Err(Code::HookTargetNotProgram));
    assert_eq!(prefix.verdict(r"C:\hooks"), Err(Code::HookTargetFolder));
    assert_eq!(prefix.verdict(r"C:\hooks\none.exe"), Err(Code::HookTargetMissing));
    assert_eq!(prefix.verdict(r"C:\hooks\hook.bat"), Err(Code::HookTargetBatch));
}

#[test]
fn programs_are_checked_where_a_32_bit_microsip_opens_them() {
    let image = image();
    let files: &[(&str, &[u8])] = &[
        ("Windows/SysWOW64/ntdll.dll", b"x"),
        ("Windows/SysWOW64/cmdkey.exe", &image),
        ("Windows/System32/msg.exe", &image),
        ("Windows/System32/spool/x.exe", &image),
    ];
    let prefix = prefix(files);
    let sysnative = r"C:\Windows\Sysnative\msg.exe";
    assert_eq!(prefix.verdict(r"C:\Windows\System32\cmdkey.exe"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\Windows\System32\spool\x.exe"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\Windows\System32\msg.exe"), Err(Code::HookTargetMissing));
    assert_eq!(prefix.verdict(sysnative), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\Windows\Sysnative\cmdkey.exe"), Err(Code::HookTargetMissing));
    // a name becomes a path that works
    let found = |name| prefix.resolve(name, &[], Allow::default()).map(|(command, _)| command.program);
    assert_eq!(found("msg"), Ok(sysnative.into()));
    assert_eq!(found("cmdkey.exe"), Ok(r"C:\Windows\System32\cmdkey.exe".into()));
    // such a hook that is already set
    let program = r"C:\Windows\System32\msg.exe".to_string();
    let errors = check(&HookCommand { program: program.clone(), args: vec![] }, &prefix.context());
    assert_eq!(errors, [TargetError::Only64Bit { path: program, sysnative: sysnative.into() }]);
    assert_eq!(errors[0].hint(), Some(format!("use {sysnative}")));
    // test-hook starts the same file
    let started = |program: &str| prefix.context().as_64_bit(program);
    assert_eq!(started("cmdkey").as_deref(), Some(r"C:\Windows\SysWOW64\cmdkey.exe"));
    assert_eq!(started(sysnative).as_deref(), Some(r"C:\Windows\System32\msg.exe"));
    assert_eq!(started(r"C:\hooks\ring.exe"), None);
    assert_eq!(started("msg"), None);
}

#[test]
fn relative_and_invalid_paths_are_refused() {
    let prefix = prefix(&[]);
    for (path, code) in [
        (r"hooks\ring.exe", Code::HookTargetRelative),
        (r"\hooks\ring.exe", Code::HookTargetRelative),
        (r"C:ring.exe", Code::HookTargetRelative),
        ("/home/ann/ring.sh", Code::HookTargetRelative),
        (r"%APPDATA%\ring.exe", Code::HookTargetRelative),
        ("nowhere", Code::HookTargetRelative),
        (r"C:\hooks\*.exe", Code::HookTargetBadPath),
        (r"C:\hooks\nul.exe", Code::HookTargetBadPath),
        (r"C:\hooks\COM1", Code::HookTargetBadPath),
        (r"\\.\pipe\x", Code::HookTargetBadPath),
        ("C:\\hooks\\", Code::HookTargetBadPath),
        (r"C:\hooks\a.exe:stream", Code::HookTargetBadPath),
    ] {
        assert_eq!(prefix.verdict(path), Err(code), "{path}");
    }
}

#[test]
fn allowed_errors_become_warnings() {
    let prefix = prefix(&[("hooks/hook.cmd", b"x")]);
    let missing = Allow { missing: true, ..Allow::default() };
    let unsafe_target = Allow { unsafe_target: true, ..Allow::default() };
    let codes = |path: &str, allow| prefix.resolve(path, &[], allow).map(|(_, codes)| codes);
    assert_eq!(codes(r"C:\hooks\none.exe", missing), Ok(vec![Code::HookTargetMissing]));
    assert_eq!(codes(r"C:\hooks\none.bat", missing), Err(Code::HookTargetBatch));
    assert_eq!(codes(r"C:\hooks\hook.cmd", unsafe_target), Ok(vec![Code::HookTargetBatch]));
    assert_eq!(codes(r"C:\hooks\none.txt", missing), Err(Code::HookTargetNotProgram));
}

#[test]
fn names_are_resolved_to_full_paths() {
    let image = image();
    let prefix = prefix(&[("Windows/System32/where.exe", &image)]);
    let (command, _) = prefix.resolve("where", &["-s"], Allow::default()).unwrap();
    assert_eq!(
        (command.program.as_str(), &command.args[..]),
        (r"C:\Windows\System32\where.exe", &["-s".to_string()][..])
    );
    assert_eq!(prefix.verdict("WHERE.EXE"), Ok(vec![]));
}

#[test]
fn scripts_are_run_by_their_interpreter() {
    let image = image();
    let prefix = prefix(&[
        ("hooks/a.ps1", b"x"),
        ("hooks/a.vbs", b"x"),
        ("hooks/a.py", b"x"),
        ("hooks/a.jar", b"x"),
        ("Windows/System32/wscript.exe", &image),
        ("Windows/py.exe", &image),
    ]);
    let line =
        |path: &str, allow| prefix.resolve(path, &["x y"], allow).map(|(command, _)| command.to_string());
    assert_eq!(
        line(r"C:\hooks\a.vbs", Allow::default()).unwrap(),
        r#"C:\Windows\System32\wscript.exe //B C:\hooks\a.vbs "x y""#
    );
    assert_eq!(prefix.verdict(r"C:\hooks\a.vbs"), Ok(vec![Code::HookTargetOptions]));
    assert_eq!(prefix.verdict(r"C:\hooks\a.py"), Ok(vec![]));
    assert_eq!(line(r"C:\hooks\a.py", Allow::default()).unwrap(), r#"C:\Windows\py.exe C:\hooks\a.py "x y""#);
    assert_eq!(line(r"C:\hooks\a.ps1", Allow::default()), Err(Code::HookInterpreterMissing));
    assert_eq!(
        line(r"C:\hooks\a.jar", Allow { missing: true, ..Allow::default() }),
        Err(Code::HookInterpreterMissing)
    );
    assert!(
        line(r"C:\hooks\a.ps1", Allow { missing: true, ..Allow::default() })
            .unwrap()
            .ends_with(r#"powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\hooks\a.ps1 "x y""#)
    );
}

#[test]
fn risky_locations_cause_warnings() {
    let image = image();
    let prefix = prefix(&[
        ("users/bob/x.exe", &image),
        ("users/ann/x.exe", &image),
        ("users/Public/x.exe", &image),
        ("users/ann/Downloads/x.exe", &image),
        ("temp/x.exe", &image),
    ]);
    assert_eq!(prefix.verdict(r"C:\users\bob\x.exe"), Ok(vec![Code::HookTargetOtherUser]));
    assert_eq!(prefix.verdict(r"C:\users\ann\x.exe"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\Users\Public\x.exe"), Ok(vec![]));
    assert_eq!(prefix.verdict(r"C:\users\ann\Downloads\x.exe"), Ok(vec![Code::HookTargetTemporary]));
    assert_eq!(prefix.verdict(r"C:\temp\x.exe"), Ok(vec![Code::HookTargetTemporary]));
    assert_eq!(
        prefix.resolve(r"\\server\share\x.exe", &[], Allow::default()).unwrap().1,
        [Code::HookTargetUnchecked, Code::HookTargetNetwork]
    );
}

fn mark_by_name(path: &Path) -> Option<Vec<u8>> {
    let is_marked = path.file_name()?.to_str()?.contains("marked");
    is_marked.then(|| b"[ZoneTransfer]\r\nZoneId=3\r\n".to_vec())
}

#[test]
fn marked_programs_are_refused_and_marked_scripts_warned_about() {
    let image = image();
    let mut prefix = prefix(&[
        ("hooks/marked.exe", &image),
        ("hooks/marked.py", b"x"),
        ("hooks/a.py", b"x"),
        ("hooks/a.jar", b"x"),
        ("hooks/ring.exe", &image),
        ("Windows/py.exe", &image),
        ("Windows/javaw.exe", &image),
    ]);
    prefix.probe.mark_of = mark_by_name;
    let unblock = Allow { mark: true, ..Allow::default() };
    let others = Allow { mark: false, missing: true, unsafe_target: true };
    let codes = |path: &str, allow| prefix.resolve(path, &[], allow).map(|(_, codes)| codes);
    let blocked = vec![Code::HookTargetBlocked];
    assert_eq!(codes(r"C:\hooks\ring.exe", Allow::default()), Ok(vec![]));
    assert_eq!(codes(r"C:\hooks\marked.exe", Allow::default()), Err(Code::HookTargetBlocked));
    assert_eq!(codes(r"C:\hooks\marked.exe", others), Err(Code::HookTargetBlocked));
    assert_eq!(codes(r"C:\hooks\marked.exe", unblock), Ok(blocked.clone()));
    assert_eq!(codes(r"C:\hooks\marked.py", Allow::default()), Ok(blocked.clone()));
    assert_eq!(codes(r"C:\hooks\a.py", Allow::default()), Ok(vec![]));

    // hooks that are already set
    let context = prefix.context();
    let works = |program: &str, args: &[&str]| {
        let args = args.iter().map(ToString::to_string).collect();
        let errors = check(&HookCommand { program: program.into(), args }, &context);
        let codes: Vec<Code> = errors.iter().map(ToDiagnostic::code).collect();
        (codes, !errors.iter().any(TargetError::is_fatal))
    };
    assert_eq!(works(r"C:\hooks\marked.exe", &[]), (blocked.clone(), false));
    assert_eq!(works(r"C:\Windows\py.exe", &[r"C:\hooks\marked.py"]), (blocked, true));
    assert_eq!(works(r"C:\hooks\ring.exe", &[r"C:\hooks\marked.py"]), (vec![], true));

    // the interpreter
    prefix.probe.mark_of = |path| path.ends_with("javaw.exe").then(|| b"[ZoneTransfer]\nZoneId=4".to_vec());
    assert_eq!(prefix.verdict(r"C:\hooks\a.jar"), Err(Code::HookTargetBlocked));
    assert_eq!(prefix.verdict(r"C:\hooks\a.py"), Ok(vec![]));
}

/// Everyone may write to files and folders whose name starts with "open", only administrators to the others.
fn open_to_all(path: &Path) -> Option<Access> {
    let administrators = || platform::Sid("S-1-5-32-544".into());
    let is_open = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("open"));
    let sid = if is_open { platform::Sid("S-1-1-0".into()) } else { administrators() };
    let kind = platform::EntryKind::Allow;
    let entry = platform::AccessEntry { kind, is_inherit_only: false, sid, mask: 0x001F_01FF };
    Some(Access { owner: administrators(), entries: Some(vec![entry]) })
}

#[test]
fn replaceable_programs_cause_warnings_or_are_refused_for_another_user() {
    let image = image();
    let mut prefix = prefix(&[
        ("hooks/ring.exe", &image),
        ("hooks/open.exe", &image),
        ("open/ring.exe", &image),
        ("hooks/open.py", b"x"),
        ("Windows/py.exe", &image),
    ]);
    prefix.probe.access_of = open_to_all;
    let writable = vec![Code::HookTargetWritable];
    assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
    for path in [r"C:\hooks\open.exe", r"C:\open\ring.exe", r"C:\hooks\open.py"] {
        assert_eq!(prefix.verdict(path), Ok(writable.clone()), "{path}");
    }
    prefix.trust = Trust::new(platform::Privileges { is_elevated: true, user: None }, None);
    let unsafe_target = Allow { unsafe_target: true, ..Allow::default() };
    assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
    for path in [r"C:\hooks\open.exe", r"C:\open\ring.exe", r"C:\hooks\open.py"] {
        assert_eq!(prefix.verdict(path), Err(Code::HookTargetWritable), "{path}");
        let allowed = prefix.resolve(path, &[], unsafe_target).map(|(_, codes)| codes);
        assert_eq!(allowed, Ok(writable.clone()), "{path}");
    }
    let command = HookCommand { program: r"C:\open\ring.exe".into(), args: Vec::new() };
    let errors = check(&command, &prefix.context());
    assert!(matches!(&errors[..], [error] if !error.is_fatal() && error.can_be_allowed()));
    let hint = errors[0].hint().unwrap();
    assert!(hint.contains("icacls") && hint.contains("--allow-unsafe"), "{hint}");
}

#[test]
fn names_are_tried_with_every_extension_and_in_the_registry_last() {
    let image = image();
    let prefix = prefix(&[
        ("Windows/python3.11.exe", &image),
        ("Windows/tool.exe", &image),
        ("Apps/user tool.exe", &image),
        ("Apps/tool.exe", &image),
        ("Apps/all.exe", &image),
    ]);
    let reg = |name: &str, path: &str| {
        let path = path.replace('\\', r"\\").replace('"', "\\\"");
        let key = r"Software\\Microsoft\\Windows\\CurrentVersion\\App Paths";
        format!("[{key}\\\\{name}] 1\n@=\"{path}\"\n\n")
    };
    let user = [
        reg("mine.exe", r#""C:\Apps\user tool.exe""#),
        reg("tool.exe", r"C:\Apps\tool.exe"),
        reg("gone.exe", r"C:\Apps\gone.exe"),
        reg("near.exe", r"tool.exe"),
    ];
    std::fs::write(prefix.folder.path().join("user.reg"), user.concat()).unwrap();
    let machine = [reg("mine.exe", r"C:\Apps\tool.exe"), reg("gone.exe", r"C:\Apps\all.exe")];
    std::fs::write(prefix.folder.path().join("system.reg"), machine.concat()).unwrap();
    let program = |name: &str| {
        let resolved = prefix.resolve(name, &[], Allow::default());
        resolved.map(|(command, _)| command.program).map_err(Code::name)
    };
    let none = Err(Code::HookTargetRelative.name());
    assert_eq!(program("python3.11"), Ok(r"C:\Windows\python3.11.exe".into()));
    assert_eq!(program("tool"), Ok(r"C:\Windows\tool.exe".into()), "the registry comes last");
    assert_eq!(program("mine"), Ok(r"C:\Apps\user tool.exe".into()));
    assert_eq!(program("MINE.EXE"), Ok(r"C:\Apps\user tool.exe".into()));
    assert_eq!(program("gone"), Ok(r"C:\Apps\all.exe".into()), "missing files are skipped");
    assert_eq!(program("near"), none);
    assert_eq!(program("none"), none);
    assert_eq!(program("mine.bat"), none);
}

#[test]
fn missing_program_suggests_the_nearest_name() {
    let image = image();
    let prefix = prefix(&[("hooks/ring.exe", &image)]);
    let host = prefix.folder.path().join("drive_c/hooks/rign.exe");
    assert_eq!(nearest_in_folder(r"C:\hooks\rign.exe", &host).as_deref(), Some(r"C:\hooks\ring.exe"));
}
