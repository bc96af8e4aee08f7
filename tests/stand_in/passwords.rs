//! Passwords, which are encrypted in the ini. MicroSIP's key is known to nobody else, so another cipher stands in: what
//! it makes has the length that is expected of MicroSIP's, differs by the password, and can be read back.

use std::fmt::Write as _;
use std::io;

use crate::ini::Ini;
use crate::version::Version;
use crate::wide::text_of;

/// Bytes that are encrypted at once.
const BLOCK: usize = 8;

/// Encrypts the passwords of the accounts that a start loads: the active one and Account0.
pub fn encrypt_at_start(ini: &Ini, version: Version, account: u32) -> io::Result<()> {
    let is_there = |number: u32| number == 0 || !ini.get(&section(number), "domain", "", 1041).is_empty();
    for section in [account, 0].into_iter().filter(|number| is_there(*number)).map(section) {
        let size = if version.knows_no_arguments() { 256 } else { 1041 };
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
    let filling = BLOCK - bytes.len() % BLOCK;
    bytes.resize(bytes.len() + filling, u8::try_from(filling).unwrap());
    let hex = with_key(&bytes).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02X}").unwrap();
        hex
    });
    hex.encode_utf16().collect()
}

/// Whether it can be decrypted: what comes out is the form of a string, and its filling.
fn is_encrypted(text: &str) -> bool {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect();
    let Some(digits) = digits.filter(|digits| digits.len() % (2 * BLOCK) == 0) else { return false };
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect();
    let bytes = with_key(&bytes);
    let Some(&filling) = bytes.last() else { return false };
    let is_filling = (1..=BLOCK).contains(&usize::from(filling))
        && bytes[bytes.len() - usize::from(filling)..].iter().all(|&byte| byte == filling);
    is_filling && bytes.starts_with(&[0xFF, 0xFE, 0xFF])
}

/// MFC's form of a UTF-16 string.
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

/// Its own inverse. Each byte changes those behind it in no way, which tests do not mind.
fn with_key(bytes: &[u8]) -> Vec<u8> {
    let key = (0_u8..=u8::MAX).cycle().map(|at| at.wrapping_mul(167) ^ 0xA5);
    bytes.iter().zip(key).map(|(byte, key)| byte ^ key).collect()
}
