//! The real functions, on Windows and under Wine.
//!
//! [`KnownDifference`] lists the cases in which Wine 8.0 is known to differ from Windows. They are only accepted under
//! Wine, and the tests fail if one of them no longer occurs there.

#![allow(unsafe_code, reason = "the compared functions take pointers")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::windows::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use msipcfg::hook::command::command_line_to_argv;
use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::BOM;
use msipcfg::ini::name::{KeyName, KeyPath, SectionName};
use msipcfg::ini::utf16::is_whitespace;
use msipcfg::ini::{Wide, lookup, write};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Globalization::GetACP;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::WindowsProgramming::{
    GetPrivateProfileSectionNamesW, GetPrivateProfileSectionW, GetPrivateProfileStringW,
};
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

use super::questions::{self, Answer, Ask, OWN_DEFAULT, Question, names_in, units, utf16le};
use super::{CODE_PAGE, as_windows_reads};
use crate::documents::{paths, text_for, texts, values};

/// The size of MicroSIP's buffer for most values.
const BUFFER: usize = 256;

/// The longest value that fits into it.
const LIMIT: usize = BUFFER - 1;

/// Returns whether this is Wine, not Windows.
pub(crate) fn is_wine() -> bool {
    let ntdll = with_nul(&units("ntdll.dll"));
    // SAFETY: both names end with NUL, and the module is one that every process has loaded
    unsafe { GetProcAddress(GetModuleHandleW(ntdll.as_ptr()), c"wine_get_version".as_ptr().cast()).is_some() }
}

fn with_nul(text: &[u16]) -> Wide {
    [text, &[0]].concat()
}

fn path_with_nul(path: &Path) -> Wide {
    path.as_os_str().encode_wide().chain([0]).collect()
}

/// Calls GetPrivateProfileStringW. Returns the content of the buffer and the return value.
fn profile_string(
    file: &Path,
    section: Option<&str>,
    key: Option<&str>,
    default: &str,
    size: usize,
) -> (Wide, usize) {
    let section = section.map(|section| with_nul(&units(section)));
    let key = key.map(|key| with_nul(&units(key)));
    let (default, file) = (with_nul(&units(default)), path_with_nul(file));
    let mut buffer = vec![0_u16; size.max(1)];
    // SAFETY: each text ends with NUL or is null, and the buffer has the given size
    let returned = unsafe {
        GetPrivateProfileStringW(
            section.as_ref().map_or(std::ptr::null(), Vec::as_ptr),
            key.as_ref().map_or(std::ptr::null(), Vec::as_ptr),
            default.as_ptr(),
            buffer.as_mut_ptr(),
            u32::try_from(size).unwrap(),
            file.as_ptr(),
        )
    };
    let returned = usize::try_from(returned).unwrap();
    buffer.truncate(returned);
    (buffer, returned)
}

/// The value that a program with MicroSIP's buffer reads, or `None` if its default comes back.
fn profile_value(file: &Path, section: &str, key: &str) -> Option<Wide> {
    let (value, _) = profile_string(file, Some(section), Some(key), OWN_DEFAULT, BUFFER);
    (value != units(OWN_DEFAULT)).then_some(value)
}

fn profile_lines(file: &Path, section: &str, size: usize) -> (Wide, usize) {
    let (section, file) = (with_nul(&units(section)), path_with_nul(file));
    let mut buffer = vec![0_u16; size];
    // SAFETY: both texts end with NUL, and the buffer has the given size
    let returned = unsafe {
        GetPrivateProfileSectionW(
            section.as_ptr(),
            buffer.as_mut_ptr(),
            u32::try_from(size).unwrap(),
            file.as_ptr(),
        )
    };
    let returned = usize::try_from(returned).unwrap();
    buffer.truncate(returned);
    (buffer, returned)
}

fn profile_sections(file: &Path, size: usize) -> (Wide, usize) {
    let file = path_with_nul(file);
    let mut buffer = vec![0_u16; size];
    // SAFETY: the path ends with NUL, and the buffer has the given size
    let returned = unsafe {
        GetPrivateProfileSectionNamesW(buffer.as_mut_ptr(), u32::try_from(size).unwrap(), file.as_ptr())
    };
    let returned = usize::try_from(returned).unwrap();
    buffer.truncate(returned);
    (buffer, returned)
}

/// Splits a command line with CommandLineToArgvW.
fn shell_argv(line: &[u16]) -> Vec<Wide> {
    let line = with_nul(line);
    let mut count = 0;
    // SAFETY: the line ends with NUL; the function returns `count` texts that end with NUL, which are freed after they
    // were copied
    unsafe {
        let list = CommandLineToArgvW(line.as_ptr(), &raw mut count);
        assert!(!list.is_null(), "CommandLineToArgvW failed on {line:?}");
        let parts = (0..usize::try_from(count).unwrap())
            .map(|index| {
                let part = *list.add(index);
                let length = (0..).take_while(|&at| *part.add(at) != 0).count();
                std::slice::from_raw_parts(part, length).to_vec()
            })
            .collect();
        LocalFree(list.cast());
        parts
    }
}

/// A folder of small files. Each has its own name, because Wine caches files by name and time.
struct Files {
    folder: tempfile::TempDir,
    count: Cell<usize>,
}

impl Files {
    fn new() -> Self {
        Files { folder: tempfile::tempdir().unwrap(), count: Cell::new(0) }
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        self.count.set(self.count.get() + 1);
        let path = self.folder.path().join(format!("{}.ini", self.count.get()));
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// A text that Wine 8.0 reads differently from Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KnownDifference {
    /// `[S` without a closing bracket is a line of the section above in Wine, and a header in Windows.
    HeaderWithoutBracket,
    /// `[S]T]` ends at the last bracket in Wine, and at the first in Windows.
    HeaderWithTwoBrackets,
    /// The section without a name is the text before the first header in Wine, and `[]` in Windows.
    SectionWithoutName,
    /// Wine finds a comment if the name starts with its semicolon. Windows never does.
    CommentAsKey,
    /// Wine trims any whitespace from the requested name, Windows only spaces.
    WhitespaceAroundName,
}

const ALL_KNOWN: [KnownDifference; 5] = [
    KnownDifference::HeaderWithoutBracket,
    KnownDifference::HeaderWithTwoBrackets,
    KnownDifference::SectionWithoutName,
    KnownDifference::CommentAsKey,
    KnownDifference::WhitespaceAroundName,
];

/// Returns why Wine may answer this question differently, if it may. A quoted value of exactly 255 units isn't such a
/// case: it isn't known how Windows truncates it, so our reader does the same as Wine.
fn known_difference(text: &[u16], section: &str, key: &str) -> Option<KnownDifference> {
    let (section, key) = (units(section.trim_matches(' ')), units(key.trim_matches(' ')));
    let has_whitespace_at_end =
        |name: &Wide| [name.first(), name.last()].into_iter().flatten().any(|&unit| is_whitespace(unit));
    if has_whitespace_at_end(&section) || has_whitespace_at_end(&key) {
        return Some(KnownDifference::WhitespaceAroundName);
    }
    if section.is_empty() {
        return Some(KnownDifference::SectionWithoutName);
    }
    if key.first() == Some(&0x3B) {
        return Some(KnownDifference::CommentAsKey);
    }
    // the last header that both read alike: in Wine, its section may continue after one that they read differently
    let mut above: Option<Wide> = None;
    for line in text.split(|unit| [0x0D, 0x0A].contains(unit)) {
        let line = trimmed(line);
        if line.first() != Some(&0x5B) {
            continue;
        }
        let ends: Vec<usize> = (1..line.len()).filter(|&at| line[at] == 0x5D).collect();
        let (known, names) = match ends[..] {
            [end] => {
                above = Some(name_between(line, end));
                continue;
            }
            [] => (KnownDifference::HeaderWithoutBracket, vec![name_between(line, line.len())]),
            [first, .., last] => (
                KnownDifference::HeaderWithTwoBrackets,
                vec![name_between(line, first), name_between(line, last)],
            ),
        };
        if names.iter().chain(&above).any(|name| is_same_name(name, &section)) {
            return Some(known);
        }
    }
    None
}

fn trimmed(text: &[u16]) -> &[u16] {
    let start = text.iter().position(|&unit| !is_whitespace(unit)).unwrap_or(text.len());
    let end = text.iter().rposition(|&unit| !is_whitespace(unit)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn name_between(header: &[u16], end: usize) -> Wide {
    trimmed(&header[1..end]).split(|&unit| unit == 0).next().unwrap().to_vec()
}

fn is_same_name(a: &[u16], b: &[u16]) -> bool {
    let folded = |name: &[u16]| String::from_utf16_lossy(name).to_ascii_lowercase();
    folded(a) == folded(b)
}

/// Counts the answers.
#[derive(Default)]
struct Tally {
    agreed: Cell<usize>,
    differed: RefCell<BTreeMap<KnownDifference, usize>>,
}

impl Tally {
    /// Compares the answers of the API and ours. Returns the known difference, or an error if there is none.
    fn ask(
        &self,
        file: &Path,
        document: &IniDocument,
        section: &str,
        key: &str,
    ) -> Result<Option<KnownDifference>, String> {
        let ours = lookup::value(document, section, key, LIMIT);
        let theirs = profile_value(file, section, key);
        if ours == theirs {
            self.agreed.set(self.agreed.get() + 1);
            return Ok(None);
        }
        let text = document.units(2..document.end());
        match known_difference(&text.to_wide(), section, key).filter(|_| is_wine()) {
            Some(known) => {
                *self.differed.borrow_mut().entry(known).or_default() += 1;
                Ok(Some(known))
            }
            None => Err(format!(
                "[{section}] {key:?} is {} here and {} in the API, in {:?}",
                shown(ours.as_deref()),
                shown(theirs.as_deref()),
                text.to_string()
            )),
        }
    }
}

fn shown(value: Option<&[u16]>) -> String {
    match value {
        None => "missing".to_string(),
        Some(value) => format!("{:?} {value:04X?}", String::from_utf16_lossy(value)),
    }
}

/// Lists the names in a document that can be passed to the API.
fn names(document: &IniDocument) -> Vec<(String, Vec<String>)> {
    let sections = document.sections().filter_map(|section| {
        let name = String::from_utf16(&section.name.to_wide()).ok()?;
        let keys = document.keys(&section).filter_map(|key| String::from_utf16(&key.name.to_wide()).ok());
        Some((name, keys.collect()))
    });
    sections.collect()
}

/// Always generates the same cases, so that a run doesn't fail by chance.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn the_api_answers_as_in_the_table() {
    let files = Files::new();
    let is_wine = is_wine();
    // SAFETY: has no arguments and can't fail
    let is_code_page = unsafe { GetACP() } == u32::from(CODE_PAGE);
    let questions = questions::all();
    let mut wrong = Vec::new();
    let (mut asked, mut unknown, mut in_another_code_page) = (0, 0, 0);
    for question in &questions {
        let Some(expected) = (if is_wine { Some(&question.wine) } else { question.windows.as_ref() }) else {
            unknown += 1;
            continue;
        };
        let is_8_bit = |bytes: &Vec<u8>| !bytes.starts_with(&BOM) && !bytes.is_ascii();
        if !is_code_page && question.file.as_ref().is_some_and(is_8_bit) {
            in_another_code_page += 1;
            continue;
        }
        asked += 1;
        for answer in api_answers(&files, question) {
            if !expected.is_met(&answer) {
                wrong.push((question, expected, answer));
            }
        }
    }
    assert_eq!(asked + unknown + in_another_code_page, questions.len());
    assert_eq!(unknown, if is_wine { 0 } else { questions.iter().filter(|q| q.windows.is_none()).count() });
    questions::assert_none(&wrong, asked);
}

/// Returns the answers of all functions that can answer this question.
fn api_answers(files: &Files, question: &Question) -> Vec<Answer> {
    let file = match &question.file {
        Some(bytes) => files.write(bytes),
        None => files.folder.path().join("none.ini"),
    };
    let (section, key, size) = (question.section.as_str(), question.key.as_str(), question.buffer);
    let string = |section, key| profile_string(&file, section, key, &question.default, size);
    let list = |(list, returned): (Wide, usize)| Answer::List(names_in(&list), returned);
    match question.ask {
        Ask::Value => vec![Answer::Value(string(Some(section), Some(key)).0)],
        Ask::Keys => vec![list(string(Some(section), None))],
        Ask::Sections => vec![list(string(None, None)), list(profile_sections(&file, size))],
        Ask::Lines => vec![list(profile_lines(&file, section, size))],
    }
}

/// Reads the fixtures that Windows reads as Unicode, with their names.
fn fixtures() -> Vec<(String, IniDocument)> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "fixtures", "inis"].iter().collect();
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        if bytes.starts_with(&BOM) {
            fixtures.push((entry.file_name().into_string().unwrap(), as_windows_reads(&bytes)));
        }
    }
    assert!(fixtures.len() >= 12, "fixtures are missing: {}", fixtures.len());
    fixtures
}

#[test]
fn the_api_reads_every_fixture_like_us() {
    /// Every question that Wine answers differently from Windows and us.
    const IN_WINE: [(&str, &str, &str, KnownDifference); 4] = [
        // the file has `[]`, which contains k
        ("comments-and-junk.ini", "", "k", KnownDifference::SectionWithoutName),
        // the file has `[x`, which contains lost; requested as X and x
        ("comments-and-junk.ini", "X", "lost", KnownDifference::HeaderWithoutBracket),
        ("comments-and-junk.ini", "x", "lost", KnownDifference::HeaderWithoutBracket),
        // the file starts with this key
        ("keys-before-section.ini", "", "enableLog", KnownDifference::SectionWithoutName),
    ];
    let files = Files::new();
    let tally = Tally::default();
    let mut differed = Vec::new();
    for (name, document) in fixtures() {
        let file = files.write(document.as_bytes());
        let mut ask = |section: &str, key: &str| {
            let known = tally.ask(&file, &document, section, key);
            if let Some(known) = known.unwrap_or_else(|wrong| panic!("{name}: {wrong}")) {
                differed.push((name.clone(), section.to_string(), key.to_string(), known));
            }
        };
        for (section, keys) in names(&document) {
            for key in keys.iter().map(String::as_str).chain(["absent", "k", "x"]) {
                ask(&section, key);
                ask(&section.to_uppercase(), &key.to_lowercase());
            }
        }
        for section in ["absent", "", "Setting", "x", "[x"] {
            for key in ["absent", "", "enableLog", "k", "lost"] {
                ask(section, key);
            }
        }
    }
    differed.sort();
    differed.dedup();
    let in_wine = if is_wine() { &IN_WINE[..] } else { &[] };
    let expected: Vec<_> = in_wine
        .iter()
        .map(|&(name, section, key, known)| (name.to_string(), section.to_string(), key.to_string(), known))
        .collect();
    assert_eq!(differed, expected);
    assert!(tally.agreed.get() > 1500, "too few questions: {}", tally.agreed.get());
}

#[test]
fn the_api_reads_generated_files_like_us() {
    const CASES: u32 = 2000;
    let files = Files::new();
    let tally = Tally::default();
    let ran = runner(CASES).run(&texts(), |text| {
        let bytes = utf16le(&text);
        let file = files.write(&bytes);
        let document = as_windows_reads(&bytes);
        let ask = |section: &str, key: &str| -> TestCaseResult {
            tally.ask(&file, &document, section, key).map_err(TestCaseError::fail)?;
            Ok(())
        };
        for (section, keys) in names(&document) {
            for key in &keys {
                ask(&section, key)?;
            }
        }
        for (section, key) in [
            ("S", "k"),
            ("s", "a"),
            ("T", "K"),
            ("Settings", "VAD"),
            ("[x", "b"),
            (" S ", " k "),
            ("S\t", "k"),
            ("", "k"),
            ("S", ""),
            ("S", ";k"),
            ("absent", "k"),
            ("S", "absent"),
        ] {
            ask(section, key)?;
        }
        // the folder would grow to thousands of files
        std::fs::remove_file(&file).unwrap();
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    let differed = tally.differed.borrow();
    println!("{} answers agree; known differences: {differed:?}", tally.agreed.get());
    assert!(tally.agreed.get() > 10 * CASES as usize, "too few questions: {}", tally.agreed.get());
    if is_wine() {
        for known in ALL_KNOWN {
            assert!(differed.contains_key(&known), "{known:?} doesn't occur under Wine any more");
        }
    }
}

/// Sets a value, reads it with the API, and unsets it again. Returns false if Wine is known to read this differently.
fn set_and_ask(files: &Files, document: &IniDocument, path: &KeyPath, value: &str) -> Result<bool, String> {
    let (section, key) = (path.section.as_str(), path.key.as_str());
    let mut changed = document.clone();
    write::set(&mut changed, path, &text_for(value));
    for wanted in [Some(units(value)), None] {
        if wanted.is_none() {
            write::unset(&mut changed, path);
        }
        let text = changed.units(2..changed.end());
        if is_wine() && known_difference(&text.to_wide(), section, key).is_some() {
            return Ok(false);
        }
        let file = files.write(changed.as_bytes());
        let found = profile_value(&file, section, key);
        std::fs::remove_file(file).unwrap();
        if found != wanted {
            let (found, wanted) = (shown(found.as_deref()), shown(wanted.as_deref()));
            return Err(format!("{path} should be {wanted} and is {found} in {:?}", text.to_string()));
        }
    }
    Ok(true)
}

#[test]
fn the_api_reads_what_was_set_in_every_fixture() {
    let values =
        ["1", "", " with spaces ", r"C:\Example\ring.exe", "\"quoted\"", "Zoë; Ж = 😀", &"x".repeat(254)];
    let files = Files::new();
    let (mut asked, mut skipped) = (0, 0);
    for (name, document) in fixtures() {
        let mut paths: Vec<KeyPath> = vec!["A new section/with a key".parse().unwrap()];
        for (section, keys) in names(&document) {
            let Ok(section) = SectionName::new(&section) else { continue };
            let keys = keys.iter().map(String::as_str).chain(["aNewKey"]);
            paths.extend(
                keys.filter_map(|key| {
                    Some(KeyPath { section: section.clone(), key: KeyName::new(key).ok()? })
                }),
            );
        }
        for (path, value) in paths.iter().zip(values.into_iter().cycle()) {
            let is_comparable = set_and_ask(&files, &document, path, value);
            let is_comparable = is_comparable.unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            *(if is_comparable { &mut asked } else { &mut skipped }) += 1;
        }
    }
    assert!(asked > 600, "too few questions: {asked}");
    assert!(skipped <= if is_wine() { 5 } else { 0 }, "too many questions skipped: {skipped}");
}

#[test]
fn the_api_reads_what_was_set_in_generated_files() {
    const CASES: u32 = 1500;
    let files = Files::new();
    let asked = Cell::new(0);
    let ran = runner(CASES).run(&(texts(), paths(), values()), |(text, path, value)| {
        let document = as_windows_reads(&utf16le(&text));
        let is_comparable = set_and_ask(&files, &document, &path, &value).map_err(TestCaseError::fail)?;
        asked.set(asked.get() + usize::from(is_comparable));
        Ok(())
    });
    ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(asked.get() > CASES as usize / 2, "too many questions skipped: {}", asked.get());
}

fn assert_same_arguments(line: &[u16]) -> TestCaseResult {
    let text = |parts: Vec<Wide>| -> Vec<String> {
        parts.iter().map(|part| String::from_utf16_lossy(part)).collect()
    };
    let line_text = String::from_utf16_lossy(line);
    prop_assert_eq!(text(command_line_to_argv(line)), text(shell_argv(line)), "{:?}", line_text);
    prop_assert_eq!(command_line_to_argv(line), shell_argv(line), "{:?}", line_text);
    Ok(())
}

#[test]
fn shell32_splits_known_lines_like_us() {
    for line in [
        "a",
        "a b c",
        " a",
        "\ta b",
        "a  \t b ",
        r#""a b" c"#,
        r#""a b"c d"#,
        r#"a"b c"d e"#,
        r#""a"#,
        r#""a b"#,
        r#"""#,
        r#""""#,
        r#""" a"#,
        r#"x """#,
        r#"x "" y"#,
        r#"x """a""" b"#,
        r#"x """"#,
        r#"x """""#,
        r#"x """""""#,
        r#"x "a""b" c"#,
        r#"x "a"" b" c"#,
        r#"x "a b"#,
        r#"x "a b\"#,
        r#"x "a b\" c"#,
        r#"x "a b\\" c"#,
        r#"x a\"b c"#,
        r#"x a\\"b c" d"#,
        r#"x a\\\"b c"#,
        r#"x \"#,
        r#"x \\"#,
        r#"x \\ y"#,
        r#"x a\b\\c"#,
        r#""C:\Program Files\x.exe" "C:\a b\" c"#,
        r#"C:\Program Files\x.exe "1 2""#,
        r#"a\"b c"#,
        r#""a\"b" c"#,
        "x é \u{a0} \u{3000} y",
        "x a\u{b}b\u{c}c\nd\re",
    ] {
        assert_same_arguments(&units(line)).unwrap();
    }
}

#[test]
fn shell32_splits_generated_lines_like_us() {
    let unit = select(&[0x61_u16, 0x62, 0x20, 0x20, 0x09, 0x22, 0x22, 0x5C, 0x5C, 0xE9][..]);
    // an empty line means the path of the program itself
    let ran = runner(20_000).run(&vec(unit, 1..30), |line| assert_same_arguments(&line));
    ran.unwrap_or_else(|failure| panic!("{failure}"));
}
