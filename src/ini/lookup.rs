//! What the Win32 profile functions answer (GetPrivateProfileStringW and its lists).
//!
//! Where the behaviour of Windows is known it is that of Windows, else that of Wine 8.0. The questions that
//! prove it stand in `fixtures/profile-api`.

use super::Wide;
use super::document::{IniDocument, KeyLine, Section, Units};

/// Buffer sizes are given as the number of code units that fit beside the final NUL.
pub const NO_LIMIT: usize = 0xFFFF;

/// The section that counts: the first of that name.
pub fn section<'a>(document: &'a IniDocument, name: &str) -> Option<Section<'a>> {
    let name = asked(name);
    document.sections().find(|section| section.name.is_named(name))
}

/// The lines of a key in a section, the first being the one that counts. One without `=` counts too: it hides
/// those behind it.
pub fn key_lines<'a>(
    document: &'a IniDocument,
    section: &Section<'a>,
    name: &'a str,
) -> impl Iterator<Item = KeyLine<'a>> + 'a {
    let name = asked(name);
    document.keys(section).filter(move |key| key.name.is_named(name))
}

/// The value that a program with a buffer for `limit` code units reads, or `None` where it gets its default.
pub fn value(document: &IniDocument, section_name: &str, key: &str, limit: usize) -> Option<Wide> {
    let section = section(document, section_name)?;
    let line = key_lines(document, &section, key).next()?;
    value_of(document, &line, limit)
}

/// The value in the line of a key, as [`value`] would give it.
pub fn value_of(document: &IniDocument, line: &KeyLine<'_>, limit: usize) -> Option<Wide> {
    Some(read_value(document.units(line.value.clone()?), limit))
}

/// What comes back of the text behind `=`, blanks already off: up to a NUL, without one pair of outer quotes,
/// cut at `limit` code units. The cut can halve a surrogate pair.
pub fn read_value(text: Units<'_>, limit: usize) -> Wide {
    let text = text.until_nul();
    // Windows 10 keeps the length in 16 bits
    let text = text.slice(0..text.len() % (NO_LIMIT + 1));
    let quote = text.get(0).filter(|&first| first == u16::from(b'"') || first == u16::from(b'\''));
    if quote.is_none() || text.len() < 2 || text.get(text.len() - 1) != quote {
        return text.slice(0..text.len().min(limit)).to_wide();
    }
    // The closing quote is dropped after the cut, if it all fits a buffer that counts the final NUL (Wine 8.0):
    // a quoted text exactly as long as the limit loses its last unit.
    let inner_and_quote = text.slice(1..text.len());
    let mut cut = inner_and_quote.slice(0..inner_and_quote.len().min(limit)).to_wide();
    if inner_and_quote.len() <= limit + 1 {
        cut.pop();
    }
    cut
}

/// What comes back of a text that is written behind `=`.
pub fn read_text(text: &[u16], limit: usize) -> Wide {
    let bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    read_value(Units::of(&bytes).trim(), limit)
}

/// A name as it is looked for: spaces at its ends are dropped, and only those (Windows 10).
fn asked(name: &str) -> &str {
    name.trim_matches(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    fn ask(text: &str, limit: usize) -> Option<String> {
        let document = IniDocument::from_utf16le(encode(text));
        value(&document, "S", "k", limit).map(|value| String::from_utf16_lossy(&value))
    }

    #[test]
    fn the_first_key_of_the_first_section_counts() {
        assert_eq!(ask("[s]\nK=1\nk=2\n[S]\nk=3", 255).as_deref(), Some("1"));
        assert_eq!(ask("[S]\na=1\n[S]\nk=2", 255), None);
        assert_eq!(ask("k=1\n[S]\n", 255), None);
        assert_eq!(ask("[S]\nk\nk=2", 255), None, "a line without = hides the next");
    }

    #[test]
    fn one_pair_of_outer_quotes_is_taken_off() {
        for (text, value) in [
            (r#""v""#, "v"),
            (r#"""v"""#, r#""v""#),
            (r#""a" "b""#, r#"a" "b"#),
            (r#"'" v "'"#, r#"" v ""#),
            ("\"", "\""),
            (r#""v'"#, r#""v'"#),
        ] {
            assert_eq!(ask(&format!("[S]\nk= {text} "), 255).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn the_cut_comes_after_the_quotes() {
        let length = |text: String| ask(&format!("[S]\nk={text}"), 255).map(|value| value.len());
        assert_eq!(length("a".repeat(255)), Some(255));
        assert_eq!(length("a".repeat(256)), Some(255));
        assert_eq!(length(format!("\"{}\"", "a".repeat(254))), Some(254));
        assert_eq!(length(format!("\"{}\"", "a".repeat(255))), Some(254), "the known oddity");
        assert_eq!(length(format!("\"{}\"", "a".repeat(256))), Some(255));
    }
}
