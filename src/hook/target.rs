//! The program of a hook: whether MicroSIP could start it, and what deserves saying of where it lies.
//!
//! MicroSIP starts hooks by ShellExecuteEx, without a window and without a word when that fails, so everything
//! that can be told before is told here.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::guess;
use crate::platform::{self, Access, DriveKind, ProgramProbe, WindowsPaths};

use super::command::HookCommand;
use super::trust::{self, Trust, WeakSpot};

/// Where targets are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where Windows paths lead to.
    pub paths: WindowsPaths,
    /// The ini that the hook is for.
    pub ini: PathBuf,
    /// The folders in which a program is looked for by name, in order.
    pub search_folders: Vec<String>,
    /// What is tried behind a name without an ending (`PATHEXT`).
    pub endings: Vec<String>,
    /// Who may change the programs.
    pub trust: Trust,
    /// What the system knows of files.
    pub known: Known,
}

impl Places {
    /// On no machine: only what a path says by itself is told.
    pub fn nowhere() -> Places {
        Places {
            paths: WindowsPaths::Unknown,
            ini: PathBuf::new(),
            search_folders: Vec::new(),
            endings: Vec::new(),
            trust: Trust::default(),
            known: Known::HERE,
        }
    }
}

/// What is asked of the system about a file that is there.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// What it has noted of where the file came from.
    pub mark_of: fn(&Path) -> Option<Vec<u8>>,
    /// Whether that note can be taken off.
    pub can_remove_mark: fn(&Path) -> io::Result<()>,
    /// Who may do what to a file or a folder.
    pub access_of: fn(&Path) -> Option<Access>,
}

impl Known {
    /// By this machine.
    pub const HERE: Known = Known {
        mark_of: platform::download_mark,
        can_remove_mark: platform::can_remove_download_mark,
        access_of: platform::access_of,
    };
}

/// What is accepted although it would be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// The program is not there yet.
    pub missing: bool,
    /// What is unsafe.
    pub unsafe_target: bool,
    /// The mark of the web, for it is taken off.
    pub mark: bool,
}

/// What a file is to a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// MicroSIP starts it.
    Program,
    /// A program that MicroSIP starts reads it.
    Script,
}

/// Something that is wrong with a target, or deserves saying.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetFault {
    #[error("'{typed}' is not a full Windows path")]
    Relative { typed: String, advice: String },
    #[error("'{typed}' is found by name; a file of that name elsewhere could be started instead")]
    FoundByName { typed: String, path: Option<String> },
    #[error("'{path}' cannot be started: {why}")]
    BadPath { path: String, why: &'static str },
    #[error("{path} is not there")]
    Missing { path: String, nearest: Option<String> },
    #[error("{path} is a folder")]
    Folder { path: String },
    #[error("{path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("{path} is no program: {why}")]
    NotProgram { path: String, why: &'static str },
    #[error(
        "{path} is a batch file: it gets the caller's text unquoted, and a caller who sends an & in it runs commands here"
    )]
    Batch { path: String },
    #[error(
        "{path} reads the caller's text as part of a command, and a caller who sends an & or ; in it runs commands here"
    )]
    Shell { path: String },
    #[error("{interpreter}, which runs {path}, was not found")]
    InterpreterMissing { path: String, interpreter: &'static str },
    #[error("{path} could not be checked: it cannot be seen from this machine")]
    Unchecked { path: String },
    #[error(
        "{path} is on a network drive: while that is away or slow, MicroSIP hangs up to 10 seconds a call"
    )]
    Network { path: String },
    #[error("{path} lies in the folder of another user, {user}")]
    OtherUser { path: String, user: String },
    #[error("{path} lies in a folder that is cleaned up, or where any program can put files")]
    Temporary { path: String },
    #[error("{path} is marked as come from the internet, {}", .role.what_the_mark_does())]
    Blocked { path: String, role: Role },
    #[error("{path} is marked as come from the internet, and the mark cannot be taken off: {why}")]
    StaysBlocked { path: String, why: String },
    #[error("{path} could be replaced by others: {who} may change {place}")]
    Writable { path: String, place: String, who: String, mend: Option<String>, is_strict: bool },
}

impl Role {
    fn what_the_mark_does(self) -> &'static str {
        match self {
            Role::Program => "so Windows asks before it starts it, which nobody sees or answers in time",
            Role::Script => "so the program that runs it may ask or refuse, which nobody sees",
        }
    }
}

impl TargetFault {
    /// Whether MicroSIP cannot start it.
    pub fn is_fatal(&self) -> bool {
        use TargetFault as F;
        !matches!(
            self,
            F::FoundByName { .. }
                | F::Batch { .. }
                | F::Shell { .. }
                | F::Unchecked { .. }
                | F::Network { .. }
                | F::OtherUser { .. }
                | F::Temporary { .. }
                | F::Blocked { role: Role::Script, .. }
                | F::Writable { .. }
        )
    }

    /// Whether there is an option that accepts it.
    pub fn can_be_allowed(&self) -> bool {
        self.needs(Allow { missing: true, unsafe_target: true, mark: true })
    }

    /// Whether `--allow-unsafe` accepts it.
    pub fn is_unsafe(&self) -> bool {
        self.needs(Allow { unsafe_target: true, ..Allow::default() })
    }

    fn needs(&self, allow: Allow) -> bool {
        self.is_refused(Allow::default()) && !self.is_refused(allow)
    }

    /// The fault as a remark, if it does not stop a hook from being set.
    ///
    /// # Errors
    /// With the fault, if it does.
    pub fn accepted(self, allow: Allow) -> Result<TargetFault, TargetFault> {
        if self.is_refused(allow) { Err(self) } else { Ok(self) }
    }

    /// Whether it stops a hook from being set.
    fn is_refused(&self, allow: Allow) -> bool {
        match self {
            TargetFault::Missing { .. } | TargetFault::InterpreterMissing { .. } => !allow.missing,
            TargetFault::Batch { .. } | TargetFault::Shell { .. } => !allow.unsafe_target,
            TargetFault::Writable { is_strict, .. } => *is_strict && !allow.unsafe_target,
            TargetFault::Blocked { role: Role::Program, .. } => !allow.mark,
            fault => fault.is_fatal(),
        }
    }
}

impl ToDiagnostic for TargetFault {
    fn code(&self) -> Code {
        match self {
            TargetFault::Relative { .. } | TargetFault::FoundByName { .. } => Code::HookTargetRelative,
            TargetFault::BadPath { .. } => Code::HookTargetBadPath,
            TargetFault::Missing { .. } => Code::HookTargetMissing,
            TargetFault::Folder { .. } => Code::HookTargetFolder,
            TargetFault::Unreadable { .. } => Code::HookTargetUnreadable,
            TargetFault::Empty { .. } => Code::HookTargetEmpty,
            TargetFault::NotProgram { .. } => Code::HookTargetNotProgram,
            TargetFault::Batch { .. } => Code::HookTargetBatch,
            TargetFault::Shell { .. } => Code::HookTargetShell,
            TargetFault::InterpreterMissing { .. } => Code::HookInterpreterMissing,
            TargetFault::Unchecked { .. } => Code::HookTargetUnchecked,
            TargetFault::Network { .. } => Code::HookTargetNetwork,
            TargetFault::OtherUser { .. } => Code::HookTargetOtherUser,
            TargetFault::Temporary { .. } => Code::HookTargetTemporary,
            TargetFault::Blocked { .. } | TargetFault::StaysBlocked { .. } => Code::HookTargetBlocked,
            TargetFault::Writable { .. } => Code::HookTargetWritable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            TargetFault::Relative { advice, .. } => advice.clone(),
            TargetFault::FoundByName { path: Some(path), .. } => format!("name it by its full path, {path}"),
            TargetFault::FoundByName { path: None, .. } => "name it by its full path".into(),
            TargetFault::BadPath { .. } => {
                "name the program by its full path, such as C:\\hooks\\ring.exe".into()
            }
            TargetFault::Missing { nearest: Some(nearest), .. } => {
                format!("there is {nearest}; set-hook and apply accept with --allow-missing one that is not there yet")
            }
            TargetFault::Missing { nearest: None, .. } => {
                "check the path; set-hook and apply accept with --allow-missing one that is not there yet".into()
            }
            TargetFault::Folder { .. } => "name the program in it".into(),
            TargetFault::Unreadable { .. } => "check who may read it; MicroSIP's user must".into(),
            TargetFault::Empty { .. } => "copy it there again".into(),
            TargetFault::NotProgram { .. } => {
                "set a program (.exe) or a script (.ps1 .vbs .js .wsf .py .pyw .jar)".into()
            }
            TargetFault::Batch { .. } => {
                "use a .ps1, .vbs or .py script, or an .exe; or accept the risk with 'set-hook --allow-unsafe'".into()
            }
            TargetFault::Shell { .. } => {
                "set the script itself, which then gets -File; or accept the risk with 'set-hook --allow-unsafe'".into()
            }
            TargetFault::InterpreterMissing { interpreter, .. } => {
                format!(
                    "install {interpreter}, or set its full path as the program and the script as its argument"
                )
            }
            TargetFault::Unchecked { .. } => "check on the Windows machine with 'msipcfg hooks'".into(),
            TargetFault::Network { .. } => "copy it to a disk of this machine".into(),
            TargetFault::OtherUser { .. } | TargetFault::Temporary { .. } => {
                "copy it to a folder that stays, such as C:\\hooks".into()
            }
            TargetFault::Blocked { .. } => "if you trust it, take the mark off: 'set-hook --unblock', or in Explorer Properties > \
                 Unblock"
                .into(),
            TargetFault::StaysBlocked { .. } => {
                "run this as who may change the file, or take the mark off in Explorer: Properties > Unblock"
                    .into()
            }
            TargetFault::Writable { mend, is_strict, .. } => {
                let risk =
                    if *is_strict { "accept the risk with 'set-hook --allow-unsafe', or " } else { "" };
                match mend {
                    // last, to be copied from there to the end
                    Some(commands) => format!("{risk}mend it: {commands}"),
                    None => format!(
                        "{risk}copy it to where only administrators may change it, such as C:\\Program Files"
                    ),
                }
            }
        })
    }
}

/// What is to be run for what a user typed: full paths, slashes turned, scripts behind their interpreter.
///
/// # Errors
/// With the fault for which it is refused.
pub fn resolve(
    typed: &HookCommand,
    places: &Places,
    allow: Allow,
) -> Result<(HookCommand, Vec<TargetFault>), TargetFault> {
    let path = full_path(&typed.program, places)?;
    let mut remarks = Vec::new();
    let mut weigh = |fault: TargetFault| {
        remarks.push(fault.accepted(allow)?);
        Ok(())
    };
    let interpreter = Interpreter::of(&path);
    let role = if interpreter.is_some() { Role::Script } else { Role::Program };
    check_path(&path, role, places).into_iter().try_for_each(&mut weigh)?;
    if is_shell(&path, &typed.args) {
        weigh(TargetFault::Shell { path: path.clone() })?;
    }
    let Some(interpreter) = interpreter else {
        if let Some(script) = script_of(&path, &typed.args) {
            check_path(script, Role::Script, places).into_iter().try_for_each(&mut weigh)?;
        }
        return Ok((HookCommand { program: path, args: typed.args.clone() }, remarks));
    };
    let found = interpreter.names.iter().find_map(|name| find_by_name(name, places));
    let program = match found.or_else(|| interpreter.usual_path.map(str::to_string)) {
        Some(program) if places.paths == WindowsPaths::Unknown || exists(&program, places) => program,
        program => {
            weigh(TargetFault::InterpreterMissing { path: path.clone(), interpreter: interpreter.names[0] })?;
            program.ok_or(TargetFault::InterpreterMissing {
                path: path.clone(),
                interpreter: interpreter.names[0],
            })?
        }
    };
    if let Some(host) = places.paths.to_host(&program).filter(|_| exists(&program, places)) {
        check_origin(&program, &host, Role::Program, places).into_iter().try_for_each(&mut weigh)?;
    }
    let leading = interpreter.leading.iter().map(ToString::to_string);
    let args = leading.chain([path]).chain(typed.args.iter().cloned()).collect();
    Ok((HookCommand { program, args }, remarks))
}

/// What is wrong with the program of a hook that is set, by whatever name it has, and with the script behind it.
pub fn check(command: &HookCommand, places: &Places) -> Vec<TargetFault> {
    let program = command.program.replace('/', "\\");
    let mut faults = check_program(&program, places);
    if is_shell(&program, &command.args) {
        faults.push(TargetFault::Shell { path: program.clone() });
    }
    if ending(&program) == "ps1" {
        faults.push(TargetFault::NotProgram { path: program.clone(), why: "Windows opens it in an editor" });
    }
    if let Some(script) = script_of(&program, &command.args) {
        let name = name_of(&program);
        let known = Interpreter::of(script).into_iter().flat_map(|interpreter| interpreter.names.iter());
        let missing = faults.iter_mut().find(|fault| matches!(fault, TargetFault::Missing { .. }));
        if let (Some(fault), Some(interpreter)) =
            (missing, known.copied().find(|known| is_called(name, known)))
        {
            *fault = TargetFault::InterpreterMissing { path: script.clone(), interpreter };
        }
        faults.extend(check_path(script, Role::Script, places));
    }
    faults
}

/// The script that an interpreter is to run.
fn script_of<'a>(program: &str, args: &'a [String]) -> Option<&'a String> {
    let name = name_of(program);
    let runs = |path: &&String| {
        Interpreter::of(path).is_some_and(|known| known.names.iter().any(|n| is_called(name, n)))
    };
    args.iter().find(|arg| is_full(arg) && runs(arg))
}

fn check_program(program: &str, places: &Places) -> Vec<TargetFault> {
    if !is_name(program) {
        return check_path(program, Role::Program, places);
    }
    match find_by_name(program, places) {
        Some(path) => {
            let mut faults = check_path(&path, Role::Program, places);
            faults.push(TargetFault::FoundByName { typed: program.to_string(), path: Some(path) });
            faults
        }
        // the PATH of a Windows elsewhere is not known
        None if places.paths != WindowsPaths::Native => vec![
            TargetFault::FoundByName { typed: program.to_string(), path: None },
            TargetFault::Unchecked { path: program.to_string() },
        ],
        None => vec![TargetFault::Missing { path: program.to_string(), nearest: None }],
    }
}

/// A program that runs scripts.
struct Interpreter {
    names: &'static [&'static str],
    /// Where it lies unless somebody moved it.
    usual_path: Option<&'static str>,
    leading: &'static [&'static str],
}

impl Interpreter {
    /// The one that runs a file with this ending.
    fn of(path: &str) -> Option<Interpreter> {
        Some(match ending(path).as_str() {
            "ps1" => Interpreter {
                names: &["powershell.exe"],
                usual_path: Some(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
                leading: &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"],
            },
            "vbs" | "js" | "wsf" => Interpreter {
                names: &["wscript.exe"],
                usual_path: Some(r"C:\Windows\System32\wscript.exe"),
                leading: &["//B"],
            },
            // the one without a console window comes first
            "py" | "pyw" => Interpreter {
                names: &["pyw.exe", "py.exe"],
                usual_path: Some(r"C:\Windows\pyw.exe"),
                leading: &[],
            },
            "jar" => Interpreter { names: &["javaw.exe"], usual_path: None, leading: &["-jar"] },
            _ => return None,
        })
    }
}

/// The full path for what was typed: a bare name is looked for, slashes are turned.
fn full_path(typed: &str, places: &Places) -> Result<String, TargetFault> {
    let path = typed.replace('/', "\\");
    let relative = |advice: String| Err(TargetFault::Relative { typed: typed.to_string(), advice });
    if is_full(&path) {
        return Ok(path);
    }
    if path.contains('%') {
        return relative("MicroSIP expands no %VARIABLE%; write the path out".into());
    }
    if typed.starts_with('/') {
        return relative(format!("write it as MicroSIP under Wine sees it, such as Z:{path}"));
    }
    if !is_name(&path) {
        return relative("write the full path, such as C:\\hooks\\ring.exe".into());
    }
    match find_by_name(&path, places) {
        Some(found) => Ok(found),
        None if places.paths == WindowsPaths::Unknown => relative(
            "it cannot be looked for by name here; write the full path, such as C:\\hooks\\ring.exe".into(),
        ),
        None => relative(format!(
            "no program of this name is in {}; write the full path, such as C:\\hooks\\ring.exe",
            places.search_folders.join(", ")
        )),
    }
}

fn check_path(path: &str, role: Role, places: &Places) -> Vec<TargetFault> {
    if !is_full(path) {
        let advice = "set it again by its full path".to_string();
        return vec![TargetFault::Relative { typed: path.to_string(), advice }];
    }
    if let Some(why) = bad_shape(path) {
        return vec![TargetFault::BadPath { path: path.to_string(), why }];
    }
    let owned = || path.to_string();
    let mut faults = Vec::new();
    let mut found = None;
    let is_image = match places.paths.to_host(path).map(|host| (platform::probe_program(&host), host)) {
        None => {
            faults.push(TargetFault::Unchecked { path: owned() });
            true
        }
        Some((ProgramProbe::Missing, host)) => {
            faults.push(TargetFault::Missing { path: owned(), nearest: nearest_beside(path, &host) });
            true
        }
        Some((ProgramProbe::Folder, _)) => return vec![TargetFault::Folder { path: owned() }],
        Some((ProgramProbe::Unreadable(why), _)) => {
            return vec![TargetFault::Unreadable { path: owned(), why }];
        }
        Some((ProgramProbe::File { length: 0, .. }, _)) => return vec![TargetFault::Empty { path: owned() }],
        Some((ProgramProbe::File { is_executable_image, .. }, host)) => {
            found = Some(host);
            is_executable_image
        }
    };
    match ending(path).as_str() {
        "exe" if !is_image => {
            faults.push(TargetFault::NotProgram { path: owned(), why: "it does not begin as an .exe does" });
        }
        "exe" | "com" => {}
        "bat" | "cmd" => faults.push(TargetFault::Batch { path: owned() }),
        _ if Interpreter::of(path).is_some() => {}
        "" => faults.push(TargetFault::NotProgram { path: owned(), why: "it has no ending such as .exe" }),
        _ => faults
            .push(TargetFault::NotProgram { path: owned(), why: "Windows would open it in another program" }),
    }
    if platform::drive_kind(path) == DriveKind::Network {
        faults.push(TargetFault::Network { path: owned() });
    }
    if let Some(user) = other_user(path, &places.ini) {
        faults.push(TargetFault::OtherUser { path: owned(), user });
    }
    let is_temporary =
        |part: &str| ["temp", "tmp", "downloads"].iter().any(|name| part.eq_ignore_ascii_case(name));
    if folders(path).any(is_temporary) {
        faults.push(TargetFault::Temporary { path: owned() });
    }
    if let Some(host) = found {
        faults.extend(check_origin(path, &host, role, places));
    }
    faults
}

/// Where a file that is there came from, and who could put another in its place.
fn check_origin(path: &str, host: &Path, role: Role, places: &Places) -> Vec<TargetFault> {
    let mut faults = Vec::new();
    if (places.known.mark_of)(host).is_some_and(|mark| trust::is_from_internet(&mark)) {
        faults.push(TargetFault::Blocked { path: path.to_string(), role });
    }
    if let Some(WeakSpot { place, who, mend }) = trust::weak_spot(host, &places.trust, places.known.access_of)
    {
        faults.push(TargetFault::Writable {
            path: path.to_string(),
            place: place.display().to_string(),
            who: platform::account_name(&who).unwrap_or(who.0),
            mend,
            is_strict: places.trust.is_strict,
        });
    }
    faults
}

/// `C:\…` or `\\server\…`; not `C:x` and not `\x`, which depend on where MicroSIP runs.
fn is_full(path: &str) -> bool {
    let bytes = path.as_bytes();
    let has_drive =
        bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
    has_drive || path.starts_with(r"\\")
}

/// Whether it is to be looked for, having no folder.
pub fn is_name(program: &str) -> bool {
    !program.is_empty() && !program.contains(['\\', '/', ':'])
}

fn bad_shape(path: &str) -> Option<&'static str> {
    const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];
    let is_device = |part: &str| {
        let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_lowercase();
        let is_port = |name: &str| {
            stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n != "0" && n.parse::<u8>().is_ok())
        };
        DEVICES.contains(&stem.as_str()) || is_port("com") || is_port("lpt")
    };
    let rest = &path[2..];
    if path.starts_with(r"\\.\") || path.starts_with(r"\\?\") {
        Some("it names a device")
    } else if rest.contains(['*', '?', '"', '<', '>', '|', ':']) || path.chars().any(char::is_control) {
        Some("it holds a character that no path can have")
    } else if rest.split('\\').any(is_device) {
        Some("it holds the name of a device")
    } else if path.ends_with('\\') {
        Some("it ends with a backslash, as a folder does")
    } else if path.ends_with(['.', ' ']) {
        Some("it ends with a dot or a blank, which Windows drops")
    } else {
        None
    }
}

/// A shell takes what stands behind a script's text for more of it. PowerShell does not behind -File.
fn is_shell(program: &str, args: &[String]) -> bool {
    let name = name_of(program);
    let is_powershell = is_called(name, "powershell.exe") || is_called(name, "pwsh.exe");
    is_called(name, "cmd.exe") || is_powershell && !runs_a_file(args)
}

/// Whether PowerShell takes its arguments for a script's file and what that gets. Its parameters may be cut short; the
/// first that is about what to run decides, and without any the first word is a command.
fn runs_a_file(args: &[String]) -> bool {
    const WITH_VALUE: [&str; 10] = [
        "executionpolicy",
        "ep",
        "windowstyle",
        "version",
        "inputformat",
        "outputformat",
        "psconsolefile",
        "configurationname",
        "workingdirectory",
        "settingsfile",
    ];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(parameter) = arg.strip_prefix(['-', '/']).map(str::to_lowercase) else { return false };
        let is = |whole: &str| !parameter.is_empty() && whole.starts_with(&parameter);
        if is("file") {
            return true;
        }
        if is("command") || is("encodedcommand") || ["ec", "commandwithargs", "cwa"].contains(&&*parameter) {
            return false;
        }
        if WITH_VALUE.iter().any(|whole| is(whole)) {
            args.next();
        }
    }
    false
}

fn name_of(program: &str) -> &str {
    program.rsplit('\\').next().unwrap_or(program)
}

/// Whether a program is called so, with or without its ending.
fn is_called(name: &str, exe: &str) -> bool {
    name.eq_ignore_ascii_case(exe)
        || exe.strip_suffix(".exe").is_some_and(|stem| name.eq_ignore_ascii_case(stem))
}

/// The full path of a program in the folders that Windows searches.
fn find_by_name(name: &str, places: &Places) -> Option<String> {
    let endings = || places.endings.iter().map(|ending| ending.to_ascii_lowercase());
    let own = format!(".{}", ending(name));
    let is_whole = endings().any(|ending| ending == own);
    // a dot may be part of the name, as in python3.11
    let as_it_is = (own != ".").then(|| name.to_string()).into_iter();
    let longer = endings().filter(|_| !is_whole).map(|ending| format!("{name}{ending}"));
    let names: Vec<String> = as_it_is.chain(longer).collect();
    let in_folders =
        places.search_folders.iter().filter(|folder| is_full(&format!("{folder}\\"))).find_map(|folder| {
            let folder = folder.trim_end_matches('\\');
            names.iter().map(|name| format!("{folder}\\{name}")).find(|path| exists(path, places))
        });
    in_folders.or_else(|| find_registered(name, is_whole, places))
}

/// The full path that the registry knows for a program's name; Windows looks there last.
fn find_registered(name: &str, is_whole: bool, places: &Places) -> Option<String> {
    let exe = if is_whole { name.to_string() } else { format!("{name}.exe") };
    let found = places.paths.app_paths(&exe);
    found.user.into_iter().chain(found.machine).find(|path| is_full(path) && exists(path, places))
}

fn exists(path: &str, places: &Places) -> bool {
    places
        .paths
        .to_host(path)
        .is_some_and(|host| matches!(platform::probe_program(&host), ProgramProbe::File { .. }))
}

fn nearest_beside(path: &str, host: &Path) -> Option<String> {
    let (folder, name) = path.rsplit_once('\\')?;
    let names = platform::file_names(host.parent()?);
    let nearest = guess::nearest(name, names.iter().map(String::as_str))?;
    Some(format!("{folder}\\{nearest}"))
}

/// The user in whose folder a path lies, if that is not the one of the ini.
fn other_user(path: &str, ini: &Path) -> Option<String> {
    const EVERYBODYS: &[&str] = &["public", "default", "all users"];
    let owner = {
        // the last: a Wine prefix may itself lie in somebody's folder
        let parts: Vec<&str> = ini.iter().filter_map(|part| part.to_str()).collect();
        let users = parts.iter().rposition(|part| part.eq_ignore_ascii_case("users"));
        users.and_then(|users| parts.get(users + 1).copied())
    };
    let mut parts = path.get(3..)?.split('\\');
    let user = parts.next().filter(|part| part.eq_ignore_ascii_case("users")).and_then(|_| parts.next())?;
    let is_others = owner.is_some_and(|owner| !owner.eq_ignore_ascii_case(user))
        && !EVERYBODYS.iter().any(|name| name.eq_ignore_ascii_case(user));
    is_others.then(|| user.to_string())
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    let folder = path.rsplit_once('\\').map_or("", |(folder, _)| folder);
    folder.split('\\')
}

fn ending(path: &str) -> String {
    name_of(path).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::WinePrefix;

    struct Prefix {
        folder: tempfile::TempDir,
        paths: WindowsPaths,
        trust: Trust,
        known: Known,
    }

    /// A Wine prefix with files in it; an `.exe` is one unless told otherwise.
    fn prefix(files: &[(&str, &[u8])]) -> Prefix {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("drive_c")).unwrap();
        for (name, bytes) in files {
            let path = folder.path().join("drive_c").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let paths = WindowsPaths::Prefix(WinePrefix::at(folder.path()).unwrap());
        Prefix { folder, paths, trust: Trust::default(), known: NOTHING }
    }

    const NOTHING: Known = Known { mark_of: |_| None, can_remove_mark: |_| Ok(()), access_of: |_| None };

    fn image() -> Vec<u8> {
        let mut image = vec![0_u8; 64];
        image[..2].copy_from_slice(b"MZ");
        image[60] = 64;
        image.extend(b"PE\0\0");
        image
    }

    impl Prefix {
        fn resolve(
            &self,
            program: &str,
            args: &[&str],
            allow: Allow,
        ) -> Result<(HookCommand, Vec<Code>), Code> {
            let typed =
                HookCommand { program: program.into(), args: args.iter().map(ToString::to_string).collect() };
            resolve(&typed, &self.places(), allow)
                .map(|(command, remarks)| (command, remarks.iter().map(ToDiagnostic::code).collect()))
                .map_err(|fault| fault.code())
        }

        fn places(&self) -> Places {
            Places {
                paths: self.paths.clone(),
                ini: self.folder.path().join("drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini"),
                search_folders: [r"C:\Windows\System32", r"C:\Windows"].map(String::from).into(),
                endings: [".COM", ".EXE", ".BAT"].map(String::from).into(),
                trust: self.trust.clone(),
                known: self.known,
            }
        }

        fn verdict(&self, program: &str) -> Result<Vec<Code>, Code> {
            self.resolve(program, &[], Allow::default()).map(|(_, remarks)| remarks)
        }
    }

    #[test]
    fn powershell_is_no_shell_where_it_runs_a_file() {
        let is_file = |line: &str| {
            let args: Vec<String> = line.split(' ').map(String::from).collect();
            !is_shell(r"C:\x\powershell.exe", &args) && !is_shell(r"C:\x\pwsh.exe", &args)
        };
        for line in [
            r"-NoProfile -ExecutionPolicy Bypass -File C:\x.ps1",
            r"-nop -ep bypass -f C:\x.ps1 -Command",
            r"-W Hidden /FILE C:\x.ps1",
            r"-ex Bypass -sta -fi C:\x.ps1",
        ] {
            assert!(is_file(line), "{line}");
        }
        for line in [
            r"-NoProfile -Command Get-ChildItem -File C:\x",
            r"-c Get-ChildItem -File C:\x",
            r"-e AAAA -File C:\x.ps1",
            r"Get-ChildItem -File C:\x",
            r"-NoProfile Get-ChildItem -File C:\x",
            r"-ExecutionPolicy -File C:\x.ps1",
            "-NoProfile",
            "-",
        ] {
            assert!(!is_file(line), "{line}");
        }
        assert!(is_shell(r"C:\x\cmd.exe", &["-File".into()]));
    }

    #[test]
    fn only_what_microsip_can_start_is_accepted() {
        let image = image();
        let prefix = prefix(&[
            ("hooks/ring.exe", &image),
            ("hooks/fake.exe", b"MZ but no more"),
            ("hooks/empty.exe", b""),
            ("hooks/note.txt", b"x"),
            ("hooks/noending", b"x"),
            ("hooks/hook.bat", b"x"),
        ]);
        assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
        assert_eq!(prefix.verdict(r"c:/HOOKS/Ring.EXE"), Ok(vec![]));
        assert_eq!(prefix.verdict(r"C:\hooks\fake.exe"), Err(Code::HookTargetNotProgram));
        assert_eq!(prefix.verdict(r"C:\hooks\empty.exe"), Err(Code::HookTargetEmpty));
        assert_eq!(prefix.verdict(r"C:\hooks\note.txt"), Err(Code::HookTargetNotProgram));
        assert_eq!(prefix.verdict(r"C:\hooks\noending"), Err(Code::HookTargetNotProgram));
        assert_eq!(prefix.verdict(r"C:\hooks"), Err(Code::HookTargetFolder));
        assert_eq!(prefix.verdict(r"C:\hooks\none.exe"), Err(Code::HookTargetMissing));
        assert_eq!(prefix.verdict(r"C:\hooks\hook.bat"), Err(Code::HookTargetBatch));
    }

    #[test]
    fn paths_that_depend_on_something_or_name_no_file_are_refused() {
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
    fn what_is_allowed_becomes_a_remark() {
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
    fn a_bare_name_is_written_with_its_path() {
        let image = image();
        let prefix = prefix(&[("Windows/System32/curl.exe", &image)]);
        let (command, _) = prefix.resolve("curl", &["-s"], Allow::default()).unwrap();
        assert_eq!(
            (command.program.as_str(), &command.args[..]),
            (r"C:\Windows\System32\curl.exe", &["-s".to_string()][..])
        );
        assert_eq!(prefix.verdict("CURL.EXE"), Ok(vec![]));
    }

    #[test]
    fn scripts_get_their_interpreter() {
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
        assert_eq!(
            line(r"C:\hooks\a.py", Allow::default()).unwrap(),
            r#"C:\Windows\py.exe C:\hooks\a.py "x y""#
        );
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
    fn places_that_deserve_a_word_get_one() {
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

    fn marked_is_in_its_name(path: &Path) -> Option<Vec<u8>> {
        let is_marked = path.file_name()?.to_str()?.contains("marked");
        is_marked.then(|| b"[ZoneTransfer]\r\nZoneId=3\r\n".to_vec())
    }

    #[test]
    fn a_marked_program_is_refused_and_a_marked_script_remarked_on() {
        let image = image();
        let mut prefix = prefix(&[
            ("hooks/marked.exe", &image),
            ("hooks/marked.vbs", b"x"),
            ("hooks/a.vbs", b"x"),
            ("hooks/a.jar", b"x"),
            ("hooks/ring.exe", &image),
            ("Windows/System32/wscript.exe", &image),
            ("Windows/javaw.exe", &image),
        ]);
        prefix.known.mark_of = marked_is_in_its_name;
        let unblock = Allow { mark: true, ..Allow::default() };
        let others = Allow { mark: false, missing: true, unsafe_target: true };
        let codes = |path: &str, allow| prefix.resolve(path, &[], allow).map(|(_, codes)| codes);
        let blocked = vec![Code::HookTargetBlocked];
        assert_eq!(codes(r"C:\hooks\ring.exe", Allow::default()), Ok(vec![]));
        assert_eq!(codes(r"C:\hooks\marked.exe", Allow::default()), Err(Code::HookTargetBlocked));
        assert_eq!(codes(r"C:\hooks\marked.exe", others), Err(Code::HookTargetBlocked));
        assert_eq!(codes(r"C:\hooks\marked.exe", unblock), Ok(blocked.clone()));
        assert_eq!(codes(r"C:\hooks\marked.vbs", Allow::default()), Ok(blocked.clone()));
        assert_eq!(codes(r"C:\hooks\a.vbs", Allow::default()), Ok(vec![]));

        // what is set already
        let places = prefix.places();
        let works = |program: &str, args: &[&str]| {
            let args = args.iter().map(ToString::to_string).collect();
            let faults = check(&HookCommand { program: program.into(), args }, &places);
            let codes: Vec<Code> = faults.iter().map(ToDiagnostic::code).collect();
            (codes, !faults.iter().any(TargetFault::is_fatal))
        };
        assert_eq!(works(r"C:\hooks\marked.exe", &[]), (blocked.clone(), false));
        assert_eq!(works(r"C:\Windows\System32\wscript.exe", &[r"C:\hooks\marked.vbs"]), (blocked, true));
        assert_eq!(works(r"C:\hooks\ring.exe", &[r"C:\hooks\marked.vbs"]), (vec![], true));

        // the program that runs scripts
        prefix.known.mark_of =
            |path| path.ends_with("javaw.exe").then(|| b"[ZoneTransfer]\nZoneId=4".to_vec());
        assert_eq!(prefix.verdict(r"C:\hooks\a.jar"), Err(Code::HookTargetBlocked));
        assert_eq!(prefix.verdict(r"C:\hooks\a.vbs"), Ok(vec![]));
    }

    /// Anybody may write to what is called "open"; all else is the administrators'.
    fn open_to_all(path: &Path) -> Option<Access> {
        let administrators = || platform::Sid("S-1-5-32-544".into());
        let is_open = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("open"));
        let sid = if is_open { platform::Sid("S-1-1-0".into()) } else { administrators() };
        let kind = platform::EntryKind::Allow;
        let entry = platform::AccessEntry { kind, is_inherit_only: false, sid, mask: 0x001F_01FF };
        Some(Access { owner: administrators(), entries: Some(vec![entry]) })
    }

    #[test]
    fn a_program_that_others_may_replace_is_warned_of_and_refused_to_whoever_acts_for_others() {
        let image = image();
        let mut prefix = prefix(&[
            ("hooks/ring.exe", &image),
            ("hooks/open.exe", &image),
            ("open/ring.exe", &image),
            ("hooks/open.vbs", b"x"),
            ("Windows/System32/wscript.exe", &image),
        ]);
        prefix.known.access_of = open_to_all;
        let writable = vec![Code::HookTargetWritable];
        assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
        for path in [r"C:\hooks\open.exe", r"C:\open\ring.exe", r"C:\hooks\open.vbs"] {
            assert_eq!(prefix.verdict(path), Ok(writable.clone()), "{path}");
        }
        prefix.trust = Trust::new(platform::Privileges { is_elevated: true, user: None }, None);
        let unsafe_target = Allow { unsafe_target: true, ..Allow::default() };
        assert_eq!(prefix.verdict(r"C:\hooks\ring.exe"), Ok(vec![]));
        for path in [r"C:\hooks\open.exe", r"C:\open\ring.exe", r"C:\hooks\open.vbs"] {
            assert_eq!(prefix.verdict(path), Err(Code::HookTargetWritable), "{path}");
            let allowed = prefix.resolve(path, &[], unsafe_target).map(|(_, codes)| codes);
            assert_eq!(allowed, Ok(writable.clone()), "{path}");
        }
        let command = HookCommand { program: r"C:\open\ring.exe".into(), args: Vec::new() };
        let faults = check(&command, &prefix.places());
        assert!(matches!(&faults[..], [fault] if !fault.is_fatal() && fault.can_be_allowed()));
        let hint = faults[0].hint().unwrap();
        assert!(hint.contains("icacls") && hint.contains("--allow-unsafe"), "{hint}");
    }

    #[test]
    fn a_name_is_looked_up_with_every_ending_and_in_the_registry_last() {
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
        assert_eq!(program("gone"), Ok(r"C:\Apps\all.exe".into()), "what is not there is passed over");
        assert_eq!(program("near"), none);
        assert_eq!(program("none"), none);
        assert_eq!(program("mine.bat"), none);
    }

    #[test]
    fn a_missing_program_is_hinted_at() {
        let image = image();
        let prefix = prefix(&[("hooks/ring.exe", &image)]);
        let host = prefix.folder.path().join("drive_c/hooks/rign.exe");
        assert_eq!(nearest_beside(r"C:\hooks\rign.exe", &host).as_deref(), Some(r"C:\hooks\ring.exe"));
    }
}
