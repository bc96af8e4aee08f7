//! Compares the joined calls with a model that makes histories of calls, so that it knows the true ones.
//!
//! A history is up to four lines, and each line has one call after the other. Not every history shows its calls: an
//! event may be missing, two calls may have the same number, an end may have a number of its own. So the model says
//! what is expected of each call: everything that its events show, or, where they allow several answers, what is true
//! of all of these answers.

use proptest::prelude::*;

use super::*;
use crate::platform::BootTime;

/// What happens in a call, and the events of it in each version, as observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Answered,
    AnsweredAutomatically,
    Missed,
    Declined,
    /// MicroSIP rejected it: Do Not Disturb, a limit, a filter.
    Rejected,
    Called,
    CalledBusy,
    CalledInVain,
}

impl Case {
    const ALL: [Case; 8] = [
        Case::Answered,
        Case::AnsweredAutomatically,
        Case::Missed,
        Case::Declined,
        Case::Rejected,
        Case::Called,
        Case::CalledBusy,
        Case::CalledInVain,
    ];

    fn events(self, version: Version, has_video: bool) -> &'static str {
        match (self, version) {
            (Case::Answered | Case::AnsweredAutomatically, Version::V3_14) => "ISAE",
            (Case::Missed | Case::Declined | Case::Rejected, Version::V3_14) => "IE",
            (Case::Called, Version::V3_14) => "SE",
            (Case::CalledBusy | Case::CalledInVain, Version::V3_14) => "E",
            (Case::Answered, _) if has_video => "IRAVSE",
            (Case::Answered, _) => "IRASE",
            (Case::AnsweredAutomatically, _) if has_video => "IAVSE",
            (Case::AnsweredAutomatically, _) => "IASE",
            (Case::Missed, _) => "IRE",
            (Case::Declined, _) => "IRB",
            (Case::Rejected, Version::V3_19) => "IB",
            (Case::Rejected, Version::V3_20) => "I",
            (Case::Called, _) => "OSE",
            (Case::CalledBusy, _) => "OB",
            (Case::CalledInVain, _) => "OE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V3_14,
    V3_19,
    V3_20,
}

/// A call to be made.
#[derive(Clone, Debug)]
struct Plan {
    case: Case,
    has_video: bool,
    /// The time since the call before it on the same line.
    pause_ms: i64,
    ring_ms: i64,
    talk_ms: i64,
    /// Which of its events aren't recorded, as bits.
    missing: u8,
    /// Which of its events are recorded twice, as bits, and after what time.
    repeated: u8,
    repeated_after_ms: i64,
    /// The number of the end, if it isn't the call's.
    end_number: Option<String>,
    number: String,
}

/// A call that was made.
#[derive(Debug)]
struct Made {
    plan: Plan,
    /// Its recorded events, without repetitions.
    seen: Vec<CallEvent>,
    /// The rows of all its recorded events.
    rows: Vec<i64>,
    /// From its beginning to its true end, in milliseconds of the history.
    lasted: (i64, i64),
}

/// What the clocks do.
#[derive(Clone, Debug)]
enum Clocks {
    /// Only the wall clock is known.
    Wall,
    /// The counter isn't known for each event.
    SomeCounters,
    /// The wall clock is set by so much at these times.
    Jumps(Vec<(i64, i64)>),
    /// The computer is restarted at this time, which the id or only the counter shows.
    Restart { at: i64, has_id: bool },
}

impl Clocks {
    fn moment(&self, ms: i64) -> Timestamp {
        const WALL: i64 = 1_800_000_000_000;
        const COUNTER: i64 = 30 * 24 * 3_600_000;
        let wall_ms = WALL + ms;
        let counter = |boot: Option<&str>, ms| BootTime { boot: boot.map(str::to_string), ms: Some(ms) };
        match self {
            Clocks::Wall => Timestamp { wall_ms, boot: BootTime::default() },
            Clocks::SomeCounters if ms % 3 == 0 => Timestamp { wall_ms, boot: BootTime::default() },
            Clocks::SomeCounters => Timestamp { wall_ms, boot: counter(None, COUNTER + ms) },
            Clocks::Jumps(jumps) => {
                let jumped: i64 = jumps.iter().filter(|(at, _)| *at <= ms).map(|(_, by)| by).sum();
                Timestamp { wall_ms: wall_ms + jumped, boot: counter(Some("a"), COUNTER + ms) }
            }
            Clocks::Restart { at, has_id } => {
                let (boot, ms) = if ms >= *at { ("b", 20_000 + ms - at) } else { ("a", COUNTER + ms) };
                Timestamp { wall_ms, boot: counter(Some(boot).filter(|_| *has_id), ms) }
            }
        }
    }

    /// Returns whether an event doesn't happen because its call began before a restart.
    fn prevent(&self, ms: i64, began: i64) -> bool {
        matches!(self, Clocks::Restart { at, .. } if began < *at && *at <= ms)
    }
}

struct History {
    events: Vec<CallEvent>,
    made: Vec<Made>,
    last_ms: i64,
}

/// Makes the calls of each line, one after the other.
fn make(version: Version, lines: &[Vec<Plan>], clocks: &Clocks) -> History {
    let mut timed: Vec<(i64, Event, String, usize, bool)> = Vec::new();
    let mut made: Vec<Made> = Vec::new();
    for line in lines {
        let mut ms = 0;
        for plan in line {
            ms += plan.pause_ms;
            let began = ms;
            let letters = plan.case.events(version, plan.has_video);
            let missing = missing(plan, letters, version);
            let mut before = None;
            for (index, letter) in letters.chars().enumerate() {
                let event = event(letter);
                ms += before.replace(letter).map_or(0, |before| gap(letter, before, plan));
                let number = match (&plan.end_number, event) {
                    (Some(other), Event::End | Event::Busy) => other.clone(),
                    _ => plan.number.clone(),
                };
                if missing >> index & 1 == 1 || clocks.prevent(ms, began) {
                    continue;
                }
                timed.push((ms, event, number.clone(), made.len(), false));
                let again = ms + plan.repeated_after_ms;
                if plan.repeated >> index & 1 == 1 && !clocks.prevent(again, began) {
                    timed.push((again, event, number, made.len(), true));
                }
            }
            made.push(Made { plan: plan.clone(), seen: Vec::new(), rows: Vec::new(), lasted: (began, ms) });
        }
    }
    timed.sort_by_key(|(ms, ..)| *ms);
    let last_ms = timed.last().map_or(0, |(ms, ..)| *ms);
    let mut events = Vec::new();
    for (row, (ms, event, number, call, is_repetition)) in (1..).zip(timed) {
        let event = CallEvent { row, time: clocks.moment(ms), event, number };
        made[call].rows.push(row);
        if !is_repetition {
            made[call].seen.push(event.clone());
        }
        events.push(event);
    }
    History { events, made, last_ms }
}

/// Returns which events aren't recorded. An end can belong to any open call, and so can a start, if outgoing calls are
/// recorded: a call of which nothing else is known would be taken for a part of another one, and nothing in the events
/// shows the difference.
fn missing(plan: &Plan, letters: &str, version: Version) -> u8 {
    let mut recorded = letters.chars().enumerate().filter(|(index, _)| plan.missing >> index & 1 == 0);
    let is_clear = match recorded.next() {
        Some((_, 'E' | 'B')) => false,
        Some((_, 'S')) => version == Version::V3_14,
        _ => true,
    };
    if is_clear { plan.missing } else { u8::MAX }
}

fn event(letter: char) -> Event {
    match letter {
        'I' => Event::Ring,
        'R' => Event::Ringing,
        'A' => Event::Answer,
        'V' => Event::AnswerVideo,
        'S' => Event::Start,
        'E' => Event::End,
        'B' => Event::Busy,
        _ => Event::Outgoing,
    }
}

/// Returns the time from the event before to this one. Events at the same state of a call follow at once.
fn gap(letter: char, before: char, plan: &Plan) -> i64 {
    let is_connected = |letter| matches!(letter, 'A' | 'V' | 'S');
    match letter {
        _ if plan.case == Case::Rejected => 50,
        'R' => 50,
        _ if is_connected(letter) && is_connected(before) => 40,
        _ if is_connected(letter) && plan.case == Case::AnsweredAutomatically => 40,
        _ if is_connected(letter) => plan.ring_ms,
        _ if is_connected(before) => plan.talk_ms,
        _ => plan.ring_ms,
    }
}

/// Returns what the events of a call show. `age` is the time since its beginning or its answer.
fn shown_by(seen: &[CallEvent], now: &Timestamp, is_restarted: bool) -> Option<Call> {
    let first = seen.first()?;
    let find = |events: &[Event]| seen.iter().find(|event| events.contains(&event.event));
    let incoming = find(&[Event::Ring, Event::Ringing, Event::Answer, Event::AnswerVideo]);
    let outgoing = find(&[Event::Outgoing]).map(|_| Direction::Outgoing);
    let direction = incoming.map(|_| Direction::Incoming).or(outgoing);
    let answered = find(&[Event::Start]).or(find(&[Event::Answer, Event::AnswerVideo]));
    let end = find(&[Event::End, Event::Busy]);
    let is_over = match answered {
        Some(answered) => now.since(&answered.time) >= TALK_LIMIT,
        None => now.since(&first.time) >= RING_LIMIT,
    };
    let result = match (end.map(|end| end.event), answered.is_some(), direction) {
        (None, ..) if !is_over && !is_restarted => CallResult::Open,
        (None, false, Some(Direction::Incoming)) => CallResult::Missed,
        (None, ..) => CallResult::NoEnd,
        (Some(_), true, _) => CallResult::Finished,
        (Some(Event::Busy), false, Some(Direction::Incoming)) => CallResult::Declined,
        (Some(Event::Busy), false, _) => CallResult::Busy,
        (Some(_), false, Some(Direction::Incoming)) => CallResult::Missed,
        (Some(_), false, Some(Direction::Outgoing)) => CallResult::NoAnswer,
        (Some(_), false, None) => CallResult::Ended,
    };
    let duration = end.filter(|_| result != CallResult::Ended);
    let duration =
        duration.map(|end| answered.map_or(Duration::ZERO, |answered| end.time.since(&answered.time)));
    Some(Call {
        first_row: first.row,
        rows: seen.iter().map(|event| event.row).collect(),
        direction,
        number: first.number.clone(),
        began: first.time.clone(),
        answered: answered.is_some(),
        duration,
        result,
    })
}

/// Returns the calls that the events show, each by its own events.
fn expected(history: &History, now: &Timestamp, clocks: &Clocks) -> Vec<Call> {
    let restart = if let Clocks::Restart { at, .. } = clocks { Some(*at) } else { None };
    let is_cut = |made: &Made| restart.is_some_and(|at| made.lasted.0 < at);
    let shown =
        |made: &Made| Some(Call { rows: made.rows.clone(), ..shown_by(&made.seen, now, is_cut(made))? });
    let mut calls: Vec<Call> = history.made.iter().filter_map(shown).collect();
    calls.sort_by_key(|call| call.first_row);
    calls
}

fn is_only_end(call: &Call) -> bool {
    call.direction.is_none() && !call.answered
}

/// What may be wrong with a history.
#[derive(Clone, Copy)]
struct Faults {
    is_incomplete: bool,
    is_repeated: bool,
    has_other_ends: bool,
}

fn plan(faults: Faults) -> impl Strategy<Value = Plan> {
    let bits = |is_on: bool| if is_on { (0u8..64).boxed() } else { Just(0).boxed() };
    let times = (2100i64..400_000, 100i64..120_000, 100i64..3_600_000, 1i64..1500);
    let end = if faults.has_other_ends {
        prop::option::weighted(0.3, "x[0-9]").boxed()
    } else {
        Just(None).boxed()
    };
    let case = prop::sample::select(&Case::ALL[..]);
    (case, any::<bool>(), times, bits(faults.is_incomplete), bits(faults.is_repeated), end).prop_map(
        |(
            case,
            has_video,
            (pause_ms, ring_ms, talk_ms, repeated_after_ms),
            missing,
            repeated,
            end_number,
        )| Plan {
            case,
            has_video,
            pause_ms,
            ring_ms,
            talk_ms,
            missing: missing & missing.rotate_left(3),
            repeated,
            repeated_after_ms,
            end_number,
            number: String::new(),
        },
    )
}

/// Returns up to four lines of calls, each call with a number of its own.
fn lines(faults: Faults) -> impl Strategy<Value = Vec<Vec<Plan>>> {
    let lines = prop::collection::vec(prop::collection::vec(plan(faults), 1..6), 1..=4);
    lines.prop_map(|mut lines| {
        for (line, plans) in lines.iter_mut().enumerate() {
            for (index, plan) in plans.iter_mut().enumerate() {
                plan.number = format!("0{line}{index}");
            }
        }
        lines
    })
}

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(vec![Version::V3_14, Version::V3_19, Version::V3_20])
}

fn clocks() -> impl Strategy<Value = Clocks> {
    const DAYS: i64 = 3 * 24 * 3_600_000;
    let jumps = prop::collection::vec((0i64..4_000_000, -DAYS..DAYS), 1..4);
    prop_oneof![
        Just(Clocks::Wall),
        Just(Clocks::SomeCounters),
        jumps.prop_map(Clocks::Jumps),
        (0i64..4_000_000, any::<bool>()).prop_map(|(at, has_id)| Clocks::Restart { at, has_id }),
    ]
}

fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { 500 };
    ProptestConfig { cases, ..config }
}

proptest! {
    #![proptest_config(config())]

    /// Missing and repeated events, and whatever the clocks do, are harmless as long as each call has its own number.
    #[test]
    fn calls_are_what_their_events_show(
        version in version(),
        lines in lines(Faults { is_incomplete: true, is_repeated: true, has_other_ends: false }),
        clocks in clocks(),
        passed_ms in prop_oneof![Just(0i64), Just(200_000), Just(50_000_000)],
    ) {
        let history = make(version, &lines, &clocks);
        let now = clocks.moment(history.last_ms + passed_ms);
        let is_restarted = matches!(&clocks, Clocks::Restart { at, .. } if history.last_ms + passed_ms >= *at);
        let known = if is_restarted { clocks } else { Clocks::Wall };
        prop_assert_eq!(join(&history.events, &now), expected(&history, &now, &known));
    }

    /// The facts of an event are those that the events up to it show, and each event is part of one call.
    #[test]
    fn facts_are_those_at_the_time_of_the_event(
        version in version(),
        lines in lines(Faults { is_incomplete: true, is_repeated: false, has_other_ends: false }),
    ) {
        let clocks = Clocks::SomeCounters;
        let history = make(version, &lines, &clocks);
        for made in &history.made {
            for (index, event) in made.seen.iter().enumerate() {
                let shown = shown_by(&made.seen[..=index], &event.time, false);
                prop_assert_eq!(call_of(&history.events, event.row), shown);
            }
        }
    }

    /// An end with a number of its own belongs to the only call that is open. If several are, the events don't show to
    /// which one: then it is only known which calls there were and what was answered, because all other events have the
    /// right number. Such an end may be left over, but becomes at most a call of its own.
    #[test]
    fn ends_with_another_number_end_one_call(
        version in version(),
        lines in lines(Faults { is_incomplete: false, is_repeated: false, has_other_ends: true }),
    ) {
        let clocks = Clocks::SomeCounters;
        let history = make(version, &lines, &clocks);
        let now = clocks.moment(history.last_ms + 50_000_000);
        let (left_over, found): (Vec<Call>, Vec<Call>) =
            join(&history.events, &now).into_iter().partition(is_only_end);
        let expected = expected(&history, &now, &clocks);
        prop_assert_eq!(found.len(), expected.len());
        // 3.20 reports no end for a rejected call, so an end is never about one. One that is left over may seem so.
        let has_end = |made: &&Made| made.plan.case != Case::Rejected || version != Version::V3_20;
        let is_open = |made: &Made, ms: i64| made.lasted.0 <= ms && ms <= made.lasted.1;
        let open_at = |ms: i64| history.made.iter().filter(has_end).filter(move |made| is_open(made, ms)).count();
        let unclear_at: Vec<i64> = history
            .made
            .iter()
            .filter(|made| made.plan.end_number.is_some())
            .map(|made| made.lasted.1)
            .filter(|ms| open_at(*ms) > 1)
            .collect();
        prop_assert!(left_over.len() <= unclear_at.len(), "{left_over:?}");
        for (found, expected) in found.iter().zip(&expected) {
            let is_it = |made: &&Made| made.seen.first().is_some_and(|event| event.row == expected.first_row);
            let made = history.made.iter().find(is_it).unwrap();
            let is_rejected = !has_end(&made);
            if is_rejected || unclear_at.iter().any(|ms| is_open(made, *ms)) {
                let of_call = |call: &Call| (call.first_row, call.direction, call.number.clone(), call.answered);
                prop_assert_eq!(of_call(found), of_call(expected));
                prop_assert_ne!(found.result, CallResult::Open);
            } else {
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// Calls with the same number can be told apart if they don't overlap. If they do, each is still one call that
    /// began when it began. But any of them may get the end of another one, and what then comes of that one is left
    /// over.
    #[test]
    fn calls_with_the_same_number_stay_apart(
        version in prop::sample::select(vec![Version::V3_19, Version::V3_20]),
        lines in lines(Faults { is_incomplete: false, is_repeated: false, has_other_ends: false }),
        are_at_once in any::<bool>(),
    ) {
        let mut lines = lines;
        for (index, line) in lines.iter_mut().enumerate() {
            let number = if are_at_once { "1".to_string() } else { index.to_string() };
            line.iter_mut().for_each(|plan| plan.number.clone_from(&number));
        }
        let clocks = Clocks::SomeCounters;
        let history = make(version, &lines, &clocks);
        let mut beginnings: Vec<i64> = history.made.iter().map(|made| made.lasted.0).collect();
        beginnings.sort_unstable();
        let is_repetition = |pair: &[i64]| pair[1] - pair[0] < 2000;
        prop_assume!(!are_at_once || !beginnings.windows(2).any(is_repetition));
        let now = clocks.moment(history.last_ms + 50_000_000);
        let (found, expected) = (join(&history.events, &now), expected(&history, &now, &clocks));
        if are_at_once {
            let beginning = |call: &Call| (call.first_row, call.direction, call.number.clone(), call.began.clone());
            let found: Vec<_> = found.iter().map(beginning).collect();
            for call in &expected {
                prop_assert!(found.contains(&beginning(call)), "{call:?} isn't in {found:?}");
            }
        } else {
            prop_assert_eq!(found, expected);
        }
    }
}
