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

/// Returns the name in `known` of which `typed` is almost certainly a misspelling: a slip or two, or the same parts in
/// another order. Names that differ only in a number are different names.
pub fn misspelled<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
    let is_misspelling =
        |name: &&str| is_reordered(typed, name) || (1..=allowed_slips(typed)).contains(&slips(typed, name));
    let known = known.into_iter().filter(|name| letters(name) != letters(typed));
    known.filter(is_misspelling).min_by_key(|name| slips(typed, name))
}

/// Returns a number from 0 (nothing in common) to 1 (a typing error).
fn similarity(typed: &str, name: &str) -> f64 {
    // Jaro-Winkler rates one wrong letter in a short name too low …
    let is_one_slip = typed.len() > 2 && slips(typed, name) == 1;
    if is_one_slip || is_reordered(typed, name) {
        1.0
    } else if name.len() > 2 * typed.len() {
        // … and a long name that only starts the same too high.
        0.0
    } else {
        let (typed_parts, name_parts) = (parts(typed), parts(name));
        let only_in = |these: &[String], others: &[String]| -> String {
            these.iter().filter(|part| !others.contains(part)).map(String::as_str).collect()
        };
        let typed_rest = only_in(&typed_parts, &name_parts);
        let name_rest = only_in(&name_parts, &typed_parts);
        let rest = if typed_rest.is_empty() || name_rest.is_empty() {
            1.0
        } else {
            strsim::jaro_winkler(&typed_rest, &name_rest)
        };
        rest.min(strsim::jaro_winkler(&typed.to_lowercase(), &name.to_lowercase()))
    }
}

/// Returns how many typing errors separate two names.
fn slips(typed: &str, name: &str) -> usize {
    strsim::damerau_levenshtein(&typed.to_lowercase(), &name.to_lowercase())
}

/// Returns how many typing errors a name may contain that is still recognized with certainty.
fn allowed_slips(typed: &str) -> usize {
    match typed.len() {
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    }
}

fn is_reordered(typed: &str, name: &str) -> bool {
    let sorted = |name: &str| {
        let mut parts = parts(name);
        parts.sort();
        parts
    };
    let typed = sorted(typed);
    typed.len() > 1 && typed == sorted(name)
}

/// Splits a name such as `cmdIncomingCall` at its capital letters.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in name.chars() {
        match parts.last_mut() {
            Some(part) if !c.is_uppercase() => part.push(c),
            _ => parts.push(c.to_lowercase().collect()),
        }
    }
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

    #[test]
    fn common_parts_are_not_a_similarity() {
        let commands = ["cmdCallRing", "cmdIncomingCall", "cmdCallEnd", "cmdCallStart"];
        assert_eq!(nearest("cmdCallHold", commands), None);
        assert_eq!(nearest("cmdCallStarted", commands), Some("cmdCallStart"));
        assert_eq!(nearest("cmdCallIngoming", commands), Some("cmdIncomingCall"));
    }

    #[test]
    fn misspellings_are_certain() {
        let keys = ["volumeRing", "VAD", "cmdIncomingCall", "callsWidth0", "audioRingDevice"];
        for (typed, meant) in
            [("volumRing", "volumeRing"), ("VDA", "VAD"), ("cmdCallIncoming", "cmdIncomingCall")]
        {
            assert_eq!(misspelled(typed, keys), Some(meant), "{typed}");
        }
        for typed in ["callsWidth9", "cmdCallHold", "audioRing", "vad", "Language", "volumeRing2", "xy"] {
            assert_eq!(misspelled(typed, keys), None, "{typed}");
        }
    }
}
