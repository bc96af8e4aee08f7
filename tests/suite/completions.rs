//! Shell completion: the scripts, and what bash offers with them.

use crate::sandbox::{PROGRAM, Sandbox};

const SHELLS: &[(&str, &str)] = &[
    ("powershell", "Register-ArgumentCompleter"),
    ("bash", "complete -o nospace"),
    ("zsh", "_describe -V 'values' other \"${blank[@]}\""),
    ("fish", "complete --keep-order"),
    ("elvish", "edit:completion:arg-completer"),
];

#[test]
fn each_shell_gets_its_script_verbatim() {
    let sandbox = Sandbox::new();
    for (shell, marker) in SHELLS {
        let ran = sandbox.run(&["completions", shell]).exits(0);
        assert!(ran.stdout.contains(marker) && ran.stdout.contains("msipcfg"), "{}", ran.transcript);
        assert!(ran.stderr.is_empty() && !ran.stdout.contains('\u{1B}'), "{}", ran.transcript);
    }
    let plain = sandbox.run(&["completions", "bash"]).stdout;
    assert_eq!(sandbox.run(&["completions", "--json", "bash"]).exits(0).stdout, plain);
    sandbox.run(&["completions", "--json", "cmd"]).fails(2, "usage");
}

/// Tests the answers to PowerShell's script, because PowerShell isn't available everywhere.
#[test]
fn powershell_gets_values_with_descriptions() {
    let sandbox = Sandbox::new();
    let answer = |args: &[&str]| {
        let mut command = sandbox.command(PROGRAM);
        command.env("MSIPCFG_COMPLETE", "powershell").args(["--", "msipcfg"]).args(args);
        sandbox.finish(command).exits(0).stdout
    };
    let events = answer(&["set-hook", "ri."]);
    assert!(events.starts_with("ring\ta call comes in") && events.contains("\nringing\t"), "{events}");
    assert_eq!(answer(&["set", "VAD=."]), "VAD=0\t\nVAD=1\t\n");
    assert!(answer(&["unset-hook", "."]).starts_with("ring\t"), "an empty argument");
}

/// Returns what bash offers on Tab after words split as readline does; `None` if bash isn't installed.
#[cfg(target_os = "linux")]
fn offered_by_bash(words: &[&str]) -> Option<Vec<String>> {
    use std::path::Path;

    const ASK: &str = r#"
        source <(msipcfg completions bash)
        [[ $(complete -p msipcfg) == *"-F _msipcfg msipcfg" ]] || exit 9
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        current=${COMP_WORDS[COMP_CWORD]}
        [[ $current == [=:] ]] && current=
        _msipcfg msipcfg "$current" "${COMP_WORDS[COMP_CWORD - 1]}" 2> /dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let sandbox = Sandbox::new();
    sandbox.command("bash").arg("--version").output().ok()?;
    let program = Path::new(PROGRAM).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut bash = sandbox.command("bash");
    bash.env("PATH", path).args(["-c", ASK, "bash", "msipcfg"]).args(words);
    let ran = sandbox.finish(bash).exits(0);
    Some(ran.stdout.lines().filter(|line| !line.is_empty()).map(str::to_string).collect())
}

#[test]
#[cfg(target_os = "linux")]
fn bash_completes_events_keys_and_values() {
    for (words, offered) in [
        (&["set-hook", "ri"][..], &["ring", "ringing"][..]),
        (&["un"], &["unset-hook", "unset", "unmute", "uninstall"]),
        (&["get", "cmdCallAns"], &["cmdCallAnswer", "cmdCallAnswerVideo"]),
        (&["get", "VAD", "account1/dom"], &["account1/domain"]),
        (&["set", "volumeRin"], &["volumeRing="]),
        // bash keeps the part before the =
        (&["set", "VAD", "="], &["0", "1"]),
        (&["set", "VAD", "=", "1", "VA"], &["VAD="]),
        (&["explain", "--event", "=", "ring"], &["ring", "ringing"]),
        (&["explain", "--event", "alert"], &["alerting"]),
        (&["--color", "al"], &["always"]),
        (&["get", "zzz"], &[]),
    ] {
        let Some(found) = offered_by_bash(words) else {
            return;
        };
        assert_eq!(found, offered, "{words:?}");
    }
}
