//! CSV for spreadsheets. What callers choose must stay text there.

/// What a file starts with. Without it, Excel reads the file in the code page of the computer.
pub const BOM: char = '\u{FEFF}';

/// The end of each line.
pub const LINE_END: &str = "\r\n";

/// Returns a line with its end. Formulas among the fields become text.
pub fn line<S: AsRef<str>>(fields: impl IntoIterator<Item = S>, separator: char) -> String {
    let mut line = String::new();
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            line.push(separator);
        }
        line.push_str(&quoted(&without_formula(field.as_ref())));
    }
    line + LINE_END
}

/// Returns a field in quotes if it needs them. The csv package quotes only for the separator of the file, but a
/// spreadsheet may expect another one.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', ';', '\t', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_string()
    }
}

/// Returns a field in which no spreadsheet sees a formula. A spreadsheet may expect another separator than the one in
/// the file, and then begins a cell in the middle of a field, whatever its quotes.
fn without_formula(field: &str) -> String {
    let mut safe = String::new();
    for (index, cell) in field.split_inclusive([',', ';', '\t', '\r', '\n']).enumerate() {
        // Quotes and spaces before a formula are skipped only where the quotes of the field don't protect it.
        let start =
            if index == 0 { "" } else { &cell[..cell.len() - cell.trim_start_matches(['"', ' ']).len()] };
        let rest = &cell[start.len()..];
        let is_unsafe = is_formula(rest) || index == 0 && rest.starts_with('\t');
        safe.extend([start, if is_unsafe { "'" } else { "" }, rest]);
    }
    safe
}

/// Returns whether a spreadsheet takes a text for a formula. International numbers are an exception, because `'+49…`
/// couldn't be called any more.
fn is_formula(cell: &str) -> bool {
    let cell = cell.trim_end_matches([',', ';', '\t', '\r', '\n', '"']);
    match cell.strip_prefix('+') {
        Some(number) => number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()),
        None => cell.starts_with(['=', '-', '@']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_exact_unless_they_are_formulas() {
        for (field, written) in [
            ("", ""),
            ("+4930123456", "+4930123456"),
            ("0301-2", "0301-2"),
            ("'=1", "'=1"),
            ("Müller & Co", "Müller & Co"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\t=1", "\"'\t'=1\""),
            ("+1+1", "'+1+1"),
            ("+", "'+"),
            ("+49 30", "'+49 30"),
        ] {
            assert_eq!(line([field], ','), format!("{written}\r\n"), "{field}");
        }
    }

    #[test]
    fn a_formula_after_another_separator_is_text_too() {
        for (field, written) in [
            ("1;=cmd|'/c calc'!A1;", "1;'=cmd|'/c calc'!A1;"),
            ("1; \"=1\"", "1; \"'=1\""),
            ("1,-1", "1,'-1"),
            ("1;+49,+49;phone-context=x", "1;+49,+49;phone-context=x"),
            ("1\r@A", "1\r'@A"),
        ] {
            assert_eq!(without_formula(field), written, "{field}");
        }
    }

    #[test]
    fn other_readers_get_the_fields_back() {
        let fields = ["a,b", "c;d", "", "say \"hi\"", "two\r\nlines", "\u{FEFF}x"];
        for separator in [b',', b';'] {
            let text = line(fields, char::from(separator));
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(separator)
                .has_headers(false)
                .from_reader(text.as_bytes());
            let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            assert_eq!(records, [csv::StringRecord::from(&fields[..])]);
        }
    }
}
