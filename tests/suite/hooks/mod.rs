//! The commands set-hook, unset-hook, hooks and events.

mod arguments;
mod dialect;
mod events;
mod generated;
mod listing;
#[cfg(windows)]
mod on_windows;
mod scripts;
mod targets;
mod text;
mod unset;

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox, refused, utf16};

const MODERN: &str = "[Settings]\r\nVAD=1\r\ncmdIncomingCall=\"\"\r\ncmdCallRing=\"\"\r\nversion=3.22.3\r\n";
const RAW: &str = "[Settings]\r\nVAD=1\r\ncmdCallEnd=\r\ncmdCallRing=\r\n";
const OLD: &str = "[Settings]\r\nVAD=1\r\ncmdCallEnd=\r\ncmdCallStart=\r\n";
const UNKNOWN: &str = "[Settings]\r\nVAD=1\r\n";

const RING: &str = r"C:\hooks\ring.exe";
const WITH_SPACES: &str = r"C:\Program Files\Ring\ring.exe";

/// Every event with its aliases and its key.
const EVENTS: &[(&str, &[&str], &str)] = &[
    ("ring", &["incoming"], "cmdIncomingCall"),
    ("ringing", &["alerting"], "cmdCallRing"),
    ("answer", &[], "cmdCallAnswer"),
    ("answer-video", &[], "cmdCallAnswerVideo"),
    ("start", &[], "cmdCallStart"),
    ("end", &[], "cmdCallEnd"),
    ("busy", &[], "cmdCallBusy"),
    ("outgoing", &[], "cmdOutgoingCall"),
];

/// Sets a hook whose program need not exist.
fn set_hook(sandbox: &Sandbox, argv: &[&str]) -> Ran {
    let mut all = vec!["set-hook", "--json", "--allow-missing"];
    all.extend(argv);
    sandbox.run_on_ini(&all)
}

/// Returns the text after `=` in the first line of this key.
fn text_of(sandbox: &Sandbox, key: &str) -> String {
    let ini = sandbox.ini_text();
    let found = ini.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {key} in {ini}")).to_string()
}

/// Returns what `hooks --json` shows for one event.
fn hook(sandbox: &Sandbox, event: &str) -> Value {
    hook_in(sandbox.run_on_ini(&["hooks", "--json"]), event)
}

fn hook_in(ran: Ran, event: &str) -> Value {
    let json = ran.exits(0).json();
    let hooks = json["hooks"].as_array().unwrap();
    hooks.iter().find(|hook| hook["event"] == event).unwrap_or_else(|| panic!("no {event} in {json}")).clone()
}

fn codes(problems: &Value) -> Vec<&str> {
    problems.as_array().unwrap().iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

fn hint(ran: &Ran) -> String {
    ran.json()["error"]["hint"].as_str().unwrap_or_default().to_string()
}

/// Programs on a disk that MicroSIP can see: outside of Windows, in a Wine prefix.
struct Programs {
    sandbox: Sandbox,
    ini: String,
    /// Their folder in the sandbox, with a slash at the end.
    folder: String,
    /// The same folder as MicroSIP sees it.
    windows_folder: String,
}

impl Programs {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let sandbox = Sandbox::new();
        let programs = if cfg!(windows) {
            let windows_folder = format!("{}\\", sandbox.path("hooks").to_str().unwrap());
            Programs { sandbox, ini: "MicroSIP.ini".into(), folder: "hooks/".into(), windows_folder }
        } else {
            let ini = "home/.wine/drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini".into();
            let folder = "home/.wine/drive_c/Hooks/".into();
            Programs { sandbox, ini, folder, windows_folder: "C:\\Hooks\\".into() }
        };
        programs.sandbox.write(&programs.ini, utf16(MODERN));
        for (name, bytes) in files {
            programs.sandbox.write(&format!("{}{name}", programs.folder), bytes);
        }
        programs
    }

    /// Returns the path of a file as MicroSIP sees it.
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.windows_folder)
    }

    fn set(&self, argv: &[&str]) -> Ran {
        let ini = self.sandbox.path(&self.ini);
        let start = ["set-hook", "--json", "--ini", ini.to_str().unwrap()];
        self.sandbox.run(&[&start[..], argv].concat())
    }

    fn hook(&self, event: &str) -> Value {
        let ini = self.sandbox.path(&self.ini);
        hook_in(self.sandbox.run(&["hooks", "--json", "--ini", ini.to_str().unwrap()]), event)
    }
}
