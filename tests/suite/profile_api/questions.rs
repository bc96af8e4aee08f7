//! The table of calls of the profile functions and their answers, `fixtures/profile-api/reading.tsv`.

use std::fmt::Write as _;

use msipcfg::ini::Wide;

/// The default of a question that gives none. No file of the table contains it.
pub const OWN_DEFAULT: &str = "<nothing found>";

/// One row of the table.
pub struct Question {
    /// The row, for a failed assertion.
    pub place: String,
    /// The file as written in the table.
    pub written: String,
    /// The bytes of the file, or `None` if it doesn't exist.
    pub file: Option<Vec<u8>>,
    /// The kind of question.
    pub ask: Ask,
    /// The requested section.
    pub section: String,
    /// The requested key.
    pub key: String,
    /// The default value.
    pub default: String,
    /// The size of the buffer, including the final NUL.
    pub buffer: usize,
    /// The answer of Wine.
    pub wine: Expected,
    /// The answer of Windows, if it is known.
    pub windows: Option<Expected>,
}

/// The kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Value,
    Keys,
    Sections,
    Lines,
}

/// The answer of a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A value, or the default.
    Value(Wide),
    /// A list, and the return value.
    List(Vec<Wide>, usize),
}

/// An answer in the table.
pub struct Expected {
    /// The text in the table.
    pub text: String,
    what: Option<What>,
    returned: Option<usize>,
}

enum What {
    Default,
    Value(Wide),
    Length(usize),
    List(Vec<Wide>),
}

impl Expected {
    /// Returns whether an answer matches.
    pub fn is_met(&self, answer: &Answer) -> bool {
        let is_same = match (&self.what, answer) {
            (None, _) => true,
            (Some(What::Default), Answer::Value(value)) => *value == units(OWN_DEFAULT),
            (Some(What::Value(wanted)), Answer::Value(value)) => value == wanted,
            (Some(What::Length(wanted)), Answer::Value(value)) => value.len() == *wanted,
            (Some(What::List(wanted)), Answer::List(names, _)) => names == wanted,
            _ => false,
        };
        let is_counted = match (self.returned, answer) {
            (None, _) => true,
            (Some(wanted), Answer::List(_, returned)) => *returned == wanted,
            (Some(_), Answer::Value(_)) => false,
        };
        is_same && is_counted
    }

    fn parse(text: &str, ask: Ask) -> Option<Expected> {
        if text == "?" {
            return None;
        }
        let (what, returned) = match text.rsplit_once("ret=") {
            Some((what, returned)) => (what.trim_end_matches(' '), Some(returned.parse().unwrap())),
            None => (text, None),
        };
        let what = if returned.is_some() && what.is_empty() {
            None
        } else if ask == Ask::Value {
            Some(match what.strip_prefix("len=") {
                Some(length) => What::Length(length.parse().unwrap()),
                None if what == "(default)" => What::Default,
                None if what == "(empty)" => What::Value(Wide::new()),
                None => What::Value(unescape(what)),
            })
        } else if what == "(none)" {
            Some(What::List(Vec::new()))
        } else {
            Some(What::List(what.split('|').map(unescape).collect()))
        };
        Some(Expected { text: text.to_string(), what, returned })
    }
}

impl Question {
    fn parse(number: usize, row: &str) -> Question {
        let columns: Vec<&str> = row.split('\t').collect();
        let [group, form, file, ask, section, key, default, buffer, wine, windows, note] = columns[..] else {
            panic!("line {number} has {} columns", columns.len());
        };
        let ask = match ask {
            "value" => Ask::Value,
            "keys" => Ask::Keys,
            "sections" => Ask::Sections,
            "lines" => Ask::Lines,
            _ => panic!("line {number} has the unknown question {ask:?}"),
        };
        let given = |text: &str, default: &str| match text {
            "-" => default.to_string(),
            _ => String::from_utf16(&unescape(text)).unwrap(),
        };
        // a list that isn't found would be the default, which no row gives
        let own_default = if ask == Ask::Value { OWN_DEFAULT } else { "" };
        Question {
            place: format!(
                "line {number} ({group}): {form} {file} asked for {ask:?} of [{section}] {key} \
                 (default {default}, buffer {buffer}) {note}"
            ),
            written: file.to_string(),
            file: match form {
                "none" => None,
                "utf16" => Some(utf16le(&unescape(file))),
                "bytes" => Some(unescape(file).into_iter().map(|byte| u8::try_from(byte).unwrap()).collect()),
                _ => panic!("line {number} has the unknown form {form:?}"),
            },
            ask,
            section: given(section, ""),
            key: given(key, ""),
            default: given(default, own_default),
            buffer: buffer.parse().unwrap(),
            wine: Expected::parse(wine, ask).unwrap_or_else(|| panic!("line {number}: no answer of Wine")),
            windows: Expected::parse(windows, ask),
        }
    }
}

/// Reads the table.
pub fn all() -> Vec<Question> {
    let table = include_str!("../../../fixtures/profile-api/reading.tsv");
    let questions: Vec<Question> =
        table.lines().enumerate().skip(1).map(|(index, row)| Question::parse(index + 1, row)).collect();
    assert_eq!(questions.len(), table.matches('\n').count() - 1, "a row of the table was not read");
    assert!(questions.len() >= 206, "the table has lost rows: {}", questions.len());
    questions
}

/// Fails the test if there are wrong answers, and prints all of them.
#[track_caller]
pub fn assert_none(wrong: &[(&Question, &Expected, Answer)], asked: usize) {
    let mut list = String::new();
    for (question, expected, answer) in wrong {
        write!(list, "\n{}\n  expected {}\n  answered {}", question.place, expected.text, shown(answer))
            .unwrap();
    }
    assert!(wrong.is_empty(), "{} of {asked} answers are wrong:{list}", wrong.len());
}

/// Splits a list of texts that each end with NUL. An empty text ends the list.
pub fn names_in(list: &[u16]) -> Vec<Wide> {
    list.split(|&unit| unit == 0).take_while(|name| !name.is_empty()).map(<[u16]>::to_vec).collect()
}

/// Returns the UTF-16 code units of a text.
pub fn units(text: &str) -> Wide {
    text.encode_utf16().collect()
}

/// Returns the bytes of a file with these units after a byte order mark.
pub fn utf16le(units: &[u16]) -> Vec<u8> {
    [0xFEFF].iter().chain(units).flat_map(|unit| unit.to_le_bytes()).collect()
}

/// Returns an answer as readable text. Long values are shown by their length.
fn shown(answer: &Answer) -> String {
    let text = |units: &Wide| match units.as_slice() {
        [first, .., last] if units.len() > 300 => {
            format!("{} units from {first:#X} to {last:#X}", units.len())
        }
        _ => char::decode_utf16(units.iter().copied())
            .map(|c| c.map_or_else(|e| format!("\\u{:04x}", e.unpaired_surrogate()), String::from))
            .collect(),
    };
    match answer {
        Answer::Value(value) => text(value),
        Answer::List(names, returned) => {
            format!("{} ret={returned}", names.iter().map(text).collect::<Vec<_>>().join("|"))
        }
    }
}

/// Replaces the escapes of the table. A byte becomes a unit of the same number.
fn unescape(text: &str) -> Wide {
    let mut out = Wide::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        let length = match (first, rest.chars().next()) {
            ('\\', Some('x')) => {
                rest = &rest[1..];
                out.push(u16::from_str_radix(&rest[..2], 16).unwrap());
                2
            }
            ('\\', Some('u')) => {
                rest = &rest[1..];
                out.push(u16::from_str_radix(&rest[..4], 16).unwrap());
                4
            }
            ('\\', Some(escape)) => {
                out.push(match escape {
                    '\\' => 0x5C,
                    'r' => 0x0D,
                    'n' => 0x0A,
                    't' => 0x09,
                    _ => panic!("unknown escape in {text:?}"),
                });
                1
            }
            ('{', Some(_)) => {
                let (inner, _) = rest.split_once('}').unwrap();
                let (repeated, count) = inner.split_once('*').unwrap();
                out.extend(units(repeated).repeat(count.parse().unwrap()));
                inner.len() + 1
            }
            _ => {
                out.extend(first.encode_utf16(&mut [0; 2]).iter());
                0
            }
        };
        rest = &rest[length..];
    }
    out
}

#[test]
fn escapes_are_replaced() {
    assert_eq!(unescape(r"a\\\r\n\t\x0b\u00e9\ud800é😀{ab*2}"), {
        let mut expected = units("a\\\r\n\t\u{0B}é");
        expected.push(0xD800);
        expected.extend(units("é😀abab"));
        expected
    });
    assert_eq!(names_in(&units("a\0b\0\0c\0")), [units("a"), units("b")]);
}
