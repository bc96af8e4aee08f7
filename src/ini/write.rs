//! The one place that makes lines. Each function changes the line it must and no other byte.

use super::document::{IniDocument, Line, Section};
use super::encoding::BOM;
use super::lookup;
use super::name::{KeyPath, SectionName, ValueText};

/// Sets the text behind `=` of the line that counts. Blanks round it, the key's letter case and the line end
/// stay. A new key goes behind the last line of its section that is not blank; a new section to the end.
pub fn set(document: &mut IniDocument, path: &KeyPath, text: &ValueText) {
    let Some(section) = lookup::section(document, path.section.as_str()) else {
        let lines = [format!("[{}]", path.section.as_str()), line_of(path, text)];
        return append(document, None, &lines);
    };
    let Some(key) = lookup::key_lines(document, &section, path.key.as_str()).next() else {
        let last = last_line_of(document, &section);
        return append(document, Some(&last), &[line_of(path, text)]);
    };
    let (range, new) = match key.value {
        Some(range) => (range, text.as_str().to_string()),
        None => (key.name_end..key.name_end, format!("={}", text.as_str())),
    };
    document.splice(range, utf16le(&new));
}

/// Removes every line of the key in the section that counts, and says how many there were.
pub fn unset(document: &mut IniDocument, path: &KeyPath) -> usize {
    let Some(section) = lookup::section(document, path.section.as_str()) else { return 0 };
    let lines: Vec<Line> =
        lookup::key_lines(document, &section, path.key.as_str()).map(|key| key.line).collect();
    document.remove(lines.iter().map(Line::range));
    if lines.last().is_some_and(Line::is_unended) {
        // the line before is the last now, and the last line had no line end
        if let Some(last) = document.last_line().filter(|last| !last.text.is_empty()) {
            document.remove(std::iter::once(last.text.end..last.next));
        }
    }
    lines.len()
}

/// The ini that MicroSIP makes at its first run: the bare header, without a line end (3.22.3, settings.cpp).
pub fn first_run(section: &SectionName) -> IniDocument {
    IniDocument::from_utf16le([&BOM[..], &utf16le(&format!("[{}]", section.as_str()))].concat())
}

/// Puts lines behind a line of the document, or at its end.
fn append(document: &mut IniDocument, behind: Option<&Line>, lines: &[String]) {
    let last = behind.cloned().or_else(|| document.last_line());
    let line_end = usual_line_end(document, last.as_ref());
    let at = last.as_ref().map_or(document.end(), |last| last.next);
    // a CR before a blank line's LF would become one line end with it
    let line_feed = utf16le("\n");
    let is_before_line_feed = document.as_bytes()[at..document.end()].starts_with(&line_feed);
    let line_end = if is_before_line_feed && line_end == utf16le("\r") { line_feed } else { line_end };
    let mut new = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        // where the last line has no line end, the new last one has none either
        let is_unended = last.as_ref().is_none_or(Line::is_unended);
        let needs_end_before = if index == 0 { last.is_some() && is_unended } else { is_unended };
        if needs_end_before {
            new.extend(&line_end);
        }
        new.extend(utf16le(line));
        if !is_unended {
            new.extend(&line_end);
        }
    }
    document.splice(at..at, new);
}

fn line_of(path: &KeyPath, text: &ValueText) -> String {
    format!("{}={}", path.key.as_str(), text.as_str())
}

/// The last line of a section that is not blank: blank lines before the next section belong to that.
fn last_line_of(document: &IniDocument, section: &Section<'_>) -> Line {
    document
        .lines(section.body.clone())
        .filter(|line| !document.is_blank_line(line))
        .last()
        .unwrap_or_else(|| section.header.clone())
}

/// The line end that most lines up to this one have; CR LF, MicroSIP's own, where none has any.
fn usual_line_end(document: &IniDocument, last: Option<&Line>) -> Vec<u8> {
    let crlf = utf16le("\r\n");
    let mut counts = [(crlf.clone(), 0_usize), (utf16le("\n"), 0), (utf16le("\r"), 0)];
    let end = last.map_or(document.end(), |last| last.next);
    for line in document.lines(BOM.len()..end) {
        if let Some((_, count)) = counts.iter_mut().find(|(text, _)| text == document.line_end(&line)) {
            *count += 1;
        }
    }
    // the first of the most frequent: max_by_key would take the last
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
    fn a_value_is_replaced_where_it_stands() {
        assert_eq!(after_set("[S]\r\n K = 1 \r\nb=2\r\n", "S/k", "9"), "[S]\r\n K = 9 \r\nb=2\r\n");
        assert_eq!(after_set("[S]\nk=1\nk=2", "S/k", "9"), "[S]\nk=9\nk=2");
        assert_eq!(after_set("[S]\nk=\nb=2", "S/k", "9"), "[S]\nk=9\nb=2");
        assert_eq!(after_set("[S]\nk\nb=2", "S/k", "9"), "[S]\nk=9\nb=2");
        assert_eq!(after_set("[S]\na=1\n[S]\nk=2", "S/k", "9"), "[S]\na=1\nk=9\n[S]\nk=2");
    }

    #[test]
    fn a_new_key_goes_to_the_end_of_its_section_with_the_files_line_end() {
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
    fn a_file_without_a_final_line_end_keeps_none() {
        assert_eq!(after_set("[S]\na=1", "S/k", "9"), "[S]\na=1\nk=9");
        assert_eq!(after_set("[S]", "S/k", "9"), "[S]\r\nk=9");
        assert_eq!(after_set("[T]\na=1", "S/k", "9"), "[T]\na=1\n[S]\nk=9");
        assert_eq!(after_set("[T]\na=1\n", "S/k", "9"), "[T]\na=1\n[S]\nk=9\n");
        assert_eq!(after_set("", "S/k", "9"), "[S]\r\nk=9");
        assert_eq!(after_unset("[S]\na=1\nk=9", "S/k"), "[S]\na=1");
    }

    #[test]
    fn unset_takes_every_line_of_the_key_in_the_section_that_counts() {
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
