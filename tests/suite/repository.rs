//! Checks rules of the source files that no other tool checks.

use std::path::Path;

use crate::docs::{path, read};

const MAX_FILE_LINES: usize = 600;
/// The files that only call the library.
const MAX_MAIN_LINES: [(&str, usize); 2] = [("src/main.rs", 80), ("src/bin/msipcfg-run.rs", 150)];
const MAX_PROSE_COLUMNS: usize = 120;

/// Returns the files below a folder that have one of these extensions, as paths relative to the repository.
fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&name, extensions));
        } else if Path::new(&name).extension().is_some_and(|found| extensions.iter().any(|e| found == *e)) {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn source_files() -> impl Iterator<Item = String> {
    let is_built = |name: &String| !name.starts_with("tests/fuzz/target/");
    files("src", &["rs"]).into_iter().chain(files("tests", &["rs"])).filter(is_built)
}

#[test]
fn files_are_short() {
    let lengths = source_files().map(|name| (read(&name).lines().count(), name));
    let limit = |name: &String| {
        let own = MAX_MAIN_LINES.iter().find(|(main, _)| main == name);
        own.map_or(MAX_FILE_LINES, |(_, lines)| *lines)
    };
    let long: Vec<_> = lengths.filter(|(lines, name)| *lines > limit(name)).collect();
    assert!(long.is_empty(), "split these files: {long:#?}");
}

#[test]
fn prose_fits_the_page() {
    let mut long = Vec::new();
    let mut check = |name: &str, is_prose: &mut dyn FnMut(&str) -> bool| {
        for (index, line) in read(name).lines().enumerate() {
            if is_prose(line.trim_start()) && line.chars().count() > MAX_PROSE_COLUMNS {
                long.push(format!("{name}:{}", index + 1));
            }
        }
    };
    for name in source_files() {
        check(&name, &mut |line| line.starts_with("//"));
    }
    let pages = files("docs", &["md"]).into_iter().chain(files(".github", &["md"]));
    for name in pages.filter(|name| name != "docs/reference/cli.md").chain(["README.md".into()]) {
        let mut is_code = false;
        check(&name, &mut |line| {
            is_code ^= line.starts_with("```");
            // tables can't be wrapped
            !is_code && !line.starts_with('|')
        });
    }
    assert!(long.is_empty(), "these lines have more than {MAX_PROSE_COLUMNS} columns: {long:#?}");
}

#[test]
fn only_the_platform_module_depends_on_the_operating_system() {
    let mut found = Vec::new();
    for name in files("src", &["rs"]).into_iter().filter(|name| !name.starts_with("src/platform/")) {
        for (index, line) in read(&name).lines().enumerate() {
            let is_condition = line.contains("cfg(") || line.contains("cfg!(") || line.contains("cfg_attr(");
            // A test may be skipped on one system.
            let is_condition = is_condition && !line.contains("ignore =");
            if is_condition && ["windows", "unix", "target_"].iter().any(|system| line.contains(system)) {
                found.push(format!("{name}:{}", index + 1));
            }
        }
    }
    assert!(found.is_empty(), "move this code to src/platform: {found:#?}");
}

#[test]
fn the_workflows_use_the_oldest_supported_rust() {
    let wanted = format!("RUSTUP_TOOLCHAIN: {}\n", env!("CARGO_PKG_RUST_VERSION"));
    for workflow in ["ci", "release"] {
        let text = read(&format!(".github/workflows/{workflow}.yml"));
        assert!(text.contains(&wanted), "{workflow}.yml doesn't contain {wanted}");
    }
    let fuzz = read("tests/fuzz/Cargo.toml");
    assert!(fuzz.contains(&format!("rust-version = \"{}\"", env!("CARGO_PKG_RUST_VERSION"))));
}

#[test]
fn the_changelog_mentions_this_version() {
    assert!(read("docs/changelog.md").contains(env!("CARGO_PKG_VERSION")));
}
