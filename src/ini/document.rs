//! An ini as bytes, with functions that find lines in them. Reading never fails and never changes a byte: spacing,
//! line ends, comments, junk, NULs, lone surrogates and an odd last byte are preserved.
//!
//! The text stays UTF-16LE bytes throughout; a [`Units`] is a view of some of them. Only the headers are indexed.
//! Other lines are found when they are needed, so a long call log costs next to nothing.

use std::ops::Range;

use super::utf16::{BOM, Units, is_whitespace};

const CR: u16 = 0x0D;
const LF: u16 = 0x0A;

/// The position of a line, in bytes of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text without its line end.
    pub text: Range<usize>,
    /// The position after the line end.
    pub next: usize,
}

impl Line {
    /// Returns the whole line with its line end.
    pub fn range(&self) -> Range<usize> {
        self.text.start..self.next
    }

    /// Returns whether the line has no line end, which can only be true of the last line of a file.
    pub fn is_unterminated(&self) -> bool {
        self.text.end == self.next
    }
}

/// A line of a section that has a key.
#[derive(Clone, Debug)]
pub struct KeyLine<'a> {
    /// The position of the line.
    pub line: Line,
    /// The name, up to a NUL.
    pub name: Units<'a>,
    /// The position after the name, in bytes. In a line without `=`, it can be inserted here.
    pub name_end: usize,
    /// The position of the trimmed text after `=`, in bytes. `None` in a line without `=`.
    pub value: Option<Range<usize>>,
}

/// A `[section]` with its lines up to the next header.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The trimmed name between the brackets, up to a NUL.
    pub name: Units<'a>,
    /// The header line.
    pub header: Line,
    /// The lines below the header, in bytes.
    pub body: Range<usize>,
}

/// The text of an ini: UTF-16LE bytes after a byte order mark, exactly as they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniDocument {
    bytes: Vec<u8>,
    /// The positions of the header lines, because every lookup needs them.
    header_starts: Vec<usize>,
}

impl IniDocument {
    /// Creates a document from UTF-16LE bytes. Adds the byte order mark if it's missing.
    pub fn from_utf16le(mut bytes: Vec<u8>) -> Self {
        if !bytes.starts_with(&BOM) {
            bytes.splice(0..0, BOM);
        }
        let header_starts = find_header_starts(&bytes);
        IniDocument { bytes, header_starts }
    }

    /// Returns the bytes of the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Converts the document into the bytes of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.end() == BOM.len()
    }

    /// Returns the position after the text. An odd last byte isn't part of the text.
    pub fn end(&self) -> usize {
        self.bytes.len() & !1
    }

    /// Returns whether the text ends with a line end.
    pub fn has_final_line_end(&self) -> bool {
        let text = self.units(BOM.len()..self.end());
        matches!(text.iter().next_back(), Some(CR | LF))
    }

    /// Returns the number of NULs at the end of the text.
    pub fn nul_tail(&self) -> usize {
        self.units(BOM.len()..self.end()).iter().rev().take_while(|&unit| unit == 0).count()
    }

    /// Returns the code units in a range of bytes.
    pub fn units(&self, range: Range<usize>) -> Units<'_> {
        Units::new(&self.bytes[range])
    }

    /// Iterates over the lines in a range of bytes, which must begin at the start of a line.
    pub fn lines(&self, range: Range<usize>) -> impl Iterator<Item = Line> + '_ {
        let mut start = range.start;
        std::iter::from_fn(move || {
            if start >= range.end {
                return None;
            }
            let line = self.line_from(start, range.end);
            start = line.next;
            Some(line)
        })
    }

    /// Iterates over all lines.
    pub fn all_lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.lines(BOM.len()..self.end())
    }

    /// Iterates over the header lines: lines whose first character, apart from whitespace, is `[`.
    pub fn headers(&self) -> impl Iterator<Item = Line> + '_ {
        self.header_starts.iter().map(|&start| self.line_from(start, self.end()))
    }

    /// Iterates over the sections in the order of the file, including several of the same name.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_>> + '_ {
        let mut headers = self.headers().peekable();
        std::iter::from_fn(move || {
            let header = headers.next()?;
            let body = header.next..headers.peek().map_or(self.end(), |next| next.text.start);
            Some(Section { name: self.header_name(&header), header, body })
        })
    }

    /// Iterates over the lines of a section that have a key, so without comments, blank lines and NULs at the end.
    pub fn keys<'a>(&'a self, section: &Section<'a>) -> impl Iterator<Item = KeyLine<'a>> + 'a {
        self.lines(section.body.clone()).filter_map(|line| self.key(line))
    }

    /// Returns whether a line contains only whitespace, or only NULs.
    pub fn is_blank_line(&self, line: &Line) -> bool {
        self.units(line.text.clone()).iter().all(is_whitespace) || self.is_nul_line(line)
    }

    /// Returns whether a line contains only NULs.
    pub fn is_nul_line(&self, line: &Line) -> bool {
        !line.text.is_empty() && self.units(line.text.clone()).iter().all(|unit| unit == 0)
    }

    /// Returns the line end of a line, empty if it has none.
    pub fn line_end(&self, line: &Line) -> &[u8] {
        &self.bytes[line.text.end..line.next]
    }

    /// Replaces a range of bytes.
    pub(super) fn splice(&mut self, range: Range<usize>, with: Vec<u8>) {
        self.bytes.splice(range, with);
        self.header_starts = find_header_starts(&self.bytes);
    }

    /// Removes ranges of bytes, which must be in order and must not overlap.
    pub(super) fn remove(&mut self, ranges: impl Iterator<Item = Range<usize>>) {
        let mut kept = Vec::with_capacity(self.bytes.len());
        let mut from = 0;
        for range in ranges {
            kept.extend_from_slice(&self.bytes[from..range.start]);
            from = range.end;
        }
        kept.extend_from_slice(&self.bytes[from..]);
        *self = IniDocument::from_utf16le(kept);
    }

    fn line_from(&self, start: usize, end: usize) -> Line {
        let mut from = start;
        while let Some(found) = memchr::memchr2(b'\r', b'\n', &self.bytes[from..end]) {
            let at = from + found;
            if at.is_multiple_of(2) && self.bytes[at + 1] == 0 {
                let is_pair = self.bytes[at] == b'\r' && self.bytes[at + 2..end].starts_with(&[b'\n', 0]);
                return Line { text: start..at, next: at + if is_pair { 4 } else { 2 } };
            }
            from = at + 1;
        }
        Line { text: start..end, next: end }
    }

    /// Returns the text from `[` to the first `]`, or to the end of the line without `]` (Windows 10).
    fn header_name(&self, header: &Line) -> Units<'_> {
        let text = self.units(header.text.clone()).trim();
        let inner = text.slice(1..text.len());
        let end = inner.iter().position(|unit| unit == u16::from(b']')).unwrap_or(inner.len());
        inner.slice(0..end).trim().until_nul()
    }

    fn key(&self, line: Line) -> Option<KeyLine<'_>> {
        // NULs after the last line are what a power failure leaves; elsewhere, they are a key with an empty name.
        if self.is_nul_line(&line) && line.next == self.end() {
            return None;
        }
        let whole = self.units(line.text.clone());
        let first = whole.iter().position(|unit| !is_whitespace(unit))?;
        if whole.get(first) == Some(u16::from(b';')) {
            return None;
        }
        let at = |index: usize| line.text.start + 2 * index;
        let equals = whole.iter().position(|unit| unit == u16::from(b'='));
        let name = whole.slice(0..equals.unwrap_or(whole.len())).trim();
        let name_start = if name.is_empty() { equals.unwrap_or(first) } else { first };
        let value = equals.map(|equals| {
            let after = whole.slice(equals + 1..whole.len());
            let value = after.trim();
            let leading = after.iter().take_while(|&unit| is_whitespace(unit)).count();
            // if only whitespace follows the `=`, a new value is inserted directly after the `=`
            let start = if value.is_empty() { equals + 1 } else { equals + 1 + leading };
            at(start)..at(start + value.len())
        });
        Some(KeyLine { name_end: at(name_start + name.len()), name: name.until_nul(), value, line })
    }
}

/// Returns the start of every line whose first character, apart from whitespace, is `[`.
fn find_header_starts(bytes: &[u8]) -> Vec<usize> {
    let text = &bytes[..bytes.len() & !1];
    memchr::memchr_iter(b'[', text)
        .filter(|&bracket| bracket.is_multiple_of(2) && text[bracket + 1] == 0)
        .filter_map(|bracket| {
            let before = Units::new(&text[BOM.len()..bracket]);
            match before.iter().rposition(|unit| !is_whitespace(unit)) {
                None => Some(BOM.len()),
                Some(last) => matches!(before.get(last), Some(CR | LF)).then_some(BOM.len() + 2 * (last + 1)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    fn document(text: &str) -> IniDocument {
        IniDocument::from_utf16le(encode(text))
    }

    fn texts(document: &IniDocument) -> Vec<String> {
        document.all_lines().map(|line| document.units(line.text).to_string()).collect()
    }

    #[test]
    fn lines_end_at_lf_crlf_and_cr() {
        assert_eq!(texts(&document("a\nb\r\nc\rd\r\r\ne")), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(texts(&document("a\n\rb\r\n")), ["a", "", "b"]);
        assert!(texts(&document("")).is_empty());
    }

    #[test]
    fn bytes_within_code_units_are_not_line_ends() {
        // U+0D0A and U+0A0D contain the bytes of CR and LF, U+5B5B those of a bracket
        assert_eq!(texts(&document("\u{0D0A}\u{0A0D}\u{0A00}x\ny")), ["\u{0D0A}\u{0A0D}\u{0A00}x", "y"]);
        assert_eq!(document("\u{5B5B}\u{5B00}\n").headers().count(), 0);
    }

    #[test]
    fn headers_start_their_line() {
        let document = document(" \t[A]\r\nk=[B]\r\n[C\r\n[D]x]\r\n;[E]\r\n[[F]\r\n[]");
        let names: Vec<_> = document.sections().map(|section| section.name.to_string()).collect();
        assert_eq!(names, ["A", "C", "D", "[F", ""]);
    }

    #[test]
    fn key_and_value_are_split_at_the_first_equals_sign() {
        let document = document("[S]\r\n a b = c = d \r\n;x=1\r\n\r\nalone\r\n=v\r\nempty= \r\n");
        let section = document.sections().next().unwrap();
        let keys: Vec<_> = document
            .keys(&section)
            .map(|key| (key.name.to_string(), key.value.map(|range| document.units(range).to_string())))
            .collect();
        let expected = [("a b", Some("c = d")), ("alone", None), ("", Some("v")), ("empty", Some(""))]
            .map(|(name, value)| (name.to_string(), value.map(str::to_string)));
        assert_eq!(keys, expected);
    }

    #[test]
    fn an_odd_last_byte_is_preserved_but_is_not_text() {
        let mut bytes = encode("[S]\r\nk=v");
        bytes.push(b'x');
        let document = IniDocument::from_utf16le(bytes.clone());
        assert_eq!(texts(&document), ["[S]", "k=v"]);
        assert_eq!(document.into_bytes(), bytes);
    }
}
