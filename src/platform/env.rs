//! The environment of the program, taken once at its start.

use std::ffi::OsString;
use std::path::PathBuf;

/// The part of the environment that the program uses, read once in `main`.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// `%APPDATA%`.
    pub app_data: Option<PathBuf>,
    /// `%LOCALAPPDATA%`.
    pub local_app_data: Option<PathBuf>,
    /// `PATH`.
    pub search_path: Option<OsString>,
    /// `PATHEXT`.
    pub program_extensions: Option<String>,
    /// `%SystemRoot%`.
    pub system_root: Option<PathBuf>,
    /// `$WINEPREFIX`.
    pub wine_prefix: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// The name of the user.
    pub user: Option<String>,
    /// The name of the computer.
    pub computer: Option<String>,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// The folder in which this program was started.
    pub current_folder: Option<PathBuf>,
    /// The folder that contains this program.
    pub own_folder: Option<PathBuf>,
    /// The path of this program.
    pub own_program: Option<PathBuf>,
}

impl Env {
    /// Returns the endings of programs that can be named without them, such as `.EXE`.
    pub fn program_endings(&self) -> Vec<String> {
        const USUAL: &str = ".COM;.EXE;.BAT;.CMD";
        let endings = self.program_extensions.as_deref().unwrap_or(USUAL).split(';');
        endings.filter(|one| one.starts_with('.')).map(str::to_string).collect()
    }

    /// Reads the environment variables; an empty one counts as missing.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| variable(name).map(PathBuf::from);
        // on Windows, then on Unix
        let either = |names: [&str; 2]| {
            names.into_iter().find_map(&variable).map(|name| name.to_string_lossy().into_owned())
        };
        Env {
            app_data: path("APPDATA"),
            local_app_data: path("LOCALAPPDATA"),
            search_path: variable("PATH"),
            program_extensions: variable("PATHEXT").and_then(|extensions| extensions.into_string().ok()),
            system_root: path("SystemRoot"),
            wine_prefix: path("WINEPREFIX"),
            home: path("HOME"),
            user: either(["USERNAME", "USER"]),
            computer: either(["COMPUTERNAME", "HOSTNAME"]),
            // the specification says that a relative path must be ignored
            state_home: path("XDG_STATE_HOME").filter(|path| path.is_absolute()),
            current_folder: None,
            own_folder: None,
            own_program: None,
        }
    }
}
