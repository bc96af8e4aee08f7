//! The text of a desired-state file: its format, its tree, and the place of a mistake in it.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::error::{DesiredError, DesiredErrorKind, SpannedError};
use super::redact::Redaction;
use super::tree::{Node, Tree};
use super::{csv, ini, json, toml};
use crate::microsip::keys::MASK;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML, the default.
    Toml,
    /// JSON.
    Json,
    /// A MicroSIP.ini whose keys are set in the ini on top of those that are there.
    Ini,
    /// A table of users as spreadsheets export it: one line per user, and the first line names the columns.
    Csv,
}

impl Format {
    /// Returns the format of a desired-state file by its extension.
    pub fn of(path: &Path) -> Format {
        match path.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "json" => Format::Json,
            Some(extension) if extension == "ini" => Format::Ini,
            _ => Format::Toml,
        }
    }

    /// Returns the format of a table of users by its extension.
    pub fn of_users(path: &Path) -> Format {
        match path.extension().map(OsStr::to_ascii_lowercase) {
            Some(extension) if extension == "toml" => Format::Toml,
            Some(extension) if extension == "json" => Format::Json,
            _ => Format::Csv,
        }
    }

    /// Returns the format of a table of users that has no file name.
    pub fn of_users_text(text: &str) -> Format {
        let lines = text.lines().map(str::trim_start);
        match lines.clone().find(|line| !line.is_empty() && !line.starts_with('#')) {
            Some(line) if line.starts_with('{') => Format::Json,
            Some(line) if line.starts_with('[') => Format::Toml,
            // a line that tells spreadsheets which separator to use
            Some(line) if line.to_ascii_lowercase().starts_with("sep=") => Format::Csv,
            Some(line) if line.contains('=') => Format::Toml,
            _ => Format::Csv,
        }
    }
}

/// A text and its tree.
#[derive(Clone)]
pub struct Source {
    file: String,
    text: String,
    redaction: Redaction,
    /// The whole text as a tree.
    pub root: Node,
}

impl fmt::Debug for Source {
    /// Shows the name only, because the text may contain passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Source {
    /// Parses a text. `file` is its name in messages.
    ///
    /// # Errors
    /// If the text isn't valid in its format.
    pub fn parse(
        file: String,
        text: String,
        format: Format,
        redaction: Redaction,
    ) -> Result<Source, DesiredError> {
        let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n");
        let root = match format {
            Format::Toml => toml::parse(&text),
            Format::Json => json::parse(&text),
            Format::Ini => ini::parse(&text),
            Format::Csv => csv::parse(&text),
        };
        match root {
            Ok(root) => Ok(Source { file, text, redaction, root }),
            Err(error) => {
                let yaml = yaml_line(&text).filter(|_| matches!(format, Format::Toml | Format::Json));
                let error = yaml.map_or(error, |line| DesiredErrorKind::Yaml.at(&line));
                Err(locate(&file, &text, redaction, None, error))
            }
        }
    }

    /// Returns the source without one of its top-level entries.
    pub fn without(mut self, name: &str) -> Source {
        if let Tree::Table(entries) = &mut self.root.tree {
            entries.retain(|(other, _)| other != name);
        }
        self
    }

    /// Returns the file and the line of a part of this text.
    pub fn line(&self, span: &Range<usize>) -> String {
        let line = self.text[..self.text.floor_char_boundary(span.start)].matches('\n').count() + 1;
        format!("{}, line {line}", self.file)
    }

    /// Adds file, line and column to an error in this text.
    pub fn error(&self, error: SpannedError) -> DesiredError {
        locate(&self.file, &self.text, self.redaction, Some(&self.root), error)
    }
}

fn locate(
    file: &str,
    text: &str,
    redaction: Redaction,
    root: Option<&Node>,
    SpannedError { span, kind }: SpannedError,
) -> DesiredError {
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |end| start + end);
    let end = text.floor_char_boundary(span.end.clamp(start, line_end));
    let line = text[..line_start].matches('\n').count() + 1;
    let whole = line_start..line_end;
    let hidden = redaction.hidden(text, &whole, root, &span);
    DesiredError {
        file: file.to_string(),
        line,
        column: text[line_start..start].chars().count() + 1,
        path: root.map(|root| root.path_to(&span)).unwrap_or_default(),
        excerpt: if hidden == [whole.clone()] && !whole.is_empty() {
            format!("  {line} | (hidden: this line may contain a password)")
        } else {
            excerpt(line, text, &whole, &hidden, &(start..end))
        },
        kind: Box::new(kind),
    }
}

/// Returns a line with a mark below a part of it. The hidden parts are masked.
fn excerpt(
    number: usize,
    text: &str,
    line: &Range<usize>,
    hidden: &[Range<usize>],
    marked: &Range<usize>,
) -> String {
    let (mut shown, mut width) = (String::new(), 0);
    // The columns of the mark.
    let (mut from, mut to) = (None, 0);
    for (at, c) in text[line.clone()].char_indices().map(|(at, c)| (line.start + at, c)) {
        let hiding = hidden.iter().find(|part| part.contains(&at));
        let part = match hiding {
            Some(part) if part.start < at => String::new(),
            Some(_) => MASK.to_string(),
            None => String::from(if c.is_control() { ' ' } else { c }),
        };
        shown.push_str(&part);
        let start = width;
        width += part.chars().count();
        if marked.start <= at {
            let in_mask = hiding.is_some() && part.is_empty();
            from.get_or_insert(if in_mask { width - MASK.len() } else { start });
        }
        if marked.contains(&at) {
            to = width;
        }
    }
    let from = from.unwrap_or(width);
    let margin = " ".repeat(number.to_string().len());
    let before = " ".repeat(from);
    let marks = "^".repeat(to.saturating_sub(from).max(1));
    format!("  {number} | {shown}\n  {margin} | {before}{marks}")
}

/// Returns the first line with content, if it looks like YAML.
fn yaml_line(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if !content.is_empty() && !content.trim_start().starts_with('#') {
            let is_name = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || ['_', '-', '$'].contains(&c))
            };
            let is_entry =
                |(name, value): (&str, &str)| is_name(name) && (value.is_empty() || value.starts_with(' '));
            let is_yaml = content == "---"
                || content.starts_with("- ")
                || content.split_once(':').is_some_and(is_entry);
            return is_yaml.then(|| start..start + content.len());
        }
        start += line.len();
    }
    None
}
