//! What a terminal may receive: color only where it is wanted, and no control characters from files.

use std::borrow::Cow;

use clap::ColorChoice;
use dialoguer::console::Term;

use crate::page::Styles;

/// Returns whether a stream gets color.
pub fn has_color(choice: ColorChoice, stream: &impl anstream::stream::RawStream) -> bool {
    let choice = match choice {
        ColorChoice::Auto => anstream::AutoStream::choice(stream),
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice != anstream::ColorChoice::Never
}

/// Returns the styles of a stream, and its width if it is a terminal.
pub fn styles(choice: ColorChoice, stream: &impl anstream::stream::RawStream, terminal: &Term) -> Styles {
    /// Narrower than this, wrapped text is harder to read than text that the terminal itself breaks.
    const MIN_COLUMNS: usize = 40;
    let columns = terminal.is_term().then(|| usize::from(terminal.size().1));
    let width = columns.filter(|columns| *columns >= MIN_COLUMNS);
    let styles = if has_color(choice, stream) { Styles::COLORED } else { Styles::default() };
    Styles { width, ..styles }
}

/// Makes control characters visible and harmless, so that the author of an ini can't control the reader's terminal.
/// Line ends, tabs and colors stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_control) {
        return text.into();
    }
    let mut shown = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let color = if c == '\u{1B}' { leading_color(rest) } else { None };
        let length = color.map_or(c.len_utf8(), str::len);
        match color {
            Some(color) => shown.push_str(color),
            None if is_control(c) => shown.extend(c.escape_default()),
            None => shown.push(c),
        }
        rest = &rest[length..];
    }
    shown.into()
}

/// Escapes everything in JSON that isn't ASCII. It can only be in strings.
pub fn ascii_json(json: &str) -> Cow<'_, str> {
    if json.is_ascii() {
        return json.into();
    }
    let mut escaped = String::new();
    for c in json.chars() {
        match c {
            c if c.is_ascii() => escaped.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}")),
        }
    }
    escaped.into()
}

/// Returns the color sequence at the start of a text (SGR of ECMA-48).
fn leading_color(text: &str) -> Option<&str> {
    let numbers = text.strip_prefix("\u{1B}[")?;
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    numbers[end..].starts_with('m').then(|| &text[..text.len() - numbers.len() + end + 1])
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{ascii_json, visible};

    #[test]
    fn json_becomes_ascii_with_the_same_meaning() {
        let json = r#"{"é":"ÿ \"\\ 日本 😀\u{7f} \u00e9"}"#.replace(r"\u{7f}", "\u{7f}");
        let ascii = ascii_json(&json);
        assert_eq!(ascii, "{\"\\u00e9\":\"\\u00ff \\\"\\\\ \\u65e5\\u672c \\ud83d\\ude00\u{7f} \\u00e9\"}");
        let [before, after] = [&json[..], &ascii].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(before, after);
    }

    #[test]
    fn only_colors_reach_the_terminal() {
        assert_eq!(visible("a\tb\n\u{1B}[1;31mred\u{1B}[0m"), "a\tb\n\u{1B}[1;31mred\u{1B}[0m");
        assert_eq!(visible("\u{1B}[2J\u{7}x\r\u{9B}1m"), r"\u{1b}[2J\u{7}x\r\u{9b}1m");
        assert_eq!(visible("\u{1B}]0;title\u{1B}\\ \u{1B}["), r"\u{1b}]0;title\u{1b}\ \u{1b}[");
    }
}
