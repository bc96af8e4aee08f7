//! The scripts that have a shell complete our words. They ask the program at each Tab, so they need not know any.

use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};

use crate::request::Shell;

/// The variable by which a script tells the program that it is to complete words, and for which shell.
pub const VARIABLE: &str = "MSIPCFG_COMPLETE";

/// What our scripts call the program. It has to be on the path.
pub const PROGRAM: &str = "msipcfg";

/// bash parts words at `=` and `:`, other shells and the program do not: the parts are joined before the program is
/// asked, and what stands before the last of them is taken off its answers, because bash keeps that.
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

/// The script for a shell.
pub fn script(shell: Shell) -> String {
    let (completer, more): (&dyn EnvCompleter, &str) = match shell {
        Shell::Powershell => (&Powershell, ""),
        Shell::Bash => (&Bash, BASH_WORDS),
        Shell::Zsh => (&Zsh, ""),
        Shell::Fish => (&Fish, ""),
        Shell::Elvish => (&Elvish, ""),
    };
    let mut script = Vec::new();
    // memory takes whatever is written to it
    let _ = completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned() + more
}
