//! The texts of actions, filled in for a call.

use std::cell::RefCell;

use serde_json::{Value as Json, json};

use super::job::Performed;
use crate::hook::action::template::{CallFacts, Direction, Placeholder, Template, without_controls};

/// Returns the value of an environment variable.
pub type Variable<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Replaces each variable by its placeholder, for descriptions.
pub fn masked(name: &str) -> Option<String> {
    Some(format!("{{env:{name}}}"))
}

/// Fills a text in. Control characters of the values are removed.
pub fn plain(template: &Template, facts: &CallFacts) -> String {
    template.fill(&|placeholder| facts.value(placeholder, &|_| None), &without_controls)
}

/// Fills a text in that may use environment variables.
///
/// # Errors
/// A variable isn't set, and no other placeholder replaces it.
pub fn private(
    template: &Template,
    facts: &CallFacts,
    variable: Variable<'_>,
    encode: &dyn Fn(&str) -> String,
) -> Result<String, Performed> {
    let unset = RefCell::new(Vec::new());
    let missing = RefCell::new(None);
    let value = |placeholder: &Placeholder| {
        let value = facts.value(placeholder, &|name| variable(name));
        if let (Placeholder::Env(name), true) = (placeholder, value.is_empty()) {
            unset.borrow_mut().push(name.clone());
        }
        value
    };
    // It is called once for each place, after the values of that place.
    let encode = |value: &str| {
        let unset = unset.take();
        if value.is_empty()
            && let Some(name) = unset.into_iter().next()
        {
            missing.replace(Some(name));
        }
        encode(value)
    };
    let filled = template.fill(&value, &encode);
    match missing.take() {
        Some(name) => Err(Performed::Failed(format!("the environment variable {name} isn't set"))),
        None => Ok(filled),
    }
}

/// Returns the call as JSON.
pub fn call(facts: &CallFacts, is_test: bool) -> Json {
    let mut call = json!({
        "version": 1,
        "id": facts.call,
        "event": facts.event.name(),
        "time": time(facts),
        "direction": facts.direction.map(Direction::name),
        "number": facts.number,
        "e164": facts.numbers.e164(&facts.number),
        "name": facts.name,
        "answered": facts.answered,
        "duration": facts.duration,
        "user": facts.user,
        "computer": facts.computer,
    });
    if is_test && let Some(entries) = call.as_object_mut() {
        entries.insert("test".into(), true.into());
    }
    call
}

/// Returns when the event happened.
pub fn time(facts: &CallFacts) -> String {
    facts.value(&Placeholder::Time, &|_| None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::action::template::tests::facts;

    fn filled(template: &str) -> Result<String, Performed> {
        let template = Template::parse_private(template).unwrap();
        let variable = |name: &str| (name == "TOKEN").then(|| "t0ken".to_string());
        private(&template, &facts("100"), &variable, &str::to_string)
    }

    #[test]
    fn a_missing_variable_is_an_error_unless_another_placeholder_replaces_it() {
        assert_eq!(filled("Bearer {env:TOKEN}").as_deref(), Ok("Bearer t0ken"));
        assert_eq!(filled("{env:OTHER|number} {env:OTHER|env:TOKEN}").as_deref(), Ok("100 t0ken"));
        for template in ["Bearer {env:OTHER}", "{name|env:OTHER}", "{env:OTHER} {number}"] {
            let failed = Performed::Failed("the environment variable OTHER isn't set".into());
            assert_eq!(filled(template), Err(failed), "{template}");
        }
        assert_eq!(filled("{name}").as_deref(), Ok(""), "an empty value isn't a missing variable");
    }

    #[test]
    fn the_json_has_exactly_the_promised_keys() {
        let call_ended =
            CallFacts { answered: true, duration: Some(65), name: "Ann".into(), ..facts("0301234567") };
        assert_eq!(
            call(&call_ended, false).to_string(),
            r#"{"version":1,"id":"c1","event":"ring","time":"1970-01-01T00:00:00Z","direction":"incoming","#
                .to_string()
                + r#""number":"0301234567","e164":"+49301234567","name":"Ann","answered":true,"duration":65,"#
                + r#""user":"ann","computer":"PC1"}"#
        );
        let unknown = CallFacts { direction: None, ..facts("") };
        let json = call(&unknown, true);
        assert_eq!(json["test"], true);
        for key in ["direction", "e164", "duration"] {
            assert!(json[key].is_null(), "{key}");
        }
    }
}
