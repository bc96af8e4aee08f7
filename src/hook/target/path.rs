//! What a Windows path shows by itself.

use std::path::Path;

/// Returns whether a path is `C:\…` or `\\server\…`. `C:x` and `\x` depend on the folder in which MicroSIP runs.
pub fn is_full(path: &str) -> bool {
    let bytes = path.as_bytes();
    let has_drive =
        bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'\\';
    has_drive || path.starts_with(r"\\")
}

/// Returns whether a program is given by its name, without a folder.
pub fn is_name(program: &str) -> bool {
    !program.is_empty() && !program.contains(['\\', '/', ':'])
}

/// Returns why a full path can't name a program, if it can't.
pub fn defect(path: &str) -> Option<&'static str> {
    if path.starts_with(r"\\.\") || path.starts_with(r"\\?\") {
        Some("it names a device")
    } else if path[2..].contains(':') {
        Some(BAD_CHARACTER)
    } else if let Some(defect) = defect_of_parts(path) {
        Some(defect)
    } else if path.ends_with('\\') {
        Some("it ends with a backslash, like a folder")
    } else if path.ends_with(['.', ' ']) {
        Some("it ends with a dot or a space, which Windows removes")
    } else {
        None
    }
}

const BAD_CHARACTER: &str = "it contains a character that a path can't have";

/// Returns why the folders and the name in a path can't exist on Windows, if they can't. The path may be relative.
pub fn defect_of_parts(path: &str) -> Option<&'static str> {
    if path.contains(['*', '?', '"', '<', '>', '|']) || path.chars().any(char::is_control) {
        Some(BAD_CHARACTER)
    } else if path.split(['\\', '/']).any(is_device) {
        Some("it contains the name of a device")
    } else {
        None
    }
}

/// Returns whether Windows takes a part of a path for a device.
fn is_device(part: &str) -> bool {
    const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_lowercase();
    let is_port = |name: &str| {
        stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n != "0" && n.parse::<u8>().is_ok())
    };
    DEVICES.contains(&stem.as_str()) || is_port("com") || is_port("lpt")
}

/// Returns the last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}

/// Returns the extension in lower case, without the dot; empty if there is none.
pub fn extension(path: &str) -> String {
    file_name(path).rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
}

/// Returns whether a file is in a folder for temporary files or downloads.
pub fn is_temporary(path: &str) -> bool {
    let folders = path.rsplit_once('\\').map_or("", |(folders, _)| folders);
    folders
        .split('\\')
        .any(|part| ["temp", "tmp", "downloads"].iter().any(|name| part.eq_ignore_ascii_case(name)))
}

/// Returns the user in whose folder a file is, unless the ini is in that user's folder, too.
pub fn other_user(path: &str, ini: &Path) -> Option<String> {
    const SHARED: &[&str] = &["public", "default", "all users"];
    let owner = {
        // the last one, because a Wine prefix may itself be in a user's folder
        let parts: Vec<&str> = ini.iter().filter_map(|part| part.to_str()).collect();
        let users = parts.iter().rposition(|part| part.eq_ignore_ascii_case("users"))?;
        parts.get(users + 1).copied()?
    };
    let mut parts = path.get(3..)?.split('\\');
    let user = parts.next().filter(|part| part.eq_ignore_ascii_case("users")).and_then(|_| parts.next())?;
    let is_other =
        !owner.eq_ignore_ascii_case(user) && !SHARED.iter().any(|name| name.eq_ignore_ascii_case(user));
    is_other.then(|| user.to_string())
}
