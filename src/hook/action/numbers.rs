//! Phone numbers: which ones belong to colleagues, and their international form.

use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber};

/// How phone numbers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The calling code of the country whose numbers are dialled without it, such as 49. Without it, numbers stay as
    /// received unless they start with `+`.
    pub country: Option<u16>,
    /// Numbers with up to this many digits belong to colleagues.
    pub internal: usize,
    /// A prefix that the phone system adds to external numbers.
    pub outside_line: Option<String>,
}

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers { country: None, internal: 4, outside_line: None }
    }
}

/// The form in which an action uses a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberForm {
    /// As received.
    Received,
    /// International, as in `+4930123456`.
    E164,
    /// As it is dialled in its own country, without spaces, as in `030123456`.
    National,
    /// Only its digits.
    Digits,
}

impl NumberForm {
    /// All forms that have a name.
    pub const NAMED: &[NumberForm] = &[NumberForm::E164, NumberForm::National, NumberForm::Digits];

    /// Returns the name after `number:`; none for the number as received.
    pub fn name(self) -> Option<&'static str> {
        match self {
            NumberForm::Received => None,
            NumberForm::E164 => Some("e164"),
            NumberForm::National => Some("national"),
            NumberForm::Digits => Some("digits"),
        }
    }
}

/// Whose number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The caller withholds the number.
    Anonymous,
    /// A colleague.
    Internal,
    /// Anyone else.
    External,
}

impl Numbers {
    /// Returns the calling code of a country, from a text such as `49`, `+49` or `0049`.
    pub fn calling_code(text: &str) -> Option<u16> {
        let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
        // with one 0 in front, it's the code of an area
        let is_code = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        let code = digits.parse().ok().filter(|_| is_code)?;
        DATABASE.region(&code).map(|_| code)
    }

    /// Returns the calling code in an international number, such as 49 in `+49301234567`.
    pub fn calling_code_in(number: &str) -> Option<u16> {
        Numbers::default().parsed(number).map(|number| number.code().value())
    }

    /// Returns whose number this is.
    pub fn party(&self, received: &str) -> Party {
        /// The words that phone systems send instead of a number.
        const WITHHELD: [&str; 5] = ["anonymous", "private", "restricted", "unavailable", "unknown"];
        let received = received.trim();
        if received.is_empty() || WITHHELD.iter().any(|word| received.eq_ignore_ascii_case(word)) {
            return Party::Anonymous;
        }
        let is_short = received.len() <= self.internal && received.bytes().all(|byte| byte.is_ascii_digit());
        if is_short { Party::Internal } else { Party::External }
    }

    /// Returns a received number in a form. A text that isn't a phone number, and a national number if no country is
    /// set, stay as received.
    pub fn form(&self, received: &str, form: NumberForm) -> String {
        match form {
            NumberForm::Received => received.to_string(),
            NumberForm::Digits => received.chars().filter(char::is_ascii_digit).collect(),
            NumberForm::E164 => match self.parsed(received) {
                Some(number) => number.format().mode(Mode::E164).to_string(),
                None => received.to_string(),
            },
            NumberForm::National => match self.parsed(received) {
                // without its country, it would look like another number of the own country
                Some(number) if self.country.is_some_and(|own| own != number.code().value()) => {
                    number.format().mode(Mode::E164).to_string()
                }
                Some(number) => {
                    let national = number.format().mode(Mode::National).to_string();
                    national.chars().filter(char::is_ascii_digit).collect()
                }
                None => received.to_string(),
            },
        }
    }

    /// Returns the number in its international form if it's an external phone number of a known country.
    pub fn e164(&self, received: &str) -> Option<String> {
        self.parsed(received).map(|number| number.format().mode(Mode::E164).to_string())
    }

    /// Returns a number without the prefix of the outside line, and without what people write between digits.
    pub(super) fn dialled(&self, received: &str) -> String {
        let number: String =
            received.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')).collect();
        let outside = self.outside_line.as_deref().filter(|prefix| !prefix.is_empty());
        let is_external = self.party(&number) == Party::External;
        match outside.and_then(|prefix| number.strip_prefix(prefix)) {
            Some(rest) if is_external => rest.to_string(),
            _ => number,
        }
    }

    fn parsed(&self, received: &str) -> Option<PhoneNumber> {
        /// Longer than any phone number with separators; the parser's regular expressions take time.
        const LONGEST: usize = 40;
        if received.len() > LONGEST || self.party(received) != Party::External {
            return None;
        }
        let number = self.dialled(received);
        let is_number = number.strip_prefix('+').unwrap_or(&number).bytes().all(|byte| byte.is_ascii_digit());
        let country = self.country.and_then(|code| DATABASE.region(&code)?.first()?.parse::<Id>().ok());
        if !is_number || country.is_none() && !number.starts_with('+') {
            return None;
        }
        phonenumber::parse(country, number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german(outside_line: Option<&str>) -> Numbers {
        Numbers { country: Some(49), outside_line: outside_line.map(str::to_string), ..Numbers::default() }
    }

    #[test]
    fn national_numbers_become_international_ones() {
        for (received, outside_line, e164) in [
            ("+49301234567", None, "+49301234567"),
            ("0301234567", None, "+49301234567"),
            ("030 123-4567", None, "+49301234567"),
            ("00301234567", Some("0"), "+49301234567"),
            ("0+43112345678", Some("0"), "+43112345678"),
            ("0043112345678", None, "+43112345678"),
            ("100", None, "100"),
            ("anonymous", None, "anonymous"),
            ("evil 7", None, "evil 7"),
        ] {
            assert_eq!(german(outside_line).form(received, NumberForm::E164), e164, "{received}");
        }
        let unknown = Numbers::default();
        assert_eq!(unknown.form("0301234567", NumberForm::E164), "0301234567");
        assert_eq!(unknown.form("+49301234567", NumberForm::E164), "+49301234567");
    }

    #[test]
    fn calling_codes_are_those_of_countries() {
        for (text, code) in [
            ("49", Some(49)),
            ("+49", Some(49)),
            ("0049", Some(49)),
            ("1", Some(1)),
            ("999", None),
            ("030", None),
            ("00049", None),
            ("+ 49", None),
            ("++49", None),
            ("-49", None),
            ("", None),
            ("Germany", None),
            ("99999999", None),
        ] {
            assert_eq!(Numbers::calling_code(text), code, "{text}");
        }
        assert_eq!(Numbers::calling_code_in("+49301234567"), Some(49));
        assert_eq!(Numbers::calling_code_in("+442071234567"), Some(44));
        assert_eq!(Numbers::calling_code_in("0301234567"), None);
        assert_eq!(Numbers::calling_code_in("+999"), None);
    }

    #[test]
    fn forms_differ_only_in_how_the_number_is_written() {
        let numbers = german(None);
        assert_eq!(numbers.form("+49 30 1234567", NumberForm::National), "0301234567");
        assert_eq!(numbers.form("+33 1 23456789", NumberForm::National), "+33123456789");
        assert_eq!(Numbers::default().form("+33 1 23456789", NumberForm::National), "0123456789");
        assert_eq!(numbers.form("+49 30 1234567", NumberForm::Digits), "49301234567");
        assert_eq!(numbers.form("+49 30 1234567", NumberForm::Received), "+49 30 1234567");
        assert_eq!(numbers.e164("100"), None);
    }

    #[test]
    fn short_numbers_are_internal_and_words_anonymous() {
        let numbers = german(None);
        for (received, party) in [
            ("100", Party::Internal),
            ("1000", Party::Internal),
            ("10000", Party::External),
            ("+49", Party::External),
            ("", Party::Anonymous),
            (" ", Party::Anonymous),
            ("Anonymous", Party::Anonymous),
            ("ann", Party::External),
        ] {
            assert_eq!(numbers.party(received), party, "{received:?}");
        }
    }
}
