//! `completions`: the scripts that let a shell complete our commands. They ask the program at each Tab.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::engine;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Shells, Zsh};

use crate::request::Shell;

/// The environment variable by which a script asks for completions; its value names the shell.
pub const VARIABLE: &str = "MSIPCFG_COMPLETE";

/// The name by which the scripts call the program. It must be on the PATH.
pub const PROGRAM: &str = "msipcfg";

/// The supported shells.
pub const SHELLS: Shells<'static> = Shells(&[&Powershell, &Bash, &Zsh, &Fish, &Elvish]);

/// Takes the arguments as PowerShell parsed them: nothing that is typed is run, and `$(...)` stays text. Windows
/// PowerShell drops an empty argument when it starts a program, so a dot is added to the last one.
const POWERSHELL: &str = r#"
Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $before = $commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition }
    $words = @($before | ForEach-Object {
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
        else { $_.Extent.Text }
    })
    $previous = $env:VARIABLE
    $env:VARIABLE = 'powershell'
    try { $found = @(& PROGRAM -- @words "$wordToComplete.") }
    finally { $env:VARIABLE = $previous }
    foreach ($line in $found) {
        $value, $help = $line -split "`t", 2
        if (-not $help) { $help = $value }
        $text = if ($value -match "[\s']") { "'" + $value.Replace("'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
    }
}
"#;

/// PowerShell. clap_complete's own script runs what is typed, and fails on an empty argument.
struct Powershell;

impl EnvCompleter for Powershell {
    fn name(&self) -> &'static str {
        "powershell"
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        var: &str,
        _name: &str,
        bin: &str,
        _completer: &str,
        script: &mut dyn Write,
    ) -> io::Result<()> {
        script.write_all(POWERSHELL.replace("VARIABLE", var).replace("PROGRAM", bin).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        mut words: Vec<OsString>,
        folder: Option<&Path>,
        answer: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.pop().unwrap_or_default();
        let last = last.to_string_lossy();
        words.push(last.strip_suffix('.').unwrap_or(&last).into());
        let place = words.len() - 1;
        for candidate in engine::complete(command, words, place, folder)? {
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            let help = help.lines().next().unwrap_or_default();
            writeln!(answer, "{}\t{help}", candidate.get_value().to_string_lossy())?;
        }
        Ok(())
    }
}

/// bash splits arguments at `=` and `:`; other shells and the program don't. So the parts are joined before the
/// program is asked, and everything before the last part is removed from its answers, because bash keeps that.
const BASH_WORDS: &str = r#"
_msipcfg() {
    local words=() part whole last
    for part in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ ${#words[@]} -gt 0 && ( $part == [=:]* || $whole == *[=:] ) ]]; then
            whole+=$part
            words[${#words[@]}-1]=$whole
        else
            whole=$part
            words+=("$part")
        fi
    done
    last=$part
    [[ $last == [=:]* ]] && last=
    local COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
    _clap_complete_msipcfg "$1" "$whole" "$3"
    COMPREPLY=("${COMPREPLY[@]#"${whole%"$last"}"}")
}
complete -o nospace -o bashdefault -F _msipcfg msipcfg
"#;

/// zsh adds a space after an answer, which would separate a key from its value.
const ZSH_OFFER: (&str, &str) = (
    "_describe -V 'values' other",
    "{ local -a blank=(); [[ -z ${other:#*=(|:*)} ]] && blank=(-S ''); _describe -V 'values' other \"${blank[@]}\" }",
);

/// Returns the script for a shell.
pub fn script(shell: Shell) -> String {
    let (completer, more): (&dyn EnvCompleter, &str) = match shell {
        Shell::Powershell => (&Powershell, ""),
        Shell::Bash => (&Bash, BASH_WORDS),
        Shell::Zsh => (&Zsh, ""),
        Shell::Fish => (&Fish, ""),
        Shell::Elvish => (&Elvish, ""),
    };
    let mut script = Vec::new();
    // Writing to memory can't fail.
    let _ = completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
    let script = String::from_utf8_lossy(&script).replace(ZSH_OFFER.0, ZSH_OFFER.1);
    script + more
}
