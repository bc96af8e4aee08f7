//! What an action would do, without doing it.

use std::path::PathBuf;

use super::job::Performed;

/// What an action would do for a call. It contains no value of a header, no secret and no environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// It would open this page.
    Open { url: String },
    /// It would show this message.
    Notify { title: String, text: String, link: Option<String> },
    /// It would send this request.
    Send {
        /// The method.
        method: &'static str,
        /// The address, without a user and a password.
        url: String,
        /// The names of the headers.
        headers: Vec<String>,
        /// The body.
        body: Option<String>,
    },
    /// It would add this line to this file.
    Log { file: PathBuf, line: String },
    /// It would start this program.
    Run {
        /// The program: for a script, the one that runs it.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
    },
    /// It would do nothing, and why.
    Nothing(Performed),
}
