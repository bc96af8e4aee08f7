//! Adds lines to files.

use std::io;
use std::path::PathBuf;

use super::job::{Job, Performed};
use super::values::{self, plain};
use crate::actions::csv_field;
use crate::hook::action::template::{CallFacts, Template};
use crate::hook::action::{LogFormat, Separator};
use crate::platform;

/// The first line of a CSV file.
const COLUMNS: [&str; 7] = ["time", "direction", "number", "name", "answered", "duration", "id"];

/// A line for a file.
pub struct Entry {
    /// The file.
    pub file: PathBuf,
    /// The line, without a line end.
    pub line: String,
    /// What a new file starts with.
    header: String,
    line_end: &'static str,
}

/// Returns the line for a call.
///
/// # Errors
/// The file isn't of a kind that can be written.
pub fn entry(file: &str, separator: Separator, job: Job<'_>) -> Result<Entry, Performed> {
    let file = job.path(file);
    let (header, line, line_end) = match LogFormat::of(&file.to_string_lossy()) {
        Some(LogFormat::Csv) => {
            let separator = match separator {
                Separator::Comma => ',',
                Separator::Semicolon => ';',
            };
            let header = format!("{}{}", csv_field::BOM, csv_field::line(COLUMNS, separator));
            let line = csv_field::line(fields(job.facts), separator);
            (header, line.trim_end_matches(csv_field::LINE_END).to_string(), csv_field::LINE_END)
        }
        Some(LogFormat::Jsonl) => (String::new(), values::call(job.facts, job.is_test).to_string(), "\n"),
        Some(LogFormat::Txt) => {
            (String::new(), text(job.facts), if platform::LINES_END_WITH_CR { "\r\n" } else { "\n" })
        }
        None => {
            let file = file.display();
            let message = format!("{file}: the name of the file must end with .csv, .jsonl or .txt");
            return Err(Performed::Failed(message));
        }
    };
    Ok(Entry { file, line, header, line_end })
}

/// Adds the line to the file.
pub fn append(entry: &Entry) -> Performed {
    let Entry { file, line, header, line_end } = entry;
    let shown = file.display();
    match platform::append_line(file, header.as_bytes(), line.as_bytes(), line_end.as_bytes()) {
        Ok(()) => Performed::Done(format!("added a line to {shown}")),
        Err(error) => {
            let message = format!("{shown} couldn't be written: {error}");
            if is_permanent(&error) { Performed::Failed(message) } else { Performed::TryAgain(message) }
        }
    }
}

/// Returns whether writing would fail again. A file that is in use and a disk that is full may not stay so.
fn is_permanent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

/// Returns the fields of a call, in the order of [`COLUMNS`].
fn fields(facts: &CallFacts) -> [String; 7] {
    COLUMNS.map(|column| match column {
        "number" => facts.number.clone(),
        "name" => facts.name.clone(),
        "id" => facts.call.clone(),
        "time" => values::time(facts),
        "direction" => facts.direction.map_or(String::new(), |direction| direction.name().into()),
        "answered" => facts.answered.to_string(),
        _ => facts.duration.map_or(String::new(), |seconds| seconds.to_string()),
    })
}

/// Returns the line of a text file: what is known about the call, with two spaces between.
fn text(facts: &CallFacts) -> String {
    let value = |text: &str| Template::parse(text).map_or(String::new(), |template| plain(&template, facts));
    let length = facts.duration.map_or(String::new(), |seconds| format!("{seconds} s"));
    let answered = if facts.answered { "answered" } else { "not answered" };
    let parts = [
        value("{time}"),
        value("{event}"),
        value("{direction}"),
        value("{number}"),
        value("{name}"),
        answered.into(),
    ];
    let parts: Vec<String> = parts.into_iter().chain([length]).filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::actions::perform::tests::{job, log_to};
    use crate::hook::action::template::tests::facts;

    fn call(number: &str, name: &str) -> CallFacts {
        CallFacts {
            name: name.into(),
            answered: true,
            duration: Some(65),
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(3600),
            ..facts(number)
        }
    }

    /// Appends calls to a file in a folder and returns what it contains.
    fn appended(name: &str, before: Option<&[u8]>, calls: &[CallFacts], separator: Separator) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        if let Some(bytes) = before {
            std::fs::write(&file, bytes).unwrap();
        }
        let action = log_to(name);
        let ini = folder.path().join("MicroSIP.ini");
        for call in calls {
            let entry =
                entry(name, separator, job(&action, call, &ini)).unwrap_or_else(|error| panic!("{error:?}"));
            let done = append(&entry);
            assert!(matches!(done, Performed::Done(_)), "{done:?}");
        }
        String::from_utf8(std::fs::read(file).unwrap()).unwrap()
    }

    #[test]
    fn a_new_csv_file_starts_with_its_columns() {
        let text =
            appended("a.CSV", None, &[call("+4930", "Ann"), call("100", "a \"b\", c")], Separator::Comma);
        assert_eq!(
            text,
            "\u{FEFF}time,direction,number,name,answered,duration,id\r\n\
             1970-01-01T01:00:00Z,incoming,+4930,Ann,true,65,c1\r\n\
             1970-01-01T01:00:00Z,incoming,100,\"a \"\"b\"\", c\",true,65,c1\r\n"
        );
        let text = appended("a.csv", Some(b""), &[call("1", "a,b;c")], Separator::Semicolon);
        assert_eq!(
            text,
            "\u{FEFF}time;direction;number;name;answered;duration;id\r\n\
             1970-01-01T01:00:00Z;incoming;1;\"a,b;c\";true;65;c1\r\n"
        );
    }

    #[test]
    fn a_line_never_continues_another() {
        let line = "1970-01-01T01:00:00Z,incoming,1,,true,65,c1\r\n";
        for (before, after) in [("x,y", "x,y\r\n"), ("x,y\r\n", "x,y\r\n"), ("x\n", "x\n")] {
            let text = appended("a.csv", Some(before.as_bytes()), &[call("1", "")], Separator::Comma);
            assert_eq!(text, format!("{after}{line}"));
        }
    }

    #[test]
    fn other_formats_have_one_line_per_call() {
        let text = appended("a.jsonl", None, &[call("1\n2", "Ann"), call("3", "")], Separator::Comma);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!([&lines[0]["number"], &lines[1]["number"]], ["1\n2", "3"]);
        let text = appended("a.txt", None, &[call("1\r\n2", "Ann"), call("", "")], Separator::Comma);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "1970-01-01T01:00:00Z  ring  incoming  12  Ann  answered  65 s",
                "1970-01-01T01:00:00Z  ring  incoming  answered  65 s"
            ]
        );
    }

    #[test]
    fn what_cannot_be_written_is_reported_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let call = call("1", "");
        let action = log_to("");
        let append_to = |name: &str| {
            entry(name, Separator::Comma, job(&action, &call, &ini))
                .map_or_else(|error| error, |entry| append(&entry))
        };
        for name in ["a.xls", "missing/a.csv"] {
            let failed = append_to(name);
            assert!(matches!(&failed, Performed::Failed(why) if why.contains(name)), "{failed:?}");
        }
        std::fs::create_dir(folder.path().join("b.csv")).unwrap();
        let failed = append_to("b.csv");
        assert!(matches!(failed, Performed::Failed(_)), "{failed:?}");
    }

    #[test]
    fn a_file_that_another_program_holds_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.csv");
        let held = platform::open_exclusively(&file);
        let call = call("1", "");
        let action = log_to("a.csv");
        let ini = folder.path().join("MicroSIP.ini");
        let entry = entry("a.csv", Separator::Comma, job(&action, &call, &ini)).unwrap_or_else(|_| panic!());
        let tried = append(&entry);
        assert!(matches!(tried, Performed::TryAgain(_)), "{tried:?}");
        drop(held);
        assert!(matches!(append(&entry), Performed::Done(_)));
    }

    #[test]
    fn writers_at_the_same_time_lose_no_line() {
        const WRITERS: usize = 4;
        let folder = tempfile::tempdir().unwrap();
        let ini = folder.path().join("MicroSIP.ini");
        let action = log_to("a.csv");
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (ini, action) = (&ini, &action);
                scope.spawn(move || {
                    for line in 0..20 {
                        let call = call(&format!("{writer}{line:02}"), "");
                        let entry = entry("a.csv", Separator::Comma, job(action, &call, ini))
                            .unwrap_or_else(|_| panic!());
                        while matches!(append(&entry), Performed::TryAgain(_)) {}
                    }
                });
            }
        });
        let text = std::fs::read_to_string(folder.path().join("a.csv")).unwrap();
        assert_eq!(text.matches("time,").count(), 1);
        let mut numbers: Vec<&str> =
            text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), WRITERS * 20);
    }
}
