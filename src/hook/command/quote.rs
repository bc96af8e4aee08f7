//! Quoting that CommandLineToArgvW undoes.

/// The characters that separate arguments.
pub const SPACES: [char; 2] = [' ', '\t'];

/// Quotes a text if it needs quotes to stay one argument.
pub fn quote(text: &str) -> String {
    if text.is_empty() || text.contains([' ', '\t', '\u{B}']) {
        between_quotes(text)
    } else {
        escape_quotes(text)
    }
}

/// Quotes a text.
pub fn between_quotes(text: &str) -> String {
    let backslashes = text.len() - text.trim_end_matches('\\').len();
    format!("\"{}{}\"", escape_quotes(text), "\\".repeat(backslashes))
}

/// Puts a backslash before each quote, and doubles the backslashes that precede one.
pub fn escape_quotes(text: &str) -> String {
    let mut escaped = String::new();
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '"' {
            escaped.push_str(&"\\".repeat(backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        escaped.push(c);
    }
    escaped
}

/// Quotes only the spaces in a text, so that it needn't end with a quote.
pub fn quote_spaces(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    let mut quoted = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let plain = &rest[..rest.find(SPACES).unwrap_or(rest.len())];
        quoted.push_str(&escape_quotes(plain));
        rest = &rest[plain.len()..];
        let spaces = &rest[..rest.len() - rest.trim_start_matches(SPACES).len()];
        if !spaces.is_empty() {
            let backslashes = plain.len() - plain.trim_end_matches('\\').len();
            quoted.push_str(&"\\".repeat(backslashes));
            quoted.push('"');
            quoted.push_str(spaces);
            quoted.push('"');
        }
        rest = &rest[spaces.len()..];
    }
    quoted
}
