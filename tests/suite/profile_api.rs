//! Compares `msipcfg::ini` with the Win32 profile functions, and the splitting of command lines in `msipcfg::hook` with
//! shell32.
//!
//! On all systems, it is compared with the answers in `fixtures/profile-api/reading.tsv`: those of Windows where they
//! are known, otherwise those of Wine. On Windows and under Wine, it is also compared with the functions themselves,
//! see
//! [`windows`].

mod questions;
#[cfg(windows)]
pub(crate) mod windows;

use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::{BOM, CodePage, Encoding, decode_as};
use msipcfg::ini::{Wide, lookup};

use questions::{Answer, Ask, Question, names_in, units};

/// The code page of the 8-bit files in the table.
const CODE_PAGE: u16 = 1252;

/// Answers of Windows that weren't observed but follow from others: in Windows, three bytes before the first header are
/// part of its line, while Wine skips them as the byte order mark of UTF-8.
const INFERRED_FOR_WINDOWS: [(&str, Ask, &[&str]); 1] =
    [(r"\xef\xbb\xbf[S]\r\nk=v\r\n[T]\r\nk=w\r\n", Ask::Sections, &["T"])];

#[test]
fn our_answers_are_those_of_windows() {
    let questions = questions::all();
    let mut wrong = Vec::new();
    let (mut asked, mut inferred_count) = (0, 0);
    for question in &questions {
        let expected = question.windows.as_ref().unwrap_or(&question.wine);
        let answer = our_answer(question);
        asked += 1;
        let inferred = INFERRED_FOR_WINDOWS.iter().find(|(file, ask, _)| {
            question.windows.is_none() && *file == question.written && *ask == question.ask
        });
        if let Some((_, _, names)) = inferred {
            let names: Vec<Wide> = names.iter().map(|name| units(name)).collect();
            assert_eq!(answer, as_a_list(&names, question.buffer), "{}", question.place);
            inferred_count += 1;
        } else if !expected.is_met(&answer) {
            wrong.push((question, expected, answer));
        }
    }
    assert_eq!((asked, inferred_count), (questions.len(), INFERRED_FOR_WINDOWS.len()));
    questions::assert_none(&wrong, asked);
}

fn our_answer(question: &Question) -> Answer {
    let document = question.file.as_ref().map(|bytes| as_windows_reads(bytes));
    let (section, key) = (question.section.as_str(), question.key.as_str());
    let texts: Vec<Wide> = match (question.ask, &document) {
        (Ask::Value, document) => {
            // one unit of the buffer is for the final NUL
            let limit = question.buffer.saturating_sub(1);
            let found = document.as_ref().and_then(|document| lookup::value(document, section, key, limit));
            return Answer::Value(found.unwrap_or_else(|| default_as_given(&question.default, limit)));
        }
        (_, None) => Vec::new(),
        (Ask::Sections, Some(document)) => {
            document.sections().map(|section| section.name.to_wide()).collect()
        }
        (Ask::Keys, Some(document)) => {
            lines_of(document, section).filter_map(|(name, value)| value.map(|_| name)).collect()
        }
        (Ask::Lines, Some(document)) => lines_of(document, section)
            .map(|(name, value)| match value {
                Some(value) => [name, units("="), value].concat(),
                None => name,
            })
            .collect(),
    };
    as_a_list(&texts, question.buffer)
}

/// Decodes a file like the profile functions: without FF FE at its start, it is text in the ANSI code page.
fn as_windows_reads(bytes: &[u8]) -> IniDocument {
    let encoding = if bytes.starts_with(&BOM) {
        Encoding::Utf16Le { bom: true }
    } else {
        Encoding::Ansi(CodePage::from_number(CODE_PAGE).unwrap())
    };
    decode_as(bytes.to_vec(), encoding).unwrap()
}

/// Returns the names and the texts after `=` in the first section of this name.
fn lines_of<'a>(
    document: &'a IniDocument,
    section: &str,
) -> impl Iterator<Item = (Wide, Option<Wide>)> + use<'a> {
    let section = lookup::section(document, section);
    section.into_iter().flat_map(|section| {
        let lines: Vec<_> = document
            .keys(&section)
            .map(|line| {
                let value = line.value.map(|range| document.units(range).until_nul().to_wide());
                (line.name.to_wide(), value)
            })
            .collect();
        lines
    })
}

/// Returns the default as the functions do: without the spaces at its end, truncated like a value.
fn default_as_given(default: &str, limit: usize) -> Wide {
    let mut default = units(default.trim_end_matches(' '));
    default.truncate(limit);
    default
}

/// Returns a list as it is written to a buffer: each text ends with NUL, and another NUL ends the list. If it doesn't
/// fit, it is truncated so that two NULs follow, and the return value is the size of the buffer minus two.
fn as_a_list(texts: &[Wide], buffer: usize) -> Answer {
    let mut list: Wide = texts.iter().flat_map(|text| text.iter().copied().chain([0])).collect();
    if list.len() >= buffer {
        list.truncate(buffer - 2);
    }
    let returned = list.len();
    Answer::List(names_in(&list), returned)
}
