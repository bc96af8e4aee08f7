//! Chooses the ini that a request is about, once per run, and reads it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic, ToDiagnostic};
use crate::edit::plan::PlanWarning;
use crate::ini::encoding::{self, CodePage, Decoded, Encoding};
use crate::ini::name::SectionName;
use crate::ini::write;
use crate::microsip::desktop;
use crate::microsip::locate::{self, Candidate, LocateError, Why};
use crate::microsip::recognize::{self, NotMicrosip};
use crate::platform::{self, FilePath, FileSystem, FileSystemExt};
use crate::request::IniChoice;

use super::context::{Context, RunEvent};
use super::error::Error;

/// The most bytes that an ini can have; a larger file isn't MicroSIP's.
pub const LARGEST_INI: u64 = 16 * 1024 * 1024;

/// The ini that a request is about.
#[derive(Debug)]
pub struct Ini {
    /// The path as the user named it, or as it was found.
    pub path: PathBuf,
    /// The file itself, after following links.
    pub file: FilePath,
    /// The code page of 8-bit text.
    pub code_page: Option<CodePage>,
    /// Whether the file existed when the ini was chosen.
    pub exists: bool,
}

impl Ini {
    /// Chooses the ini that a request is about; it must exist.
    ///
    /// # Errors
    /// No ini or several were found, or the named one doesn't exist.
    pub fn choose(choice: &IniChoice, context: &mut Context<'_>) -> Result<Ini, Error> {
        Ini::choose_or_create(choice, false, context)
    }

    /// Chooses the ini that a request is about, and reads it.
    ///
    /// # Errors
    /// As [`Ini::choose`], or it can't be read.
    pub fn open(choice: &IniChoice, context: &mut Context<'_>) -> Result<(Ini, Decoded), Error> {
        let ini = Ini::choose(choice, context)?;
        let bytes = ini.bytes(context)?;
        let size = bytes.len();
        let decoded = ini.decode(bytes)?;
        (context.report)(RunEvent::Read { size, encoding: decoded.encoding });
        Ok((ini, decoded))
    }

    /// Chooses the ini that a request is about; with `create` it needn't exist.
    ///
    /// # Errors
    /// As [`Ini::choose`].
    pub fn choose_or_create(
        choice: &IniChoice,
        create: bool,
        context: &mut Context<'_>,
    ) -> Result<Ini, Error> {
        let chosen = match (&choice.path, create) {
            (Some(path), _) => Candidate::new(path.clone(), Why::Named),
            (None, false) => locate::only_ini(context.env)?,
            (None, true) => match locate::only_ini(context.env) {
                Err(LocateError::NotFound { .. }) => {
                    Candidate::new(locate::place_to_create(context.env)?, Why::ToBeCreated)
                }
                found => found?,
            },
        };
        (context.report)(RunEvent::Chosen(&chosen));
        let is_in_app_data = |why: &Why| matches!(why, Why::AppData | Why::LocalAppData | Why::ToBeCreated);
        if chosen.why.iter().any(is_in_app_data)
            && let Some(warning) = desktop::other_user_warning()
        {
            (context.report)(RunEvent::Warning(warning));
        }
        let path = chosen.ini;
        match Ini::at(path.clone(), choice, context.fs) {
            Err(Error::NotThere { .. }) if create => {
                let path = std::path::absolute(&path).unwrap_or(path);
                Ok(Ini::plain(path, choice.code_page, false))
            }
            found => found,
        }
    }

    /// Returns the ini of exactly this path, without looking at the disk.
    pub fn plain(path: PathBuf, code_page: Option<CodePage>, exists: bool) -> Ini {
        Ini { file: FilePath::new(path.clone()), path, code_page, exists }
    }

    /// Returns the ini of a path, after following links; it must exist.
    ///
    /// # Errors
    /// It doesn't exist, can't be read, or isn't a file.
    pub fn at(path: PathBuf, choice: &IniChoice, fs: &dyn FileSystem) -> Result<Ini, Error> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let unreadable = |source| Error::Unreadable { ini: path.clone(), source };
        let own = match fs.link_metadata(&path) {
            Err(error) if is_nothing_there(&error) => return Err(Error::NotThere { ini: path }),
            own => own.map_err(unreadable)?,
        };
        let target = if own.is_symlink() {
            match fs.canonicalize(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let target = fs.read_link(&path).unwrap_or_default();
                    return Err(Error::BrokenLink { ini: path, target });
                }
                target => target.map_err(unreadable)?,
            }
        } else {
            path.clone()
        };
        let metadata = fs.metadata(&target).map_err(unreadable)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "folder" } else { "device or a pipe" };
            return Err(Error::NotRegular { ini: path, what });
        }
        let code_page = choice.code_page.or_else(|| CodePage::from_number(platform::ansi_code_page()?));
        Ok(Ini { path, file: FilePath::new(target), code_page, exists: true })
    }

    /// Reads and decodes the file.
    ///
    /// # Errors
    /// It can't be read, is too large, or has an unknown encoding.
    pub fn read(&self, context: &Context<'_>) -> Result<Decoded, Error> {
        self.decode(self.bytes(context)?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read, or is too large.
    pub fn bytes(&self, context: &Context<'_>) -> Result<Vec<u8>, Error> {
        let unreadable = |source| Error::Unreadable { ini: self.path.clone(), source };
        if context.fs.metadata(self.file.to_open()).map_err(unreadable)?.len() > LARGEST_INI {
            return Err(too_large(&self.path));
        }
        context.fs.read(self.file.to_open()).map_err(unreadable)
    }

    /// Decodes the bytes of the ini; without any, returns what MicroSIP creates at its first run.
    ///
    /// # Errors
    /// The encoding is unknown or invalid.
    pub fn decode_or_first_run(&self, current: Option<Vec<u8>>) -> Result<Decoded, Error> {
        match current {
            Some(bytes) => self.decode(bytes),
            None => self.decode(write::first_run(&SectionName::new("Settings")?).into_bytes()),
        }
    }

    /// Decodes bytes of the ini.
    ///
    /// # Errors
    /// The encoding is unknown or invalid.
    pub fn decode(&self, bytes: Vec<u8>) -> Result<Decoded, Error> {
        encoding::decode(bytes, self.code_page)
            .map_err(|source| Error::Encoding { ini: self.path.clone(), source })
    }
}

/// Returns the warnings about an ini that is read: it is another program's, MicroSIP would damage it by converting it,
/// or it isn't intact.
pub fn reading_warnings(decoded: &Decoded) -> Vec<Diagnostic> {
    let is_foreign = !recognize::is_microsip(&decoded.document);
    let is_damaged = decoded.damaged_by_microsip && decoded.encoding != (Encoding::Utf16Le { bom: true });
    let encoding = PlanWarning::EncodingRead { encoding: decoded.encoding };
    let mut warnings = Vec::from_iter(is_foreign.then(|| Diagnostic::from(&NotMicrosip)));
    // what MicroSIP would do to another program's ini is beside the point
    warnings.extend((is_damaged && !is_foreign).then(|| Diagnostic::from(&encoding)));
    warnings.extend(PlanWarning::of_nul_tail(&decoded.document).map(|warning| Diagnostic::from(&warning)));
    warnings
}

/// Adds the ini in the same folder that was probably meant to the error that a file isn't MicroSIP's ini.
pub fn with_ini_nearby(error: Error, fs: &dyn FileSystem) -> Error {
    let wrong = match &error {
        Error::Encoding { ini, .. } if error.code() == Code::NotAnIni => ini,
        Error::TooLarge { ini, .. } | Error::NotMicrosip { ini } => ini,
        _ => return error,
    };
    match ini_nearby(wrong, fs) {
        Some(nearby) => {
            let mut hint = format!("did you mean {}?", nearby.display());
            if let Error::NotMicrosip { .. } = error {
                hint.push_str(" To edit this one anyway, use --any-ini");
            }
            Diagnostic::from(&error).with_hint(hint).into()
        }
        None => error,
    }
}

/// Returns the ini in the folder of a file that has the same name, or else that of MicroSIP, or else the only one.
fn ini_nearby(file: &Path, fs: &dyn FileSystem) -> Option<PathBuf> {
    let is_ini =
        |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ini"));
    let entries = fs.list(file.parent()?).unwrap_or_default().into_iter();
    let mut inis: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_ini(path)).collect();
    inis.retain(|ini| ini.file_name() != file.file_name() && fs.is_file(ini));
    let named = |name: &OsStr| {
        inis.iter().find(|ini| ini.file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case(name)))
    };
    let only = || inis.first().filter(|_| inis.len() == 1);
    file.file_stem().and_then(named).or_else(|| named("MicroSIP".as_ref())).or_else(only).cloned()
}

fn is_nothing_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Returns the error that an ini is, or would become, too large.
pub fn too_large(ini: &Path) -> Error {
    Error::TooLarge { ini: ini.to_path_buf(), limit: LARGEST_INI / 1024 / 1024 }
}
