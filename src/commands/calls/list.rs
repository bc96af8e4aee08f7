//! The list of calls as a table, as CSV and as JSON.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use dialoguer::console::{Alignment, measure_text_width, pad_str, truncate_str};
use serde_json::{Value as Json, json};

use crate::actions::call::{Call, CallResult};
use crate::actions::csv_field;
use crate::commands::call_history::one_line;
use crate::commands::outcome::Outcome;
use crate::hook::action::template::Direction;
use crate::page::{Count, Page, local_time, path_text};
use crate::request::Purge;

/// A call in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCall {
    /// What identifies the call.
    pub id: String,
    /// The call.
    pub call: Call,
    /// The other party's name in MicroSIP's contacts; empty if it isn't known.
    pub name: String,
    /// The ini of the MicroSIP that had the call.
    pub ini: String,
}

/// What people call a database that was renamed because it was damaged or of another version.
const RENAMED: &str = "renamed calls database";

/// The form of a list that isn't JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Table,
    Csv,
}

/// Calls, in the order in which they began.
#[derive(Debug)]
pub struct CallList {
    /// The calls; those that were or would be deleted, if it is about that.
    pub calls: Vec<ListedCall>,
    pub(super) form: Form,
    /// Whether other calls were already shown, so that the heading is left out.
    pub(super) is_continued: bool,
    /// What it is about besides calls, if they were or would be deleted.
    pub(super) purged: Option<Purged>,
}

/// What was or would be deleted besides calls, and what wasn't.
#[derive(Debug)]
pub struct Purged {
    pub(super) purge: Purge,
    /// How many calls weren't deleted, because something has to be done for them.
    pub(super) kept: usize,
    /// The renamed databases that were deleted.
    pub(super) databases: Vec<PathBuf>,
    /// The renamed databases that weren't, because they may contain calls of other inis.
    pub(super) kept_databases: Vec<PathBuf>,
}

impl Outcome for CallList {
    fn changed(&self) -> bool {
        let has_databases = |purged: &Purged| !purged.databases.is_empty();
        self.purged.as_ref().is_some_and(|purged| !self.calls.is_empty() || has_databases(purged))
    }

    fn is_raw(&self) -> bool {
        self.form == Form::Csv
    }

    fn text(&self, page: &Page) -> String {
        if self.form == Form::Csv {
            return self.csv();
        }
        let is_table_wanted = self.purged.as_ref().is_none_or(|purged| purged.purge == Purge::DryRun);
        let mut text = String::new();
        if is_table_wanted && !self.calls.is_empty() {
            text = self.table(page);
        }
        match &self.purged {
            Some(purged) => text.push_str(&self.purged_text(purged)),
            None if self.calls.is_empty() => text.push_str("No calls\n"),
            None => {}
        }
        text
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "ok": true,
            "calls": self.calls.iter().map(call_json).collect::<Vec<_>>(),
            "warnings": [],
        });
        if let Some(purged) = &self.purged {
            let paths = |paths: &[PathBuf]| paths.iter().map(|path| path_text(path)).collect::<Vec<_>>();
            json["purged"] = json!(purged.purge != Purge::DryRun);
            json["kept"] = json!(purged.kept);
            json["databases"] = json!(paths(&purged.databases));
            json["kept_databases"] = json!(paths(&purged.kept_databases));
        }
        json
    }
}

impl CallList {
    fn table(&self, page: &Page) -> String {
        let heading = page.styles.heading;
        let rows: Vec<[String; 6]> = self.calls.iter().map(cells).collect();
        let titles = ["Time", "Call", "Number", "Name", "Result", "Length"].map(String::from);
        let widths = widths(&titles, &rows, page.styles.width.unwrap_or(80).max(80));
        let mut text = String::new();
        if !self.is_continued {
            let line = table_line(&titles, &widths);
            let _ = writeln!(text, "{heading}{line}{heading:#}");
        }
        for row in &rows {
            text.push_str(&table_line(row, &widths));
            text.push('\n');
        }
        text
    }

    /// Returns what was or would be deleted and kept.
    fn purged_text(&self, purged: &Purged) -> String {
        let Purged { kept, databases, kept_databases, .. } = purged;
        let is_dry_run = purged.purge == Purge::DryRun;
        let (calls, renamed) = (Count(self.calls.len(), "call"), Count(databases.len(), RENAMED));
        let mut text = String::new();
        if is_dry_run {
            databases.iter().for_each(|path| text.extend([&*path_text(path), "\n"]));
        }
        let what = match (calls.0, renamed.0) {
            (_, 0) => calls.to_string(),
            (0, _) => renamed.to_string(),
            _ => format!("{calls} and {renamed}"),
        };
        let (delete, keep) = if is_dry_run { ("Would delete", "keep") } else { ("Deleted", "kept") };
        let _ = match kept {
            0 if calls.0 + renamed.0 == 0 => writeln!(text, "No calls"),
            0 => writeln!(text, "{delete} {what}"),
            kept => {
                let verbs = if *kept == 1 { "isn't over or has" } else { "aren't over or have" };
                let kept = Count(*kept, "call");
                writeln!(text, "{delete} {what}, and {keep} {kept} that {verbs} unfinished actions")
            }
        };
        if !kept_databases.is_empty() {
            let keep = if is_dry_run { "Would keep" } else { "Kept" };
            let (they, them) = if kept_databases.len() == 1 { ("it", "it") } else { ("they", "them") };
            let count = Count(kept_databases.len(), RENAMED);
            let why = format!("because {they} may contain calls of other inis");
            let _ = writeln!(text, "{keep} {count}, {why}; to delete {them}, purge without --ini");
        }
        text
    }

    fn csv(&self) -> String {
        const COLUMNS: [&str; 8] =
            ["time", "direction", "number", "name", "answered", "duration", "id", "result"];
        let mut text = String::new();
        if !self.is_continued {
            text.push(csv_field::BOM);
            text.push_str(&csv_field::line(COLUMNS, ','));
        }
        for ListedCall { id, call, name, .. } in &self.calls {
            let direction = call.direction.map_or("", Direction::name);
            let (time, answered) = (rfc3339(call.began.system_time()), call.answered.to_string());
            let duration = call.duration.map(|duration| duration.as_secs().to_string()).unwrap_or_default();
            let fields = [&time, direction, &call.number, name, &answered, &duration, id, call.result.name()];
            text.push_str(&csv_field::line(fields, ','));
        }
        text
    }
}

/// Returns a time as RFC 3339 in UTC, to the second.
fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn call_json(listed: &ListedCall) -> Json {
    let ListedCall { id, call, name, ini } = listed;
    json!({
        "id": id,
        "ini": ini,
        "time": rfc3339(call.began.system_time()),
        "direction": call.direction.map(Direction::name),
        "number": call.number,
        "name": name,
        "answered": call.answered,
        "duration": call.duration.map(|duration| duration.as_secs()),
        "result": call.result.name(),
    })
}

/// Returns the cells of a call.
fn cells(listed: &ListedCall) -> [String; 6] {
    let ListedCall { call, name, .. } = listed;
    let direction = match call.direction {
        Some(Direction::Incoming) => "in",
        Some(Direction::Outgoing) => "out",
        None => "",
    };
    let result = match call.result {
        CallResult::NoAnswer => "no answer",
        CallResult::NoEnd => "no end",
        other => other.name(),
    };
    let number = if call.number.is_empty() { "no number" } else { &call.number };
    let length = call.duration.filter(|_| call.answered).map(length).unwrap_or_default();
    let mut time = local_time(call.began.system_time());
    // without the seconds
    time.truncate("2026-01-31 23:59".len());
    [time, direction.into(), one_line(number), one_line(name), result.into(), length]
}

/// Returns how long a call lasted, as phones show it.
fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

const BETWEEN: usize = 2;
const NUMBER: usize = 2;
const NAME: usize = 3;

/// Returns the width of each column. Numbers and names, which callers choose, share the space that is left.
fn widths(titles: &[String; 6], rows: &[[String; 6]], page: usize) -> [usize; 6] {
    let mut widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([titles]).map(|row| measure_text_width(&row[column]));
        cells.max().unwrap_or_default()
    });
    let fixed: usize = [0, 1, 4, 5].map(|column: usize| widths[column]).iter().sum();
    let left = page.saturating_sub(fixed + 5 * BETWEEN);
    if widths[NUMBER] + widths[NAME] > left {
        let half = left / 2;
        widths[NUMBER] = widths[NUMBER].min(half.max(left.saturating_sub(widths[NAME])));
        widths[NAME] = widths[NAME].min(left - widths[NUMBER]);
    }
    widths
}

fn table_line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let cell = |(cell, width): (&String, &usize)| {
        let cut = truncate_str(cell, *width, "...");
        pad_str(&cut, *width, Alignment::Left, None).into_owned()
    };
    let line: Vec<String> = cells.iter().zip(widths).map(cell).collect();
    line.join(&" ".repeat(BETWEEN)).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::call::Timestamp;
    use crate::page::Styles;
    use crate::platform::BootTime;

    fn listed(number: &str, name: &str, result: CallResult) -> ListedCall {
        let began = Timestamp { wall_ms: 1_577_000_000_000, boot: BootTime::default() };
        let call = Call {
            first_row: 7,
            rows: vec![7],
            direction: Some(Direction::Incoming),
            number: number.into(),
            began,
            answered: result == CallResult::Finished,
            duration: Some(Duration::from_secs(43_199)),
            result,
        };
        ListedCall { id: "0badcafe-7".into(), call, name: name.into(), ini: "MicroSIP.ini".into() }
    }

    fn list(calls: Vec<ListedCall>, form: Form) -> CallList {
        CallList { calls, form, is_continued: false, purged: None }
    }

    #[test]
    fn the_table_fits_the_page() {
        let long = "0123456789".repeat(20);
        for (number, name) in [(&*long, ""), (&*long, &*long), ("100", &*long), ("030\u{1B}[31m\t", "Ann\n")]
        {
            for width in [None, Some(40), Some(120)] {
                let page = Page { styles: Styles { width, ..Styles::default() }, ..Page::default() };
                let calls = CallResult::ALL.map(|result| listed(number, name, result));
                let text = list(calls.into(), Form::Table).text(&page);
                assert_eq!(text.lines().count(), 1 + CallResult::ALL.len(), "{text}");
                let limit = width.unwrap_or(80).max(80);
                assert!(text.lines().all(|line| measure_text_width(line) <= limit), "{text}");
                assert!(!text.contains(['\u{1B}', '\t']), "{text}");
            }
        }
    }

    #[test]
    fn csv_has_a_mark_for_excel_and_no_formulas() {
        let text = list(vec![listed("=1+1", "M\u{FC}ller, Ann", CallResult::Missed)], Form::Csv)
            .text(&Page::default());
        assert_eq!(
            text,
            "\u{FEFF}time,direction,number,name,answered,duration,id,result\r\n\
             2019-12-22T07:33:20Z,incoming,'=1+1,\"M\u{FC}ller, Ann\",false,43199,0badcafe-7,missed\r\n"
        );
    }
}
