//! Patterns in which `*` stands for any characters.

/// Returns whether a text has the form of a pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text, matching) in [
            ("", "", true),
            ("", "a", false),
            ("ab", "ab", true),
            ("ab", "abc", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("12*21", "121", false),
        ] {
            assert_eq!(matches(pattern, text), matching, "{pattern} {text}");
        }
    }
}
