//! The file with the errors of programs that can't show them to a user.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::platform;

/// When the file is renamed and a new one is started, in bytes.
const MAX_LEN: u64 = 1024 * 1024;

/// Adds an error with its time. If the file can't be written, the error is lost.
pub fn add(path: &Path, program: &str, error: &dyn std::fmt::Display) {
    let time = humantime::format_rfc3339_seconds(SystemTime::now());
    // what a caller sent must not look like another line
    let message: String = error.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = format!("{time} {program}: {message}");
    let _ = platform::append_to_log(path, &line, MAX_LEN, &old(path));
}

/// Returns the path of the file before.
pub fn old(path: &Path) -> PathBuf {
    path.with_extension("old.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_most_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("error.log");
        let long = "x".repeat(usize::try_from(MAX_LEN).unwrap());
        for error in ["first\nline", &long, "third", &long, "fifth"] {
            add(&log, "test", &error);
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let (log, old) = (read("error.log"), read("error.old.log"));
        assert!(log.ends_with("Z test: fifth\n") && log.lines().count() == 1, "{log}");
        assert!(old.contains("Z test: third\n") && old.lines().count() == 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
