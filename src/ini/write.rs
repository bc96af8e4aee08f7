//! The only module that creates lines. Each function changes only the lines of its key and no other byte.

use super::document::{IniDocument, Line, Section};
use super::lookup;
use super::name::{KeyPath, SectionName, ValueText};
use super::utf16::BOM;

/// Sets the text after `=` in the line that Windows reads. The spaces around it, the case of the key and the line end
/// don't change. A new key is added after the last non-blank line of its section, a new section at the end.
pub fn set(document: &mut IniDocument, path: &KeyPath, text: &ValueText) {
    let Some(section) = lookup::section(document, path.section.as_str()) else {
        let lines = [format!("[{}]", path.section.as_str()), key_line(path, text)];
        return append(document, None, &lines);
    };
    let Some(key) = lookup::key_lines(document, &section, path.key.as_str()).next() else {
        let last = last_non_blank_line(document, &section);
        return append(document, Some(last), &[key_line(path, text)]);
    };
    let (range, new) = match key.value {
        Some(range) => (range, text.as_str().to_string()),
        None => (key.name_end..key.name_end, format!("={}", text.as_str())),
    };
    document.splice(range, utf16le(&new));
}

/// Removes every line of a key from the section that Windows reads. Returns the number of lines.
pub fn unset(document: &mut IniDocument, path: &KeyPath) -> usize {
    let Some(section) = lookup::section(document, path.section.as_str()) else { return 0 };
    let lines: Vec<Line> =
        lookup::key_lines(document, &section, path.key.as_str()).map(|key| key.line).collect();
    document.remove(lines.iter().map(Line::range));
    if lines.last().is_some_and(Line::is_unterminated) {
        // the file ended without a line end, and still does
        let last = document.all_lines().last().filter(|last| !last.text.is_empty());
        if let Some(last) = last {
            document.remove(std::iter::once(last.text.end..last.next));
        }
    }
    lines.len()
}

/// Returns the ini that MicroSIP creates at its first start: only the header, without a line end (3.22.3,
/// settings.cpp).
pub fn first_run(section: &SectionName) -> IniDocument {
    IniDocument::from_utf16le([&BOM[..], &utf16le(&format!("[{}]", section.as_str()))].concat())
}

/// Adds lines after a line of the document, or at its end, before NULs that a power failure left there.
fn append(document: &mut IniDocument, after: Option<Line>, lines: &[String]) {
    let previous = after.or_else(|| document.all_lines().filter(|line| !document.is_nul_line(line)).last());
    let at = previous.as_ref().map_or(BOM.len(), |previous| previous.next);
    let mut line_end = usual_line_end(document, at);
    // a CR would form a single line end with the LF of a blank line after it
    let line_feed = utf16le("\n");
    if line_end == utf16le("\r") && document.as_bytes()[at..document.end()].starts_with(&line_feed) {
        line_end = line_feed;
    }
    // where the file ends without a line end, it still does
    let is_unterminated = previous.as_ref().map_or(document.is_empty(), Line::is_unterminated);
    let mut new = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_first_of_file = index == 0 && previous.is_none();
        if is_unterminated && !is_first_of_file {
            new.extend(&line_end);
        }
        new.extend(utf16le(line));
        if !is_unterminated {
            new.extend(&line_end);
        }
    }
    document.splice(at..at, new);
}

fn key_line(path: &KeyPath, text: &ValueText) -> String {
    format!("{}={}", path.key.as_str(), text.as_str())
}

/// Returns the last non-blank line of a section. Blank lines before the next section belong to that one.
fn last_non_blank_line(document: &IniDocument, section: &Section<'_>) -> Line {
    document
        .lines(section.body.clone())
        .filter(|line| !document.is_blank_line(line))
        .last()
        .unwrap_or_else(|| section.header.clone())
}

/// Returns the most frequent line end before a position, or CR LF, which MicroSIP writes, if there is none.
fn usual_line_end(document: &IniDocument, end: usize) -> Vec<u8> {
    let crlf = utf16le("\r\n");
    let mut counts = [(crlf.clone(), 0_usize), (utf16le("\n"), 0), (utf16le("\r"), 0)];
    for line in document.lines(BOM.len()..end) {
        if let Some((_, count)) = counts.iter_mut().find(|(text, _)| text == document.line_end(&line)) {
            *count += 1;
        }
    }
    // reversed, because max_by_key returns the last of several maximums
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(crlf, |(text, _)| text)
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ini::encoding::encode;

    fn edited(text: &str, edit: impl Fn(&mut IniDocument)) -> String {
        let mut document = IniDocument::from_utf16le(encode(text));
        edit(&mut document);
        document.units(BOM.len()..document.end()).to_string()
    }

    fn after_set(text: &str, path: &str, value: &str) -> String {
        let (path, value) = (path.parse().unwrap(), ValueText::new(value).unwrap());
        edited(text, |document| set(document, &path, &value))
    }

    fn after_unset(text: &str, path: &str) -> String {
        let path = path.parse().unwrap();
        edited(text, |document| {
            unset(document, &path);
        })
    }

    #[test]
    fn a_value_is_replaced_in_its_line() {
        assert_eq!(after_set("[S]\r\n K = 1 \r\nb=2\r\n", "S/k", "9"), "[S]\r\n K = 9 \r\nb=2\r\n");
        assert_eq!(after_set("[S]\nk=1\nk=2", "S/k", "9"), "[S]\nk=9\nk=2");
        assert_eq!(after_set("[S]\nk=\nb=2", "S/k", "9"), "[S]\nk=9\nb=2");
        assert_eq!(after_set("[S]\nk\nb=2", "S/k", "9"), "[S]\nk=9\nb=2");
        assert_eq!(after_set("[S]\na=1\n[S]\nk=2", "S/k", "9"), "[S]\na=1\nk=9\n[S]\nk=2");
    }

    #[test]
    fn a_new_key_is_added_to_its_section_with_the_usual_line_end() {
        assert_eq!(after_set("[S]\na=1\n\n\n[T]\nb=1\n", "S/k", "9"), "[S]\na=1\nk=9\n\n\n[T]\nb=1\n");
        assert_eq!(
            after_set("[S]\r\na=1\r\n; c\r\n[T]\r\n", "S/k", "9"),
            "[S]\r\na=1\r\n; c\r\nk=9\r\n[T]\r\n"
        );
        assert_eq!(after_set("[S]\r\na=1\nb=2\r\n", "S/k", "9"), "[S]\r\na=1\nb=2\r\nk=9\r\n");
        assert_eq!(after_set("[S]\r[T]\r", "S/k", "9"), "[S]\rk=9\r[T]\r");
        assert_eq!(after_set("[S]\rb=1\ra=1\n\n[T]\r", "S/k", "9"), "[S]\rb=1\ra=1\nk=9\n\n[T]\r");
    }

    #[test]
    fn a_file_without_a_final_line_end_gets_none() {
        assert_eq!(after_set("[S]\na=1", "S/k", "9"), "[S]\na=1\nk=9");
        assert_eq!(after_set("[S]", "S/k", "9"), "[S]\r\nk=9");
        assert_eq!(after_set("[T]\na=1", "S/k", "9"), "[T]\na=1\n[S]\nk=9");
        assert_eq!(after_set("[T]\na=1\n", "S/k", "9"), "[T]\na=1\n[S]\nk=9\n");
        assert_eq!(after_set("", "S/k", "9"), "[S]\r\nk=9");
        assert_eq!(after_unset("[S]\na=1\nk=9", "S/k"), "[S]\na=1");
    }

    #[test]
    fn nuls_at_the_end_stay_last() {
        assert_eq!(after_set("[S]\r\na=1\r\n\0\0", "S/k", "9"), "[S]\r\na=1\r\nk=9\r\n\0\0");
        assert_eq!(after_set("[T]\r\na=1\r\n\0\0", "S/k", "9"), "[T]\r\na=1\r\n[S]\r\nk=9\r\n\0\0");
        assert_eq!(after_set("\0\0", "S/k", "9"), "[S]\r\nk=9\r\n\0\0");
        assert_eq!(after_set("[S]\r\na=1\0\0", "S/k", "9"), "[S]\r\na=1\0\0\r\nk=9");
    }

    #[test]
    fn unset_removes_every_line_of_the_key_in_the_first_section() {
        assert_eq!(after_unset("[S]\nk=1\na=1\nK\nk=3\n[S]\nk=4\n", "S/k"), "[S]\na=1\n[S]\nk=4\n");
        assert_eq!(after_unset("[S]\na=1\n", "S/k"), "[S]\na=1\n");
        assert_eq!(after_unset("[S]\nk=1\nk=2", "S/k"), "[S]");
    }

    #[test]
    fn an_odd_last_byte_stays_last() {
        let mut bytes = encode("[S]\r\na=1");
        bytes.push(b'x');
        let mut document = IniDocument::from_utf16le(bytes);
        set(&mut document, &"S/k".parse().unwrap(), &ValueText::new("9").unwrap());
        assert_eq!(document.into_bytes(), [encode("[S]\r\na=1\r\nk=9"), vec![b'x']].concat());
    }
}
