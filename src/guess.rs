//! Finds the known name that is nearest to a mistyped one.

/// Returns the name in `known` that is nearest to `typed`, if it's near enough to be what the user meant.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR_ENOUGH: f64 = 0.78;
    known
        .into_iter()
        .map(|name| (similarity(typed, name), name))
        .filter(|(similarity, _)| *similarity >= NEAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Returns a number from 0 (nothing in common) to 1 (a typing error).
fn similarity(typed: &str, name: &str) -> f64 {
    let parts = sorted_parts(typed);
    let is_reordered = parts.len() > 1 && parts == sorted_parts(name);
    let (typed, name) = (typed.to_lowercase(), name.to_lowercase());
    // Jaro-Winkler rates one wrong letter in a short name too low …
    let is_one_slip = typed.len() > 2 && strsim::damerau_levenshtein(&typed, &name) == 1;
    if is_one_slip || is_reordered {
        1.0
    } else if name.len() > 2 * typed.len() {
        // … and a long name that only starts the same too high.
        0.0
    } else {
        strsim::jaro_winkler(&typed, &name)
    }
}

/// Splits a name such as `cmdIncomingCall` at its capital letters and sorts the parts.
fn sorted_parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in name.chars() {
        match parts.last_mut() {
            Some(part) if !c.is_uppercase() => part.push(c),
            _ => parts.push(c.to_lowercase().collect()),
        }
    }
    parts.sort();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_errors_only() {
        assert_eq!(nearest("rign", ["ring", "answer"]), Some("ring"));
        assert_eq!(nearest("updateInterval", ["updatesInterval", "VAD"]), Some("updatesInterval"));
        assert_eq!(nearest("VDA", ["SRTP", "VAD"]), Some("VAD"));
        let commands = ["cmdCallRing", "cmdIncomingCall", "cmdCallEnd", "cmdOutgoingCall"];
        assert_eq!(nearest("cmdCallIncoming", commands), Some("cmdIncomingCall"));
        for stranger in ["zzz", "foo", "an"] {
            assert_eq!(nearest(stranger, ["ring", "answer", "forceCodec"]), None, "{stranger}");
        }
    }
}
