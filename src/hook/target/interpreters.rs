//! Programs that run scripts.

use super::path::{extension, file_name, is_full};
use super::probe::TargetContext;

/// A program that runs scripts.
pub struct Interpreter {
    /// Its names, the preferred one first.
    pub names: &'static [&'static str],
    /// Where it usually is.
    usual_path: Option<&'static str>,
    /// Its arguments before the script.
    pub leading_args: &'static [&'static str],
}

impl Interpreter {
    /// Returns the interpreter for a file with this extension.
    pub fn of(path: &str) -> Option<Interpreter> {
        Some(match extension(path).as_str() {
            "ps1" => Interpreter {
                names: &["powershell.exe"],
                usual_path: Some(r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
                leading_args: &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"],
            },
            "vbs" | "js" | "wsf" => Interpreter {
                names: &["wscript.exe"],
                usual_path: Some(r"C:\Windows\System32\wscript.exe"),
                leading_args: &["//B"],
            },
            // the one without a console window first
            "py" | "pyw" => Interpreter {
                names: &["pyw.exe", "py.exe"],
                usual_path: Some(r"C:\Windows\pyw.exe"),
                leading_args: &[],
            },
            "jar" => Interpreter { names: &["javaw.exe"], usual_path: None, leading_args: &["-jar"] },
            _ => return None,
        })
    }

    /// Returns the path where the interpreter is, or else where it usually is.
    pub fn path(&self, context: &TargetContext) -> Option<String> {
        let found = self.names.iter().find_map(|name| context.find_by_name(name));
        found.or_else(|| self.usual_path.map(str::to_string))
    }

    /// Returns which of its names a program has, with or without `.exe`.
    pub fn name_of(&self, program: &str) -> Option<&'static str> {
        let name = file_name(program);
        let is_called = |known: &&&str| {
            name.eq_ignore_ascii_case(known)
                || known.strip_suffix(".exe").is_some_and(|stem| name.eq_ignore_ascii_case(stem))
        };
        self.names.iter().find(is_called).copied()
    }
}

/// Returns the script in the arguments of an interpreter.
pub fn script_of<'a>(program: &str, args: &'a [String]) -> Option<&'a String> {
    let runs = |path: &str| Interpreter::of(path).is_some_and(|known| known.name_of(program).is_some());
    args.iter().find(|arg| is_full(arg) && runs(arg))
}
