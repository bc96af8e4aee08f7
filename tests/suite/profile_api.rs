//! What the Win32 profile functions answer is what `msipcfg::ini` answers, and what shell32 parts is what
//! `msipcfg::hook` parts.
//!
//! Everywhere: every question of `fixtures/profile-api/reading.tsv`, as Windows answers it where that is known,
//! else as Wine does. On Windows and under Wine also the functions themselves, see [`windows`].

mod questions;
#[cfg(windows)]
pub(crate) mod windows;

use msipcfg::ini::document::IniDocument;
use msipcfg::ini::encoding::{BOM, CodePage, Encoding, decode_as};
use msipcfg::ini::{Wide, lookup};

use questions::{Answer, Ask, Question, names_in, units};

/// The code page that the table's 8-bit files are in.
const CODE_PAGE: u16 = 1252;

/// Questions of which nobody says how Windows answers, but what it makes of such a file is known from others:
/// to Windows three bytes in front of the first header are part of its line, Wine skips them as the mark of
/// UTF-8.
const AS_WINDOWS_MUST: [(&str, Ask, &[&str]); 1] =
    [(r"\xef\xbb\xbf[S]\r\nk=v\r\n[T]\r\nk=w\r\n", Ask::Sections, &["T"])];

#[test]
fn every_known_answer_of_windows_is_ours() {
    let questions = questions::all();
    let mut wrong = Vec::new();
    let (mut asked, mut as_windows_must) = (0, 0);
    for question in &questions {
        let expected = question.windows.as_ref().unwrap_or(&question.wine);
        let answer = our_answer(question);
        asked += 1;
        let concluded = AS_WINDOWS_MUST.iter().find(|(file, ask, _)| {
            question.windows.is_none() && *file == question.written && *ask == question.ask
        });
        if let Some((_, _, names)) = concluded {
            let names: Vec<Wide> = names.iter().map(|name| units(name)).collect();
            assert_eq!(answer, as_a_list(&names, question.buffer), "{}", question.told);
            as_windows_must += 1;
        } else if !expected.is_met(&answer) {
            wrong.push((question, expected, answer));
        }
    }
    assert_eq!((asked, as_windows_must), (questions.len(), AS_WINDOWS_MUST.len()));
    questions::none_of(&wrong, asked);
}

fn our_answer(question: &Question) -> Answer {
    let document = question.file.as_ref().map(|bytes| as_windows_reads(bytes));
    let (section, key) = (question.section.as_str(), question.key.as_str());
    let texts: Vec<Wide> = match (question.ask, &document) {
        (Ask::Value, document) => {
            // one unit of the buffer is for the closing NUL
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

/// As the profile functions decode: what has no FF FE in front is text in the ANSI code page, whatever it is.
fn as_windows_reads(bytes: &[u8]) -> IniDocument {
    let encoding = if bytes.starts_with(&BOM) {
        Encoding::Utf16Le { bom: true }
    } else {
        Encoding::Ansi(CodePage::from_number(CODE_PAGE).unwrap())
    };
    decode_as(bytes.to_vec(), encoding).unwrap()
}

/// Names and texts behind `=` in the section that counts.
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

/// The default comes back without the spaces at its end, cut like a value.
fn default_as_given(default: &str, limit: usize) -> Wide {
    let mut default = units(default.trim_end_matches(' '));
    default.truncate(limit);
    default
}

/// A list as it comes back in a buffer: each text ends with NUL, and a further NUL ends the list. What does not
/// fit is cut so that two NULs follow, and the size of the buffer less two is returned.
fn as_a_list(texts: &[Wide], buffer: usize) -> Answer {
    let mut list: Wide = texts.iter().flat_map(|text| text.iter().copied().chain([0])).collect();
    if list.len() >= buffer {
        list.truncate(buffer - 2);
    }
    let returned = list.len();
    Answer::List(names_in(&list), returned)
}
