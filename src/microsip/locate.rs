//! Which inis there are: where MicroSIP itself would look, and off Windows the Wine prefixes.

use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, ToDiagnostic};
use crate::platform::{self, AppData, Env, FileSystem, InstallFacts, SystemFs, WindowsPaths};

use super::ini_path::{self, Keeps};
use super::instances::{Instance, Processes};
use super::links;
use super::version::Version;

/// The usual name of MicroSIP's exe.
const EXE: &str = "MicroSIP.exe";

/// Why an ini is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Whoever started the program said so.
    Named,
    /// It is not there, but MicroSIP would make it there.
    ToBeMade,
    /// This process uses it.
    Running { pid: u32 },
    /// It lies where an installed MicroSIP keeps it.
    AppData,
    /// It lies where versions before 3.21.4 kept it, and the next start moves it from.
    LocalAppData,
    /// It lies beside this exe, which is a portable copy.
    Beside { exe: PathBuf },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::Named => f.write_str("named by --ini or MSIPCFG_INI"),
            Why::ToBeMade => f.write_str("where MicroSIP would make it"),
            Why::Running { pid } => write!(f, "used by pid {pid}"),
            Why::AppData => f.write_str("where an installed MicroSIP keeps it"),
            Why::LocalAppData => f.write_str("where an older MicroSIP left it"),
            Why::Beside { exe } => match exe.file_name() {
                Some(name) => write!(f, "beside {}", name.to_string_lossy()),
                None => f.write_str("beside a portable copy"),
            },
        }
    }
}

/// An ini that is there, and why it is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The ini.
    pub ini: PathBuf,
    /// Every reason.
    pub why: Vec<Why>,
}

impl Candidate {
    /// An ini with the one reason for it.
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

/// A MicroSIP on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Its exe.
    pub exe: PathBuf,
    /// Its version, if it says one.
    pub version: Option<Version>,
    /// Whether its settings lie beside it, as those of a portable copy.
    pub is_portable: bool,
    /// Its ini, which need not be there; `None` where that cannot be told.
    pub ini: Option<PathBuf>,
}

/// What a search for inis found.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The inis that are there; those in use come first.
    pub found: Vec<Candidate>,
    /// The places that were looked at.
    pub looked: Vec<PathBuf>,
}

/// No ini was found, or several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    #[error("no MicroSIP ini was found; looked in {}", paths(.looked))]
    NotFound { looked: Vec<PathBuf> },
    #[error("several MicroSIP inis were found: {}", list(.found))]
    Several { found: Vec<Candidate> },
    #[error("no MicroSIP was found here, or several, so it is not known where its ini belongs")]
    NoPlaceToCreate,
}

impl ToDiagnostic for LocateError {
    fn code(&self) -> Code {
        match self {
            LocateError::NotFound { .. } | LocateError::NoPlaceToCreate => Code::IniNotFound,
            LocateError::Several { .. } => Code::IniAmbiguous,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(
            match self {
                LocateError::NotFound { .. } => {
                    "name it with --ini PATH or MSIPCFG_INI; commands that write make a new one with --create"
                }
                LocateError::Several { .. } => "name the one you mean with --ini PATH or MSIPCFG_INI",
                LocateError::NoPlaceToCreate => "name the ini to make with --ini PATH",
            }
            .into(),
        )
    }
}

/// The one ini there is. That a MicroSIP uses one of several decides nothing: a script would work today and
/// fail tomorrow.
///
/// # Errors
/// When there is none, or more than one.
pub fn the_one(env: &Env) -> Result<Candidate, LocateError> {
    let mut found = all(env)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(LocateError::Several { found }),
    }
}

/// All inis there are, one at least.
///
/// # Errors
/// When there is none.
pub fn all(env: &Env) -> Result<Vec<Candidate>, LocateError> {
    let Search { found, looked } = search(env, &Processes::default().instances(&[]));
    if found.is_empty() { Err(LocateError::NotFound { looked }) } else { Ok(found) }
}

fn version_of(exe: &Path) -> Option<Version> {
    platform::version_of_exe(exe).map(Version::from)
}

/// Every ini of this user's MicroSIPs, installed, portable and running.
pub fn search(env: &Env, running: &[Instance]) -> Search {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut search = Search::default();
    for instance in running.iter().filter(|instance| instance.is_own) {
        let inis = instance.inis.iter().flatten();
        for ini in inis.filter(|ini| platform::is_in_reach(ini, env)) {
            search.add(ini, Why::Running { pid: instance.pid });
        }
    }
    for exe in portable_copies(env, &facts) {
        let ini = exe.with_extension("ini");
        search.looked.extend(exe.parent().map(Path::to_path_buf));
        search.add(&ini, Why::Beside { exe });
    }
    let mut app_data_folders = platform::app_data_folders(env).into_iter().peekable();
    if app_data_folders.peek().is_none() {
        search.looked.extend(platform::settings_roots(env));
    }
    for AppData { roaming, local } in app_data_folders {
        // MicroSIP takes a local one only where there is none in the roaming folder (3.21.4, settings.cpp)
        let roaming = roaming.join("MicroSIP");
        let inis = inis_in(&roaming, env, &facts);
        let has_none = inis.is_empty();
        inis.iter().for_each(|ini| search.add(ini, Why::AppData));
        search.looked.push(roaming);
        if let Some(local) = local.map(|local| local.join("MicroSIP")).filter(|_| has_none) {
            let inis = inis_in(&local, env, &facts);
            inis.iter().for_each(|ini| search.add(ini, Why::LocalAppData));
            search.looked.push(local);
        }
    }
    search
}

impl Search {
    fn add(&mut self, ini: &Path, why: Why) {
        if !SystemFs.is_file(ini) {
            return;
        }
        let is_it = |candidate: &&mut Candidate| SystemFs.is_same_file(&candidate.ini, ini).unwrap_or(false);
        match self.found.iter_mut().find(is_it) {
            Some(candidate) => candidate.why.push(why),
            None => self.found.push(Candidate::new(ini.to_path_buf(), why)),
        }
    }
}

/// Where MicroSIP would make its ini at its first run.
///
/// # Errors
/// When that is not one place.
pub fn place_to_create(env: &Env) -> Result<PathBuf, LocateError> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut portable = portable_copies(env, &facts);
    let is_installed = !ini_path::install_folders(&facts).is_empty();
    match (is_installed, portable.len()) {
        // on Windows the first is the one that Windows itself names
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

/// The version of the MicroSIP that uses an ini, told by its exe: the one beside the ini, or the installed one
/// where the ini lies in an AppData folder.
pub fn version_of_user(ini: &Path, env: &Env) -> Option<Version> {
    exe_of(ini, env).and_then(|exe| version_of(&exe))
}

/// The exe that uses an ini, where one is there.
pub fn exe_of(ini: &Path, env: &Env) -> Option<PathBuf> {
    let beside = ini.with_extension("exe");
    if SystemFs.is_file(&beside) {
        return Some(beside);
    }
    let is_in_app_data =
        ini.parent().and_then(Path::file_name).is_some_and(|name| name.eq_ignore_ascii_case("MicroSIP"));
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, Some(ini));
    let name = beside.file_name().filter(|_| is_in_app_data)?;
    let paths = platform::windows_paths(ini);
    install_folders_on_disk(&facts, &paths).map(|folder| folder.join(name)).find(|exe| SystemFs.is_file(exe))
}

/// Every MicroSIP that is known of: installed ones, then portable copies.
pub fn installs(env: &Env) -> Vec<Install> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let paths = platform::paths_in_use(env);
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

/// The one MicroSIP there is: the installed one, or the only portable copy that is known.
pub fn the_exe(env: &Env) -> Option<PathBuf> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let mut portable = portable_copies(env, &facts);
    match installed_exe(env) {
        Some(exe) => Some(exe).filter(|_| portable.is_empty()),
        None => portable.pop().filter(|_| portable.is_empty()),
    }
}

/// Whether an ini lies in the folder of an installed MicroSIP, which keeps its own in AppData.
pub fn is_beside_installed(ini: &Path, env: &Env) -> bool {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, Some(ini));
    let paths = platform::windows_paths(ini);
    let folder = ini.parent().unwrap_or(ini);
    install_folders_on_disk(&facts, &paths)
        .any(|installed| SystemFs.is_same_file(&installed, folder).unwrap_or(false))
}

/// The exe of an installed MicroSIP.
pub fn installed_exe(env: &Env) -> Option<PathBuf> {
    let facts = platform::install_facts(env, ini_path::REGISTRY_KEY, None);
    let paths = platform::paths_in_use(env);
    install_folders_on_disk(&facts, &paths).map(|folder| folder.join(EXE)).find(|exe| SystemFs.is_file(exe))
}

fn install_folders_on_disk<'a>(
    facts: &'a InstallFacts,
    paths: &'a WindowsPaths,
) -> impl Iterator<Item = PathBuf> + 'a {
    ini_path::install_folders(facts).into_iter().filter_map(|folder| paths.to_host(folder))
}

/// Copies of MicroSIP that keep their ini beside them: in the current folder, beside msipcfg, and those that
/// Windows starts.
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
        let is_portable = ini_path::keeps(folder, facts, version_of(&exe)) == Keeps::BesideExe;
        let is_known = copies.iter().any(|copy| SystemFs.is_same_file(copy, &exe).unwrap_or(false));
        if is_portable && !is_known {
            copies.push(exe);
        }
    }
    copies
}

/// The inis of installed copies in a settings folder. The one of the usual name is one; others are if an
/// installed exe has their name, or if there is no other.
fn inis_in(folder: &Path, env: &Env, facts: &InstallFacts) -> Vec<PathBuf> {
    let mut inis: Vec<PathBuf> = SystemFs
        .list(folder)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| entry.path)
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
        WindowsPaths::Unknown => platform::paths_in_use(env),
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

fn paths(looked: &[PathBuf]) -> String {
    let shown: Vec<_> = looked.iter().map(|path| path.display().to_string()).collect();
    if shown.is_empty() {
        "no place: there is no AppData folder and no Wine prefix".into()
    } else {
        shown.join(", ")
    }
}

fn list(found: &[Candidate]) -> String {
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    shown.join("; ")
}
