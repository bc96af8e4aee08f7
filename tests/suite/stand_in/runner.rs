//! MicroSIP starts the runner, which doesn't keep it waiting.

use super::Start;
use crate::runner::{FAILING, RUNNER, Workplace};
use crate::sandbox::utf16;

/// Makes a workplace whose ini starts the runner on incoming calls.
fn workplace() -> Workplace {
    let place = Workplace::new(FAILING);
    let ini = place.sandbox.ini();
    let command = format!(r#""{RUNNER}" --ini \"{}\" ring"#, ini.display());
    let text = format!("[Settings]\r\naccountId=1\r\ncmdIncomingCall={command}\r\n");
    place.sandbox.write("MicroSIP.ini", utf16(&text));
    place
}

fn took(line: &str) -> u64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_callers_text_reaches_the_database() {
    let place = workplace();
    let phone = Start::portable(&place.sandbox).start();
    let texts = ["4930123456", "7 7 \"& calc ", "-x", ""];
    for text in texts {
        phone.event("cmdIncomingCall", text);
    }
    let stored: Vec<String> = place.events().into_iter().map(|event| event.event.caller).collect();
    assert_eq!(stored, texts);
    place.ended(texts.len());
    phone.close();
}

/// Prints for how long MicroSIP was blocked, if `MSIPCFG_TEST_BLOCKING` says how often to measure it.
#[test]
fn how_long_microsip_is_blocked_is_measured() {
    let count = std::env::var("MSIPCFG_TEST_BLOCKING").map_or(1, |count| count.parse::<usize>().unwrap());
    let place = workplace();
    let phone = Start::portable(&place.sandbox).start();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for round in 0..count {
        place.stop_worker();
        first.push(took(&phone.event("cmdIncomingCall", "100")));
        place.ended(2 * round + 1);
        later.push(took(&phone.event("cmdIncomingCall", "100")));
        place.ended(2 * round + 2);
    }
    for (what, mut times) in [("the first event", first), ("while a worker runs", later)] {
        times.sort_unstable();
        println!("{what}: median {} ms of {times:?}", times[times.len() / 2]);
    }
    assert_eq!(place.events().len(), 2 * count);
    phone.close();
}
