//! Checks every page: for whom it is, its links, and its pictures.

use std::collections::BTreeSet;

use regex::Regex;

use super::{path, read};

/// Returns every page for readers.
pub(super) fn pages() -> Vec<String> {
    let mut pages =
        vec!["README.md".to_string(), ".github/CONTRIBUTING.md".into(), ".github/SECURITY.md".into()];
    let mut folders = vec!["docs".to_string()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(path(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(name);
            } else if name.ends_with(".md") {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

/// Returns a page without its code blocks.
pub(super) fn prose_of(page: &str) -> String {
    let text = read(page);
    let parts = text.split("```").enumerate().filter(|(index, _)| index % 2 == 0);
    parts.map(|(_, part)| part).collect()
}

#[test]
fn every_page_first_says_for_whom_it_is() {
    let folders = ["docs/admin/", "docs/guide/", "docs/reference/", "docs/internals/"];
    for page in pages().iter().filter(|page| folders.iter().any(|folder| page.starts_with(folder))) {
        let text = read(page);
        let (_, first) = text.split_once("\n\n").unwrap();
        assert!(
            first.starts_with("This page is for "),
            "{page} begins with: {}",
            first.lines().next().unwrap()
        );
    }
}

/// Returns the names by which links reach the headings of a page, as GitHub makes them.
fn anchors_of(page: &str) -> BTreeSet<String> {
    let markup = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let headings = prose_of(page);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let heading = markup.replace_all(line.trim_start_matches('#').trim(), "$1").to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// Returns the text and the target of each link and picture, and whether it's a picture.
fn links_of(page: &str) -> Vec<(bool, String, String)> {
    let link = Regex::new(r"(!?)\[([^\[\]]*)\]\(([^)\s]+)\)").unwrap();
    let text = prose_of(page);
    let parts = link.captures_iter(&text);
    parts.map(|part| (&part[1] == "!", part[2].replace('\n', " "), part[3].to_string())).collect()
}

#[test]
fn links_and_anchors_exist() {
    let mut count = 0;
    for page in pages() {
        let folder = path(&page).parent().unwrap().to_path_buf();
        for (_, _, target) in links_of(&page) {
            // the release page is a place of the repository's server
            if target.contains("://") || target.ends_with("../../releases/latest") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { path(&page) } else { folder.join(file) };
            assert!(file.exists(), "{page}: {target} doesn't exist");
            if !anchor.is_empty() {
                let name = file.canonicalize().unwrap();
                let name = name
                    .strip_prefix(path("").canonicalize().unwrap())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string();
                let anchors = anchors_of(&name.replace('\\', "/"));
                assert!(anchors.contains(anchor), "{page}: {target} isn't one of {anchors:#?}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "only {count} links");
}

#[test]
fn pictures_are_used_and_described() {
    let mut used = BTreeSet::new();
    for page in pages() {
        for (_, text, target) in links_of(&page).into_iter().filter(|(is_picture, ..)| *is_picture) {
            assert!(text.len() > 40, "{page}: say what is seen in {target}, not only '{text}'");
            used.insert(target.rsplit('/').next().unwrap().to_string());
        }
    }
    let all = std::fs::read_dir(path("docs/pictures")).unwrap();
    let all: BTreeSet<_> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(used, all, "each picture is on a page");
}
