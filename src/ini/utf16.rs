//! UTF-16LE text: the byte order mark, code units, and views of bytes as code units.

use std::ops::Range;

/// The byte order mark of UTF-16LE. Every ini that is written starts with it.
pub const BOM: [u8; 2] = [0xFF, 0xFE];

/// UTF-16 code units, as Windows counts and truncates text. May contain lone surrogates.
pub type Wide = Vec<u16>;

/// Returns the UTF-16 code units of a text.
pub fn wide(text: &str) -> Wide {
    text.encode_utf16().collect()
}

/// Returns whether the profile functions trim this unit from lines, names and values: tab, VT, FF, ^Z and space
/// (observed in Wine 8.0; space, tab and VT also on Windows 10).
pub fn is_whitespace(unit: u16) -> bool {
    matches!(unit, 0x09 | 0x0B | 0x0C | 0x1A | 0x20)
}

/// A view of UTF-16LE bytes as code units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Units<'a>(&'a [u8]);

impl<'a> Units<'a> {
    /// Creates a view of UTF-16LE bytes, without an odd last byte.
    pub fn new(bytes: &'a [u8]) -> Units<'a> {
        Units(&bytes[..bytes.len() & !1])
    }

    /// Returns the number of code units.
    pub fn len(self) -> usize {
        self.0.len() / 2
    }

    /// Returns whether there are no code units.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Returns the code unit at an index.
    pub fn get(self, index: usize) -> Option<u16> {
        self.0.get(2 * index..2 * index + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }

    /// Iterates over the code units.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + 'a {
        self.0.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }

    /// Returns the units in a range of indexes.
    pub fn slice(self, range: Range<usize>) -> Units<'a> {
        Units(&self.0[2 * range.start..2 * range.end])
    }

    /// Returns the units before the first NUL, where the profile functions end a text.
    pub fn until_nul(self) -> Units<'a> {
        let end = self.iter().position(|unit| unit == 0).unwrap_or(self.len());
        self.slice(0..end)
    }

    /// Returns the units without whitespace at both ends.
    pub fn trim(self) -> Units<'a> {
        let Some(start) = self.iter().position(|unit| !is_whitespace(unit)) else { return Units(&[]) };
        let end = self.iter().rposition(|unit| !is_whitespace(unit)).map_or(start, |last| last + 1);
        self.slice(start..end)
    }

    /// Compares with a text, ignoring the case of ASCII letters only, as Wine does.
    pub fn eq_ignore_ascii_case(self, text: &str) -> bool {
        let fold = |unit: u16| u8::try_from(unit).map_or(unit, |byte| u16::from(byte.to_ascii_lowercase()));
        self.iter().map(fold).eq(text.encode_utf16().map(fold))
    }

    /// Copies the units.
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
