//! Looks up values as the Win32 profile functions do (GetPrivateProfileStringW and its lists).
//!
//! This is the behavior of Windows where it is known, otherwise that of Wine 8.0. `fixtures/profile-api` contains
//! the observations that support it.

use super::document::{IniDocument, KeyLine, Section};
use super::utf16::{Units, Wide};

/// The largest limit. Limits are the number of code units that fit into a buffer besides the final NUL.
pub const NO_LIMIT: usize = 0xFFFF;

/// Finds the first section of a name, which is the only one that Windows reads.
pub fn section<'a>(document: &'a IniDocument, name: &str) -> Option<Section<'a>> {
    let name = trim_spaces(name);
    document.sections().find(|section| section.name.eq_ignore_ascii_case(name))
}

/// Finds the lines of a key in a section. Windows reads the first one, even if it has no `=`: it hides those after
/// it.
pub fn key_lines<'a>(
    document: &'a IniDocument,
    section: &Section<'a>,
    name: &'a str,
) -> impl Iterator<Item = KeyLine<'a>> + 'a {
    let name = trim_spaces(name);
    document.keys(section).filter(move |key| key.name.eq_ignore_ascii_case(name))
}

/// Returns the value that a program with a buffer for `limit` code units reads, or `None` if it gets its default.
pub fn value(document: &IniDocument, section_name: &str, key: &str, limit: usize) -> Option<Wide> {
    let section = section(document, section_name)?;
    let line = key_lines(document, &section, key).next()?;
    line_value(document, &line, limit)
}

/// Returns the value in the line of a key, as [`value`] does.
pub fn line_value(document: &IniDocument, line: &KeyLine<'_>, limit: usize) -> Option<Wide> {
    Some(read_value(document.units(line.value.clone()?), limit))
}

/// Converts the trimmed text after `=` into the value that Windows returns: up to a NUL, without one pair of outer
/// quotes, truncated to `limit` code units. This can split a surrogate pair.
pub fn read_value(text: Units<'_>, limit: usize) -> Wide {
    let text = text.until_nul();
    // Windows 10 stores the length in 16 bits
    let text = text.slice(0..text.len() % (NO_LIMIT + 1));
    let quote = text.get(0).filter(|&first| first == u16::from(b'"') || first == u16::from(b'\''));
    if quote.is_none() || text.len() < 2 || text.get(text.len() - 1) != quote {
        return text.slice(0..text.len().min(limit)).to_wide();
    }
    // The closing quote is removed after truncating, if the text fits into a buffer that counts the final NUL
    // (Wine 8.0). So a quoted text that is exactly as long as the limit loses its last unit.
    let inner_and_quote = text.slice(1..text.len());
    let mut cut = inner_and_quote.slice(0..inner_and_quote.len().min(limit)).to_wide();
    if inner_and_quote.len() <= limit + 1 {
        cut.pop();
    }
    cut
}

/// Returns the value that Windows reads if this text is written after `=`.
pub fn read_text(text: &[u16], limit: usize) -> Wide {
    let bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    read_value(Units::new(&bytes).trim(), limit)
}

/// Windows 10 trims spaces, and only those, from the names that it is asked for.
fn trim_spaces(name: &str) -> &str {
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
    fn the_first_key_of_the_first_section_is_read() {
        assert_eq!(ask("[s]\nK=1\nk=2\n[S]\nk=3", 255).as_deref(), Some("1"));
        assert_eq!(ask("[S]\na=1\n[S]\nk=2", 255), None);
        assert_eq!(ask("k=1\n[S]\n", 255), None);
        assert_eq!(ask("[S]\nk\nk=2", 255), None, "a line without = hides the next one");
    }

    #[test]
    fn one_pair_of_outer_quotes_is_removed() {
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
    fn values_are_truncated_after_the_quotes_are_removed() {
        let length = |text: String| ask(&format!("[S]\nk={text}"), 255).map(|value| value.len());
        assert_eq!(length("a".repeat(255)), Some(255));
        assert_eq!(length("a".repeat(256)), Some(255));
        assert_eq!(length(format!("\"{}\"", "a".repeat(254))), Some(254));
        assert_eq!(length(format!("\"{}\"", "a".repeat(255))), Some(254), "the known oddity");
        assert_eq!(length(format!("\"{}\"", "a".repeat(256))), Some(255));
    }
}
