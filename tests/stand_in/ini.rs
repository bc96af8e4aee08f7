//! Reads and writes the ini with the same functions as MicroSIP.

#![allow(unsafe_code, reason = "the functions take pointers")]

use std::io;
use std::path::{Path, PathBuf};

use windows_sys::Win32::Globalization::{CP_ACP, MultiByteToWideChar};
use windows_sys::Win32::System::WindowsProgramming::{GetPrivateProfileStringW, WritePrivateProfileStringW};

use crate::version::Version;
use crate::wide::{path_with_nul, to_nul, with_nul};

const BOM: [u8; 2] = [0xFF, 0xFE];

/// An ini on the disk. Nothing of it is cached.
pub struct Ini {
    /// The path.
    pub path: PathBuf,
    path_with_nul: Vec<u16>,
}

impl Ini {
    /// Refers to an ini, whether or not it exists.
    pub fn at(path: PathBuf) -> Self {
        let path_with_nul = path_with_nul(&path);
        Ini { path, path_with_nul }
    }

    /// Converts the ini to UTF-16. Returns whether this is the first run, which means that the ini was empty.
    pub fn prepare(&self, version: Version) -> bool {
        if version.has_no_arguments() {
            // these versions neither convert nor create it
            return false;
        }
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let is_first_run = bytes.is_empty();
        if is_first_run {
            let header = if version >= Version(3, 22, 16) { "[Global]" } else { "[Settings]" };
            let header: Vec<u16> = header.encode_utf16().collect();
            std::fs::create_dir_all(self.path.parent().unwrap()).unwrap();
            write_utf16(&self.path, &header);
        } else if bytes.len() >= 2 && !bytes.starts_with(&BOM) {
            write_utf16(&self.path, &from_ansi(&bytes));
        }
        is_first_run
    }

    /// Returns a value, cut off at the size of the buffer in UTF-16 units.
    pub fn get(&self, section: &str, key: &str, default: &str, size: usize) -> Vec<u16> {
        let (section, key, default) = (with_nul(section), with_nul(key), with_nul(default));
        let mut buffer = vec![0_u16; size];
        // SAFETY: each text ends with NUL, and the buffer has the given size
        let count = unsafe {
            GetPrivateProfileStringW(
                section.as_ptr(),
                key.as_ptr(),
                default.as_ptr(),
                buffer.as_mut_ptr(),
                u32::try_from(size).unwrap(),
                self.path_with_nul.as_ptr(),
            )
        };
        buffer.truncate(usize::try_from(count).unwrap());
        buffer
    }

    /// Writes one key.
    pub fn set(&self, section: &str, key: &str, value: &[u16]) -> io::Result<()> {
        let value = [value, &[0]].concat();
        self.write(section, key, Some(&value))
    }

    /// Deletes one key.
    pub fn delete(&self, section: &str, key: &str) -> io::Result<()> {
        self.write(section, key, None)
    }

    fn write(&self, section: &str, key: &str, value: Option<&[u16]>) -> io::Result<()> {
        let (section, key) = (with_nul(section), with_nul(key));
        let value = value.map_or(std::ptr::null(), <[u16]>::as_ptr);
        // SAFETY: each text ends with NUL; a null for the value deletes the key
        let is_done = unsafe {
            WritePrivateProfileStringW(section.as_ptr(), key.as_ptr(), value, self.path_with_nul.as_ptr())
        };
        if is_done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Writes a text as UTF-16. Like MicroSIP, it ignores errors.
fn write_utf16(path: &Path, text: &[u16]) {
    let bytes: Vec<u8> = BOM.into_iter().chain(text.iter().copied().flat_map(u16::to_le_bytes)).collect();
    let _ = std::fs::write(path, bytes);
}

/// Converts ANSI text up to the first NUL. MicroSIP loses the rest.
fn from_ansi(bytes: &[u8]) -> Vec<u16> {
    // in every code page, a text has at most as many units as bytes
    let mut units = vec![0_u16; bytes.len()];
    let length = i32::try_from(bytes.len()).unwrap();
    // SAFETY: both buffers have the given lengths
    let count = unsafe { MultiByteToWideChar(CP_ACP, 0, bytes.as_ptr(), length, units.as_mut_ptr(), length) };
    units.truncate(usize::try_from(count).unwrap());
    to_nul(&units).to_vec()
}
