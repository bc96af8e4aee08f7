//! A folder for each test, and the program run in it without the caller's environment.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_msipcfg");

/// A folder with its own home and settings folders, removed when the test ends.
pub struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    /// Makes an empty sandbox.
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in(long_temp_dir()).unwrap();
        for name in ["home", "roaming", "local"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Sandbox { folder }
    }

    /// Makes a sandbox with an ini.
    pub fn with_ini(bytes: impl AsRef<[u8]>) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("MicroSIP.ini", bytes);
        sandbox
    }

    /// Returns a path in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of the ini, which may not exist.
    pub fn ini(&self) -> PathBuf {
        self.path("MicroSIP.ini")
    }

    /// Writes a file and makes its folders.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a script that can be started at once.
    #[cfg(unix)]
    pub fn write_script(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), text).unwrap();
        copy_program(source.path(), &path);
        path
    }

    /// Returns the bytes of the ini.
    pub fn ini_bytes(&self) -> Vec<u8> {
        std::fs::read(self.ini()).unwrap()
    }

    /// Returns the text of the ini, which is UTF-16LE with BOM.
    pub fn ini_text(&self) -> String {
        text_of_ini(&self.ini())
    }

    /// Returns the sorted names of the files, without the sandbox's own folders.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !["home", "roaming", "local"].contains(&name.as_str()));
        names.sort();
        names
    }

    /// Returns a command with this folder's environment and no input.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().stdin(Stdio::null()).current_dir(self.folder.path());
        // Windows and Wine need these: without the folders, for example, the shell starts no programs
        const KEPT: [&str; 11] = [
            "SystemRoot",
            "windir",
            "SystemDrive",
            "ProgramData",
            "USERPROFILE",
            "PATH",
            "PATHEXT",
            "COMSPEC",
            "WINEPREFIX",
            "WINEDEBUG",
            "WINEARCH",
        ];
        for name in KEPT {
            if let Some(value) = std::env::var_os(name).filter(|_| cfg!(windows) || name == "PATH") {
                command.env(name, value);
            }
        }
        command
            .env("HOME", self.path("home"))
            .env("APPDATA", self.path("roaming"))
            .env("LOCALAPPDATA", self.path("local"))
            .env("TEMP", self.path("home"))
            .env("TMP", self.path("home"));
        command
    }

    /// Runs msipcfg.
    pub fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.command(PROGRAM);
        command.args(args);
        self.finish(command)
    }

    /// Runs msipcfg on the ini of this folder, with `--ini` after the command's name.
    pub fn run_on_ini(&self, args: &[&str]) -> Ran {
        let ini = self.ini();
        let mut all = vec![args[0], "--ini", ini.to_str().unwrap()];
        all.extend(&args[1..]);
        self.run(&all)
    }

    /// Returns a shell that runs a command line of msipcfg, as if it were pasted there.
    #[cfg(unix)]
    pub fn shell(&self, line: &str) -> Command {
        let mut command = self.command("/bin/sh");
        let folder = Path::new(PROGRAM).parent().unwrap();
        command.env("PATH", folder).args(["-c", line]);
        command
    }

    /// Runs a command until it exits. It writes to files, because programs that it starts would keep a pipe open.
    #[track_caller]
    pub fn finish(&self, mut command: Command) -> Ran {
        const LIMIT: Duration = Duration::from_secs(600);
        let shown = format!("{command:?}");
        let folder = tempfile::tempdir().unwrap();
        let [out, err] = ["out", "err"].map(|name| folder.path().join(name));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut child = spawn(&mut command);
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                child.kill().unwrap();
                panic!("does not exit: {shown}");
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let [stdout, stderr] =
            [out, err].map(|path| String::from_utf8(std::fs::read(path).unwrap()).unwrap());
        let files = self.names().join("\n  ");
        let transcript = format!(
            "\n{shown}\nexited with {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n--- files\n  {files}"
        );
        Ran { status: status.code().unwrap_or(-1), stdout, stderr, transcript }
    }
}

/// Returns the folder for temporary files. On Windows, its path may be in the short form (`RUNNER~1`), in which Windows
/// doesn't report the programs and files in it, so tests couldn't compare paths.
fn long_temp_dir() -> PathBuf {
    let folder = std::env::temp_dir();
    if !cfg!(windows) {
        return folder;
    }
    let long = folder.canonicalize().unwrap();
    long.to_str().and_then(|path| path.strip_prefix(r"\\?\")).map_or(folder, PathBuf::from)
}

/// Copies a program, or a script, so that it can be started at once.
///
/// On Unix another process writes the copy. If this one did, a process that another test forks at the same time would
/// inherit the open file until it execs, and starting the copy would fail with "Text file busy".
pub fn copy_program(from: impl AsRef<Path>, to: &Path) {
    #[cfg(unix)]
    {
        let copied = Command::new("cp").arg(from.as_ref()).arg(to).status().unwrap();
        assert!(copied.success(), "cp {} {}", from.as_ref().display(), to.display());
        std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    #[cfg(windows)]
    std::fs::copy(from, to).unwrap();
}

/// Starts a program. Wine 8 sometimes fails to while many others exit, so this tries again.
#[track_caller]
pub fn spawn(command: &mut Command) -> Child {
    const ERROR_INTERNAL_ERROR: i32 = 1359;
    const TRIES: usize = 5;
    for _ in 1..TRIES {
        match command.spawn() {
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(ERROR_INTERNAL_ERROR) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            result => return result.unwrap(),
        }
    }
    command.spawn().unwrap()
}

/// Returns whether PROPTEST_CASES asks for more cases than the usual sample.
pub fn wants_many_cases() -> bool {
    std::env::var_os("PROPTEST_CASES").is_some()
}

/// Returns how many cases are tried: a sample, unless many are wanted.
pub fn cases(sample: usize, all: usize) -> usize {
    let count = if wants_many_cases() { all } else { sample };
    println!("{count} of {all} cases");
    count
}

/// Returns where MicroSIP keeps an ini, in the sandbox; on Windows there is only one user.
pub fn place(user: &str, name: &str) -> String {
    if cfg!(windows) {
        format!(r"roaming\MicroSIP\{name}")
    } else {
        format!("home/.wine/drive_c/users/{user}/AppData/Roaming/MicroSIP/{name}")
    }
}

/// A finished run.
pub struct Ran {
    /// The exit status, -1 after a signal.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The command, its output and the files, for a failed assertion.
    pub transcript: String,
}

impl Ran {
    /// Fails the test unless the exit status is this one.
    #[track_caller]
    pub fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}", self.transcript);
        self
    }

    /// Fails the test unless standard output or standard error contains a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "no {text:?} in: {}",
            self.transcript
        );
        self
    }

    /// Returns the JSON object on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.transcript))
    }

    /// Returns the codes of the warnings in the JSON object.
    #[track_caller]
    pub fn warnings(&self) -> Vec<String> {
        let json = self.json();
        let warnings =
            json["warnings"].as_array().unwrap_or_else(|| panic!("no warnings: {}", self.transcript));
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_string()).collect()
    }

    /// Fails the test unless the exit status and the error code in the JSON object are these.
    #[track_caller]
    pub fn fails(self, status: i32, code: &str) -> Self {
        let ran = self.exits(status);
        let json = ran.json();
        assert_eq!(
            (&json["ok"], &json["error"]["code"]),
            (&Value::Bool(false), &Value::from(code)),
            "{}",
            ran.transcript
        );
        ran
    }
}

/// Runs msipcfg on the ini and fails the test unless it fails with this status and code and leaves all files alone.
#[track_caller]
pub fn refused(sandbox: &Sandbox, args: &[&str], status: i32, code: &str) -> Ran {
    let before = sandbox.ini_bytes();
    let ran = sandbox.run_on_ini(args).fails(status, code);
    assert_eq!(sandbox.ini_bytes(), before, "the ini was changed: {}", ran.transcript);
    assert_eq!(sandbox.names(), ["MicroSIP.ini"], "unexpected files: {}", ran.transcript);
    ran
}

/// Encodes text as MicroSIP does: UTF-16LE with BOM.
pub fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Returns the text of an ini, which is UTF-16LE with BOM.
pub fn text_of_ini(ini: &Path) -> String {
    let bytes = std::fs::read(ini).unwrap();
    assert!(bytes.starts_with(&[0xFF, 0xFE]), "not UTF-16LE with BOM: {bytes:02X?}");
    let units: Vec<u16> =
        bytes[2..].chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Returns the smallest file that counts as a program: the headers where Windows looks for them.
pub fn image() -> Vec<u8> {
    let mut image = vec![0_u8; 64];
    image[..2].copy_from_slice(b"MZ");
    image[60] = 64;
    image.extend(b"PE\0\0");
    image
}
