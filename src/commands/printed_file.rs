//! Files that are printed, or written if the user names a file: a shell's `>` can change the encoding.

use std::path::Path;

use crate::diagnostic::{Code, Diagnostic};
use crate::platform::{self, FileSystemExt};

use super::context::Context;
use super::error::Error;
use super::outcome::RawText;

/// What the names of MicroSIP's inis and of the files with their actions end with.
const RESERVED: [&str; 2] = [".ini", ".hooks.toml"];

/// Returns the text to print, or writes it and returns the path.
///
/// # Errors
/// The file can't be written, or has the name of an ini or its actions: a mistyped path must not replace them.
pub fn print_or_write(text: String, file: Option<&Path>, context: &Context<'_>) -> Result<RawText, Error> {
    let Some(path) = file else { return Ok(RawText(text)) };
    if is_reserved(path) {
        let message = format!(
            "the output isn't written to {}, because names that end with .ini or .hooks.toml are those of MicroSIP's \
             settings and actions",
            path.display()
        );
        return Err(Diagnostic::new(Code::Usage, message).with_hint("use another file with --output").into());
    }
    let model = Some(path).filter(|path| context.fs.exists(path));
    platform::write_atomically(context.fs, path, text.as_bytes(), model, ("msipcfg-".as_ref(), ".tmp"))
        .map_err(|error| {
            let message = format!("{} couldn't be written: {error}", path.display());
            Diagnostic::new(Code::FileWrite, message)
                .with_hint("check the folder, and that you may write there")
        })?;
    Ok(RawText(format!("{}\n", path.display())))
}

/// Returns whether a path has a name that is reserved, as Windows reads it.
fn is_reserved(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.trim_end_matches(['.', ' ']);
    RESERVED.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inis_and_actions_are_reserved() {
        for name in ["MicroSIP.ini", "a/MicroSIP.INI", "other.ini. .", "MicroSIP.hooks.toml", "x.Hooks.Toml"]
        {
            assert!(is_reserved(Path::new(name)), "{name}");
        }
        for name in
            ["calls.csv", "state.toml", "MicroSIP.ini.csv", "hooks.toml", "ini", "MicroSIP.ini/calls.csv"]
        {
            assert!(!is_reserved(Path::new(name)), "{name}");
        }
    }
}
