//! Windows executables: whether a file is one, and its version.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What a path leads to, as seen by a user who wants to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramProbe {
    /// Nothing has this path.
    Missing,
    /// It is a folder.
    Folder,
    /// It can't be read, or isn't a regular file, for this reason.
    Unreadable(String),
    /// It is a regular file.
    File { length: u64, is_executable_image: bool },
}

/// Examines what a path leads to. A file is an executable image if it begins with the signatures of a Windows program
/// (`MZ`, and `PE` where that header points to).
pub fn probe_program(path: &Path) -> ProgramProbe {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return ProgramProbe::Missing;
        }
        Err(error) => return ProgramProbe::Unreadable(error.to_string()),
    };
    if metadata.is_dir() {
        return ProgramProbe::Folder;
    }
    if !metadata.is_file() {
        return ProgramProbe::Unreadable("it is a device or a pipe".into());
    }
    match File::open(path).and_then(|mut file| pe_header(&mut file)) {
        Ok(header) => ProgramProbe::File { length: metadata.len(), is_executable_image: header.is_some() },
        Err(error) => ProgramProbe::Unreadable(error.to_string()),
    }
}

/// Returns whether an executable image is a 32-bit program for x86; `None` if that can't be read.
pub fn is_32_bit_exe(path: &Path) -> Option<bool> {
    /// `IMAGE_FILE_MACHINE_I386`, the first field after the signature.
    const I386: u16 = 0x14C;
    let mut file = File::open(path).ok()?;
    let start = pe_header(&mut file).ok().flatten()?;
    Some(word(&read_at(&mut file, start + 4, 2).ok()?, 0)? == I386)
}

/// Reads the four numbers of a Windows program's file version from its version resource (VS_FIXEDFILEINFO).
pub fn version_of_exe(path: &Path) -> Option<[u16; 4]> {
    /// `dwSignature` 0xFEEF04BD and `dwStrucVersion` 1.0.
    const START: [u8; 8] = [0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0];
    // opening a pipe would wait for a writer
    if !path.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let resources = resources_of(&mut file).ok().flatten()?;
    let at = memchr::memmem::find(&resources, &START)? + START.len();
    // dwFileVersionMS, then dwFileVersionLS, each with the high word last
    let words = [2, 0, 6, 4].map(|index| word(&resources, at + index));
    match words {
        [Some(major), Some(minor), Some(patch), Some(build)] => Some([major, minor, patch, build]),
        _ => None,
    }
}

/// Returns the offset of the PE header; `None` if the file isn't an executable image.
fn pe_header(file: &mut File) -> io::Result<Option<u64>> {
    const DOS_HEADER: u64 = 64;
    let header = read_at(file, 0, DOS_HEADER)?;
    let Some(offset) = long(&header, 60).filter(|_| header.starts_with(b"MZ")) else { return Ok(None) };
    let has_signature = read_at(file, offset.into(), 4)? == *b"PE\0\0";
    Ok(has_signature.then_some(offset.into()))
}

/// Reads the resource section of an executable; `None` if the file isn't one or has no such section.
fn resources_of(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    const SIGNATURE_AND_FILE_HEADER: u64 = 24;
    const SECTION: usize = 40;
    const LARGEST: u64 = 64 * 1024 * 1024;
    let Some(start) = pe_header(file)? else { return Ok(None) };
    let header = read_at(file, start, SIGNATURE_AND_FILE_HEADER)?;
    let (Some(sections), Some(optional_header)) = (word(&header, 6), word(&header, 20)) else {
        return Ok(None);
    };
    let table = start + SIGNATURE_AND_FILE_HEADER + u64::from(optional_header);
    let table = read_at(file, table, u64::from(sections) * SECTION as u64)?;
    let Some(resources) = table.chunks_exact(SECTION).find(|section| section.starts_with(b".rsrc\0")) else {
        return Ok(None);
    };
    match (long(resources, 20), long(resources, 16)) {
        (Some(offset), Some(size)) => read_at(file, offset.into(), u64::from(size).min(LARGEST)).map(Some),
        _ => Ok(None),
    }
}

fn read_at(file: &mut File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds an executable with a single section.
    fn image(section: &[u8; 8], resources: &[u8]) -> Vec<u8> {
        let mut image = vec![0_u8; 64];
        image[..2].copy_from_slice(b"MZ");
        image[60] = 64;
        // signature and file header: one section, an optional header of 4 bytes
        image.extend(b"PE\0\0\x64\x86\x01\0");
        image.extend([0; 12]);
        image.extend([4, 0, 0, 0]);
        image.extend([0; 4]);
        let offset = u32::try_from(image.len() + 40).unwrap();
        image.extend(section);
        image.extend([0; 8]);
        image.extend(u32::try_from(resources.len()).unwrap().to_le_bytes());
        image.extend(offset.to_le_bytes());
        image.extend([0; 16]);
        image.extend(resources);
        image
    }

    #[test]
    fn the_machine_of_an_exe_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let exe = folder.path().join("MicroSIP.exe");
        let mut bytes = image(b".rsrc\0\0\0", b"");
        for (machine, is_32_bit) in [([0x64, 0x86], false), ([0x4C, 1], true), ([0x64, 0xAA], false)] {
            bytes[68..70].copy_from_slice(&machine);
            std::fs::write(&exe, &bytes).unwrap();
            assert_eq!(is_32_bit_exe(&exe), Some(is_32_bit), "{machine:02X?}");
        }
        std::fs::write(&exe, b"text").unwrap();
        assert_eq!(is_32_bit_exe(&exe), None);
        assert_eq!(is_32_bit_exe(folder.path()), None);
    }

    #[test]
    fn the_version_of_an_exe_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let exe = folder.path().join("MicroSIP.exe");
        let version_of = |bytes: Vec<u8>| {
            std::fs::write(&exe, bytes).unwrap();
            version_of_exe(&exe)
        };
        let resource = [0xBD, 0x04, 0xEF, 0xFE, 0, 0, 1, 0, 22, 0, 3, 0, 7, 0, 3, 0];
        let resources = [b"whatever", &resource[..]].concat();
        assert_eq!(version_of(image(b".rsrc\0\0\0", &resources)), Some([3, 22, 3, 7]));
        assert_eq!(version_of(image(b".rdata\0\0", &resources)), None, "only resources count");
        assert_eq!(version_of(image(b".rsrc\0\0\0", &resources[..20])), None, "truncated");
        for length in [0, 2, 63, 64, 70, 90, 120, 150] {
            let whole = image(b".rsrc\0\0\0", &resources);
            assert_eq!(version_of(whole[..length.min(whole.len() - 1)].to_vec()), None, "{length}");
        }
        assert_eq!(version_of_exe(folder.path()), None);
    }
}
