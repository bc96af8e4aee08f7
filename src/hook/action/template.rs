//! Texts with placeholders, such as `{number}`.

use std::time::SystemTime;

use super::numbers::{NumberForm, Numbers};
use crate::guess;
use crate::hook::event::Event;

/// A text with placeholders. Its `Display` form is the text as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The first of these that isn't empty.
    Value(Vec<Placeholder>),
}

/// A part of a text that is replaced when the action happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// The other party's number.
    Number(NumberForm),
    /// The other party's name in MicroSIP's contacts.
    Name,
    /// The name of the event.
    Event,
    /// When it happened.
    Time,
    /// `incoming` or `outgoing`.
    Direction,
    /// `true` if the call was answered, else `false`.
    Answered,
    /// How long the call lasted, in seconds.
    Duration,
    /// What identifies the call.
    Call,
    /// The name of the Windows user.
    User,
    /// The name of the computer.
    Computer,
    /// An environment variable.
    Env(String),
}

impl Placeholder {
    const SIMPLE: [(&str, Placeholder); 10] = [
        ("number", Placeholder::Number(NumberForm::Received)),
        ("name", Placeholder::Name),
        ("event", Placeholder::Event),
        ("time", Placeholder::Time),
        ("direction", Placeholder::Direction),
        ("answered", Placeholder::Answered),
        ("duration", Placeholder::Duration),
        ("call", Placeholder::Call),
        ("user", Placeholder::User),
        ("computer", Placeholder::Computer),
    ];

    /// Returns the names of all placeholders, without the environment variables.
    pub fn names() -> impl Iterator<Item = String> {
        let forms = NumberForm::NAMED.iter().filter_map(|form| Some(format!("number:{}", form.name()?)));
        Placeholder::SIMPLE.iter().map(|(name, _)| (*name).to_string()).chain(forms)
    }

    fn parse(name: &str) -> Result<Placeholder, TemplateError> {
        if let Some(variable) = name.strip_prefix("env:") {
            let is_name = !variable.is_empty() && !variable.contains(['=', '\0']);
            return match is_name {
                true => Ok(Placeholder::Env(variable.to_string())),
                false => Err(TemplateError::unknown(name)),
            };
        }
        if let Some(form) = name.strip_prefix("number:") {
            let form = NumberForm::NAMED.iter().find(|one| one.name() == Some(form));
            return form.map(|form| Placeholder::Number(*form)).ok_or_else(|| TemplateError::unknown(name));
        }
        let simple = Placeholder::SIMPLE.into_iter().find(|(other, _)| *other == name);
        simple.map(|(_, placeholder)| placeholder).ok_or_else(|| TemplateError::unknown(name))
    }
}

impl std::fmt::Display for Placeholder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Placeholder::Env(variable) => write!(f, "env:{variable}"),
            Placeholder::Number(form) => match form.name() {
                Some(name) => write!(f, "number:{name}"),
                None => f.write_str("number"),
            },
            other => {
                let simple = Placeholder::SIMPLE.iter().find(|(_, placeholder)| placeholder == other);
                f.write_str(simple.map_or("", |(name, _)| name))
            }
        }
    }
}

/// What is wrong with a text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("unknown placeholder '{{{name}}}'")]
    Unknown { name: String, nearest: Option<String> },
    /// One in a private text, of which it may be a part.
    #[error("unknown placeholder")]
    UnknownPrivate,
    #[error("'{{' starts a placeholder, but no '}}' follows")]
    Unclosed,
    #[error(
        "{{env:{name}}} can be used only in headers and bodies, because other programs can see this text"
    )]
    Env { name: String },
}

impl TemplateError {
    fn unknown(name: &str) -> TemplateError {
        let names: Vec<String> = Placeholder::names().collect();
        let nearest = guess::nearest(name, names.iter().map(String::as_str)).map(str::to_string);
        TemplateError::Unknown { name: name.to_string(), nearest }
    }

    /// Returns the error for a private text. A name that resembles a known one is shown, any other may be private.
    fn in_private_text(self) -> TemplateError {
        match self {
            TemplateError::Unknown { nearest: None, .. } => TemplateError::UnknownPrivate,
            error => error,
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            TemplateError::Unknown { nearest: Some(nearest), .. } => {
                Some(format!("did you mean '{{{nearest}}}'?"))
            }
            TemplateError::Unknown { nearest: None, .. } | TemplateError::UnknownPrivate => {
                let names: Vec<String> = Placeholder::names().map(|name| format!("{{{name}}}")).collect();
                Some(format!("the placeholders are {}; for a brace, write '{{{{'", names.join(" ")))
            }
            TemplateError::Unclosed => Some("for a brace, write '{{'".into()),
            TemplateError::Env { .. } => None,
        }
    }
}

/// What placeholders are replaced by.
#[derive(Clone, Debug)]
pub struct CallFacts {
    /// The event.
    pub event: Event,
    /// When it happened.
    pub time: SystemTime,
    /// The other party's number as received; empty if it isn't known.
    pub number: String,
    /// The other party's name in MicroSIP's contacts; empty if it isn't known.
    pub name: String,
    /// Whether the call came in, if that is known.
    pub direction: Option<Direction>,
    /// Whether the call was answered.
    pub answered: bool,
    /// How long the call lasted, in seconds, if it has ended.
    pub duration: Option<u64>,
    /// What identifies the call.
    pub call: String,
    /// The name of the Windows user.
    pub user: String,
    /// The name of the computer.
    pub computer: String,
    /// How numbers are read.
    pub numbers: Numbers,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Incoming,
    Outgoing,
}

impl Direction {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Incoming => "incoming",
            Direction::Outgoing => "outgoing",
        }
    }
}

impl CallFacts {
    /// Returns what replaces a placeholder. `env` returns the value of an environment variable.
    pub fn value(&self, placeholder: &Placeholder, env: &dyn Fn(&str) -> Option<String>) -> String {
        match placeholder {
            Placeholder::Number(form) => self.numbers.form(&self.number, *form),
            Placeholder::Name => self.name.clone(),
            Placeholder::Event => self.event.name().to_string(),
            Placeholder::Time => humantime::format_rfc3339_seconds(self.time).to_string(),
            Placeholder::Direction => self.direction.map_or("", Direction::name).to_string(),
            Placeholder::Answered => self.answered.to_string(),
            Placeholder::Duration => self.duration.map(|seconds| seconds.to_string()).unwrap_or_default(),
            Placeholder::Call => self.call.clone(),
            Placeholder::User => self.user.clone(),
            Placeholder::Computer => self.computer.clone(),
            Placeholder::Env(name) => env(name).unwrap_or_default(),
        }
    }
}

/// Returns a text that means itself wherever it's inserted into the text of a template.
pub fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// Removes control characters: line breaks, which would start a new line or header, and NUL, which ends texts.
pub fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

impl Template {
    /// Parses a text for a place that other programs can see, where no environment variable may be used.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let template = Template::parsed(text)?;
        for placeholder in template.placeholders() {
            if let Placeholder::Env(name) = placeholder {
                return Err(TemplateError::Env { name: name.clone() });
            }
        }
        Ok(template)
    }

    /// Parses a text for a header or a body.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse_private(text: &str) -> Result<Template, TemplateError> {
        Template::parsed(text).map_err(TemplateError::in_private_text)
    }

    fn parsed(text: &str) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let is_doubled = rest[at + 1..].starts_with(&rest[at..=at]);
            if is_doubled || rest[at..].starts_with('}') {
                literal.push_str(&rest[at..=at]);
                rest = &rest[at + if is_doubled { 2 } else { 1 }..];
                continue;
            }
            let Some(end) = rest[at..].find('}') else { return Err(TemplateError::Unclosed) };
            let names = rest[at + 1..at + end].split('|').map(|name| Placeholder::parse(name.trim()));
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Value(names.collect::<Result<_, _>>()?));
            rest = &rest[at + end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template { parts })
    }

    /// Returns the placeholders.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(_) => &[][..],
            Part::Value(placeholders) => placeholders,
        })
    }

    /// Returns whether there is more text around the placeholders than the name of a scheme, as in
    /// `Bearer {env:TOKEN}`.
    pub fn has_own_text(&self) -> bool {
        const SCHEMES: [&str; 4] = ["Basic", "Bearer", "Digest", "Token"];
        let is_own = |(index, part): (usize, &Part)| match part {
            Part::Text(text) => {
                let is_scheme = index == 0
                    && self.parts.len() > 1
                    && text.strip_suffix(' ').is_some_and(|text| SCHEMES.contains(&text));
                !is_scheme
            }
            Part::Value(_) => false,
        };
        self.parts.iter().enumerate().any(is_own)
    }

    /// Returns the text that is only an environment variable.
    pub fn of_variable(name: String) -> Template {
        Template { parts: vec![Part::Value(vec![Placeholder::Env(name)])] }
    }

    /// Returns a text without placeholders, whatever it contains.
    pub fn literal(text: &str) -> Template {
        let text = Some(text).filter(|text| !text.is_empty());
        Template { parts: text.map(|text| Part::Text(text.to_string())).into_iter().collect() }
    }

    /// Returns whether the text uses the number in any form.
    pub fn uses_number(&self) -> bool {
        self.placeholders().any(|one| matches!(one, Placeholder::Number(_)))
    }

    /// Returns the text before the first placeholder, as it is used.
    pub fn literal_start(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Replaces the placeholders. Each value is encoded for its place; the text around it isn't.
    pub fn fill(&self, value: &dyn Fn(&Placeholder) -> String, encode: &dyn Fn(&str) -> String) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value(placeholders) => {
                    let values = placeholders.iter().map(value);
                    filled.push_str(&encode(
                        &values.into_iter().find(|value| !value.is_empty()).unwrap_or_default(),
                    ));
                }
            }
        }
        filled
    }

    /// Replaces the placeholders by values as they are.
    pub fn fill_plain(&self, value: &dyn Fn(&Placeholder) -> String) -> String {
        self.fill(value, &str::to_string)
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.parts {
            match part {
                // a '}' needs to be doubled only if another one follows
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace("}}", "}}}}"))?,
                Part::Value(placeholders) => {
                    let names: Vec<String> = placeholders.iter().map(Placeholder::to_string).collect();
                    write!(f, "{{{}}}", names.join("|"))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns the facts of an incoming call.
    pub(crate) fn facts(number: &str) -> CallFacts {
        CallFacts {
            event: Event::Ring,
            time: SystemTime::UNIX_EPOCH,
            number: number.into(),
            name: String::new(),
            direction: Some(Direction::Incoming),
            answered: false,
            duration: None,
            call: "c1".into(),
            user: "ann".into(),
            computer: "PC1".into(),
            numbers: Numbers { country: Some(49), ..Numbers::default() },
        }
    }

    fn filled(template: &str, facts: &CallFacts) -> String {
        let env = |name: &str| (name == "TOKEN").then(|| "secret".to_string());
        Template::parse_private(template).unwrap().fill_plain(&|one| facts.value(one, &env))
    }

    #[test]
    fn placeholders_are_replaced() {
        let call = CallFacts { duration: Some(7), ..facts("030 1234567") };
        for (template, expected) in [
            ("", ""),
            ("no placeholder", "no placeholder"),
            (
                "{number} {number:e164} {number:national} {number:digits}",
                "030 1234567 +49301234567 0301234567 0301234567",
            ),
            ("{name|number} is calling", "030 1234567 is calling"),
            ("{ name | number }", "030 1234567"),
            ("{event} {direction} {answered} {duration} {call}", "ring incoming false 7 c1"),
            ("{user}@{computer} {time}", "ann@PC1 1970-01-01T00:00:00Z"),
            ("{{number}} }", "{number} }"),
            ("Bearer {env:TOKEN}{env:OTHER}", "Bearer secret"),
        ] {
            assert_eq!(filled(template, &call), expected, "{template}");
        }
    }

    #[test]
    fn a_value_is_never_a_template() {
        assert_eq!(filled("{number}", &facts("{env:TOKEN}")), "{env:TOKEN}");
    }

    #[test]
    fn mistakes_are_found_before_anything_happens() {
        let hint = |text: &str| Template::parse(text).unwrap_err().hint().unwrap_or_default();
        assert!(hint("{numbr}").contains("'{number}'"), "{}", hint("{numbr}"));
        assert!(hint("{number:e146}").contains("'{number:e164}'"));
        assert!(hint("{}").contains("the placeholders are {number} {name}"));
        assert_eq!(Template::parse("a {number"), Err(TemplateError::Unclosed));
        assert_eq!(Template::parse("{env:X}"), Err(TemplateError::Env { name: "X".into() }));
        assert!(Template::parse_private("{env:}").is_err());
    }

    #[test]
    fn a_value_that_is_only_named_is_no_text_of_its_own() {
        let has_own_text = |text: &str| Template::parse_private(text).unwrap().has_own_text();
        for text in ["{env:TOKEN}", "Bearer {env:TOKEN}", "{number}", "", "Basic {env:A}{env:B}"] {
            assert!(!has_own_text(text), "{text}");
        }
        for text in ["Bearer", "Bearer ", "Bearer s3cr3t", "s3cr3t {env:X}", "{env:X}Bearer ", "{{"] {
            assert!(has_own_text(text), "{text}");
        }
    }

    #[test]
    fn the_text_is_shown_as_it_was_written() {
        for text in
            ["{name|number} is calling", "{{x} {number:e164}", "a}b", "{env:TOKEN}", "{number}}}}}}}}}"]
        {
            let template = Template::parse_private(text).unwrap();
            assert_eq!(Template::parse_private(&template.to_string()).unwrap(), template, "{text}");
        }
        for text in ["", "a", "{", "}", "{{", "}}", "}}}", "{number}", "{{}}", "}}{"] {
            let written = Template::literal(text).to_string();
            assert_eq!(Template::parse(&written).unwrap().fill_plain(&|_| String::new()), text, "{written}");
        }
    }
}
