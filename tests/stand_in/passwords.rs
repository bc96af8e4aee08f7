//! Encrypts passwords in the ini. MicroSIP's key isn't known, so this uses another cipher. Its results have the same
//! length as MicroSIP's, depend on the password, and can be decrypted.

use std::fmt::Write as _;
use std::io;

use crate::ini::Ini;
use crate::version::Version;
use crate::wide::text_of;

/// The block size of MicroSIP's cipher, in bytes.
const BLOCK: usize = 8;

/// Encrypts the passwords of the accounts that MicroSIP loads when it starts: the active one and Account0.
pub fn encrypt_at_start(ini: &Ini, version: Version, account: u32) -> io::Result<()> {
    let exists = |number: u32| number == 0 || !ini.get(&section(number), "domain", "", 1041).is_empty();
    for section in [account, 0].into_iter().filter(|number| exists(*number)).map(section) {
        let size = if version.has_no_arguments() { 256 } else { 1041 };
        let password = ini.get(&section, "password", "", size);
        if !password.is_empty() && !is_encrypted(&text_of(&password)) {
            ini.set(&section, "password", &encrypted(&password))?;
        }
    }
    Ok(())
}

fn section(account: u32) -> String {
    format!("Account{account}")
}

fn encrypted(password: &[u16]) -> Vec<u16> {
    let mut bytes = stored(password);
    let padding = BLOCK - bytes.len() % BLOCK;
    bytes.resize(bytes.len() + padding, u8::try_from(padding).unwrap());
    let hex = with_key(&bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").unwrap();
        hex
    });
    hex.encode_utf16().collect()
}

/// Returns whether a text can be decrypted, which means that the result is a string with padding.
fn is_encrypted(text: &str) -> bool {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect();
    let Some(digits) = digits.filter(|digits| digits.len() % (2 * BLOCK) == 0) else { return false };
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect();
    let bytes = with_key(&bytes);
    let Some(&padding) = bytes.last() else { return false };
    let is_padded = (1..=BLOCK).contains(&usize::from(padding))
        && bytes[bytes.len() - usize::from(padding)..].iter().all(|&byte| byte == padding);
    is_padded && bytes.starts_with(&[0xFF, 0xFE, 0xFF])
}

/// Returns MFC's form of a UTF-16 string.
fn stored(text: &[u16]) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xFE, 0xFF];
    match u8::try_from(text.len()) {
        Ok(length) if length < 0xFF => bytes.push(length),
        _ => {
            bytes.push(0xFF);
            bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        }
    }
    bytes.extend(text.iter().copied().flat_map(u16::to_le_bytes));
    bytes
}

/// Encrypts or decrypts bytes. Each byte is independent of the others, which is enough for tests.
fn with_key(bytes: &[u8]) -> Vec<u8> {
    let key = (0_u8..=u8::MAX).cycle().map(|at| at.wrapping_mul(167) ^ 0xA5);
    bytes.iter().zip(key).map(|(byte, key)| byte ^ key).collect()
}
