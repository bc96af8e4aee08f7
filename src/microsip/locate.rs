//! Finds MicroSIP's inis and exes: where MicroSIP itself would look, also in Wine prefixes.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{self, AppData, Env, FileSystem, FileSystemExt, InstallFacts, SystemFs, WindowsPaths};

use super::ini_path::{self, IniPlace};
use super::instances::{Instance, Processes, ScanError};
use super::links;
use super::version::Version;

/// The usual name of MicroSIP's exe.
const EXE: &str = "MicroSIP.exe";

/// The reason why an ini is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The user named it.
    Named,
    /// It doesn't exist, but MicroSIP would create it there.
    ToBeCreated,
    /// This process uses it.
    Running { pid: u32 },
    /// It is where an installed MicroSIP keeps it.
    AppData,
    /// It is where versions before 3.21.4 kept it. The next start of MicroSIP moves it.
    LocalAppData,
    /// It is next to this exe, a portable copy.
    NextTo { exe: PathBuf },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Named => f.write_str("given with --ini or MSIPCFG_INI"),
            Why::ToBeCreated => f.write_str("where MicroSIP would create it"),
            Why::Running { pid } => write!(f, "used by pid {pid}"),
            Why::AppData => f.write_str("where an installed MicroSIP keeps it"),
            Why::LocalAppData => f.write_str("where an older MicroSIP left it"),
            Why::NextTo { exe } => match exe.file_name() {
                Some(name) => write!(f, "next to {}", name.to_string_lossy()),
                None => f.write_str("next to a portable copy"),
            },
        }
    }
}

/// An ini with the reasons why it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The ini.
    pub ini: PathBuf,
    /// The reasons.
    pub why: Vec<Why>,
}

impl Candidate {
    /// Creates a candidate with one reason.
    pub fn new(ini: PathBuf, why: Why) -> Self {
        Candidate { ini, why: vec![why] }
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why: Vec<String> = self.why.iter().map(ToString::to_string).collect();
        write!(f, "{} ({})", self.ini.display(), why.join(", "))
    }
}

/// A copy of MicroSIP on this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The exe.
    pub exe: PathBuf,
    /// The version, if the exe contains one.
    pub version: Option<Version>,
    /// Whether it is a portable copy, which keeps its ini next to the exe.
    pub is_portable: bool,
    /// The ini, which may not exist yet; `None` if its place isn't known.
    pub ini: Option<PathBuf>,
}

/// The result of a search for inis.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The existing inis. Those in use come first.
    pub found: Vec<Candidate>,
    /// The folders that were searched.
    pub searched: Vec<PathBuf>,
}

/// The error that not exactly one ini was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    #[error("no MicroSIP.ini was found in {}", paths(.searched))]
    NotFound { searched: Vec<PathBuf> },
    #[error("more than one MicroSIP.ini was found: {}", list(.found))]
    Several { found: Vec<Candidate> },
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("can't tell where to create the ini, because MicroSIP wasn't found or was found more than once")]
    NoPlaceToCreate,
}

impl ToDiagnostic for LocateError {
    fn code(&self) -> Code {
        match self {
            LocateError::NotFound { .. } | LocateError::NoPlaceToCreate => Code::IniNotFound,
            LocateError::Several { .. } => Code::IniAmbiguous,
            LocateError::Scan(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LocateError::NotFound { .. } => {
                    "specify it with --ini PATH or MSIPCFG_INI; set, set-hook and apply can create it with --create"
                }
                LocateError::Scan(error) => return error.hint(),
                LocateError::Several { .. } => "choose one with --ini PATH or MSIPCFG_INI",
                LocateError::NoPlaceToCreate => "specify the ini to create with --ini PATH",
            }
            .into(),
        )
    }
}

/// Returns the only ini. If there are several, a running MicroSIP doesn't decide which: a script would then work
/// today and fail tomorrow.
///
/// # Errors
/// There is none, or more than one, or it isn't known which MicroSIPs are running.
pub fn only_ini(env: &Env) -> Result<Candidate, LocateError> {
    let mut found = all(env)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(LocateError::Several { found }),
    }
}

/// Returns all inis, at least one.
///
/// # Errors
/// There is none, or it isn't known which MicroSIPs are running.
pub fn all(env: &Env) -> Result<Vec<Candidate>, LocateError> {
    let Search { found, searched } = search(env, &Processes::default().instances(&[])?);
    if found.is_empty() { Err(LocateError::NotFound { searched }) } else { Ok(found) }
}

fn version_of(exe: &Path) -> Option<Version> {
    platform::version_of_exe(exe).map(Version::from)
}

/// Finds every ini of this user's installed, portable and running MicroSIPs.
pub fn search(env: &Env, running: &[Instance]) -> Search {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut search = Search::default();
    for instance in running.iter().filter(|instance| instance.is_own) {
        let inis = instance.inis.known().unwrap_or_default().iter();
        for ini in inis.filter(|ini| platform::is_on_this_windows(ini, env)) {
            search.add(ini, Why::Running { pid: instance.pid });
        }
    }
    for exe in portable_copies(env, &facts) {
        let ini = exe.with_extension("ini");
        search.searched.extend(exe.parent().map(Path::to_path_buf));
        search.add(&ini, Why::NextTo { exe });
    }
    let mut app_data_folders = platform::app_data_folders(env).into_iter().peekable();
    if app_data_folders.peek().is_none() {
        search.searched.extend(platform::settings_roots(env));
    }
    for AppData { roaming, local } in app_data_folders {
        // MicroSIP uses the local folder only if the roaming one has no ini (3.21.4, settings.cpp)
        let roaming = roaming.join("MicroSIP");
        let inis = inis_in(&roaming, env, &facts);
        let has_none = inis.is_empty();
        inis.iter().for_each(|ini| search.add(ini, Why::AppData));
        search.searched.push(roaming);
        if let Some(local) = local.map(|local| local.join("MicroSIP")).filter(|_| has_none) {
            let inis = inis_in(&local, env, &facts);
            inis.iter().for_each(|ini| search.add(ini, Why::LocalAppData));
            search.searched.push(local);
        }
    }
    search
}

impl Search {
    fn add(&mut self, ini: &Path, why: Why) {
        if !SystemFs.is_file(ini) {
            return;
        }
        let is_same =
            |candidate: &&mut Candidate| SystemFs.is_same_file(&candidate.ini, ini).unwrap_or(false);
        match self.found.iter_mut().find(is_same) {
            Some(candidate) => candidate.why.push(why),
            None => self.found.push(Candidate::new(ini.to_path_buf(), why)),
        }
    }
}

/// Returns where MicroSIP's inis usually are, or would be: in the AppData folders and next to portable copies.
pub fn places(env: &Env) -> Vec<PathBuf> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let portable = portable_copies(env, &facts).into_iter().map(|exe| exe.with_extension("ini"));
    let app_data = platform::app_data_folders(env).into_iter();
    let folders = app_data.flat_map(|AppData { roaming, local }| [Some(roaming), local]).flatten();
    portable.chain(folders.map(|folder| folder.join("MicroSIP").join("MicroSIP.ini"))).collect()
}

/// Returns where MicroSIP would create its ini at its first start.
///
/// # Errors
/// There is no such place, or more than one.
pub fn place_to_create(env: &Env) -> Result<PathBuf, LocateError> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut portable = portable_copies(env, &facts);
    let is_installed = !ini_path::install_folders(&facts).is_empty();
    match (is_installed, portable.len()) {
        // on Windows, the first folder is the one that Windows itself returns
        (true, 0) => match &platform::app_data_folders(env)[..] {
            [AppData { roaming, .. }, rest @ ..] if rest.is_empty() || platform::CAN_REACH_WINDOWS => {
                Ok(roaming.join("MicroSIP").join("MicroSIP.ini"))
            }
            _ => Err(LocateError::NoPlaceToCreate),
        },
        (false, 1) => Ok(portable.remove(0).with_extension("ini")),
        _ => Err(LocateError::NoPlaceToCreate),
    }
}

/// Returns the version of the MicroSIP that uses an ini, from its exe.
pub fn version_of_user(ini: &Path, env: &Env) -> Option<Version> {
    exe_of(ini, env).and_then(|exe| version_of(&exe))
}

/// Returns the exe that uses an ini: the one next to it, or the installed one if the ini is in an AppData folder.
pub fn exe_of(ini: &Path, env: &Env) -> Option<PathBuf> {
    let next_to_ini = ini.with_extension("exe");
    if SystemFs.is_file(&next_to_ini) {
        return Some(next_to_ini);
    }
    let is_in_app_data =
        ini.parent().and_then(Path::file_name).is_some_and(|name| name.eq_ignore_ascii_case("MicroSIP"));
    let name = next_to_ini.file_name().filter(|_| is_in_app_data)?;
    install_folders(env, Some(ini)).iter().map(|folder| folder.join(name)).find(|exe| SystemFs.is_file(exe))
}

/// Returns every known copy of MicroSIP, first the installed ones.
pub fn installs(env: &Env) -> Vec<Install> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let paths = platform::default_windows_paths(env);
    let installed = install_folders_on_disk(&facts, &paths).map(|folder| folder.join(EXE));
    let app_data = platform::app_data_folders(env).into_iter().next();
    let install = |exe: PathBuf, ini: Option<PathBuf>, is_portable: bool| Install {
        version: version_of(&exe),
        exe,
        is_portable,
        ini,
    };
    let installed = installed.filter(|exe| SystemFs.is_file(exe)).map(|exe| {
        let ini = app_data.as_ref().map(|folders| folders.roaming.join("MicroSIP").join("MicroSIP.ini"));
        install(exe, ini, false)
    });
    let portable = portable_copies(env, &facts).into_iter().map(|exe| {
        let ini = exe.with_extension("ini");
        install(exe, Some(ini), true)
    });
    installed.chain(portable).collect()
}

/// Returns the only exe of MicroSIP, whether installed or portable.
pub fn only_exe(env: &Env) -> Option<PathBuf> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut exes = installed_exe(env).into_iter().chain(portable_copies(env, &facts));
    let first = exes.next()?;
    exes.next().is_none().then_some(first)
}

/// Returns whether an ini is in the folder of an installed MicroSIP, which uses the one in AppData instead.
pub fn is_next_to_installed(ini: &Path, env: &Env) -> bool {
    let folder = ini.parent().unwrap_or(ini);
    let is_same = |installed: &PathBuf| SystemFs.is_same_file(installed, folder).unwrap_or(false);
    install_folders(env, Some(ini)).iter().any(is_same)
}

/// Returns the exe of an installed MicroSIP.
pub fn installed_exe(env: &Env) -> Option<PathBuf> {
    install_folders(env, None).iter().map(|folder| folder.join(EXE)).find(|exe| SystemFs.is_file(exe))
}

/// Returns the folders of installed MicroSIPs: those that can use the ini, or those of the usual Windows.
fn install_folders(env: &Env, ini: Option<&Path>) -> Vec<PathBuf> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, ini);
    let paths = ini.map_or_else(|| platform::default_windows_paths(env), platform::windows_paths);
    install_folders_on_disk(&facts, &paths).collect()
}

fn install_folders_on_disk<'a>(
    facts: &'a InstallFacts,
    paths: &'a WindowsPaths,
) -> impl Iterator<Item = PathBuf> + 'a {
    ini_path::install_folders(facts).into_iter().filter_map(|folder| paths.to_host(folder))
}

/// Returns the portable copies of MicroSIP: in the current folder, next to msipcfg, and those that Windows starts.
fn portable_copies(env: &Env, facts: &InstallFacts) -> Vec<PathBuf> {
    let here = [&env.current_folder, &env.own_folder].into_iter().flatten();
    let here = here.map(|folder| folder.join(EXE));
    let commands = platform::start_commands(&links::SCHEMES);
    let started = commands.iter().filter_map(|command| links::program_of(command)).map(PathBuf::from);
    let is_named = |exe: &PathBuf| {
        exe.is_absolute() && exe.file_name().is_some_and(|name| name.eq_ignore_ascii_case(EXE))
    };
    let mut copies: Vec<PathBuf> = Vec::new();
    for exe in here.chain(started.filter(is_named)).filter(|exe| SystemFs.is_file(exe)) {
        let folder = exe.parent().and_then(Path::to_str).unwrap_or_default();
        let is_portable = ini_path::ini_place(folder, facts, version_of(&exe)) == IniPlace::NextToExe;
        let is_known = copies.iter().any(|copy| SystemFs.is_same_file(copy, &exe).unwrap_or(false));
        if is_portable && !is_known {
            copies.push(exe);
        }
    }
    copies
}

/// Returns the inis of installed copies in a settings folder: `MicroSIP.ini` and those that are named like an
/// installed exe. Without a `MicroSIP.ini`, every ini counts.
fn inis_in(folder: &Path, env: &Env, facts: &InstallFacts) -> Vec<PathBuf> {
    let mut inis: Vec<PathBuf> = SystemFs
        .list(folder)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| {
            let is_named = |name: &str| path.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case(name));
            let is_ini = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ini"));
            is_ini && SystemFs.is_file(path) && !is_named("desktop")
        })
        .collect();
    inis.sort();
    let is_usual = |ini: &&PathBuf| ini.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("MicroSIP"));
    if !inis.iter().any(|ini| is_usual(&ini)) {
        return inis;
    }
    let paths = match platform::windows_paths(folder) {
        WindowsPaths::Unknown => platform::default_windows_paths(env),
        paths => paths,
    };
    let folders: Vec<PathBuf> = install_folders_on_disk(facts, &paths).collect();
    let has_exe = |ini: &PathBuf| {
        let exe = ini.with_extension("exe");
        let name = exe.file_name().unwrap_or_default();
        folders.iter().any(|folder| SystemFs.is_file(&folder.join(name)))
    };
    inis.into_iter().filter(|ini| is_usual(&ini) || has_exe(ini)).collect()
}

fn paths(searched: &[PathBuf]) -> String {
    let shown: Vec<_> = searched.iter().map(|path| path.display().to_string()).collect();
    if shown.is_empty() {
        "any folder: there is neither an AppData folder nor a Wine prefix".into()
    } else {
        shown.join(", ")
    }
}

fn list(found: &[Candidate]) -> String {
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    shown.join("; ")
}
