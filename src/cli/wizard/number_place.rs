//! Where the caller's number belongs in a web address that was copied from a browser.

use std::ops::Range;

use chrono::NaiveDate;

use crate::hook::action::numbers::{NumberForm, Numbers};

/// Where a number could belong in an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPlace {
    /// The item of the list.
    pub label: String,
    /// The address before the number, and after it.
    around: (String, String),
    /// The form in which the page wants the number; `None` if the number doesn't belong into the address.
    pub form: Option<NumberForm>,
    /// The country of the number that was there.
    pub country: Option<u16>,
}

impl NumberPlace {
    /// Returns the address with the number in this form.
    pub fn address(&self, form: NumberForm) -> String {
        let (before, after) = &self.around;
        let name = form.name().map_or(String::new(), |name| format!(":{name}"));
        match self.form {
            Some(_) => format!("{before}{{number{name}}}{after}"),
            None => format!("{before}{after}"),
        }
    }

    fn in_place_of(address: &str, example: &Example) -> NumberPlace {
        let Range { start, end } = example.range.clone();
        NumberPlace {
            label: format!("Instead of {}", &address[start..end]),
            around: (address[..start].into(), address[end..].into()),
            form: Some(example.form()),
            country: Numbers::calling_code_in(&example.number),
        }
    }
}

/// Returns the places where a number could belong in an address; the likeliest is the first. None if the address
/// already says where.
pub fn number_places(address: &str) -> Vec<NumberPlace> {
    if address.contains('{') {
        return Vec::new();
    }
    let mut examples = examples(address);
    // dates and the ids of customers start with other digits
    examples.sort_by_key(|example| !example.number.starts_with(['+', '0']));
    let examples = examples.iter().map(|example| NumberPlace::in_place_of(address, example));
    // a caller may not choose the host
    let full = if path_start(address).is_none() { format!("{address}/") } else { address.into() };
    let place = |label: &str, before: String, form| NumberPlace {
        label: label.into(),
        around: (before, String::new()),
        form,
        country: None,
    };
    let at_end = place("At the end", full, Some(NumberForm::Received));
    let nowhere = place("Nowhere: every call opens the same page", address.into(), None);
    examples.chain([at_end, nowhere]).collect()
}

/// Returns whether the number of an example is in an address, or the address ends where a number could follow.
pub fn seems_to_have_place(address: &str) -> bool {
    address.ends_with(['=', '/', ':', '?', '&']) || !examples(address).is_empty()
}

/// Returns where the part of an address after the host begins.
fn path_start(address: &str) -> Option<usize> {
    let host = address.find("://").map_or(0, |at| at + "://".len());
    Some(host + address[host..].find(['/', '?', '#'])?)
}

/// A part of an address that looks like a phone number.
struct Example {
    range: Range<usize>,
    /// Its digits, after a `+` if it has one.
    number: String,
}

impl Example {
    /// Returns the form in which it is written.
    fn form(&self) -> NumberForm {
        match self.number.as_bytes() {
            [b'+', ..] => NumberForm::E164,
            [b'0', b'0', ..] => NumberForm::Received,
            [b'0', ..] => NumberForm::National,
            _ => NumberForm::Received,
        }
    }
}

/// Returns what looks like a phone number after the host.
fn examples(address: &str) -> Vec<Example> {
    /// Shorter ones are likelier something else, such as a year; no phone number is longer.
    const DIGITS: Range<usize> = 6..18;
    let Some(start) = path_start(address) else { return Vec::new() };
    let characters = characters(address, start);
    let is_word = |at: Option<usize>| {
        at.and_then(|at| characters.get(at)).is_some_and(|one| one.character.is_alphanumeric())
    };
    let mut found = Vec::new();
    let mut first = 0;
    while first < characters.len() {
        let length = number_length(&characters[first..]);
        let next = first + length;
        if length > 0 && !is_word(first.checked_sub(1)) && !is_word(Some(next)) {
            let range = characters[first].at..characters[next - 1].end;
            let number = dialled(&characters[first..next]);
            let is_date = NaiveDate::parse_from_str(&address[range.clone()], "%Y-%m-%d").is_ok();
            if DIGITS.contains(&number.trim_start_matches('+').len()) && !is_date {
                found.push(Example { range, number });
            }
        }
        first += length.max(1);
    }
    found
}

/// A character of an address, which may be percent-encoded.
struct Character {
    at: usize,
    end: usize,
    character: char,
    is_encoded: bool,
}

/// Returns the characters of an address from a position on. Encoded ones that aren't ASCII are some letter.
fn characters(address: &str, start: usize) -> Vec<Character> {
    let mut characters = Vec::new();
    let mut at = start;
    while let Some(literal) = address[at..].chars().next() {
        let hex = address.get(at + 1..at + 3).filter(|_| literal == '%');
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (character, length) = match byte {
            Some(byte) if byte.is_ascii() => (char::from(byte), 3),
            Some(_) => ('x', 3),
            None => (literal, literal.len_utf8()),
        };
        characters.push(Character { at, end: at + length, character, is_encoded: byte.is_some() });
        at += length;
    }
    characters
}

/// Returns how many characters at the beginning look like a phone number, up to its last digit.
fn number_length(characters: &[Character]) -> usize {
    /// As in `(030) 1234`.
    const SEPARATORS: usize = 2;
    let is_separator = |one: &Character| match one.character {
        ' ' | '-' | '.' | '(' | ')' | '+' => true,
        // otherwise it separates folders
        '/' => one.is_encoded,
        _ => false,
    };
    let mut length = 0;
    for (at, one) in characters.iter().enumerate() {
        let starts = length == 0 && matches!(one.character, '+' | '(');
        if one.character.is_ascii_digit() {
            length = at + 1;
        } else if !(starts || is_separator(one) && length > 0) || at - length >= SEPARATORS {
            break;
        }
    }
    length
}

/// Returns the digits of a number, after a `+` if it starts with one. Elsewhere, a `+` is a space.
fn dialled(number: &[Character]) -> String {
    let plus = number.iter().find(|one| one.character != '(').filter(|one| one.character == '+');
    plus.into_iter()
        .chain(number.iter().filter(|one| one.character.is_ascii_digit()))
        .map(|one| one.character)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the addresses with the number in each place, in the form in which the example is.
    fn addresses(address: &str) -> Vec<String> {
        let place = |place: NumberPlace| place.address(place.form.unwrap_or(NumberForm::Received));
        number_places(address).into_iter().map(place).collect()
    }

    #[test]
    fn the_number_goes_where_a_number_was_in_the_same_form() {
        for (address, expected) in [
            ("https://crm.example/find?phone=", "https://crm.example/find?phone={number}"),
            ("https://crm.example/find?phone=0301234567", "https://crm.example/find?phone={number:national}"),
            ("crm.example/find?phone=%2B49301234&new=1", "crm.example/find?phone={number:e164}&new=1"),
            ("https://crm.example/contact/+49301234/view", "https://crm.example/contact/{number:e164}/view"),
            ("https://crm.example/contact/0049301234/view", "https://crm.example/contact/{number}/view"),
            ("https://crm.example/?q=030-1234567", "https://crm.example/?q={number:national}"),
            ("https://crm.example/?q=0049%2030%20123456", "https://crm.example/?q={number}"),
            ("https://crm.example/?q=%2B49+30+123456", "https://crm.example/?q={number:e164}"),
            ("https://crm.example/?q=%28030%29123456", "https://crm.example/?q={number:national}"),
            ("https://crm.example/?q=(030)%20123456&x", "https://crm.example/?q={number:national}&x"),
            ("https://crm.example/?q=030%2F123456", "https://crm.example/?q={number:national}"),
            ("https://crm.example/?q=030.123.456", "https://crm.example/?q={number:national}"),
            ("https://crm.example/?q=5551234567", "https://crm.example/?q={number}"),
            ("https://crm.example/customer/4711/show", "https://crm.example/customer/4711/show{number}"),
            ("https://123456789.example/", "https://123456789.example/{number}"),
            ("https://crm.example/2026/find?q=", "https://crm.example/2026/find?q={number}"),
            ("https://crm.example/?date=2026-11-30&q=", "https://crm.example/?date=2026-11-30&q={number}"),
            ("https://crm.example/a1b2c3d4-123456789a/", "https://crm.example/a1b2c3d4-123456789a/{number}"),
            ("https://crm.example/%C3%A4123456/", "https://crm.example/%C3%A4123456/{number}"),
            (
                "https://crm.example/123456789012345678901",
                "https://crm.example/123456789012345678901{number}",
            ),
            ("https://crm.example/%2", "https://crm.example/%2{number}"),
            ("crm.example", "crm.example/{number}"),
        ] {
            assert_eq!(addresses(address)[0], expected, "{address}");
        }
        assert_eq!(number_places("https://crm.example/{number}"), []);
        assert_eq!(addresses("https://crm.example/?").last().unwrap(), "https://crm.example/?");
    }

    #[test]
    fn of_several_numbers_those_that_start_like_phone_numbers_come_first() {
        assert_eq!(
            addresses("https://crm.example/12345678?q=%2B49-30-123456&cust=20261234"),
            [
                "https://crm.example/12345678?q={number:e164}&cust=20261234",
                "https://crm.example/{number}?q=%2B49-30-123456&cust=20261234",
                "https://crm.example/12345678?q=%2B49-30-123456&cust={number}",
                "https://crm.example/12345678?q=%2B49-30-123456&cust=20261234{number}",
                "https://crm.example/12345678?q=%2B49-30-123456&cust=20261234",
            ]
        );
    }

    #[test]
    fn an_international_number_tells_the_country() {
        let country = |address: &str| number_places(address)[0].country;
        assert_eq!(country("h/?q=%2B49%2030%201234567"), Some(49));
        assert_eq!(country("h/?q=0301234567"), None);
    }
}
