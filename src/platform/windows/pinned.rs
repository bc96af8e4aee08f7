//! Folders that are kept open.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Foundation::{ERROR_UNTRUSTED_MOUNT_POINT, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_NAME_NORMALIZED,
    FILE_NAME_OPENED, FILE_READ_ATTRIBUTES, FILE_SHARE_READ, FILE_SHARE_WRITE,
    GETFINALPATHNAMEBYHANDLE_FLAGS, GetFinalPathNameByHandleW, READ_CONTROL, VOLUME_NAME_NT, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::{
    PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY, PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY_0,
};
use windows_sys::Win32::System::Threading::{ProcessRedirectionTrustPolicy, SetProcessMitigationPolicy};

use super::files::{id_of_open, open_to_remove, remove_open};
use super::security::Owner;

/// A folder that is kept open, so that nobody can rename or remove it.
#[derive(Debug)]
pub struct Pinned(File);

/// A file that keeps a folder from being empty, so that nobody can turn it into a junction. Windows removes it when
/// this value is dropped or the program ends.
#[derive(Debug)]
pub struct Occupied(#[expect(dead_code, reason = "only kept open")] File);

impl Pinned {
    pub(in crate::platform) fn open(path: &Path) -> io::Result<Pinned> {
        open(path, 0).map(Pinned)
    }

    pub(in crate::platform) fn enter(&self, path: &Path, name: &OsStr) -> io::Result<Pinned> {
        let folder = open(&path.join(name), FILE_FLAG_OPEN_REPARSE_POINT)?;
        self.check_contains(&folder)?;
        Ok(Pinned(folder))
    }

    /// Returns an error unless an open file or folder is in this folder. It isn't if this folder was turned into a
    /// junction after it was opened.
    pub(in crate::platform) fn check_contains(&self, file: &File) -> io::Result<()> {
        let is_inside = |form| -> io::Result<bool> {
            Ok(is_in_folder(&final_path(file, form)?, &final_path(&self.0, form)?))
        };
        // on a share, the real spelling of a path takes access to each folder above it
        if is_inside(FILE_NAME_NORMALIZED).or_else(|_| is_inside(FILE_NAME_OPENED))? {
            Ok(())
        } else {
            Err(redirected())
        }
    }

    /// Keeps the folder from being empty.
    pub(in crate::platform) fn occupy(&self, path: &Path) -> io::Result<Occupied> {
        let create = |path: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).access_mode(GENERIC_WRITE | DELETE).share_mode(0);
            options.custom_flags(FILE_FLAG_DELETE_ON_CLOSE).open(path)
        };
        let created = tempfile::Builder::new().prefix(".msipcfg-").make_in(path, create)?;
        let (file, mut path) = created.into_parts();
        // Windows removes it, wherever it is
        path.disable_cleanup(true);
        self.check_contains(&file)?;
        Ok(Occupied(file))
    }

    /// Removes a file, unless its path leads to another place.
    pub(in crate::platform) fn remove(&self, path: &Path) -> io::Result<()> {
        let file = open_to_remove(path)?;
        self.check_contains(&file)?;
        remove_open(&file, path)
    }

    /// Returns the path by which it was opened, which leads to it as long as this value exists.
    pub(in crate::platform) fn path(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    pub(in crate::platform) fn give_to(&self, path: &Path, owner: &Owner) -> io::Result<()> {
        // the pinned handle lacks these rights; while it is open, nothing else gets its path
        let mut options = OpenOptions::new();
        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
        let folder = options.access_mode(READ_CONTROL | WRITE_OWNER).custom_flags(flags).open(path)?;
        let is_same = id_of_open(&folder)?.has_number_of(&id_of_open(&self.0)?);
        if is_same { owner.take(&folder) } else { Err(redirected()) }
    }
}

fn redirected() -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, "the folder was replaced by a link")
}

/// Returns the path of an open file without links, as the system calls it (GetFinalPathNameByHandleW).
fn final_path(file: &File, form: GETFINALPATHNAMEBYHANDLE_FLAGS) -> io::Result<Vec<u16>> {
    // the limit of Windows
    const MAX_LEN: u32 = 32 * 1024;
    let mut path = vec![0_u16; MAX_LEN as usize];
    // SAFETY: the file is open, and the buffer has the given length
    let length = unsafe {
        GetFinalPathNameByHandleW(file.as_raw_handle(), path.as_mut_ptr(), MAX_LEN, form | VOLUME_NAME_NT)
    };
    match length {
        0 => Err(io::Error::last_os_error()),
        1..MAX_LEN => {
            path.truncate(length as usize);
            Ok(path)
        }
        _ => Err(io::ErrorKind::InvalidFilename.into()),
    }
}

/// Returns whether a path is that of something directly in this folder.
fn is_in_folder(path: &[u16], folder: &[u16]) -> bool {
    const SEPARATOR: u16 = b'\\' as u16;
    let Some(rest) = path.strip_prefix(folder.strip_suffix(&[SEPARATOR]).unwrap_or(folder)) else {
        return false;
    };
    matches!(rest, [SEPARATOR, name @ ..] if !name.is_empty() && !name.contains(&SEPARATOR))
}

/// Makes Windows refuse junctions that somebody other than an administrator created, for the rest of this process
/// (SetProcessMitigationPolicy, ProcessRedirectionTrustPolicy). Older versions of Windows 10 don't know it; it is an
/// addition to the other checks of this module.
pub fn refuse_junctions_of_users() {
    const ENFORCE: u32 = 1;
    let policy = PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY {
        Anonymous: PROCESS_MITIGATION_REDIRECTION_TRUST_POLICY_0 { Flags: ENFORCE },
    };
    // SAFETY: this is the structure for this policy
    unsafe {
        SetProcessMitigationPolicy(
            ProcessRedirectionTrustPolicy,
            (&raw const policy).cast(),
            size_of_val(&policy),
        )
    };
}

/// Opens a folder in a way that prevents others from deleting or renaming it.
fn open(path: &Path, flags: u32) -> io::Result<File> {
    let folder = OpenOptions::new()
        .access_mode(FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | flags)
        .open(path)
        .map_err(|error| match error.raw_os_error().map(i32::cast_unsigned) {
            // what `refuse_junctions_of_users` refuses
            Some(ERROR_UNTRUSTED_MOUNT_POINT) => io::ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
    let attributes = folder.metadata()?.file_attributes();
    let is_folder = attributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    if is_folder && attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        Ok(folder)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_occupied_folder_is_not_empty_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let names = || std::fs::read_dir(folder.path()).unwrap().count();
        let pinned = Pinned::open(folder.path()).unwrap();
        let occupied = pinned.occupy(folder.path()).unwrap();
        let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        assert!(std::fs::remove_file(&file).is_err());
        assert!(std::fs::rename(&file, file.with_extension("x")).is_err());
        assert_eq!(names(), 1);
        drop(occupied);
        assert_eq!(names(), 0);
    }

    #[test]
    fn a_file_in_another_folder_is_noticed() {
        let temp = tempfile::tempdir().unwrap();
        let [inside, outside] = ["inside", "outside"].map(|name| temp.path().join(name));
        let create = |folder: &Path| {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("a"), "").unwrap();
            File::open(folder.join("a")).unwrap()
        };
        let [mine, theirs] = [create(&inside), create(&outside)];
        let pinned = Pinned::open(&inside).unwrap();
        pinned.check_contains(&mine).unwrap();
        assert_eq!(pinned.check_contains(&theirs).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn only_what_is_directly_in_a_folder_is_in_it() {
        let is_in = |path: &str, folder: &str| {
            let [path, folder] = [path, folder].map(|text| text.encode_utf16().collect::<Vec<u16>>());
            is_in_folder(&path, &folder)
        };
        assert!(is_in(r"\Device\Disk\a\b", r"\Device\Disk\a"));
        assert!(is_in(r"\Device\Disk\a", r"\Device\Disk\"));
        for other in [
            r"\Device\Disk\a",
            r"\Device\Disk\a\b\c",
            r"\Device\Disk\ab",
            r"\Device\Disk\x\b",
            r"\Device\Disk\a\",
        ] {
            assert!(!is_in(other, r"\Device\Disk\a"), "{other}");
        }
    }
}
