//! An ini as bytes with lines found in them. Reading never fails and never changes a byte: spacing, line
//! ends, comments, junk, NULs, lone surrogates and an odd last byte are given back as they came.
//!
//! The text stays UTF-16LE bytes throughout; a [`Units`] is a view of some of them. Headers are found once, by
//! looking for brackets; other lines when they are asked for, so that a long call log costs next to nothing.

use std::ops::Range;
use std::sync::OnceLock;

use super::Wide;
use super::encoding::BOM;

const CR: u16 = 0x0D;
const LF: u16 = 0x0A;

/// White space as the profile functions drop it at the ends of lines, names and values: tab, VT, FF, ^Z and
/// space (observed: Wine 8.0; space, tab and VT also on Windows 10).
pub fn is_blank(unit: u16) -> bool {
    matches!(unit, 0x09 | 0x0B | 0x0C | 0x1A | 0x20)
}

/// A view of UTF-16LE bytes as code units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Units<'a>(&'a [u8]);

impl<'a> Units<'a> {
    /// A view of UTF-16LE bytes; an odd last one is left out.
    pub fn of(bytes: &'a [u8]) -> Units<'a> {
        Units(&bytes[..bytes.len() & !1])
    }

    /// How many code units.
    pub fn len(self) -> usize {
        self.0.len() / 2
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The code unit at an index.
    pub fn get(self, index: usize) -> Option<u16> {
        self.0.get(2 * index..2 * index + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }

    /// All code units in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + 'a {
        self.0.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }

    /// The units with these indexes.
    pub fn slice(self, range: Range<usize>) -> Units<'a> {
        Units(&self.0[2 * range.start..2 * range.end])
    }

    /// Up to the first NUL, where the profile functions end a text.
    pub fn until_nul(self) -> Units<'a> {
        let end = self.iter().position(|unit| unit == 0).unwrap_or(self.len());
        self.slice(0..end)
    }

    /// Without blanks at both ends.
    pub fn trim(self) -> Units<'a> {
        let Some(start) = self.iter().position(|unit| !is_blank(unit)) else { return Units(&[]) };
        let end = self.iter().rposition(|unit| !is_blank(unit)).map_or(start, |last| last + 1);
        self.slice(start..end)
    }

    /// Whether both are the same, ASCII letters in either case. Other letters keep theirs, as in Wine.
    pub fn is_named(self, name: &str) -> bool {
        let fold = |unit: u16| u8::try_from(unit).map_or(unit, |byte| u16::from(byte.to_ascii_lowercase()));
        self.iter().map(fold).eq(name.encode_utf16().map(fold))
    }

    /// The units as an owned text.
    pub fn to_wide(self) -> Wide {
        self.iter().collect()
    }
}

impl std::fmt::Display for Units<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        char::decode_utf16(self.iter())
            .try_for_each(|c| std::fmt::Write::write_char(f, c.unwrap_or(char::REPLACEMENT_CHARACTER)))
    }
}

impl std::fmt::Debug for Units<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Where a line stands, in bytes of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text without its line end.
    pub text: Range<usize>,
    /// The byte after the line end.
    pub next: usize,
}

impl Line {
    /// The whole line with its line end.
    pub fn range(&self) -> Range<usize> {
        self.text.start..self.next
    }

    /// Whether it has no line end, as the last line of a file may.
    pub fn is_unended(&self) -> bool {
        self.text.end == self.next
    }
}

/// A key of a section as it stands in a line.
#[derive(Clone, Debug)]
pub struct KeyLine<'a> {
    /// The line it stands in.
    pub line: Line,
    /// The name, up to a NUL.
    pub name: Units<'a>,
    /// Where the name ends, in bytes: a `=` can be put there if there is none.
    pub name_end: usize,
    /// Where the text behind `=` stands, blanks off, in bytes. `None` without a `=`.
    pub value: Option<Range<usize>>,
}

/// One `[section]` and the lines below it, up to the next header.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// The name between the brackets, blanks off, up to a NUL.
    pub name: Units<'a>,
    /// The line of the header.
    pub header: Line,
    /// All below it, in bytes.
    pub body: Range<usize>,
}

/// The text of an ini: UTF-16LE bytes behind a byte order mark, each as it was read.
#[derive(Clone, Debug)]
pub struct IniDocument {
    bytes: Vec<u8>,
    /// Where the header lines start, in bytes: found once, for every lookup asks for them.
    header_starts: OnceLock<Vec<usize>>,
}

impl PartialEq for IniDocument {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for IniDocument {}

impl IniDocument {
    /// Takes UTF-16LE bytes; a byte order mark is put in front if there is none.
    pub fn from_utf16le(mut bytes: Vec<u8>) -> Self {
        if !bytes.starts_with(&BOM) {
            bytes.splice(0..0, BOM);
        }
        IniDocument { bytes, header_starts: OnceLock::new() }
    }

    /// The bytes of the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the file, given back.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.end() == BOM.len()
    }

    /// Where the text ends: an odd last byte is no text.
    pub fn end(&self) -> usize {
        self.bytes.len() & !1
    }

    /// The code units in a range of bytes.
    pub fn units(&self, range: Range<usize>) -> Units<'_> {
        Units(&self.bytes[range])
    }

    /// The lines in a range of bytes that begins at the start of a line.
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

    /// Every line of the text.
    pub fn all_lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.lines(BOM.len()..self.end())
    }

    /// The last line of the text, found from its end.
    pub fn last_line(&self) -> Option<Line> {
        let text = self.units(BOM.len()..self.end());
        let mut from_end = text.iter().rev();
        let line_end = match (from_end.next(), from_end.next()) {
            (None, _) => return None,
            (Some(LF), Some(CR)) => 2,
            (Some(CR | LF), _) => 1,
            _ => 0,
        };
        let text = text.slice(0..text.len() - line_end);
        let before = text.iter().rposition(|unit| matches!(unit, CR | LF));
        let at = |index: usize| BOM.len() + 2 * index;
        Some(Line { text: at(before.map_or(0, |before| before + 1))..at(text.len()), next: self.end() })
    }

    /// The lines that are section headers: `[` stands first, blanks aside.
    pub fn headers(&self) -> impl Iterator<Item = Line> + '_ {
        let starts = self.header_starts.get_or_init(|| self.find_header_starts());
        starts.iter().map(|&start| self.line_from(start, self.end()))
    }

    fn find_header_starts(&self) -> Vec<usize> {
        let text = &self.bytes[..self.end()];
        memchr::memchr_iter(b'[', text)
            .filter(|&bracket| bracket.is_multiple_of(2) && text[bracket + 1] == 0)
            .filter_map(|bracket| self.line_start_before(bracket))
            .collect()
    }

    /// The sections in the order of the file, each name as often as it is there.
    pub fn sections(&self) -> impl Iterator<Item = Section<'_>> + '_ {
        let mut headers = self.headers().peekable();
        std::iter::from_fn(move || {
            let header = headers.next()?;
            let body = header.next..headers.peek().map_or(self.end(), |next| next.text.start);
            Some(Section { name: self.header_name(&header), header, body })
        })
    }

    /// The keys in the lines of a section, comments and blank lines left out.
    pub fn keys<'a>(&'a self, section: &Section<'a>) -> impl Iterator<Item = KeyLine<'a>> + 'a {
        self.lines(section.body.clone()).filter_map(|line| self.key(line))
    }

    /// Whether a line holds nothing but blanks.
    pub fn is_blank_line(&self, line: &Line) -> bool {
        self.units(line.text.clone()).iter().all(is_blank)
    }

    /// The line end of a line, empty if it has none.
    pub fn line_end(&self, line: &Line) -> &[u8] {
        &self.bytes[line.text.end..line.next]
    }

    /// Puts bytes in the place of others.
    pub(super) fn splice(&mut self, range: Range<usize>, with: Vec<u8>) {
        self.bytes.splice(range, with);
        self.header_starts.take();
    }

    /// Takes ranges of bytes out; they come in order and do not overlap.
    pub(super) fn remove(&mut self, ranges: impl Iterator<Item = Range<usize>>) {
        let mut kept = Vec::with_capacity(self.bytes.len());
        let mut from = 0;
        for range in ranges {
            kept.extend_from_slice(&self.bytes[from..range.start]);
            from = range.end;
        }
        kept.extend_from_slice(&self.bytes[from..]);
        self.bytes = kept;
        self.header_starts.take();
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

    /// Where the line begins, if nothing but blanks stands between its start and this byte.
    fn line_start_before(&self, byte: usize) -> Option<usize> {
        let before = self.units(BOM.len()..byte);
        match before.iter().rposition(|unit| !is_blank(unit)) {
            None => Some(BOM.len()),
            Some(index) => matches!(before.get(index), Some(CR | LF)).then(|| BOM.len() + 2 * (index + 1)),
        }
    }

    /// From `[` to the first `]`, or to the end of the line if there is none (Windows 10).
    fn header_name(&self, header: &Line) -> Units<'_> {
        let text = self.units(header.text.clone()).trim();
        let inner = text.slice(1..text.len());
        let end = inner.iter().position(|unit| unit == u16::from(b']')).unwrap_or(inner.len());
        inner.slice(0..end).trim().until_nul()
    }

    fn key(&self, line: Line) -> Option<KeyLine<'_>> {
        let whole = self.units(line.text.clone());
        let first = whole.iter().position(|unit| !is_blank(unit))?;
        if whole.get(first) == Some(u16::from(b';')) {
            return None;
        }
        let at = |index: usize| line.text.start + 2 * index;
        let equals = whole.iter().position(|unit| unit == u16::from(b'='));
        let name = whole.slice(0..equals.unwrap_or(whole.len())).trim();
        let name_start = if name.is_empty() { equals.unwrap_or(first) } else { first };
        let value = equals.map(|equals| {
            let behind = whole.slice(equals + 1..whole.len());
            let value = behind.trim();
            let blanks = behind.iter().take_while(|&unit| is_blank(unit)).count();
            // with nothing but blanks behind it, a value goes right after the `=`
            let start = if value.is_empty() { equals + 1 } else { equals + 1 + blanks };
            at(start)..at(start + value.len())
        });
        Some(KeyLine { name_end: at(name_start + name.len()), name: name.until_nul(), value, line })
    }
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

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_last_line_is_the_last_of_all(text in "[\\r\\na]{0,6}") {
            let document = document(&text);
            proptest::prop_assert_eq!(document.last_line(), document.all_lines().last());
        }
    }

    #[test]
    fn halves_of_code_units_are_no_line_ends() {
        // U+0D0A and U+0A0D hold the bytes of CR and LF, U+5B5B that of a bracket
        assert_eq!(texts(&document("\u{0D0A}\u{0A0D}\u{0A00}x\ny")), ["\u{0D0A}\u{0A0D}\u{0A00}x", "y"]);
        assert_eq!(document("\u{5B5B}\u{5B00}\n").headers().count(), 0);
    }

    #[test]
    fn headers_stand_first_in_their_line() {
        let document = document(" \t[A]\r\nk=[B]\r\n[C\r\n[D]x]\r\n;[E]\r\n[[F]\r\n[]");
        let names: Vec<_> = document.sections().map(|section| section.name.to_string()).collect();
        assert_eq!(names, ["A", "C", "D", "[F", ""]);
    }

    #[test]
    fn keys_are_parted_at_the_first_equals_sign() {
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
    fn an_odd_last_byte_is_no_text_and_is_kept() {
        let mut bytes = encode("[S]\r\nk=v");
        bytes.push(b'x');
        let document = IniDocument::from_utf16le(bytes.clone());
        assert_eq!(texts(&document), ["[S]", "k=v"]);
        assert_eq!(document.into_bytes(), bytes);
    }
}
