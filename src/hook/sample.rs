//! Sample hooks: small scripts that treat the number as data, never as code. The scripts are in `samples/`.
//!
//! They are in PowerShell, not VBScript: wscript takes a number that begins with `//` for one of its own options, and
//! Windows will drop VBScript.

use std::path::{Path, PathBuf};

use super::command::HookCommand;
use super::event::Event;

/// A hook with a script of msipcfg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Writes calls to a text file.
    Log,
    /// Shows the number in a window.
    PopUp,
    /// Opens this address with the number at its end.
    WebPage { address: WebAddress },
}

impl Sample {
    /// Returns the path of its script, in the folder `hooks` next to the ini.
    pub fn script_path(&self, ini: &Path) -> PathBuf {
        ini.with_file_name("hooks").join(self.file_name())
    }

    fn file_name(&self) -> &'static str {
        match self {
            Sample::Log => "log.ps1",
            Sample::PopUp => "popup.ps1",
            Sample::WebPage { .. } => "webpage.ps1",
        }
    }

    /// Returns the text of its script.
    pub fn script(&self) -> &'static str {
        match self {
            Sample::Log => include_str!("samples/log.ps1"),
            Sample::PopUp => include_str!("samples/popup.ps1"),
            Sample::WebPage { .. } => include_str!("samples/webpage.ps1"),
        }
    }

    /// Returns the command that runs the script at this Windows path for an event.
    pub fn command(&self, script: &str, event: Event) -> HookCommand {
        let mut args = vec![event.name().to_string()];
        if let Sample::WebPage { address } = self {
            args.push(address.0.clone());
        }
        HookCommand { program: script.to_string(), args }
    }
}

/// The start of a web address. It includes the end of the host, so the text that a caller adds can't lead to another
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress(String);

impl WebAddress {
    /// Checks the start of an address.
    pub fn new(text: &str) -> Option<WebAddress> {
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"))?;
        let has_no_spaces = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
        let has_host = rest.find(['/', '?', '#']).is_some_and(|end| end > 0);
        (has_no_spaces && has_host).then(|| WebAddress(text.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Sample; 3] {
        let address = WebAddress::new("https://crm.example/?q=").unwrap();
        [Sample::Log, Sample::PopUp, Sample::WebPage { address }]
    }

    #[test]
    fn scripts_are_ascii_and_explain_themselves() {
        for sample in all() {
            let text = sample.script();
            assert!(text.starts_with("# A hook of MicroSIP: "), "{sample:?}");
            assert!(text.is_ascii(), "Windows PowerShell reads it in the ANSI code page: {sample:?}");
            assert!(text.lines().all(|line| line.len() <= 110), "{sample:?}");
        }
    }

    #[test]
    fn no_script_runs_text_or_has_parameters() {
        for sample in all() {
            let code = sample.script().lines().filter(|line| !line.trim_start().starts_with('#'));
            for line in code {
                let line = line.to_lowercase();
                for word in ["invoke-", "iex", "cmd", "param(", "[scriptblock]", "-command", "& "] {
                    assert!(!line.contains(word), "{sample:?}: {line}");
                }
            }
        }
    }

    #[test]
    fn hook_receives_the_event_and_the_address_before_the_number() {
        let [log, _, page] = all();
        let command = |sample: &Sample| sample.command(r"C:\hooks\x.ps1", Event::End).args;
        assert_eq!(command(&log), ["end"]);
        assert_eq!(command(&page), ["end", "https://crm.example/?q="]);
        assert_eq!(log.script_path(Path::new("a/MicroSIP.ini")), Path::new("a/hooks/log.ps1"));
    }

    #[test]
    fn only_web_addresses_with_a_complete_host_are_accepted() {
        for text in ["https://a.b/?q=", "HTTP://10.0.0.1/x", "http://[::1]/", "https://a?q="] {
            assert!(WebAddress::new(text).is_some(), "{text}");
        }
        for text in ["", "https://", "file:///c:/x", "https:///x", "https://a b", "calc.exe", "https://a/\"x"]
        {
            assert_eq!(WebAddress::new(text), None, "{text}");
        }
    }
}
