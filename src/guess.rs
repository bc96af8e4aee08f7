//! The nearest known name to one that was mistyped.

/// The nearest of `known` to what was typed, if it is near enough to be a slip of the hand.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR_ENOUGH: f64 = 0.78;
    let (parts, typed) = (parts_of(typed), typed.to_lowercase());
    known
        .into_iter()
        .map(|word| {
            let lower = word.to_lowercase();
            // a slip in a short word is a large part of it
            let is_one_slip = typed.len() > 2 && strsim::damerau_levenshtein(&typed, &lower) == 1;
            let is_in_another_order = parts.len() > 1 && parts == parts_of(word);
            let score = match is_one_slip || is_in_another_order {
                true => 1.0,
                // words that only begin alike
                false if lower.len() > 2 * typed.len() => 0.0,
                false => strsim::jaro_winkler(&typed, &lower),
            };
            (score, word)
        })
        .filter(|(score, _)| *score >= NEAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// The parts of a name such as cmdIncomingCall, in the order of the alphabet.
fn parts_of(name: &str) -> Vec<String> {
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
    fn nearest_finds_slips_and_leaves_strangers_alone() {
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
