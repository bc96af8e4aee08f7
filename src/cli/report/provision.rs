//! How an ini differs from a wanted state.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::commands::provision::{Checked, Difference};
use crate::desired::error::DesiredError;
use crate::microsip::keys::{self, MASK, Privacy};

use super::{Styles, place_of, text_of};

pub(super) fn json(checked: &Checked) -> Json {
    let difference = |difference: &Difference| {
        json!({
            "section": difference.section,
            "key": difference.key,
            "wanted": shown(difference, difference.wanted.as_deref()),
            "found": shown(difference, difference.found.as_deref()),
        })
    };
    json!({
        "ok": true,
        "ini": text_of(&checked.ini),
        "in_state": checked.is_in_state,
        "differences": checked.differences.iter().map(difference).collect::<Vec<_>>(),
        "warnings": checked.warnings,
    })
}

/// Says where in a desired-state file a mistake is.
pub(super) fn put_place_in(error: &DesiredError, json: &mut Json) {
    json["file"] = json!(error.file);
    json["line"] = json!(error.line);
    json["column"] = json!(error.column);
}

pub(super) fn text(checked: &Checked, styles: Styles) -> String {
    let Styles { error, added, .. } = styles;
    let ini = checked.ini.display();
    if checked.is_in_state {
        return format!("{added}in state{added:#}: {ini}\n");
    }
    format!("{error}not in state{error:#}: {ini}\n{}", differences_text(checked, styles))
}

pub(super) fn differences_text(checked: &Checked, styles: Styles) -> String {
    let hint = styles.hint;
    let mut text = String::new();
    for difference in &checked.differences {
        let place = place_of(&difference.section, &difference.key);
        let quoted = |value: Option<&str>| match shown(difference, value) {
            Some(value) => format!("'{value}'"),
            None => "not there".into(),
        };
        let wanted = quoted(difference.wanted.as_deref());
        let found = quoted(difference.found.as_deref());
        let _ = writeln!(text, "  {place}: {wanted} {hint}is wanted, found{hint:#} {found}");
    }
    text
}

/// A value as it may be shown. Nobody asked for what is private by name.
fn shown<'a>(difference: &Difference, value: Option<&'a str>) -> Option<&'a str> {
    let is_hidden = keys::privacy(&difference.section, &difference.key) >= Privacy::Private;
    value.map(|value| if is_hidden && !value.is_empty() { MASK } else { value })
}
