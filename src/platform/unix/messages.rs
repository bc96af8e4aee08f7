//! Web pages and messages, which msipcfg shows only on Windows.

use std::io;

use crate::platform::message::{Message, Shown};
use crate::platform::proxy::ProxySetting;

/// Fails: only Windows' browser can be started.
///
/// # Errors
/// Always.
pub fn open_page(_url: &str) -> io::Result<()> {
    Err(unsupported())
}

/// The messages that are shown.
#[derive(Debug, Default)]
pub struct Messages(());

impl Messages {
    /// Fails: messages are shown only on Windows.
    ///
    /// # Errors
    /// Always.
    pub fn show(&self, _message: &Message<'_>) -> io::Result<Shown> {
        Err(unsupported())
    }

    /// Returns `false`.
    pub fn are_shown(&self) -> bool {
        false
    }
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "unsupported: this isn't Windows")
}

/// Returns `None`: only Windows has this setting.
pub fn proxy_setting() -> Option<ProxySetting> {
    None
}
