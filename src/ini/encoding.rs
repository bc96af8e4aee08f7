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
    #[error("this isn't an ini: it has no [section]")]
    NotAnIni,
    #[error("this is 8-bit text with non-ASCII characters, and its code page isn't known on this computer")]
    Unknown,
    #[error("it contains bytes that aren't valid {0}")]
    Invalid(Encoding),
}

impl ToDiagnostic for EncodingError {
    fn code(&self) -> Code {
        match self {
            EncodingError::NotAnIni => Code::NotAnIni,
            EncodingError::Unknown => Code::EncodingUnknown,
            EncodingError::Invalid(_) => Code::EncodingInvalid,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            EncodingError::NotAnIni => {
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
        // its conversion stops at the first NUL and assumes one byte per character
        Encoding::Ascii => bytes.contains(&0),
        Encoding::Ansi(page) => bytes.contains(&0) || !page.0.is_single_byte(),
    };
    let document = decode_as(bytes, encoding)?;
    if !document.is_empty() && document.headers().next().is_none() {
        return Err(EncodingError::NotAnIni);
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

fn detect(bytes: &[u8], ansi: Option<CodePage>) -> Result<Encoding, EncodingError> {
    if bytes.starts_with(&BOM) {
        return Ok(Encoding::Utf16Le { bom: true });
    }
    if bytes.starts_with(&[0xFE, 0xFF]) {
        return Ok(Encoding::Utf16Be { bom: true });
    }
    if bytes.starts_with(&UTF8_BOM) {
        return Ok(Encoding::Utf8 { bom: true });
    }
    if bytes.contains(&0) {
        // only the right byte order shows a header
        if has_named_header(bytes, Width::LittleEndian) {
            return Ok(Encoding::Utf16Le { bom: false });
        }
        if has_named_header(bytes, Width::BigEndian) {
            return Ok(Encoding::Utf16Be { bom: false });
        }
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
        Err(EncodingError::NotAnIni)
    }
}

/// The size of a code unit, and the order of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Byte,
    LittleEndian,
    BigEndian,
}

/// Returns whether a line is `[x…]` or `[x…` with a name of printable ASCII and tabs.
fn has_named_header(bytes: &[u8], width: Width) -> bool {
    let size = if width == Width::Byte { 1 } else { 2 };
    let unit = |index: usize| {
        let unit = bytes.get(size * index..size * (index + 1))?;
        Some(match width {
            Width::Byte => u16::from(unit[0]),
            Width::LittleEndian => u16::from_le_bytes([unit[0], unit[1]]),
            Width::BigEndian => u16::from_be_bytes([unit[0], unit[1]]),
        })
    };
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
    (0..bytes.len() / size).any(|index| unit(index) == Some(0x5B) && starts_line(index) && is_named(index))
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
        assert_eq!(text_of(b"\x80\x81 no header \xC6", None), Err(EncodingError::NotAnIni));
    }

    #[test]
    fn text_without_a_section_is_refused_and_an_empty_file_is_not() {
        assert_eq!(text_of(b"hello\r\nworld=1", None), Err(EncodingError::NotAnIni));
        assert_eq!(text_of(&[0xFF, 0xFE, 0, 0, b'x', 0], None), Err(EncodingError::NotAnIni));
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
    fn a_stray_nul_does_not_make_a_file_utf16() {
        assert_eq!(text_of(b"x\0y\r\n[S]\r\nk=v", None).unwrap().1, Encoding::Ascii);
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
        assert!(is_damaged(b"[S]\nk=a\0b", 1252));
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
