//! Web addresses with placeholders. Whatever a caller sends, the scheme, the host and the folders stay as written.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, ParseError, Url};

use super::numbers::Party;
use super::template::{CallFacts, Placeholder, Template, TemplateError};

/// A web address with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate {
    template: Template,
    origin: String,
}

/// What is wrong with a web address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("'{scheme}:' isn't supported; the address must start with https:// or http://")]
    Scheme { scheme: String },
    #[error("a placeholder can't be part of the host, because a caller could then choose the server")]
    HostPlaceholder,
    #[error("'{text}' isn't a web address: {reason}")]
    Invalid { text: String, reason: String },
    #[error("the address contains a space or a line break")]
    Space,
    #[error("'{text}' isn't a web address: '{scheme}' isn't followed by '://'")]
    Separator { text: String, scheme: &'static str },
}

impl UrlError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            UrlError::Template(error) => error.hint(),
            UrlError::HostPlaceholder => Some(
                "put the placeholder after the host, as in https://crm.example/find?phone={number}".into(),
            ),
            UrlError::Space => Some("write %20 for a space".into()),
            UrlError::Separator { .. } => Some("copy it from the address bar of your browser".into()),
            UrlError::Scheme { .. } | UrlError::Invalid { .. } => None,
        }
    }
}

/// Why an address can't be used for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlNotUsed {
    #[error("the caller has no number")]
    NoNumber,
    #[error("the caller's text would change the path of the address")]
    LeavesPath,
}

const NO_HOST: &str = "the name of the server is missing";

/// What stands for a user and a password that aren't shown.
const MASKED_USER: &str = "***@";

/// The characters that RFC 3986 calls unreserved stay; everything else in a value is encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl UrlTemplate {
    /// Parses an address. Without a scheme, it gets `https://`.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<UrlTemplate, UrlError> {
        let text = text.trim();
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Space);
        }
        if let Some(scheme) = scheme_without_separator(text) {
            return Err(UrlError::Separator { text: without_user(text), scheme });
        }
        let text = match scheme_of(text) {
            Some(scheme) if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) => {
                return Err(UrlError::Scheme { scheme: scheme.to_string() });
            }
            Some(_) => text.to_string(),
            None => format!("https://{}", text.trim_start_matches('/')),
        };
        if user_of(&text).is_some_and(|user| text[user] == *MASKED_USER) {
            let reason = "*** is what msipcfg shows in place of a user and a password; write these".into();
            return Err(UrlError::Invalid { text: without_user(&text), reason });
        }
        let template = Template::parse(&text)?;
        let start = template.literal_start();
        let after_scheme = start.split_once("://").map_or("", |(_, rest)| rest);
        let has_placeholder = template.placeholders().next().is_some();
        if has_placeholder && !after_scheme.contains(['/', '?', '#', '\\']) {
            return Err(UrlError::HostPlaceholder);
        }
        let example = template.fill_plain(&|_| "0".to_string());
        let invalid = |reason: &str| UrlError::Invalid { text: without_user(&text), reason: reason.into() };
        let url = Url::parse(&example).map_err(|error| match error {
            ParseError::EmptyHost => invalid(NO_HOST),
            error => invalid(&error.to_string()),
        })?;
        match url.host() {
            None | Some(Host::Domain("")) => return Err(invalid(NO_HOST)),
            Some(Host::Domain(name)) if name.contains(|c: char| !is_in_host_name(c)) => {
                return Err(invalid("the name of its server has a character that such names don't have"));
            }
            // the parser takes a phone number for an address of version 4
            Some(Host::Ipv4(_)) if !authority(after_scheme).contains('.') => {
                return Err(invalid("a number isn't the name of a server"));
            }
            Some(_) => {}
        }
        Ok(UrlTemplate { origin: url.origin().ascii_serialization(), template })
    }

    /// Returns the text with its placeholders.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Returns the text as messages show it: without a user and a password before the host.
    pub fn shown(&self) -> String {
        without_user(&self.template.to_string())
    }

    /// Returns whether a user and a password are before the host.
    pub fn has_user(&self) -> bool {
        self.shown() != self.template.to_string()
    }

    /// Returns the address for everybody who may read it. It can't be parsed again if it had a user and a password, so
    /// that it doesn't replace them.
    pub fn masked(&self) -> UrlTemplate {
        let text = self.template.to_string();
        let Some(user) = user_of(&text) else { return self.clone() };
        let masked = Template::parse(&format!("{}{MASKED_USER}{}", &text[..user.start], &text[user.end..]));
        UrlTemplate { template: masked.unwrap_or_else(|_| Template::literal(MASKED_USER)), ..self.clone() }
    }

    /// Returns the scheme, the host and the port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the address for a call.
    ///
    /// # Errors
    /// It can't be used for this caller.
    pub fn fill(&self, facts: &CallFacts) -> Result<Url, UrlNotUsed> {
        if self.template.uses_number() && facts.numbers.party(&facts.number) == Party::Anonymous {
            return Err(UrlNotUsed::NoNumber);
        }
        let value = |placeholder: &Placeholder| facts.value(placeholder, &|_| None);
        let encode = |value: &str| utf8_percent_encode(value, UNRESERVED).to_string();
        let filled = self.template.fill(&value, &encode);
        // A number in place of a value shows the folders as they were written.
        let written = self.template.fill_plain(&|_| "0".to_string());
        let dots = |text: &str| path_of(text).split(['/', '\\']).filter(|part| is_dots(part)).count();
        if dots(&filled) != dots(&written) {
            return Err(UrlNotUsed::LeavesPath);
        }
        match Url::parse(&filled) {
            Ok(url) if url.origin().ascii_serialization() == self.origin => Ok(url),
            _ => Err(UrlNotUsed::LeavesPath),
        }
    }
}

/// Returns an address without a user and a password before the host.
fn without_user(url: &str) -> String {
    let user = user_of(url).unwrap_or_default();
    [&url[..user.start], &url[user.end..]].concat()
}

/// Returns where a user and a password are in an address, with the `@` after them.
fn user_of(url: &str) -> Option<Range<usize>> {
    let start = url.find("://")? + "://".len();
    Some(start..start + authority(&url[start..]).rfind('@')? + 1)
}

/// Returns what is before the path in an address without a scheme.
fn authority(after_scheme: &str) -> &str {
    &after_scheme[..after_scheme.find(['/', '?', '#', '\\']).unwrap_or(after_scheme.len())]
}

/// Returns whether a character can be in the name of a server after its conversion to ASCII.
fn is_in_host_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || ['-', '.', '_'].contains(&c)
}

impl std::fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.template.fmt(f)
    }
}

/// Returns the scheme of an address. `crm.example:8080/x` has none: a port follows the colon.
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_port = !rest.starts_with('/') && rest.starts_with(|c: char| c.is_ascii_digit());
    (is_scheme && !is_port).then_some(scheme)
}

/// Returns the scheme of an address if what follows it is mistyped, as in `https//crm.example`. As a host, it would be
/// accepted.
fn scheme_without_separator(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase().replace('\\', "/");
    ["https", "http"].into_iter().find(|scheme| {
        let rest = lower.strip_prefix(scheme).unwrap_or_default();
        rest.starts_with("//") || rest.starts_with(":/") && !rest.starts_with("://")
    })
}

/// Returns the path of an address.
fn path_of(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    &path[..path.find(['?', '#']).unwrap_or(path.len())]
}

/// Returns whether a part of a path means this folder or the one above.
fn is_dots(part: &str) -> bool {
    let part = part.to_ascii_lowercase().replace("%2e", ".");
    part == "." || part == ".."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::action::template::tests::facts;

    fn filled(template: &str, number: &str) -> Result<String, UrlNotUsed> {
        UrlTemplate::parse(template).unwrap().fill(&facts(number)).map(String::from)
    }

    #[test]
    fn values_are_encoded() {
        for (template, number, url) in [
            (
                "https://crm.example/find?phone={number}",
                "+49 30 1234",
                "https://crm.example/find?phone=%2B49%2030%201234",
            ),
            ("https://crm.example/contact/{number}/view", "100", "https://crm.example/contact/100/view"),
            ("crm.example/{number}", "a/../b?c#d&e=f", "https://crm.example/a%2F..%2Fb%3Fc%23d%26e%3Df"),
            ("crm.example:8080/?q={number}", "ä\"%", "https://crm.example:8080/?q=%C3%A4%22%25"),
            ("http://h#{number}", "1", "http://h/#1"),
            ("https://h/a/../b/{number}", "1", "https://h/b/1"),
        ] {
            assert_eq!(filled(template, number).as_deref(), Ok(url), "{template} {number}");
        }
    }

    #[test]
    fn a_caller_cannot_leave_the_folder() {
        for number in [".", ".."] {
            assert_eq!(filled("https://h/a/{number}/b", number), Err(UrlNotUsed::LeavesPath), "{number}");
            assert_eq!(filled("https://h/a?b={number}", number), Ok(format!("https://h/a?b={number}")));
        }
        assert_eq!(filled("https://h/a/.{number}", "."), Err(UrlNotUsed::LeavesPath));
        assert_eq!(filled("https://h/a/%2e{number}", "."), Err(UrlNotUsed::LeavesPath));
        assert_eq!(filled("https://h/a/{number}", "%2e%2e").as_deref(), Ok("https://h/a/%252e%252e"));
    }

    #[test]
    fn an_address_with_the_number_needs_a_number() {
        for number in ["", " ", "anonymous", "Unavailable"] {
            assert_eq!(filled("https://h/?q={number}", number), Err(UrlNotUsed::NoNumber), "{number}");
        }
        assert_eq!(filled("https://h/", "").as_deref(), Ok("https://h/"));
    }

    #[test]
    fn addresses_that_a_caller_could_redirect_are_refused() {
        for text in [
            "https://{number}/",
            "https://{number}",
            "{number}",
            "https://crm.{number}.example/",
            "https://a:{number}@h/",
        ] {
            assert_eq!(UrlTemplate::parse(text), Err(UrlError::HostPlaceholder), "{text}");
        }
        for text in ["javascript:alert({number})", "file:///x", "ms-settings:{number}", "{number}:x"] {
            assert!(UrlTemplate::parse(text).is_err(), "{text}");
        }
        for text in ["https//crm.example/x", "HTTP:/crm.example", "https:\\crm.example"] {
            assert!(matches!(UrlTemplate::parse(text), Err(UrlError::Separator { .. })), "{text}");
        }
        for text in ["http.example/x", "https.example//x", "https:8080/"] {
            assert!(UrlTemplate::parse(text).is_ok(), "{text}");
        }
        for text in ["", "https://", "https:///", "a b", "https://h/\nx", "https://[x/"] {
            assert!(UrlTemplate::parse(text).is_err(), "{text}");
        }
        for text in ["crm.example=0301234567", "http://0301234567", "a,b", "http://a:b@0301234567/", "h(1)"] {
            assert!(matches!(UrlTemplate::parse(text), Err(UrlError::Invalid { .. })), "{text}");
        }
        for text in
            ["192.168.0.1:8080/x", "http://[::1]/", "my_pc/x", "müller.example", "a-b.example", "http://h./"]
        {
            assert!(UrlTemplate::parse(text).is_ok(), "{text}");
        }
    }
}
