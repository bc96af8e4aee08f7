//! Checks that the PowerShell on the pages, and in the sample scripts, is valid in Windows PowerShell 5.1.

use regex::Regex;
use tree_sitter::{Node, Parser};

use super::pages::pages;
use super::{code_blocks, path, read};

/// Returns the places that the grammar doesn't accept.
fn mistakes(script: &str) -> Vec<String> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    let tree = parser.parse(script, None).unwrap();
    let mut found = Vec::new();
    let mut nodes: Vec<Node> = vec![tree.root_node()];
    while let Some(node) = nodes.pop() {
        if node.is_error() || node.is_missing() {
            let line = node.start_position().row + 1;
            found.push(format!("line {line}: {}", node.utf8_text(script.as_bytes()).unwrap()));
        }
        nodes.extend((0..node.child_count()).filter_map(|index| node.child(index.try_into().unwrap())));
    }
    found
}

/// Returns what only newer versions than Windows PowerShell 5.1 have.
fn newer_syntax(script: &str) -> Vec<&str> {
    let newer = Regex::new(r"&&|\|\||\?\?|\?\.|\$\w+ \? |-AsHashtable|-Parallel|\bclean\s*\{").unwrap();
    newer.find_iter(script).map(|found| found.as_str()).collect()
}

#[test]
fn mistakes_are_found() {
    assert_eq!(mistakes("if ($true) { 'x' }\n"), [""; 0]);
    assert!(!mistakes("if ($true) { 'x'\n").is_empty());
    assert_eq!(newer_syntax("a && b; $x ?? 1"), ["&&", "??"]);
    assert_eq!(newer_syntax("if ($LASTEXITCODE -ne 0) { exit 1 }"), [""; 0]);
}

#[test]
fn powershell_is_valid() {
    let mut scripts = Vec::new();
    for page in pages() {
        let text = read(&page);
        let blocks = code_blocks(&text, "powershell");
        scripts.extend(blocks.into_iter().map(|block| (page.clone(), block.to_string())));
    }
    for entry in std::fs::read_dir(path("docs/admin/deployment")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".ps1") {
            scripts.push((name.clone(), read(&format!("docs/admin/deployment/{name}"))));
        }
    }
    assert!(scripts.len() > 8, "{scripts:?}");
    for (name, script) in scripts {
        assert_eq!(mistakes(&script), [""; 0], "{name}: {script}");
        assert_eq!(newer_syntax(&script), [""; 0], "{name}: {script}");
    }
}
