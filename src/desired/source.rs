//! The text of a desired-state file: its format, its tree, and the place of a mistake in it.

use std::ffi::OsStr;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::error::{DesiredError, SpannedError};
use super::redact::Redaction;
use super::tree::{Node, Tree};
use super::{csv, ini, json, toml};

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
            Err(error) => Err(locate(&file, &text, redaction, None, error)),
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
    let is_shown = redaction.shows(text, &(line_start..line_end), root);
    DesiredError {
        file: file.to_string(),
        line,
        column: text[line_start..start].chars().count() + 1,
        path: root.map(|root| root.path_to(&span)).unwrap_or_default(),
        excerpt: match is_shown {
            true => excerpt(line, &text[line_start..line_end], start - line_start..end - line_start),
            false => format!("  {line} | (hidden: this line may contain a password)"),
        },
        kind: Box::new(kind),
    }
}

/// Returns a line with a mark below a part of it.
fn excerpt(number: usize, line: &str, marked: Range<usize>) -> String {
    let shown: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let margin = " ".repeat(number.to_string().len());
    let before = " ".repeat(line[..marked.start].chars().count());
    let marks = "^".repeat(line[marked].chars().count().max(1));
    format!("  {number} | {shown}\n  {margin} | {before}{marks}")
}
