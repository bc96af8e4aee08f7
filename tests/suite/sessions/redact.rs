//! What differs from run to run, or between systems, and is replaced in snapshots.

use regex::{Captures, Regex};

use crate::sandbox::Sandbox;

/// Replaces it, with numbers for what appears more than once.
pub struct Redactions {
    folder: [String; 2],
    stamps: Vec<String>,
}

/// Replaces everything that a pattern matches.
fn replace(text: &str, pattern: &str, with: impl FnMut(&Captures) -> String) -> String {
    Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
}

impl Redactions {
    /// Returns those for the runs in a sandbox.
    pub fn new(sandbox: &Sandbox) -> Self {
        let folder = sandbox.path("");
        let folder = folder.to_str().unwrap().trim_end_matches(['/', '\\']).to_string();
        let in_json = folder.replace('\\', r"\\");
        Redactions { folder: [in_json, folder], stamps: Vec::new() }
    }

    /// Replaces what differs.
    pub fn apply(&mut self, text: &str) -> String {
        let mut text = text.replace("msipcfg.exe", "msipcfg");
        for folder in &self.folder {
            text = text.replace(folder.as_str(), "[CWD]");
        }
        // the rest of a path in the sandbox
        text =
            replace(&text, r#"\[CWD\][^\s"':;,)]*"#, |path| path[0].replace(r"\\", "/").replace('\\', "/"));
        let version = regex_version();
        text = replace(&text, &version, |version| format!("{} [VERSION]", &version[1]));
        // MicroSIP's own backups are older in the cases
        text = replace(&text, r"20[2-9]\d{5}T\d{6}\.\d{3}Z(-\d+)?", |stamp| {
            let known = self.stamps.iter().position(|known| *known == stamp[0]);
            let number = known.unwrap_or_else(|| {
                self.stamps.push(stamp[0].into());
                self.stamps.len() - 1
            });
            format!("[STAMP-{}]", number + 1)
        });
        text = replace(&text, r"20[2-9]\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", |_| "[TIME]".into());
        // Linux, Windows and Wine; the last two have another error for a missing folder
        let not_found = r"(No such file or directory|The system cannot find the (file|path) specified\.|(File|Path) not found\.)";
        text = replace(&text, &format!(r"{not_found} \(os error [23]\)"), |_| "[NOT FOUND]".into());
        replace(&text, r"(?m)^ *\d+(\.\d+)? ms  ", |_| "[MS]  ".into())
    }
}

fn regex_version() -> String {
    // a command has a version too
    format!("(msipcfg[a-z-]*) {}", env!("CARGO_PKG_VERSION").replace('.', r"\."))
}
