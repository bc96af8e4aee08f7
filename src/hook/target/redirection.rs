//! Which file a path opens in MicroSIP, a 32-bit program, for which 64-bit Windows redirects its system folder.

/// The redirection of files for 32-bit programs on 64-bit Windows
/// (<https://learn.microsoft.com/windows/win32/winprog64/file-system-redirector>).
#[derive(Clone, Debug)]
pub struct Redirection {
    /// Windows' own folder, without a backslash at its end.
    windows: String,
}

/// What 32-bit programs open instead, below Windows' own folder. The last one is the 64-bit system folder for them.
const REDIRECTED: &[(&str, &str)] = &[
    ("System32", "SysWOW64"),
    (r"lastgood\System32", r"lastgood\SysWOW64"),
    ("regedit.exe", r"SysWOW64\regedit.exe"),
    (SYSNATIVE, "System32"),
];

/// A folder that exists only for 32-bit programs: the 64-bit system folder.
const SYSNATIVE: &str = "Sysnative";

/// The folders that aren't redirected.
const EXEMPT: &[&str] = &[
    r"System32\catroot",
    r"System32\catroot2",
    r"System32\driverstore",
    r"System32\drivers\etc",
    r"System32\logfiles",
    r"System32\spool",
];

impl Redirection {
    /// Returns the redirection for a MicroSIP, if its files are redirected: it is a 32-bit program (as all its releases
    /// up to 3.22 are, if its exe isn't known), and this Windows runs both kinds.
    pub fn of(
        is_32_bit: Option<bool>,
        windows: &str,
        has_file: impl Fn(&str) -> bool,
    ) -> Option<Redirection> {
        let windows = windows.trim_end_matches('\\').to_string();
        // a 64-bit Windows or Wine that can't run 32-bit programs has no such file
        let runs_both = || has_file(&format!(r"{windows}\SysWOW64\ntdll.dll"));
        (is_32_bit.unwrap_or(true) && runs_both()).then_some(Redirection { windows })
    }

    /// Returns the path by which a 64-bit program opens the file that MicroSIP opens.
    pub fn opened(&self, path: &str) -> String {
        let path = path.replace('/', "\\");
        let Some(below) = self.below_windows(&path) else { return path };
        if EXEMPT.iter().any(|folder| strip_folder(below, folder).is_some()) {
            return path;
        }
        let found = REDIRECTED.iter().find_map(|(from, to)| Some((strip_folder(below, from)?, to)));
        found.map_or(path.clone(), |(rest, to)| format!(r"{}\{to}{rest}", self.windows))
    }

    /// Returns the path by which MicroSIP opens a file in the 64-bit system folder.
    pub fn sysnative(&self, path: &str) -> Option<String> {
        let path = path.replace('/', "\\");
        let rest = strip_folder(self.below_windows(&path)?, "System32")?;
        Some(format!(r"{}\{SYSNATIVE}{rest}", self.windows))
    }

    fn below_windows<'a>(&self, path: &'a str) -> Option<&'a str> {
        strip_folder(path, &self.windows).and_then(|rest| rest.strip_prefix('\\'))
    }
}

/// Returns what follows a folder in a path: nothing, or a backslash and more. The case is ignored.
fn strip_folder<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let (start, rest) = path.split_at_checked(folder.len())?;
    let is_below = start.eq_ignore_ascii_case(folder) && (rest.is_empty() || rest.starts_with('\\'));
    is_below.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirection() -> Redirection {
        Redirection::of(None, r"C:\Windows\", |_| true).unwrap()
    }

    #[test]
    fn a_32_bit_program_opens_another_system_folder() {
        for (path, opened) in [
            (r"C:\Windows\System32\msg.exe", r"C:\Windows\SysWOW64\msg.exe"),
            (r"c:\WINDOWS\system32\OpenSSH\ssh.exe", r"C:\Windows\SysWOW64\OpenSSH\ssh.exe"),
            (r"C:/Windows/System32/msg.exe", r"C:\Windows\SysWOW64\msg.exe"),
            (r"C:\Windows\Sysnative\msg.exe", r"C:\Windows\System32\msg.exe"),
            (r"C:\Windows\lastgood\system32\x.exe", r"C:\Windows\lastgood\SysWOW64\x.exe"),
            (r"C:\Windows\regedit.exe", r"C:\Windows\SysWOW64\regedit.exe"),
        ] {
            assert_eq!(redirection().opened(path), opened);
        }
        for path in [
            r"C:\Windows\explorer.exe",
            r"C:\Windows\SysWOW64\msg.exe",
            r"C:\Windows\System32x\msg.exe",
            r"C:\Windows",
            r"D:\Windows\System32\msg.exe",
            r"C:\Windows\System32\catroot\x.exe",
            r"C:\Windows\System32\CatRoot2\x.exe",
            r"C:\Windows\System32\DriverStore\a\x.exe",
            r"C:\Windows\System32\drivers\etc\x.exe",
            r"C:\Windows\System32\LogFiles\x.exe",
            r"C:\Windows\System32\spool\tools\x.exe",
            r"C:\Ünïcode\x.exe",
        ] {
            assert_eq!(redirection().opened(path), path);
        }
        let driver = r"C:\Windows\System32\drivers\x.exe";
        assert_eq!(redirection().opened(driver), r"C:\Windows\SysWOW64\drivers\x.exe");
    }

    #[test]
    fn the_64_bit_system_folder_has_a_name_for_32_bit_programs() {
        let sysnative = |path| redirection().sysnative(path);
        assert_eq!(
            sysnative(r"C:\windows\system32\OpenSSH\ssh.exe").as_deref(),
            Some(r"C:\Windows\Sysnative\OpenSSH\ssh.exe")
        );
        assert_eq!(sysnative(r"C:\Windows\explorer.exe"), None);
    }

    #[test]
    fn files_are_redirected_for_a_32_bit_microsip_on_64_bit_windows() {
        for (is_32_bit, has_both, is_redirected) in [
            (None, true, true),
            (Some(true), true, true),
            (Some(false), true, false),
            (None, false, false),
            (Some(true), false, false),
        ] {
            let has_file = |path: &str| has_both && path == r"C:\Windows\SysWOW64\ntdll.dll";
            assert_eq!(Redirection::of(is_32_bit, r"C:\Windows", has_file).is_some(), is_redirected);
        }
    }
}
