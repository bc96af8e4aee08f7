//! Files on Windows: what a replaced ini keeps, and the replacing.

use std::ffi::OsString;
use std::fs::{File, FileTimes, OpenOptions};
use std::io::{self, Read};
use std::os::windows::fs::{FileTimesExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use same_file::Handle;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_LOCK_VIOLATION, ERROR_SHARING_VIOLATION, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL,
    FILE_ATTRIBUTE_NOT_CONTENT_INDEXED, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_SYSTEM, FILE_FLAG_OPEN_REPARSE_POINT, FindClose, FindFirstStreamW, FindNextStreamW,
    FindStreamInfoStandard, MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH, MoveFileExW,
    SetFileAttributesW, WIN32_FIND_STREAM_DATA,
};

use super::security::copy_security;
use super::text::wide;

pub(in crate::platform) fn never_follow_links(options: &mut OpenOptions) {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
}

pub(in crate::platform) fn adopt(model: Option<&Path>, file: &File, path: &Path) -> io::Result<()> {
    let Some(model) = model else { return set_attributes(path, FILE_ATTRIBUTE_ARCHIVE) };
    let metadata = std::fs::metadata(model)?;
    copy_security(model, path)?;
    copy_streams(model, path)?;
    file.set_times(FileTimes::new().set_created(metadata.created()?))?;
    // those that can be set; others, such as compression, come from the folder
    const KEPT: u32 = FILE_ATTRIBUTE_ARCHIVE
        | FILE_ATTRIBUTE_HIDDEN
        | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED
        | FILE_ATTRIBUTE_READONLY
        | FILE_ATTRIBUTE_SYSTEM;
    match metadata.file_attributes() & KEPT {
        0 => set_attributes(path, FILE_ATTRIBUTE_NORMAL),
        attributes => set_attributes(path, attributes),
    }
}

fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    // SAFETY: the path ends with NUL
    match unsafe { SetFileAttributesW(wide(path).as_ptr(), attributes) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Copies what a file holds beside its contents, such as the mark of where it came from.
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

/// The stream in which Windows notes where a file came from, known as the mark of the web.
const MARK: &str = ":Zone.Identifier";

/// What Windows has noted of where a file came from: the text of an ini.
pub fn mark_of(path: &Path) -> Option<Vec<u8>> {
    // Windows writes a few addresses
    const LONGEST: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    File::open(stream_of(path, MARK)).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Whether this user may take a file's mark off; nothing is done yet.
pub fn can_remove_mark(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is marked read-only"));
    }
    OpenOptions::new().access_mode(DELETE).open(stream_of(path, MARK)).map(drop)
}

/// Takes a file's mark off, if it has one.
pub fn remove_mark(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(stream_of(path, MARK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The names of a file's streams; none where the disk does not have them.
fn streams(path: &Path) -> Vec<String> {
    // SAFETY: all zeros is a valid value of this plain structure
    let mut found: WIN32_FIND_STREAM_DATA = unsafe { std::mem::zeroed() };
    let mut names = Vec::new();
    // SAFETY: the path ends with NUL, and `found` is what the information level writes to
    let search =
        unsafe { FindFirstStreamW(wide(path).as_ptr(), FindStreamInfoStandard, (&raw mut found).cast(), 0) };
    if search == INVALID_HANDLE_VALUE {
        return names;
    }
    loop {
        let length = found.cStreamName.iter().position(|&unit| unit == 0).unwrap_or(found.cStreamName.len());
        names.push(String::from_utf16_lossy(&found.cStreamName[..length]));
        // SAFETY: the search is open, and `found` is what it writes to
        if unsafe { FindNextStreamW(search, (&raw mut found).cast()) } == 0 {
            // SAFETY: the search is open
            unsafe { FindClose(search) };
            return names;
        }
    }
}

/// The longest pause before a last try to replace a file that somebody holds: ten seconds in all.
const LONGEST_BEFORE_REPLACING: Duration = Duration::from_secs(5);
/// The same before opening one to read: half a second in all.
const LONGEST_BEFORE_READING: Duration = Duration::from_millis(250);

/// One MoveFileExW. A virus scanner or a sync client may hold either file for a moment.
pub(in crate::platform) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from), wide(to));
    // MoveFileExW says of a file that is held that access is denied
    let is_held = |error: &io::Error| {
        is_held_by_another(error) || error.raw_os_error() == Some(ERROR_ACCESS_DENIED.cast_signed())
    };
    patiently(LONGEST_BEFORE_REPLACING, is_held, || {
        // SAFETY: both paths end with NUL
        let done = unsafe {
            MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    })
}

/// Opens a file to read it. A MicroSIP that starts shares its ini with nobody for a moment (3.22.16).
pub(in crate::platform) fn open_to_read(path: &Path) -> io::Result<File> {
    patiently(LONGEST_BEFORE_READING, is_held_by_another, || File::open(path))
}

/// Opens a file to read it, and nothing else: no link, no folder.
pub(in crate::platform) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let file = patiently(LONGEST_BEFORE_READING, is_held_by_another, || options.open(path))?;
    let attributes = file.metadata()?.file_attributes();
    if attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT) == 0 {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or no file"))
    }
}

/// Takes a name away, patiently: a virus scanner may have the file open for a moment.
pub(in crate::platform) fn remove(path: &Path) -> io::Result<()> {
    patiently(LONGEST_BEFORE_READING, is_held_by_another, || std::fs::remove_file(path))
}

/// Whether a file could not be opened because another program has it open and does not share it.
pub fn is_held_by_another(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(i32::cast_unsigned);
    matches!(number, Some(ERROR_SHARING_VIOLATION | ERROR_LOCK_VIOLATION))
}

/// Tries again with growing pauses as long as somebody holds a file.
fn patiently<T>(
    longest_pause: Duration,
    is_held: impl Fn(&io::Error) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut pause = Duration::from_millis(10);
    loop {
        match attempt() {
            Err(error) if is_held(&error) && pause <= longest_pause => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
}

/// MoveFileExW with MOVEFILE_WRITE_THROUGH has done it.
pub(in crate::platform) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether two paths lead to the same file.
///
/// # Errors
/// One of them cannot be opened.
pub(in crate::platform) fn is_same_file(a: &Path, b: &Path) -> io::Result<bool> {
    same_file::is_same_file(a, b)
}

/// Whether this is the name of an open file.
///
/// # Errors
/// What has that name cannot be opened.
pub(in crate::platform) fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    Ok(Handle::from_file(file.try_clone()?)? == Handle::from_path(path)?)
}
