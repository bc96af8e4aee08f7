//! Looking for programs on the disk and in the registry.

use std::io;
use std::path::{Path, PathBuf};

use crate::guess;
use crate::hook::trust::Trust;
use crate::platform::{self, Access, ProgramProbe, WindowsPaths};

use super::path::{extension, is_full, is_name};
use super::redirection::Redirection;

/// Where programs are looked for, and how they are judged.
#[derive(Clone, Debug)]
pub struct TargetContext {
    /// Where Windows paths lead to on this computer.
    pub paths: WindowsPaths,
    /// Which files MicroSIP opens instead of others.
    pub redirection: Option<Redirection>,
    /// The ini that the hook is for.
    pub ini: PathBuf,
    /// The folders in which a program is looked for by name, in order.
    pub search_folders: Vec<String>,
    /// What is tried after a name without an extension (`PATHEXT`).
    pub extensions: Vec<String>,
    /// Who may change the programs.
    pub trust: Trust,
    /// How to ask the system about files.
    pub probe: FileProbe,
}

impl TargetContext {
    /// Returns a context without a disk, in which a path is judged only by itself.
    pub fn path_only() -> TargetContext {
        TargetContext {
            paths: WindowsPaths::Unknown,
            redirection: None,
            ini: PathBuf::new(),
            search_folders: Vec::new(),
            extensions: Vec::new(),
            trust: Trust::default(),
            probe: FileProbe::SYSTEM,
        }
    }

    /// Returns the path of this machine for the file that MicroSIP opens by a full Windows path.
    pub fn to_host(&self, path: &str) -> Option<PathBuf> {
        match &self.redirection {
            Some(redirection) => self.paths.to_host(&redirection.opened(path)),
            None => self.paths.to_host(path),
        }
    }

    /// Returns whether MicroSIP finds a file at this Windows path.
    pub fn exists(&self, path: &str) -> bool {
        self.to_host(path).is_some_and(|host| is_file(&host))
    }

    /// Returns the path by which MicroSIP opens a file that only 64-bit programs find at this path.
    pub(super) fn sysnative_of(&self, path: &str) -> Option<String> {
        let sysnative = self.redirection.as_ref()?.sysnative(path)?;
        self.exists(&sysnative).then_some(sysnative)
    }

    /// Returns the path by which MicroSIP opens a program that only 64-bit programs find by its name.
    pub(super) fn find_sysnative(&self, name: &str) -> Option<String> {
        let redirection = self.redirection.as_ref()?;
        let for_64_bit = TargetContext { redirection: None, ..self.clone() };
        redirection.sysnative(&for_64_bit.find_by_name(name)?)
    }

    /// Returns what a 64-bit program has to start, so that the same program is started as by MicroSIP.
    pub fn as_64_bit(&self, program: &str) -> Option<String> {
        let redirection = self.redirection.as_ref()?;
        let path = if is_name(program) { self.find_by_name(program)? } else { program.to_string() };
        let opened = redirection.opened(&path);
        (opened != path.replace('/', "\\")).then_some(opened)
    }

    /// Returns the full path of a program that is given by its name, as Windows would find it.
    pub fn find_by_name(&self, name: &str) -> Option<String> {
        let extensions: Vec<String> =
            self.extensions.iter().map(|extension| extension.to_ascii_lowercase()).collect();
        let own = format!(".{}", extension(name));
        let is_complete = extensions.contains(&own);
        let mut names = Vec::new();
        // a dot may be part of the name, as in python3.11
        if own != "." {
            names.push(name.to_string());
        }
        if !is_complete {
            names.extend(extensions.iter().map(|extension| format!("{name}{extension}")));
        }
        let folders = self.search_folders.iter().filter(|folder| is_full(&format!("{folder}\\")));
        let mut candidates = folders.flat_map(|folder| {
            let folder = folder.trim_end_matches('\\');
            names.iter().map(move |name| format!("{folder}\\{name}"))
        });
        candidates.find(|path| self.exists(path)).or_else(|| self.find_registered(name, is_complete))
    }

    /// Returns the full path that the registry has for a program's name. Windows looks there last.
    fn find_registered(&self, name: &str, is_complete: bool) -> Option<String> {
        let exe = if is_complete { name.to_string() } else { format!("{name}.exe") };
        self.paths.app_paths(&exe).into_iter().find(|path| is_full(path) && self.exists(path))
    }
}

fn is_file(path: &Path) -> bool {
    matches!(platform::probe_program(path), ProgramProbe::File { .. })
}

/// The functions that ask the system about a file. Tests use their own.
#[derive(Clone, Copy, Debug)]
pub struct FileProbe {
    /// Returns the content of the file's `Zone.Identifier` stream.
    pub mark_of: fn(&Path) -> Option<Vec<u8>>,
    /// Checks whether that stream could be removed.
    pub can_remove_mark: fn(&Path) -> io::Result<()>,
    /// Returns the access list of a file or folder.
    pub access_of: fn(&Path) -> Option<Access>,
}

impl FileProbe {
    /// Asks the system that msipcfg runs on.
    pub const SYSTEM: FileProbe = FileProbe {
        mark_of: platform::download_mark,
        can_remove_mark: platform::can_remove_download_mark,
        access_of: platform::access_of,
    };
}

/// Returns the file with the most similar name in the folder of a missing one. `host` is its path on this computer.
pub fn nearest_in_folder(path: &str, host: &Path) -> Option<String> {
    let (folder, name) = path.rsplit_once('\\')?;
    let names = platform::file_names(host.parent()?);
    let nearest = guess::nearest(name, names.iter().map(String::as_str))?;
    Some(format!("{folder}\\{nearest}"))
}
