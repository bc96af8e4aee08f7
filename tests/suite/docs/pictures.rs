//! Generates the screenshots from what the program prints. Only on Linux: on Windows only the paths differ.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, SystemTime};

use anstyle_svg::{Term, WIN10_CONSOLE};
use regex::Regex;

use super::{assert_generated_folder, read, split_arguments};
use crate::sandbox::{PROGRAM, Sandbox, image, utf16};
use crate::terminal::{CTRL_C, DOWN, ENTER, Terminal};

/// Screenshots and the commands that they show, run on the computer that [`phone`] creates.
const SCREENS: &[(&str, &str)] = &[
    ("set-hook-dry-run", r"set-hook --dry-run start C:\hooks\log.exe --to crm"),
    ("hooks", "hooks"),
    ("doctor", "doctor"),
    ("doctor-fix", "doctor --fix --dry-run"),
    ("explain", r#"explain "C:\Program Files\CRM\ring.exe""#),
    ("keys", "keys volume"),
];

/// The steps of the wizard: the name of the screenshot, the text to wait for, and the keys that lead to the next step.
const QUESTIONS: &[(&str, &str, &[&str])] = &[
    ("wizard-goal", "- Quit", &[DOWN, ENTER]),
    ("", "When should it happen?", &[DOWN, ENTER]),
    ("", "Address of the page", &["https://crm.example/find?phone=%2B49301234567", ENTER]),
    ("", "Where in the address", &[ENTER]),
    ("", "Calling code", &[ENTER]),
    ("wizard-save", "No, change nothing", &[CTRL_C]),
];

/// Pictures that are drawn by hand.
const DRAWN: &[&str] = &["pop-up.svg"];

const INI: &str = "prefix/drive_c/users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini";

/// The hooks of the phone on which the commands run. Some of them have problems.
pub(super) const HOOKS: &[&str] = &[
    r#"cmdIncomingCall="C:\hooks\ring.exe""#,
    r#"cmdCallRing="C:\CRM\show caller.exe""#,
    r#"cmdCallAnswer="""#,
    r#"cmdCallStart="""#,
    r#"cmdCallEnd="C:\hooks\lgo.exe""#,
];

/// Creates a Wine prefix with programs and an ini with these hooks.
pub(super) fn phone(hooks: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    let runner = "Program Files/msipcfg/msipcfg-run.exe";
    for program in ["hooks/ring.exe", "hooks/log.exe", "CRM/show caller.exe", runner] {
        sandbox.write(&format!("prefix/drive_c/{program}"), image());
    }
    sandbox.write("prefix/drive_c/Program Files/MicroSIP/MicroSIP.exe", image());
    sandbox.write(
        "prefix/user.reg",
        "WINE REGISTRY Version 2\n\n[Software\\\\MicroSIP] 1600000000\n@=\"C:\\\\Program Files\\\\MicroSIP\"\n",
    );
    let start = ["[Settings]", "accountId=1", "volumeRing=80", "VAD=0"];
    let end = ["version=3.22.3", "[Account1]", "label=Desk", "username=5550101", "domain=sip.example.com"];
    let text = [&start[..], hooks, &end[..]].concat();
    let ini = sandbox.write(INI, utf16(&(text.join("\r\n") + "\r\n")));
    let day = Duration::from_secs(24 * 60 * 60);
    File::options()
        .append(true)
        .open(ini)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + day * 20_484)
        .unwrap();
    sandbox
}

/// Runs a command and draws it with its output.
fn picture(sandbox: &Sandbox, typed: &str) -> String {
    let mut command = sandbox.command(PROGRAM);
    command
        .args(["--color", "always"])
        .args(split_arguments(typed))
        .env("WINEPREFIX", sandbox.path("prefix"));
    let ran = sandbox.finish(command);
    let screen = format!("\u{1B}[2m>\u{1B}[0m msipcfg {typed}\n{}{}", ran.stderr, ran.stdout);
    draw(&as_on_windows(sandbox, &screen))
}

/// The columns of every screenshot, so that the text of all of them has the same size on a page.
const COLUMNS: usize = 88;

/// Draws a screen, wrapped at [`COLUMNS`].
fn draw(screen: &str) -> String {
    // a letter of anstyle-svg is 8.4 pixels wide
    const WIDTH: usize = (COLUMNS * 84).div_ceil(10);
    let lines: Vec<_> = screen.trim_end().lines().map(wrapped).collect();
    // the bright colors instead of the others, which are hard to read on black
    let mut palette = WIN10_CONSOLE;
    palette.0.copy_within(9.., 1);
    let white = anstyle::AnsiColor::BrightWhite.into();
    Term::new().palette(palette).fg_color(white).min_width_px(WIDTH).render_svg(&lines.join("\n"))
}

/// Wraps a line between words. Its continuation is indented by two more columns.
///
/// The program can't do it: its output has the paths of the sandbox, which are longer than those in the screenshot.
fn wrapped(line: &str) -> String {
    let columns = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
    let text = anstream::adapter::strip_str(line).to_string();
    let indent = " ".repeat(text.chars().take_while(|c| *c == ' ').count() + 2);
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let last = lines.last_mut().unwrap();
        if columns(last) + columns(word.trim_end()) > COLUMNS && !last.trim().is_empty() {
            last.truncate(last.trim_end().len());
            lines.push(format!("{indent}{word}"));
        } else {
            last.push_str(word);
        }
    }
    lines.join("\n")
}

#[test]
fn wrapped_lines_fit_and_keep_their_words() {
    let line = format!("  \u{1B}[1m{}\u{1B}[0m end", "word ".repeat(17));
    let text = anstream::adapter::strip_str(&wrapped(&line)).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    assert_eq!(text.lines().nth(1).map(|line| line.starts_with("    ")), Some(true), "{text}");
    assert_eq!(text.split_whitespace().count(), 18);
}

/// Replaces the paths of the prefix by those that Windows would show.
fn as_on_windows(sandbox: &Sandbox, screen: &str) -> String {
    let drive = sandbox.path("prefix/drive_c");
    // tests that run at the same time may have started a MicroSIP
    let own = screen.lines().filter(|line| !line.starts_with("  runs: ") && *line != "  none runs");
    let lines = own.map(|line| match line.split_once(drive.to_str().unwrap()) {
        Some((before, path)) => {
            format!("{before}C:{}", path.replace('/', "\\").replacen("users", "Users", 1))
        }
        None => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Draws the wizard's screenshots.
fn questions() -> Vec<(String, String)> {
    // wide enough for the longest path, whose length must not show in the screenshots
    const WIDE: u16 = 200;
    let sandbox = phone(&[]);
    let mut terminal = Terminal::of_size(&sandbox, &["wizard", "--color", "always"], 40, WIDE);
    let mut pictures = Vec::new();
    for (name, seen, keys) in QUESTIONS {
        terminal.sees(seen);
        if !name.is_empty() {
            let screen = as_on_windows(&sandbox, &terminal.colored_lines().join("\n"));
            pictures.push((format!("{name}.svg"), draw(&screen)));
        }
        terminal.press(keys);
    }
    pictures
}

/// Returns the contrast of two colors such as `#F2F2F2`, from 1 to 21, as the W3C defines it (WCAG 2.2).
fn contrast(one: &str, other: &str) -> f64 {
    let part = |color: &str, at: usize| {
        let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = |color| 0.2126 * part(color, 1) + 0.7152 * part(color, 3) + 0.0722 * part(color, 5);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn colors_can_be_read() {
    assert!((contrast("#FFFFFF", "#000000") - 21.0).abs() < 0.01);
    let color = Regex::new(r"\.([a-z-]+) \{ fill: (#[0-9A-F]{6}) \}").unwrap();
    for (name, _) in SCREENS {
        let picture = read(&format!("docs/pictures/{name}.svg"));
        let colors: BTreeMap<_, _> = color
            .captures_iter(&picture)
            .map(|part| part.extract())
            .map(|(_, [name, color])| (name, color))
            .collect();
        let background = colors["bg"];
        for (class, color) in colors.iter().filter(|(class, _)| class.starts_with("fg")) {
            let contrast = contrast(color, background);
            assert!(contrast >= 4.5, "{name}: {class} is hard to read, its contrast is {contrast:.1}");
        }
    }
}

#[test]
fn screenshots_match_output() {
    let mut pictures = BTreeMap::new();
    for (name, typed) in SCREENS {
        pictures.insert(format!("{name}.svg"), picture(&phone(HOOKS), typed));
    }
    pictures.extend(questions());
    pictures.extend(DRAWN.iter().map(|name| (name.to_string(), read(&format!("docs/pictures/{name}")))));
    assert_generated_folder("docs/pictures", &pictures);
    let widths = pictures.iter().filter(|(name, _)| !DRAWN.contains(&name.as_str()));
    let widths: BTreeMap<_, _> = widths.map(|(name, svg)| (svg.split('"').nth(1).unwrap(), name)).collect();
    assert_eq!(widths.len(), 1, "these screenshots differ in width: {widths:#?}");
}
