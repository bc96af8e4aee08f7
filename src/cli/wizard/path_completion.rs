//! Tab completion of paths.

use std::path::Path;

use crate::platform::{FileSystem, FileSystemExt, SystemFs, WindowsPaths};

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    is_folder: bool,
}

/// Returns the completions of a path: the longest common prefix of all names that match, or if that adds nothing, each
/// of them. `list` returns the entries of a folder.
fn complete(typed: &str, separators: &[char], list: impl Fn(&str) -> Vec<Entry>) -> Vec<String> {
    let (folder, start) = typed.split_at(typed.rfind(separators).map_or(0, |at| at + 1));
    let mut entries = list(folder);
    entries.retain(|entry| common_prefix(&entry.name, start).1 == start.len());
    let Some(first) = entries.first() else { return Vec::new() };
    let shared = entries.iter().fold(first.name.as_str(), |shared, entry| {
        let length = common_prefix(shared, &entry.name).0;
        &shared[..length]
    });
    if entries.len() > 1 && shared.chars().count() > start.chars().count() {
        return vec![format!("{folder}{shared}")];
    }
    let separator = folder.chars().next_back().or(separators.first().copied());
    let completed = |entry: &Entry| {
        let separator = separator.filter(|_| entry.is_folder).map(String::from).unwrap_or_default();
        format!("{folder}{}{separator}", entry.name)
    };
    entries.iter().map(completed).collect()
}

/// Returns the length of the common prefix, ignoring case, in bytes of each text.
fn common_prefix(a: &str, b: &str) -> (usize, usize) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b || a.to_lowercase().eq(b.to_lowercase()));
    same.fold((0, 0), |(a, b), (of_a, of_b)| (a + of_a.len_utf8(), b + of_b.len_utf8()))
}

/// Completes a Windows path, which may be in a Wine prefix.
pub fn for_windows(typed: &str, paths: &WindowsPaths) -> Vec<String> {
    complete(typed, &['\\', '/'], |folder| {
        paths.to_host(folder).map_or(Vec::new(), |folder| entries(&folder))
    })
}

/// Completes a path of this computer, relative to the current folder.
pub fn for_host(typed: &str, current_folder: Option<&Path>) -> Vec<String> {
    let is_windows = std::path::MAIN_SEPARATOR == '\\';
    let separators: &[char] = if is_windows { &['\\', '/'] } else { &['/'] };
    complete(typed, separators, |folder| {
        let folder = current_folder.map_or_else(|| folder.into(), |current| current.join(folder));
        entries(&folder)
    })
}

fn entries(folder: &Path) -> Vec<Entry> {
    let entry = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(Entry { name, is_folder: SystemFs.is_dir(&entry.path()) })
    };
    let mut entries: Vec<Entry> =
        SystemFs.list(folder).unwrap_or_default().iter().filter_map(entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completions(typed: &str) -> Vec<String> {
        complete(typed, &['\\', '/'], |folder| {
            let names: &[(&str, bool)] = match folder.to_lowercase().replace('/', "\\").as_str() {
                r"c:\" => &[("Program Files", true), ("Program Files (x86)", true), ("hooks", true)],
                r"c:\hooks\" => &[("log.ps1", false), ("login.exe", false), ("Übersicht.exe", false)],
                "" => &[("ini", true)],
                _ => &[],
            };
            let entry =
                |(name, is_folder): &(&str, bool)| Entry { name: name.to_string(), is_folder: *is_folder };
            names.iter().map(entry).collect()
        })
    }

    #[test]
    fn completes_the_common_prefix_then_offers_every_match() {
        for (typed, expected) in [
            (r"C:\h", &[r"C:\hooks\"][..]),
            (r"C:\HO", &[r"C:\hooks\"]),
            ("C:/h", &["C:/hooks/"]),
            (r"C:\p", &[r"C:\Program Files"]),
            (r"C:\Program Files", &[r"C:\Program Files\", r"C:\Program Files (x86)\"]),
            (r"C:\hooks\l", &[r"C:\hooks\log"]),
            (r"C:\hooks\log", &[r"C:\hooks\log.ps1", r"C:\hooks\login.exe"]),
            (r"C:\hooks\log.", &[r"C:\hooks\log.ps1"]),
            (r"C:\hooks\üb", &[r"C:\hooks\Übersicht.exe"]),
            (r"C:\hooks\none", &[]),
            (r"C:\nowhere\x", &[]),
            ("i", &[r"ini\"]),
        ] {
            assert_eq!(completions(typed), expected, "{typed}");
        }
    }

    #[test]
    fn host_folders_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Ünï")).unwrap();
        std::fs::write(folder.path().join("Ünï").join("MicroSIP.ini"), "").unwrap();
        let current = Some(folder.path());
        let within = format!("Ünï{}", std::path::MAIN_SEPARATOR);
        assert_eq!(for_host("Ü", current), std::slice::from_ref(&within));
        assert_eq!(for_host(&within, current), [format!("{within}MicroSIP.ini")]);
        assert_eq!(for_host("none/", current), Vec::<String>::new());
    }
}
