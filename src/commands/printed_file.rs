//! Files that are printed, or written if the user names a file: a shell's `>` can change the encoding.

use std::path::Path;

use crate::diagnostic::{Code, Diagnostic};
use crate::platform::{self, FileSystemExt};

use super::context::Context;
use super::error::Error;
use super::outcome::RawText;

/// Returns the text to print, or writes it and returns the path.
///
/// # Errors
/// The file can't be written.
pub fn print_or_write(text: String, file: Option<&Path>, context: &Context<'_>) -> Result<RawText, Error> {
    let Some(path) = file else { return Ok(RawText(text)) };
    let model = Some(path).filter(|path| context.fs.exists(path));
    platform::write_atomically(context.fs, path, text.as_bytes(), model, ("msipcfg-".as_ref(), ".tmp"))
        .map_err(|error| {
            let message = format!("{} couldn't be written: {error}", path.display());
            Diagnostic::new(Code::FileWrite, message)
                .with_hint("check the folder, and that you may write there")
        })?;
    Ok(RawText(format!("{}\n", path.display())))
}
