//! Files on Windows.

use std::ffi::OsString;
use std::fs::{File, FileTimes, OpenOptions};
use std::io::{self, Read};
use std::os::windows::fs::{FileTimesExt, MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, DELETE, FILE_ADD_FILE, FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED,
    FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_ATTRIBUTE_SYSTEM, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_ID_INFO, FILE_READ_ATTRIBUTES, FileIdInfo, FindClose,
    FindFirstStreamW, FindNextStreamW, FindStreamInfoStandard, GetFileInformationByHandle,
    GetFileInformationByHandleEx, MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW,
    SetFileAttributesW, WIN32_FIND_STREAM_DATA,
};

use crate::platform::FileId;

use super::security::copy_access;
use super::win32::{check, size_in_bytes, wide};

pub(in crate::platform) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

pub(in crate::platform) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    let Some(model) = model else { return set_attributes(path, FILE_ATTRIBUTE_ARCHIVE) };
    let metadata = std::fs::metadata(model)?;
    copy_access(model, path)?;
    copy_streams(model, path)?;
    file.set_times(FileTimes::new().set_created(metadata.created()?))?;
    // the ones that can be set; others, such as compression, are inherited from the folder
    const KEPT: u32 = FILE_ATTRIBUTE_ARCHIVE
        | FILE_ATTRIBUTE_HIDDEN
        | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
        | FILE_ATTRIBUTE_READONLY
        | FILE_ATTRIBUTE_SYSTEM;
    let kept = metadata.file_attributes() & KEPT;
    set_attributes(path, if kept == 0 { FILE_ATTRIBUTE_NORMAL } else { kept })
}

fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    // SAFETY: the path ends with NUL
    check(unsafe { SetFileAttributesW(wide(path).as_ptr(), attributes) })
}

/// Copies the alternate streams of a file, such as the mark of a downloaded file.
fn copy_streams(model: &Path, path: &Path) -> io::Result<()> {
    const CONTENTS: &str = "::$DATA";
    for stream in streams(model).iter().filter(|stream| *stream != CONTENTS) {
        std::fs::write(stream_of(path, stream), std::fs::read(stream_of(model, stream))?)?;
    }
    Ok(())
}

fn stream_of(path: &Path, stream: &str) -> OsString {
    let mut name = path.as_os_str().to_os_string();
    name.push(stream);
    name
}

/// The stream in which Windows records where a file was downloaded from ("mark of the web").
const MARK: &str = ":Zone.Identifier";

/// Reads the mark of a downloaded file: the text of an ini.
pub fn download_mark(path: &Path) -> Option<Vec<u8>> {
    // Windows writes only a few URLs
    const MAX_LEN: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    File::open(stream_of(path, MARK)).ok()?.take(MAX_LEN).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Checks whether this user may remove the mark of a downloaded file, without removing it.
pub fn can_remove_download_mark(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is marked read-only"));
    }
    OpenOptions::new().access_mode(DELETE).open(stream_of(path, MARK)).map(drop)
}

/// Removes the mark of a downloaded file, if it has one.
pub fn remove_download_mark(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(stream_of(path, MARK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Lists the streams of a file; none if the file system doesn't have them.
fn streams(path: &Path) -> Vec<String> {
    // SAFETY: all zeros is a valid value of this plain structure
    let mut found: WIN32_FIND_STREAM_DATA = unsafe { std::mem::zeroed() };
    let mut names = Vec::new();
    // SAFETY: the path ends with NUL, and `found` has the type of the information level
    let search =
        unsafe { FindFirstStreamW(wide(path).as_ptr(), FindStreamInfoStandard, (&raw mut found).cast(), 0) };
    if search == INVALID_HANDLE_VALUE {
        return names;
    }
    loop {
        let length = found.cStreamName.iter().position(|&unit| unit == 0).unwrap_or(found.cStreamName.len());
        names.push(String::from_utf16_lossy(&found.cStreamName[..length]));
        // SAFETY: the search is open, and `found` has the type that it writes
        if unsafe { FindNextStreamW(search, (&raw mut found).cast()) } == 0 {
            // SAFETY: the search is open
            unsafe { FindClose(search) };
            return names;
        }
    }
}

/// The longest pause between attempts to replace a file that is in use; all pauses together are ten seconds.
const MAX_PAUSE_TO_REPLACE: Duration = Duration::from_secs(5);
/// The same for attempts to open or remove a file; together half a second.
const MAX_PAUSE_TO_OPEN: Duration = Duration::from_millis(250);

/// Renames with one MoveFileExW. A virus scanner or a sync client may have either file open for a moment.
pub(in crate::platform) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from), wide(to));
    // for a file in use, MoveFileExW reports that access is denied
    let is_in_use = |error: &io::Error| {
        is_file_in_use(error) || error.raw_os_error() == Some(ERROR_ACCESS_DENIED.cast_signed())
    };
    retry(MAX_PAUSE_TO_REPLACE, is_in_use, || {
        // SAFETY: both paths end with NUL
        check(unsafe {
            MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
        })
    })
}

/// Opens a file to read it. When MicroSIP 3.22.16 starts, it doesn't share its ini for a moment.
pub(in crate::platform) fn open_to_read(path: &Path) -> io::Result<File> {
    retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || File::open(path))
}

/// Opens a regular file to read it; a link or a folder is an error.
pub(in crate::platform) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = retry(MAX_PAUSE_TO_OPEN, is_file_in_use, || options.open(path))?;
    let attributes = file.metadata()?.file_attributes();
    if attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT) == 0 {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link or not a regular file"))
    }
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

/// Does nothing: MoveFileExW with MOVEFILE_WRITE_THROUGH has already done it.
pub(in crate::platform) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether two paths lead to the same file.
pub(in crate::platform) fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    same_file::is_same_file(a, b)
}

/// Returns why this user can't create files in the folder. For a file, Windows reports it when the file is replaced:
/// opening it to find out could prevent MicroSIP from opening it.
pub fn why_not_writable(path: &Path) -> Option<io::Error> {
    if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return None;
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
