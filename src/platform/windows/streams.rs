//! Alternate data streams, such as the mark of a downloaded file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_FLAG_OPEN_REPARSE_POINT, FindClose, FindFirstStreamW, FindNextStreamW,
    FindStreamInfoStandard, WIN32_FIND_STREAM_DATA,
};

use super::win32::wide;

/// Copies the alternate streams of a file, such as the mark of a downloaded file. Returns those that can't be copied: a
/// share may have streams that can't be read, a disk without streams doesn't take them, and very large ones aren't.
pub(super) fn copy_streams(model: &Path, path: &Path) -> Vec<String> {
    const CONTENTS: &str = "::$DATA";
    // those of Windows have a few URLs; a user could make one as large as the disk
    const MAX_LEN: u64 = 64 * 1024;
    let copy = |stream: &str| -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
        let mut bytes = Vec::new();
        options.open(stream_of(model, stream))?.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_LEN {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        std::fs::write(stream_of(path, stream), bytes)
    };
    let others = streams(model).into_iter().filter(|stream| stream != CONTENTS);
    others.filter(|stream| copy(stream).is_err()).collect()
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
