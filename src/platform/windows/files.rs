//! Files on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, GENERIC_READ, GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, DELETE, FILE_ADD_FILE, FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_ENCRYPTED, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL,
    FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_SYSTEM, FILE_ATTRIBUTE_TAG_INFO, FILE_BASIC_INFO, FILE_DISPOSITION_FLAG_DELETE,
    FILE_DISPOSITION_FLAG_POSIX_SEMANTICS, FILE_DISPOSITION_INFO, FILE_DISPOSITION_INFO_EX,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_FLAG_WRITE_THROUGH, FILE_ID_INFO,
    FILE_INFO_BY_HANDLE_CLASS, FILE_READ_ATTRIBUTES, FILE_RENAME_INFO, FILE_SHARE_READ, FILE_SHARE_WRITE,
    FileAttributeTagInfo, FileBasicInfo, FileDispositionInfo, FileDispositionInfoEx, FileIdInfo,
    FileRenameInfo, FileRenameInfoEx, GetFileInformationByHandle, GetFileInformationByHandleEx,
    SetFileInformationByHandle, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::WindowsProgramming::{
    FILE_RENAME_FLAG_POSIX_SEMANTICS, FILE_RENAME_FLAG_REPLACE_IF_EXISTS,
};

use super::security::copy_access_to;
use super::streams::copy_streams;
use super::win32::{check, size_in_bytes, wide};
use crate::platform::FileId;
use crate::platform::access::NewOwner;
use crate::platform::fs::not_regular;
use crate::platform::temp_file::TempFile;

/// Creates a file that no other program can open, rename or remove while this handle is open. Its owner and access can
/// be set by the handle, if the server of a share allows that.
pub(in crate::platform) fn create_unshared(path: &Path) -> io::Result<File> {
    let create = |rights| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).share_mode(0).custom_flags(FILE_FLAG_WRITE_THROUGH);
        options.access_mode(GENERIC_READ | GENERIC_WRITE | DELETE | rights).open(path)
    };
    create(WRITE_DAC | WRITE_OWNER).or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => create(0),
        _ => Err(error),
    })
}

/// Opens an existing file to lock it, never through a link. No other program can open it to lock it, rename it or
/// remove it while this handle is open.
pub(in crate::platform) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(GENERIC_READ | GENERIC_WRITE | DELETE).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Opens an existing file to lock it or to see whether it is locked, never through a link. Other programs can do that
/// at the same time, but none can rename or remove it.
pub(in crate::platform) fn open_shared_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // a lock needs no more, so a read-only file can be locked too
    options.access_mode(GENERIC_READ).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Gives a temporary file the owner and the access list of another file, or without one those of a new file.
pub(in crate::platform) fn copy_access_to_temp(model: Option<&File>, temp: &mut TempFile) -> io::Result<()> {
    if let Some(model) = model {
        temp.not_copied.owner = copy_access_to(model, temp.file())? == NewOwner::Us;
    }
    Ok(())
}

/// Gives a temporary file the alternate data streams, the creation time and the attributes of another file, or without
/// one those of a new file.
pub(in crate::platform) fn copy_attributes(model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
    let Some(model) = model else { return set_basic_info(temp.file(), 0, FILE_ATTRIBUTE_ARCHIVE) };
    let metadata = open_file(model)?.metadata()?;
    let attributes = metadata.file_attributes();
    if loses_encryption(attributes, temp.file().metadata()?.file_attributes()) {
        return Err(io::Error::new(io::ErrorKind::Unsupported, LOSES_ENCRYPTION));
    }
    temp.not_copied.streams = copy_streams(model, temp.path());
    set_basic_info(temp.file(), metadata.creation_time(), kept_attributes(attributes))
}

/// Returns the attributes that the new file gets. Others, such as compression, are inherited from the folder.
fn kept_attributes(attributes: u32) -> u32 {
    const KEPT: u32 = FILE_ATTRIBUTE_ARCHIVE
        | FILE_ATTRIBUTE_HIDDEN
        | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
        | FILE_ATTRIBUTE_READONLY
        | FILE_ATTRIBUTE_SYSTEM;
    match attributes & KEPT {
        0 => FILE_ATTRIBUTE_NORMAL,
        kept => kept,
    }
}

const LOSES_ENCRYPTION: &str = "the ini is encrypted by Windows (EFS), but the new one wouldn't be; encrypt its folder, or decrypt the ini";

/// Returns whether a file would become readable without the key that protects the file that it replaces.
fn loses_encryption(old: u32, new: u32) -> bool {
    old & FILE_ATTRIBUTE_ENCRYPTED != 0 && new & FILE_ATTRIBUTE_ENCRYPTED == 0
}

/// Sets attributes and the creation time, in units of 100 ns since 1601; 0 leaves it as it is
/// (SetFileInformationByHandle, FILE_BASIC_INFO).
fn set_basic_info(file: &File, creation_time: u64, attributes: u32) -> io::Result<()> {
    let information = FILE_BASIC_INFO {
        CreationTime: creation_time.cast_signed(),
        FileAttributes: attributes,
        ..FILE_BASIC_INFO::default()
    };
    set_information(file, FileBasicInfo, &information)
}

/// Calls SetFileInformationByHandle. `T` must be the structure for this information class.
fn set_information<T>(file: &File, class: FILE_INFO_BY_HANDLE_CLASS, information: &T) -> io::Result<()> {
    // SAFETY: the file is open, and the structure has the given size
    check(unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            class,
            ptr::from_ref(information).cast(),
            size_in_bytes::<T>(),
        )
    })
}

/// The longest pause between attempts to replace a file that is in use; all pauses together are ten seconds.
const MAX_PAUSE_TO_REPLACE: Duration = Duration::from_millis(5120);
/// The same for attempts to open or remove a file; together half a second.
const MAX_PAUSE_TO_OPEN: Duration = Duration::from_millis(320);

/// Gives a temporary file its name in one step, replacing what has it. A virus scanner or a sync client may have either
/// file open for a moment.
pub(in crate::platform) fn replace(temp: TempFile, to: &Path) -> io::Result<()> {
    // Windows refuses a plain rename while any program has the target open, even one that shares it
    // (FILE_RENAME_INFORMATION); where POSIX semantics don't exist, before Windows 10 1709, the first error counts
    let posix = FILE_RENAME_FLAG_REPLACE_IF_EXISTS | FILE_RENAME_FLAG_POSIX_SEMANTICS;
    let rename_once = |file: &File| {
        rename(file, to, FileRenameInfo, FILE_RENAME_FLAG_REPLACE_IF_EXISTS).or_else(|error| match number_of(
            &error,
        ) {
            ERROR_ACCESS_DENIED => rename(file, to, FileRenameInfoEx, posix).map_err(|_| error),
            _ => Err(error),
        })
    };
    let may_pass =
        |error: &io::Error| may_replacement_succeed_later(number_of(error), || refusal_to_delete(to));
    let (unshared, mut path) = temp.into_parts();
    let id = id_of_open(&unshared)?;
    drop(unshared);
    let file = open_to_rename(&path)?;
    if !id_of_open(&file)?.has_number_of(&id) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the temporary file was exchanged"));
    }
    retry(MAX_PAUSE_TO_REPLACE, may_pass, || rename_once(&file))?;
    path.disable_cleanup(true);
    Ok(())
}

/// Opens a temporary file to rename it. It is shared with readers, because the handle is still open for a moment when
/// the file already has the name of the ini: a MicroSIP that can't read its ini then would start with defaults. As with
/// MoveFileExW, readers who don't share deletion are refused.
fn open_to_rename(path: &Path) -> io::Result<File> {
    let flags = FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_WRITE_THROUGH;
    let mut options = OpenOptions::new();
    options.access_mode(DELETE | FILE_READ_ATTRIBUTES).custom_flags(flags);
    options.share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE);
    retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || options.open(path))
}

/// Gives a temporary file its name, which must be free.
pub(in crate::platform) fn persist_new(temp: TempFile, to: &Path) -> io::Result<()> {
    let (file, mut path) = temp.into_parts();
    let renamed = rename(&file, to, FileRenameInfo, 0);
    path.disable_cleanup(renamed.is_ok());
    // first, because Windows doesn't remove a file that is open and isn't shared
    drop(file);
    renamed
}

/// Renames a file, which only one of several programs can do. With std's functions, two that have opened the file at
/// the same time both succeed.
pub(in crate::platform) fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    rename(&open_to_rename(from)?, to, FileRenameInfo, 0)
}

/// Renames an open file (SetFileInformationByHandle, FILE_RENAME_INFO). The handle is opened for writing through, so
/// the new name is on the disk afterwards.
fn rename(file: &File, to: &Path, class: FILE_INFO_BY_HANDLE_CLASS, flags: u32) -> io::Result<()> {
    let mut name = wide(&std::path::absolute(to)?);
    name.pop();
    let header = std::mem::offset_of!(FILE_RENAME_INFO, FileName);
    let name_size = size_of_val(&*name);
    let size = (header + name_size).max(size_of::<FILE_RENAME_INFO>());
    // in units that have the alignment of the structure, with a NUL after the name, which Wine needs
    let mut buffer = vec![0_u64; size.div_ceil(size_of::<u64>()) + 1];
    let information: *mut FILE_RENAME_INFO = buffer.as_mut_ptr().cast();
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidFilename);
    let (name_size, size) =
        (u32::try_from(name_size).map_err(too_long)?, u32::try_from(size).map_err(too_long)?);
    // SAFETY: the buffer is large enough for the structure with this name, and the file is open
    check(unsafe {
        (*information).Anonymous.Flags = flags;
        (*information).FileNameLength = name_size;
        ptr::copy_nonoverlapping(name.as_ptr(), (&raw mut (*information).FileName).cast(), name.len());
        SetFileInformationByHandle(file.as_raw_handle(), class, information.cast(), size)
    })
}

/// Returns whether a file that couldn't be replaced may be replaceable in a moment, by the error of the attempt.
/// Windows reports that access is denied both if a program has the target open and if this user may not replace it;
/// then it depends on why the target can't be opened to delete it, if it can't.
fn may_replacement_succeed_later(error: u32, refusal_to_delete: impl FnOnce() -> Option<u32>) -> bool {
    match error {
        ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION => true,
        ERROR_ACCESS_DENIED => refusal_to_delete() != Some(ERROR_ACCESS_DENIED),
        _ => false,
    }
}

/// Returns why a file can't be opened to delete it, if it can't.
fn refusal_to_delete(path: &Path) -> Option<u32> {
    let opened = OpenOptions::new().access_mode(DELETE).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path);
    opened.err().as_ref().map(number_of)
}

/// Returns the number of a Win32 error; 0 for another error.
fn number_of(error: &io::Error) -> u32 {
    error.raw_os_error().map_or(0, i32::cast_unsigned)
}

/// Removes an open file that was opened to delete it, also while other programs have it open if Windows can do that.
pub(in crate::platform) fn remove_open(file: &File, _path: &Path) -> io::Result<()> {
    // Windows 10 1709 and later
    let flags = FILE_DISPOSITION_FLAG_DELETE | FILE_DISPOSITION_FLAG_POSIX_SEMANTICS;
    set_information(file, FileDispositionInfoEx, &FILE_DISPOSITION_INFO_EX { Flags: flags })
        .or_else(|_| set_information(file, FileDispositionInfo, &FILE_DISPOSITION_INFO { DeleteFile: true }))
}

/// Opens a file to read it. When MicroSIP 3.22.16 starts, it doesn't share its ini for a moment.
pub(in crate::platform) fn open_to_read(path: &Path) -> io::Result<File> {
    retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || File::open(path))
}

/// Opens a regular file to read it; a link or a folder is an error.
pub(in crate::platform) fn open_file(path: &Path) -> io::Result<File> {
    let open = |flags| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(flags);
        retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || options.open(path))
    };
    let file = open(FILE_FLAG_OPEN_REPARSE_POINT)?;
    let kind = kind_of(&file)?;
    match kind {
        FileKind::Plain => return Ok(file),
        FileKind::Other => {}
        FileKind::StoredElsewhere => {
            // with that flag, its contents can't be read; what has been exchanged for a link leads to another file
            let contents = open(0)?;
            if id_of_open(&contents)?.has_number_of(&id_of_open(&file)?) {
                return Ok(contents);
            }
        }
    }
    Err(not_regular())
}

/// Opens or creates a regular file to add to it, while no other writer does.
pub(in crate::platform) fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).share_mode(FILE_SHARE_READ);
    let file = retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || options.open(path))?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it isn't a regular file")),
    }
}

/// Opens a file as a program that lets nobody else write to it.
#[cfg(test)]
pub fn open_exclusively(path: &Path) -> File {
    OpenOptions::new().write(true).create(true).share_mode(FILE_SHARE_READ).open(path).unwrap()
}

/// What an open file is, by its attributes and the tag of its reparse point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    /// A file with its contents.
    Plain,
    /// A file whose contents a file system filter provides: a deduplicated file, or one that is in a cloud.
    StoredElsewhere,
    /// A folder, or a link to anything.
    Other,
}

/// Reads the kind of an open file (GetFileInformationByHandleEx, FILE_ATTRIBUTE_TAG_INFO).
fn kind_of(file: &File) -> io::Result<FileKind> {
    let attributes = file.metadata()?.file_attributes();
    if attributes & FILE_ATTRIBUTE_REPARSE_POINT == 0 {
        return Ok(kind_from(attributes, 0));
    }
    let mut tag = FILE_ATTRIBUTE_TAG_INFO::default();
    // SAFETY: the file is open, and this is the structure for this information class
    check(unsafe {
        GetFileInformationByHandleEx(
            file.as_raw_handle(),
            FileAttributeTagInfo,
            (&raw mut tag).cast(),
            size_in_bytes::<FILE_ATTRIBUTE_TAG_INFO>(),
        )
    })?;
    Ok(kind_from(tag.FileAttributes, tag.ReparseTag))
}

/// A reparse point whose tag has this bit stands for another file or folder (IsReparseTagNameSurrogate).
const NAME_SURROGATE: u32 = 0x2000_0000;

fn kind_from(attributes: u32, tag: u32) -> FileKind {
    let is_reparse_point = attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0;
    if attributes & FILE_ATTRIBUTE_DIRECTORY != 0 || (is_reparse_point && tag & NAME_SURROGATE != 0) {
        FileKind::Other
    } else if is_reparse_point {
        FileKind::StoredElsewhere
    } else {
        FileKind::Plain
    }
}

/// Opens a file to remove it; a link isn't followed.
pub(super) fn open_to_remove(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.access_mode(DELETE | FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || options.open(path))
}

/// Removes a file. A virus scanner may have it open for a moment.
pub(in crate::platform) fn remove(path: &Path) -> io::Result<()> {
    retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || std::fs::remove_file(path))
}

/// Returns whether a file couldn't be opened because another program has it open and doesn't share it.
pub fn is_file_in_use(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(i32::cast_unsigned);
    matches!(number, Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Returns whether an error may mean that the file is being deleted while another process still has it open.
pub fn may_be_deletion(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Retries with growing pauses while a file is in use.
fn retry<T>(
    max_pause: Duration,
    is_in_use: impl Fn(&io::Error) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt() {
            Err(error) if is_in_use(&error) && pause <= max_pause => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
}

/// Does nothing: files get their names through handles that write through.
pub(in crate::platform) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether two paths lead to the same file. Neither is opened with the right to read it, which could prevent
/// MicroSIP from opening its ini.
pub(in crate::platform) fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let identify = |path: &Path| {
        let mut options = OpenOptions::new();
        options.access_mode(FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        id_of_open(&options.open(path)?)
    };
    Ok(identify(a)?.has_number_of(&identify(b)?))
}

/// Returns why this user can't create files in the folder, or why the file can't be replaced, as far as that can be
/// seen without opening the file, which could prevent MicroSIP from opening it.
pub fn why_not_writable(path: &Path) -> Option<io::Error> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        // a new file is encrypted if its folder is
        let folder = std::fs::metadata(path.parent()?).ok()?;
        let is_refused = loses_encryption(metadata.file_attributes(), folder.file_attributes());
        return is_refused.then(|| io::Error::new(io::ErrorKind::Unsupported, LOSES_ENCRYPTION));
    }
    let mut options = OpenOptions::new();
    let error =
        options.access_mode(FILE_ADD_FILE).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path).err()?;
    (error.kind() == io::ErrorKind::PermissionDenied).then_some(error)
}

/// Returns what identifies a file; a link isn't followed.
pub(in crate::platform) fn file_id(path: &Path) -> io::Result<FileId> {
    let mut options = OpenOptions::new();
    options.access_mode(FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    id_of_open(&options.open(path)?)
}

/// Returns what identifies an open file: 128 bits (`FILE_ID_INFO`), because the 64 of `BY_HANDLE_FILE_INFORMATION`
/// aren't unique on ReFS, and those 64 where a file system has no others.
pub(in crate::platform) fn id_of_open(file: &File) -> io::Result<FileId> {
    let handle = file.as_raw_handle();
    // SAFETY: all zeros is a valid value of this plain structure
    let mut basic: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the file is open, and the structure can be written to
    check(unsafe { GetFileInformationByHandle(handle, &mut basic) })?;
    let links = basic.nNumberOfLinks.into();
    // SAFETY: all zeros is a valid value of this plain structure
    let mut long: FILE_ID_INFO = unsafe { std::mem::zeroed() };
    // SAFETY: the file is open, and the structure has the type and size of this class
    let found = check(unsafe {
        GetFileInformationByHandleEx(
            handle,
            FileIdInfo,
            (&raw mut long).cast(),
            size_in_bytes::<FILE_ID_INFO>(),
        )
    });
    Ok(match found {
        Ok(()) => {
            let index = u128::from_le_bytes(long.FileId.Identifier);
            FileId { volume: long.VolumeSerialNumber, index, links }
        }
        Err(_) => {
            let index = u64::from(basic.nFileIndexHigh) << 32 | u64::from(basic.nFileIndexLow);
            FileId { volume: basic.dwVolumeSerialNumber.into(), index: index.into(), links }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs::TryLockError;

    use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_NOT_SAME_DEVICE};
    use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_COMPRESSED;

    use super::*;

    #[test]
    fn a_refused_replacement_is_retried_only_if_it_can_succeed_later() {
        let in_use = Some(ERROR_SHARING_VIOLATION);
        for (error, refusal, may_pass) in [
            // another program has the target open
            (ERROR_SHARING_VIOLATION, None, true),
            (ERROR_LOCK_VIOLATION, None, true),
            (ERROR_ACCESS_DENIED, None, true),
            (ERROR_ACCESS_DENIED, in_use, true),
            // this user may not delete it
            (ERROR_ACCESS_DENIED, Some(ERROR_ACCESS_DENIED), false),
            (ERROR_FILE_NOT_FOUND, None, false),
            (ERROR_NOT_SAME_DEVICE, in_use, false),
        ] {
            assert_eq!(may_replacement_succeed_later(error, || refusal), may_pass, "{error}, {refusal:?}");
        }
    }

    #[test]
    fn only_reparse_points_that_stand_for_another_file_are_links() {
        // [MS-FSCC] 2.1.2.1
        const SYMLINK: u32 = 0xA000_000C;
        const MOUNT_POINT: u32 = 0xA000_0003;
        const DEDUP: u32 = 0x8000_0013;
        const CLOUD: u32 = 0x9000_001A;
        let (point, folder) = (FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_DIRECTORY);
        for (attributes, tag, kind) in [
            (FILE_ATTRIBUTE_ARCHIVE, 0, FileKind::Plain),
            (FILE_ATTRIBUTE_ARCHIVE | point, DEDUP, FileKind::StoredElsewhere),
            (point, CLOUD, FileKind::StoredElsewhere),
            (point, SYMLINK, FileKind::Other),
            (folder | point, MOUNT_POINT, FileKind::Other),
            (folder, 0, FileKind::Other),
        ] {
            assert_eq!(kind_from(attributes, tag), kind, "{attributes:#x} {tag:#x}");
        }
    }

    #[test]
    fn attributes_that_can_be_set_are_kept() {
        assert_eq!(kept_attributes(FILE_ATTRIBUTE_NORMAL), FILE_ATTRIBUTE_NORMAL);
        assert_eq!(kept_attributes(FILE_ATTRIBUTE_COMPRESSED), FILE_ATTRIBUTE_NORMAL);
        let hidden = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE;
        assert_eq!(kept_attributes(hidden | FILE_ATTRIBUTE_ENCRYPTED), hidden);
    }

    #[test]
    fn an_encrypted_file_is_not_replaced_by_a_readable_one() {
        let encrypted = FILE_ATTRIBUTE_ENCRYPTED | FILE_ATTRIBUTE_ARCHIVE;
        assert!(loses_encryption(encrypted, FILE_ATTRIBUTE_ARCHIVE));
        assert!(!loses_encryption(encrypted, encrypted));
        assert!(!loses_encryption(FILE_ATTRIBUTE_ARCHIVE, encrypted));
        assert!(!loses_encryption(FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_ARCHIVE));
    }

    #[test]
    fn a_temporary_file_is_open_to_nobody_until_it_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let temp = TempFile::create(folder.path(), "t".as_ref(), ".tmp").unwrap();
        let path = temp.path().to_path_buf();
        let is_refused = |result: io::Result<()>| is_file_in_use(&result.unwrap_err());
        assert!(is_refused(File::open(&path).map(drop)));
        assert!(is_refused(std::fs::remove_file(&path)));
        assert!(is_refused(std::fs::rename(&path, folder.path().join("elsewhere"))));
        assert!(std::fs::remove_dir(folder.path()).is_err());
        drop(temp);
        assert!(!path.exists());
    }

    #[test]
    fn a_temporary_file_gets_its_name_through_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("x".repeat(200)).join("y".repeat(100));
        std::fs::create_dir_all(&long).unwrap();
        for folder in [folder.path(), &*long] {
            let create = || TempFile::create(folder, "t".as_ref(), ".tmp").unwrap();
            let to = folder.join("name");
            persist_new(create(), &to).unwrap();
            let error = persist_new(create(), &to).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
            replace(create(), &to).unwrap();
            let files =
                std::fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file());
            assert_eq!(files.count(), 1);
        }
    }

    #[test]
    fn a_file_is_shared_with_readers_while_it_is_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "x").unwrap();
        let file = open_to_rename(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"x");
        assert!(is_file_in_use(&std::fs::remove_file(&path).unwrap_err()));
        drop(file);
    }

    #[test]
    fn a_file_is_renamed_by_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, "x").unwrap();
        let while_removed = open_to_remove(&from).map(|_open| rename_exclusively(&from, &to).unwrap_err());
        assert!(is_file_in_use(&while_removed.unwrap()));
        rename_exclusively(&from, &to).unwrap();
        assert_eq!(rename_exclusively(&from, &to).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(std::fs::read(&to).unwrap(), b"x");
    }

    #[test]
    fn a_lock_file_is_shared_with_nobody_who_could_remove_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "").unwrap();
        let lock = open_to_lock(&path).unwrap();
        assert!(is_file_in_use(&open_to_lock(&path).unwrap_err()));
        assert!(is_file_in_use(&std::fs::remove_file(&path).unwrap_err()));
        remove_open(&lock, &path).unwrap();
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn a_shared_lock_file_can_be_opened_and_locked_by_many_but_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        std::fs::write(&path, "").unwrap();
        set_basic_info(&File::options().write(true).open(&path).unwrap(), 0, FILE_ATTRIBUTE_READONLY)
            .unwrap();
        let open = || open_shared_lock(&path).unwrap();
        let looking = [open(), open()];
        assert!(looking.iter().all(|lock| lock.try_lock_shared().is_ok()));
        let held = open();
        assert!(matches!(held.try_lock(), Err(TryLockError::WouldBlock)));
        drop(looking);
        held.try_lock().unwrap();
        assert!(matches!(open().try_lock_shared(), Err(TryLockError::WouldBlock)));
        assert!(is_file_in_use(&std::fs::rename(&path, folder.path().join("elsewhere")).unwrap_err()));
        drop(held);
        let _alone = OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        assert!(is_file_in_use(&open_shared_lock(&path).unwrap_err()));
    }
}
