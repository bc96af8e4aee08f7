//! Shells: programs that read their command line as commands, not as arguments.

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
}
