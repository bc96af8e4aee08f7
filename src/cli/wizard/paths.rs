//! Completion of paths.

use std::path::Path;

use crate::platform::{DirEntry, FileSystem, SystemFs, WindowsPaths};

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// The ways in which what was typed of a path can go on: what all names that begin so have in common, if that is
/// more; else each of them. `list` lists a folder.
pub fn ways(typed: &str, separators: &[char], list: impl Fn(&str) -> Vec<Entry>) -> Vec<String> {
    let (folder, start) = typed.split_at(typed.rfind(separators).map_or(0, |at| at + 1));
    let mut entries = list(folder);
    entries.retain(|entry| common(&entry.name, start).1 == start.len());
    let Some(first) = entries.first() else { return Vec::new() };
    let shared = entries.iter().fold(first.name.as_str(), |shared, entry| {
        let length = common(shared, &entry.name).0;
        &shared[..length]
    });
    if entries.len() > 1 && shared.chars().count() > start.chars().count() {
        return vec![format!("{folder}{shared}")];
    }
    let separator = folder.chars().next_back().or(separators.first().copied());
    let way = |entry: &Entry| {
        let separator = separator.filter(|_| entry.is_folder).map(String::from).unwrap_or_default();
        format!("{folder}{}{separator}", entry.name)
    };
    entries.iter().map(way).collect()
}

/// How many bytes of each text are the same, in any letter case.
fn common(a: &str, b: &str) -> (usize, usize) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b || a.to_lowercase().eq(b.to_lowercase()));
    same.fold((0, 0), |(a, b), (of_a, of_b)| (a + of_a.len_utf8(), b + of_b.len_utf8()))
}

/// The same for a path of Windows, which may lie in a Wine prefix.
pub fn ways_on_windows(typed: &str, paths: &WindowsPaths) -> Vec<String> {
    ways(typed, &['\\', '/'], |folder| paths.to_host(folder).map_or(Vec::new(), |folder| entries(&folder)))
}

/// The same for a path of this machine. One without a folder lies in `here`.
pub fn ways_here(typed: &str, here: Option<&Path>) -> Vec<String> {
    let is_windows = std::path::MAIN_SEPARATOR == '\\';
    let separators: &[char] = if is_windows { &['\\', '/'] } else { &['/'] };
    ways(typed, separators, |folder| {
        let folder = here.map_or_else(|| folder.into(), |here| here.join(folder));
        entries(&folder)
    })
}

fn entries(folder: &Path) -> Vec<Entry> {
    let entry = |entry: &DirEntry| {
        let name = entry.name().to_str()?.to_string();
        Some(Entry { name, is_folder: SystemFs.is_dir(&entry.path) })
    };
    let mut entries: Vec<Entry> =
        SystemFs.list(folder).unwrap_or_default().iter().filter_map(entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways_of(typed: &str) -> Vec<String> {
        ways(typed, &['\\', '/'], |folder| {
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
    fn what_is_certain_is_completed_and_else_all_is_offered() {
        for (typed, wanted) in [
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
            assert_eq!(ways_of(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn folders_of_this_machine_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("Ünï")).unwrap();
        std::fs::write(folder.path().join("Ünï").join("MicroSIP.ini"), "").unwrap();
        let here = Some(folder.path());
        let within = format!("Ünï{}", std::path::MAIN_SEPARATOR);
        assert_eq!(ways_here("Ü", here), std::slice::from_ref(&within));
        assert_eq!(ways_here(&within, here), [format!("{within}MicroSIP.ini")]);
        assert_eq!(ways_here("none/", here), Vec::<String>::new());
    }
}
