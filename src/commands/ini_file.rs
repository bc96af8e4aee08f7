//! Which ini a request is about, and its text.

use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::edit::plan::PlanWarning;
use crate::ini::encoding::{self, CodePage, Decoded, Encoding};
use crate::ini::name::SectionName;
use crate::ini::write;
use crate::microsip::locate::{self, Candidate, LocateError, Why};
use crate::platform::{self, FileSystem};
use crate::request::IniChoice;

use super::{Context, Error, RunEvent};

/// A larger file is no ini of MicroSIP's.
pub(super) const LARGEST_INI: u64 = 256 * 1024 * 1024;

/// An ini that is there.
pub(super) struct Ini {
    /// As it was named or found.
    pub path: PathBuf,
    /// The file itself, links followed.
    pub target: PathBuf,
    /// The path by which it is opened: another where its folder is held.
    pub reached: PathBuf,
    /// The code page of 8-bit text.
    pub code_page: Option<CodePage>,
}

impl Ini {
    /// The ini that a request is about; it is there.
    pub fn find(choice: &IniChoice, context: &mut Context<'_>) -> Result<Ini, Error> {
        Ok(Ini::find_or_place(choice, false, context)?.0)
    }

    /// The ini that a request is about, and its text.
    pub fn open(choice: &IniChoice, context: &mut Context<'_>) -> Result<(Ini, Decoded), Error> {
        let ini = Ini::find(choice, context)?;
        let bytes = ini.bytes(context)?;
        let size = bytes.len();
        let decoded = ini.decode(bytes)?;
        (context.report)(RunEvent::Read { size, encoding: decoded.encoding });
        Ok((ini, decoded))
    }

    /// The ini that a request is about; with `create` it need not be there.
    pub fn find_or_place(
        choice: &IniChoice,
        create: bool,
        context: &mut Context<'_>,
    ) -> Result<(Ini, bool), Error> {
        let chosen = match (&choice.path, create) {
            (Some(path), _) => Candidate::new(path.clone(), Why::Named),
            (None, false) => locate::the_one(context.env)?,
            (None, true) => match locate::the_one(context.env) {
                Err(LocateError::NotFound { .. }) => {
                    Candidate::new(locate::place_to_create(context.env)?, Why::ToBeMade)
                }
                found => found?,
            },
        };
        (context.report)(RunEvent::Chosen(&chosen));
        let path = chosen.ini;
        match Ini::at(path.clone(), choice, context.fs) {
            Err(Error::NotThere { .. }) if create => {
                let code_page = choice.code_page;
                let path = std::path::absolute(&path).unwrap_or(path);
                Ok((Ini::plain(path, code_page), false))
            }
            found => Ok((found?, true)),
        }
    }

    /// The ini of just this path.
    pub fn plain(path: PathBuf, code_page: Option<CodePage>) -> Ini {
        Ini { reached: path.clone(), target: path.clone(), path, code_page }
    }

    /// A path beside the ini, or that of its folder, as people know it.
    pub fn known_as(&self, path: &Path) -> PathBuf {
        let (reached, target) = (self.reached.parent(), self.target.parent());
        match (reached, target, path.file_name()) {
            (Some(reached), Some(target), Some(name)) if path.parent() == Some(reached) => target.join(name),
            (Some(reached), Some(target), _) if path == reached => target.to_path_buf(),
            _ => path.to_path_buf(),
        }
    }

    /// The ini under a path; it is there.
    pub fn at(path: PathBuf, choice: &IniChoice, fs: &dyn FileSystem) -> Result<Ini, Error> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let unreadable = |source| Error::Unreadable { ini: path.clone(), source };
        let own = match fs.link_metadata(&path) {
            Err(error) if is_nothing_there(&error) => return Err(Error::NotThere { ini: path }),
            own => own.map_err(unreadable)?,
        };
        let target = if own.is_link() {
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
        Ok(Ini { path, reached: target.clone(), target, code_page })
    }

    /// Reads and decodes it.
    pub fn read(&self, context: &Context<'_>) -> Result<Decoded, Error> {
        self.decode(self.bytes(context)?)
    }

    /// Reads it.
    pub fn bytes(&self, context: &Context<'_>) -> Result<Vec<u8>, Error> {
        let unreadable = |source| Error::Unreadable { ini: self.path.clone(), source };
        if context.fs.metadata(&self.reached).map_err(unreadable)?.len > LARGEST_INI {
            return Err(Error::TooLarge { ini: self.path.clone() });
        }
        context.fs.read(&self.reached).map_err(unreadable)
    }

    /// Decodes what is there; where there is nothing, what MicroSIP makes at its first run.
    pub fn decode_or_first_run(&self, current: Option<Vec<u8>>) -> Result<Decoded, Error> {
        match current {
            Some(bytes) => self.decode(bytes),
            None => self.decode(write::first_run(&SectionName::new("Settings")?).into_bytes()),
        }
    }

    /// Decodes bytes of it.
    pub fn decode(&self, bytes: Vec<u8>) -> Result<Decoded, Error> {
        encoding::decode(bytes, self.code_page)
            .map_err(|source| Error::Encoding { ini: self.path.clone(), source })
    }
}

/// The warning that what is read here is not what MicroSIP reads, because it would spoil the file.
pub(super) fn encoding_notice(decoded: &Decoded) -> Vec<Diagnostic> {
    let is_spoiled = decoded.spoiled_by_microsip && decoded.encoding != (Encoding::Utf16Le { bom: true });
    let remark = PlanWarning::EncodingRead { encoding: decoded.encoding };
    if is_spoiled { vec![Diagnostic::from(&remark)] } else { Vec::new() }
}

fn is_nothing_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
