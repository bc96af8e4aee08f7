//! Pictures of what is seen in a terminal, drawn from what the program really prints. On Linux only, where it is
//! drawn; what it prints differs between systems in paths alone.

use std::collections::BTreeMap;

use anstyle_svg::Term;
use clap::CommandFactory;
use msipcfg::cli::args::Cli;

use super::{keeps_folder_true, words_of};
use crate::sandbox::{PROGRAM, Sandbox, image, utf16};

/// The pictures beside those of the help texts: their names, and what is typed. All are of one machine, made by
/// [`phone`].
const SCREENS: &[(&str, &str)] = &[
    ("set-hook-dry-run", r"set-hook --dry-run start C:\hooks\log.exe --to crm"),
    ("set-hook", r"set-hook answer C:\hooks\log.exe"),
    ("set-hook-refused", r"set-hook ring C:\hooks\rign.exe"),
    ("hooks", "hooks"),
    ("explain", r#"explain "C:\Program Files\CRM\ring.exe""#),
    ("get-mistyped", "get volumeRign"),
    ("keys", "keys volume"),
];

const INI: &str = "drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini";

/// A Wine prefix with two programs and an ini.
fn phone() -> Sandbox {
    let sandbox = Sandbox::new();
    for program in ["hooks/ring.exe", "hooks/log.exe", "CRM/show caller.exe"] {
        sandbox.write(&format!("drive_c/{program}"), image());
    }
    let text = [
        "[Settings]",
        "accountId=1",
        "volumeRing=80",
        "VAD=0",
        r#"cmdIncomingCall="C:\hooks\ring.exe""#,
        r#"cmdCallRing="C:\CRM\show caller.exe""#,
        r#"cmdCallAnswer="""#,
        r#"cmdCallStart="""#,
        r#"cmdCallEnd="C:\hooks\lgo.exe""#,
        "[Account1]",
        "domain=sip.example.com",
    ];
    sandbox.write(INI, utf16(&(text.join("\r\n") + "\r\n")));
    sandbox
}

/// What is typed and what is seen, as a picture.
fn picture(sandbox: &Sandbox, typed: &str) -> String {
    let words = words_of(typed);
    let mut command = sandbox.command(PROGRAM);
    command.args(["--color", "always"]).args(words).env("WINEPREFIX", sandbox.path(""));
    let ran = sandbox.finish(command);
    let screen = format!("\u{1B}[2m>\u{1B}[0m msipcfg {typed}\n{}{}", ran.stderr, ran.stdout);
    let drive = sandbox.path("drive_c");
    let lines = screen.lines().map(|line| match line.split_once(drive.to_str().unwrap()) {
        Some((before, path)) => {
            format!("{before}C:{}", path.replace('/', "\\").replacen("users", "Users", 1))
        }
        None => line.to_string(),
    });
    let mut screen = lines.collect::<Vec<_>>().join("\n");
    // the only time that is seen is that of a backup
    if let Some((before, after)) = screen.clone().split_once("(backup ") {
        let (_, after) = after.split_once(')').unwrap();
        screen = format!("{before}(backup MicroSIP.ini.20260131T095959.000Z.bak){after}");
    }
    Term::new().render_svg(&screen)
}

#[test]
fn the_pictures_show_what_is_printed() {
    let mut pictures = BTreeMap::new();
    for (name, typed) in SCREENS {
        pictures.insert(format!("{name}.svg"), picture(&phone(), typed));
    }
    pictures.insert("help.svg".to_string(), picture(&phone(), "--help"));
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        pictures.insert(format!("help-{name}.svg"), picture(&phone(), &format!("{name} --help")));
    }
    keeps_folder_true("docs/pictures", &pictures);
}
