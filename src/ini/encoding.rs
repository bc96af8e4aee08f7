//! Detects the encoding of an ini and converts it to UTF-16LE.
//!
//! MicroSIP saves its ini as UTF-16LE with a byte order mark. When it starts, it reads any other file in the ANSI
//! code page and converts it (MicroSIP 3.22.3, settings.cpp). Where that would damage the file, it is decoded here
//! as what it really is.

use std::str::FromStr;

use encoding_rs::Encoding as Charset;

use super::document::IniDocument;
use super::utf16::is_whitespace;
use crate::diagnostic::{Code, ToDiagnostic};

pub use super::utf16::BOM;

const UTF8_BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// The encoding of an ini.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-16 little endian. Without `bom`, MicroSIP's conversion would lose everything after the first NUL byte.
    Utf16Le { bom: bool },
    /// UTF-16 big endian.
    Utf16Be { bom: bool },
    /// UTF-8 with a byte order mark, or valid UTF-8 that is not all ASCII.
    Utf8 { bom: bool },
    /// ASCII, which is the same in every ANSI code page.
    Ascii,
    /// Text in an 8-bit or double-byte Windows code page.
    Ansi(CodePage),
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Encoding::Utf16Le { bom: true } => f.write_str("UTF-16LE with BOM"),
            Encoding::Utf16Le { bom: false } => f.write_str("UTF-16LE without BOM"),
            Encoding::Utf16Be { bom: true } => f.write_str("UTF-16BE with BOM"),
            Encoding::Utf16Be { bom: false } => f.write_str("UTF-16BE without BOM"),
            Encoding::Utf8 { bom: true } => f.write_str("UTF-8 with BOM"),
            Encoding::Utf8 { bom: false } => f.write_str("UTF-8"),
            Encoding::Ascii => f.write_str("ASCII"),
            Encoding::Ansi(page) => write!(f, "ANSI ({page})"),
        }
    }
}

/// A Windows code page for 8-bit text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePage(&'static Charset);

impl CodePage {
    /// Returns the code page with this number (1252, 1251, 932, …) if Windows uses it as an ANSI code page.
    pub fn from_number(number: u16) -> Option<Self> {
        codepage::to_encoding(number).filter(|charset| charset.is_ascii_compatible()).map(CodePage)
    }
}

impl FromStr for CodePage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let digits = name.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
        let by_number = || digits.parse().ok().and_then(CodePage::from_number);
        Charset::for_label(name.as_bytes())
            .filter(|charset| charset.is_ascii_compatible())
            .map(CodePage)
            .or_else(by_number)
            .ok_or_else(|| format!("'{name}' isn't a code page; use one such as 1252 or windows-1251"))
    }
}

impl std::fmt::Display for CodePage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.name().to_ascii_lowercase())
    }
}

/// The reason why bytes can't be decoded as an ini.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodingError {
    #[error("this isn't an ini: it's {0}")]
    Binary(&'static str),
    #[error("this isn't an ini: it isn't text (byte {byte:02X} at position {offset})")]
    NotText { offset: usize, byte: u8 },
    #[error("this isn't an ini: it has no [section]")]
    NoSection,
    #[error("this is 8-bit text with non-ASCII characters, and its code page isn't known on this computer")]
    Unknown,
    #[error("it contains bytes that aren't valid {0}")]
    Invalid(Encoding),
}

impl ToDiagnostic for EncodingError {
    fn code(&self) -> Code {
        match self {
            EncodingError::Binary(_) | EncodingError::NotText { .. } | EncodingError::NoSection => {
                Code::NotAnIni
            }
            EncodingError::Unknown => Code::EncodingUnknown,
            EncodingError::Invalid(_) => Code::EncodingInvalid,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            EncodingError::Binary(_) | EncodingError::NotText { .. } | EncodingError::NoSection => {
                "check the path; MicroSIP's ini starts with [Settings] or [Global]".into()
            }
            EncodingError::Unknown => {
                "give the code page of the Windows that it comes from, such as --codepage 1252 (Western) or 1251 \
                 (Cyrillic)"
                    .into()
            }
            EncodingError::Invalid(_) => {
                "save it as UTF-16 LE in an editor, or restore it from a backup".into()
            }
        })
    }
}

/// A decoded ini.
#[derive(Debug)]
pub struct Decoded {
    /// The text.
    pub document: IniDocument,
    /// The encoding of the file.
    pub encoding: Encoding,
    /// Whether MicroSIP would damage the file when it converts it at its next start.
    pub damaged_by_microsip: bool,
}

/// Decodes the bytes of an ini. `ansi` is the code page of 8-bit text, if it is known.
///
/// # Errors
/// If the bytes aren't an ini, or their encoding is unknown or invalid.
pub fn decode(bytes: Vec<u8>, ansi: Option<CodePage>) -> Result<Decoded, EncodingError> {
    let encoding = detect(&bytes, ansi)?;
    let damaged_by_microsip = match encoding {
        Encoding::Utf16Le { bom: true } => false,
        Encoding::Utf16Le { .. } | Encoding::Utf16Be { .. } | Encoding::Utf8 { .. } => true,
        // its conversion stops at the first NUL, even at the end, and assumes one byte per character
        Encoding::Ascii => bytes.contains(&0),
        Encoding::Ansi(page) => bytes.contains(&0) || !page.0.is_single_byte(),
    };
    let document = decode_as(bytes, encoding)?;
    if !document.is_empty() && document.headers().next().is_none() {
        return Err(EncodingError::NoSection);
    }
    Ok(Decoded { document, encoding, damaged_by_microsip })
}

/// Decodes bytes in a given encoding, whether that is the right one or not. With `Ansi`, this is how Windows reads a
/// file without FF FE.
///
/// # Errors
/// If the bytes aren't valid in this encoding.
pub fn decode_as(mut bytes: Vec<u8>, encoding: Encoding) -> Result<IniDocument, EncodingError> {
    Ok(IniDocument::from_utf16le(match encoding {
        Encoding::Utf16Le { .. } => bytes,
        Encoding::Utf16Be { .. } => {
            bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse);
            bytes
        }
        Encoding::Utf8 { .. } | Encoding::Ascii => {
            let text = std::str::from_utf8(bytes.strip_prefix(&UTF8_BOM).unwrap_or(&bytes));
            encode(text.map_err(|_| EncodingError::Invalid(encoding))?)
        }
        Encoding::Ansi(page) => {
            let (text, broken) = page.0.decode_without_bom_handling(&bytes);
            if broken {
                return Err(EncodingError::Invalid(encoding));
            }
            encode(&text)
        }
    }))
}

/// Encodes a text as UTF-16LE with BOM, like MicroSIP.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + 2 * text.len());
    bytes.extend(BOM);
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// How files that are certainly not inis begin.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"MZ", "a Windows program"),
    (b"\x7FELF", "a Linux program"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"),
    (b"Rar!\x1A", "a RAR archive"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"\x28\xB5\x2F\xFD", "a Zstandard archive"),
    (b"%PDF-", "a PDF file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\xD0\xCF\x11\xE0", "an Office document or an MSI package"),
    (b"SQLite format 3", "an SQLite database"),
];

fn detect(bytes: &[u8], ansi: Option<CodePage>) -> Result<Encoding, EncodingError> {
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Err(EncodingError::Binary(what));
    }
    if bytes.starts_with(&BOM) {
        return Ok(Encoding::Utf16Le { bom: true });
    }
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return Ok(Encoding::Utf16Be { bom: true });
    }
    if bytes.contains(&0) {
        // only the right byte order shows a header
        for (width, encoding) in [
            (Width::LittleEndian, Encoding::Utf16Le { bom: false }),
            (Width::BigEndian, Encoding::Utf16Be { bom: false }),
        ] {
            if has_named_header(bytes, width) && find_non_text(bytes, width).is_none() {
                return Ok(encoding);
            }
        }
    }
    if let Some(offset) = find_non_text(bytes, Width::Byte) {
        return Err(EncodingError::NotText { offset, byte: bytes[offset] });
    }
    if bytes.starts_with(&UTF8_BOM) {
        return Ok(Encoding::Utf8 { bom: true });
    }
    if bytes.is_ascii() {
        return Ok(Encoding::Ascii);
    }
    if std::str::from_utf8(bytes).is_ok() {
        return Ok(Encoding::Utf8 { bom: false });
    }
    if let Some(page) = ansi {
        return Ok(Encoding::Ansi(page));
    }
    // brackets and spaces are the same in every ANSI code page
    if has_named_header(bytes, Width::Byte) {
        Err(EncodingError::Unknown)
    } else {
        Err(EncodingError::NoSection)
    }
}

/// The size of a code unit, and the order of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Byte,
    LittleEndian,
    BigEndian,
}

impl Width {
    /// Returns the code unit at an index.
    fn unit(self, bytes: &[u8], index: usize) -> Option<u16> {
        let pair = || bytes.get(2 * index..2 * index + 2).map(|pair| [pair[0], pair[1]]);
        match self {
            Width::Byte => bytes.get(index).copied().map(u16::from),
            Width::LittleEndian => pair().map(u16::from_le_bytes),
            Width::BigEndian => pair().map(u16::from_be_bytes),
        }
    }

    /// Returns the number of code units, without an odd last byte.
    fn count(self, bytes: &[u8]) -> usize {
        bytes.len() / if self == Width::Byte { 1 } else { 2 }
    }
}

/// Returns the index of the first unit that no text contains: a control character other than tab, CR, LF, FF and ^Z,
/// or a NUL before the end. A power failure can leave a tail of NULs.
fn find_non_text(bytes: &[u8], width: Width) -> Option<usize> {
    let units = || (0..width.count(bytes)).map(|index| width.unit(bytes, index).unwrap_or_default());
    let end = units().rposition(|unit| unit != 0).map_or(0, |last| last + 1);
    units()
        .take(end)
        .position(|unit| matches!(unit, 0..0x20 | 0x7F) && !matches!(unit, 0x09 | 0x0A | 0x0C | 0x0D | 0x1A))
}

/// Returns whether a line is `[x…]` or `[x…` with a name of printable ASCII and tabs.
fn has_named_header(bytes: &[u8], width: Width) -> bool {
    let unit = |index: usize| width.unit(bytes, index);
    let starts_line = |bracket: usize| {
        let mut before = (0..bracket).rev().map(&unit).skip_while(|unit| unit.is_some_and(is_whitespace));
        matches!(before.next().flatten(), None | Some(0x0A | 0x0D))
    };
    let is_named = |bracket: usize| {
        let is_part_of_name = |unit: &Option<u16>| matches!(unit, Some(0x09 | 0x20..=0x5C | 0x5E..0x7F));
        let mut after = (bracket + 1..).map(&unit).skip_while(is_part_of_name);
        matches!(after.next().flatten(), None | Some(0x0A | 0x0D | 0x5D))
            && is_part_of_name(&unit(bracket + 1))
    };
    (0..width.count(bytes)).any(|index| unit(index) == Some(0x5B) && starts_line(index) && is_named(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8], ansi: Option<CodePage>) -> Result<(String, Encoding), EncodingError> {
        let decoded = decode(bytes.to_vec(), ansi)?;
        let units: Vec<u16> = decoded.document.as_bytes()[2..]
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
            .collect();
        Ok((String::from_utf16_lossy(&units), decoded.encoding))
    }

    #[test]
    fn each_encoding_is_detected_and_read() {
        let page = CodePage::from_number(1251);
        let le: Vec<u8> = "[S]\r\nk=Ж".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = "[S]\r\nk=Ж".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cases: &[(Vec<u8>, Encoding)] = &[
            ([&[0xFF, 0xFE], &le[..]].concat(), Encoding::Utf16Le { bom: true }),
            (le.clone(), Encoding::Utf16Le { bom: false }),
            ([&[0xFE, 0xFF], &be[..]].concat(), Encoding::Utf16Be { bom: true }),
            (be, Encoding::Utf16Be { bom: false }),
            ("\u{FEFF}[S]\r\nk=Ж".into(), Encoding::Utf8 { bom: true }),
            ("[S]\r\nk=Ж".into(), Encoding::Utf8 { bom: false }),
            (b"[S]\r\nk=\xC6".to_vec(), Encoding::Ansi(page.unwrap())),
        ];
        for (bytes, encoding) in cases {
            assert_eq!(text_of(bytes, page), Ok(("[S]\r\nk=Ж".to_string(), *encoding)), "{encoding}");
        }
        assert_eq!(text_of(b"[S]\nk=v", None).unwrap().1, Encoding::Ascii);
    }

    #[test]
    fn eight_bit_text_without_a_code_page_is_refused() {
        assert_eq!(text_of(b"[S]\r\nk=\xC6", None), Err(EncodingError::Unknown));
        assert_eq!(text_of(b"\x80\x81 no header \xC6", None), Err(EncodingError::NoSection));
    }

    #[test]
    fn text_without_a_section_is_refused_and_an_empty_file_is_not() {
        assert_eq!(text_of(b"hello\r\nworld=1", None), Err(EncodingError::NoSection));
        assert_eq!(text_of(&[0xFF, 0xFE, 0, 0, b'x', 0], None), Err(EncodingError::NoSection));
        assert_eq!(text_of(b"", None).unwrap(), (String::new(), Encoding::Ascii));
        assert_eq!(text_of(&BOM, None).unwrap().0, "");
    }

    #[test]
    fn utf16_without_bom_is_detected_by_any_header() {
        for text in ["[Settings\t]\r\nk=v", "[Settings\r\nk=v", ";x\r\n [S]\r\n"] {
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(text_of(&bytes, None).unwrap().1, Encoding::Utf16Le { bom: false }, "{text:?}");
        }
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let header: Vec<u8> = "[Settings]\r\nk=v\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let page = CodePage::from_number(1252);
        for start in
            [&b"MZ\x90\0"[..], b"\x7FELF\0", b"PK\x03\x04", b"\x89PNG\r\n", b"%PDF-1.7\n", b"\x1F\x8B\x08"]
        {
            let error = text_of(&[start, b"\r\n[Settings]\r\nVAD=1\r\n"].concat(), page).unwrap_err();
            assert!(matches!(error, EncodingError::Binary(_)), "{start:02X?}: {error}");
        }
        let not_text = |offset, byte| Err(EncodingError::NotText { offset, byte });
        assert_eq!(text_of(b"[S]\r\nk=a\0b", page), not_text(8, 0));
        assert_eq!(text_of(b"x\0y\r\n[S]\r\nk=v", None), not_text(1, 0));
        assert_eq!(text_of(b"[S]\r\nk=\x01\r\n", page), not_text(7, 1));
        assert_eq!(text_of(b"\xEF\xBB\xBF[S]\r\nk=\x1B[0m", page), not_text(10, 0x1B));
        // a resource with a line that looks like a header
        let resource = [&[1, 0, 2, 0, 0x0A, 0], &header[..]].concat();
        assert_eq!(text_of(&resource, page), not_text(0, 1));
        assert_eq!(text_of(&[0; 512], page), Err(EncodingError::NoSection));
    }

    #[test]
    fn text_of_real_inis_is_not_refused() {
        let page = CodePage::from_number(1252);
        for end in ["\x1A", "\x0C\r\n", "\t", "\0", "\0\0\0\0\0", "\x1A\0\0"] {
            let text = format!("[S]\r\nk=v{end}");
            assert_eq!(text_of(text.as_bytes(), page).unwrap(), (text.clone(), Encoding::Ascii), "{end:?}");
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(text_of(&wide, page).unwrap().1, Encoding::Utf16Le { bom: false }, "{end:?}");
            assert_eq!(text_of(&encode(&text), page).unwrap().1, Encoding::Utf16Le { bom: true }, "{end:?}");
        }
        let printable: Vec<u8> = [&b"[S]\r\nk="[..], &(0x80..=0xFF).collect::<Vec<u8>>()].concat();
        assert!(text_of(&printable, CodePage::from_number(1251)).is_ok());
    }

    #[test]
    fn invalid_utf8_after_its_bom_is_refused() {
        let bytes = b"\xEF\xBB\xBF[S]\r\nk=\xFF";
        assert_eq!(text_of(bytes, None), Err(EncodingError::Invalid(Encoding::Utf8 { bom: true })));
    }

    #[test]
    fn files_that_microsip_would_damage_are_detected() {
        let is_damaged = |bytes: &[u8], page: u16| {
            decode(bytes.to_vec(), CodePage::from_number(page)).unwrap().damaged_by_microsip
        };
        assert!(!is_damaged(b"[S]\nk=v", 1252));
        assert!(!is_damaged(b"[S]\nk=\xE9", 1252));
        assert!(is_damaged("[S]\nk=é".as_bytes(), 1252));
        assert!(is_damaged(b"\xEF\xBB\xBF[S]\nk=v", 1252));
        assert!(is_damaged(b"[S]\nk=\x83\x41", 932));
        assert!(is_damaged(b"[S]\nk=a\0", 1252));
    }

    #[test]
    fn a_code_page_is_a_number_or_a_label() {
        for name in ["1252", "cp1252", "windows-1252", "CP 1252"] {
            assert_eq!(name.parse::<CodePage>().unwrap().to_string(), "windows-1252", "{name}");
        }
        assert_eq!("932".parse::<CodePage>().unwrap().to_string(), "shift_jis");
        assert!("klingon".parse::<CodePage>().is_err());
        assert!("1200".parse::<CodePage>().is_err(), "UTF-16 isn't an ANSI code page");
    }
}
