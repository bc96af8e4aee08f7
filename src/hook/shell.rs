//! Programs that read the caller's text as something else than arguments of the hook: shells as commands, others as
//! their own options.

/// Returns whether a program reads its command line as a whole, so that it doesn't matter where MicroSIP splits it.
/// `parts` are the program and its arguments.
pub fn reads_whole_command_line(program: &str, parts: &[String]) -> bool {
    let runs_a_file = parts.iter().any(|part| part.eq_ignore_ascii_case("-File"));
    matches!(&*stem_of(program), "cmd" | "powershell" | "pwsh") && !runs_a_file
}

/// Returns whether a program would run the caller's text as part of a command. PowerShell doesn't after -File.
pub fn runs_caller_text(program: &str, args: &[String]) -> bool {
    match &*stem_of(program) {
        "cmd" => true,
        "powershell" | "pwsh" => !runs_a_file(args),
        _ => false,
    }
}

/// How a program reads options from the caller's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerOptions {
    /// It reads them anywhere.
    Anywhere,
    /// It reads none after a `--`.
    BeforeDoubleDash,
}

/// Returns how a program reads options from the caller's text, if it does. PowerShell, Python, Node.js, Java, Ruby and
/// Perl take what follows the script for the script's arguments.
pub fn caller_options(program: &str, args: &[String]) -> Option<CallerOptions> {
    match &*stem_of(program) {
        // their options begin with two slashes, and may come after the script
        "wscript" | "cscript" => Some(CallerOptions::Anywhere),
        "curl" | "chrome" | "msedge" => Some(CallerOptions::BeforeDoubleDash),
        // it looks for more options after these, but not after a script without -f
        "php" | "php-win" if matches!(args, [.., option, _] if is_run_option_of_php(option)) => {
            Some(CallerOptions::BeforeDoubleDash)
        }
        _ => None,
    }
    .filter(|options| *options == CallerOptions::Anywhere || !args.iter().any(|arg| arg == "--"))
}

/// Returns whether an option tells PHP what to run.
fn is_run_option_of_php(option: &str) -> bool {
    matches!(option, "-f" | "--file" | "-r" | "--run")
}

/// Returns the file name of a program in lower case, without `.exe`.
fn stem_of(program: &str) -> String {
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program).to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_string()
}

/// Returns whether PowerShell takes its arguments for the file of a script and the script's arguments. Its parameters
/// may be shortened. The first one that says what to run decides; an argument that isn't a parameter is a command.
fn runs_a_file(args: &[String]) -> bool {
    const WITH_VALUE: [&str; 10] = [
        "executionpolicy",
        "ep",
        "windowstyle",
        "version",
        "inputformat",
        "outputformat",
        "psconsolefile",
        "configurationname",
        "workingdirectory",
        "settingsfile",
    ];
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(parameter) = arg.strip_prefix(['-', '/']).map(str::to_lowercase) else { return false };
        let is = |full_name: &str| !parameter.is_empty() && full_name.starts_with(&parameter);
        if is("file") {
            return true;
        }
        if is("command") || is("encodedcommand") || ["ec", "commandwithargs", "cwa"].contains(&&*parameter) {
            return false;
        }
        if WITH_VALUE.iter().any(|name| is(name)) {
            args.next();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powershell_with_a_file_does_not_run_caller_text() {
        let is_file = |line: &str| {
            let args: Vec<String> = line.split(' ').map(String::from).collect();
            !runs_caller_text(r"C:\x\powershell.exe", &args) && !runs_caller_text(r"C:\x\pwsh.exe", &args)
        };
        for line in [
            r"-NoProfile -ExecutionPolicy Bypass -File C:\x.ps1",
            r"-nop -ep bypass -f C:\x.ps1 -Command",
            r"-W Hidden /FILE C:\x.ps1",
            r"-ex Bypass -sta -fi C:\x.ps1",
        ] {
            assert!(is_file(line), "{line}");
        }
        for line in [
            r"-NoProfile -Command Get-ChildItem -File C:\x",
            r"-c Get-ChildItem -File C:\x",
            r"-e AAAA -File C:\x.ps1",
            r"Get-ChildItem -File C:\x",
            r"-NoProfile Get-ChildItem -File C:\x",
            r"-ExecutionPolicy -File C:\x.ps1",
            "-NoProfile",
            "-",
        ] {
            assert!(!is_file(line), "{line}");
        }
        assert!(runs_caller_text(r"C:\x\cmd.exe", &["-File".into()]));
    }

    #[test]
    fn some_programs_read_options_from_the_callers_text() {
        let options = |line: &str| {
            let mut parts = line.split(' ').map(String::from);
            caller_options(&parts.next().unwrap(), &parts.collect::<Vec<_>>())
        };
        for line in [r"C:\Windows\System32\wscript.exe //B C:\x.vbs", r"CScript C:\x.js --"] {
            assert_eq!(options(line), Some(CallerOptions::Anywhere), "{line}");
        }
        for line in [
            r"C:\php\php.exe -f C:\x.php",
            r"C:\php\php-win.exe -d display_errors=0 -f C:\x.php",
            r"C:\Windows\System32\curl.exe https://crm.example.org/ -d",
            r"C:\x\chrome.exe https://crm.example.org/",
        ] {
            assert_eq!(options(line), Some(CallerOptions::BeforeDoubleDash), "{line}");
            assert_eq!(options(&format!("{line} --")), None, "{line}");
        }
        for line in [
            r"C:\php\php.exe C:\x.php -f",
            r"C:\php\php.exe -f C:\x.php ring",
            r"C:\Python\python.exe C:\x.py",
            r"C:\node\node.exe C:\x.js",
            r"C:\x\powershell.exe -File C:\x.ps1",
            r"C:\Java\javaw.exe -jar C:\x.jar",
        ] {
            assert_eq!(options(line), None, "{line}");
        }
    }
}
