//! Tests of actions: what they would do, or did.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::actions::contacts;
use crate::actions::perform::{Job, Perform as _, Performed, Preview, SystemPerformer, preview};
use crate::commands::context::{Context, RunEvent};
use crate::commands::hook_actions::{self, untrusted_file};
use crate::commands::ini::Ini;
use crate::diagnostic::{Code, Diagnostic};
use crate::hook::action::numbers::Numbers;
use crate::hook::action::template::{CallFacts, Direction, without_controls};
use crate::hook::action::{Action, Actions};
use crate::hook::event::Event;
use crate::page::Styles;
use crate::request::TestHook;

/// One test of an action.
#[derive(Debug)]
pub struct ActionTest {
    event: Event,
    /// The caller's text.
    caller: String,
    /// Its number among the actions of the event, from 1.
    number: usize,
    /// What the action does, as one line.
    action: String,
    /// What it would do for this caller, or did.
    pub result: ActionResult,
}

/// What an action would do for a caller, or did.
#[derive(Debug)]
pub enum ActionResult {
    /// It would do this.
    Preview(Preview),
    /// It was carried out.
    Performed { performed: Performed, took: Duration },
}

impl ActionTest {
    /// Returns whether the action failed.
    pub fn has_failed(&self) -> bool {
        matches!(
            self.result,
            ActionResult::Performed { performed: Performed::Failed(_) | Performed::TryAgain(_), .. }
                | ActionResult::Preview(Preview::Nothing(Performed::Failed(_) | Performed::TryAgain(_)))
        )
    }
}

/// Tests the actions of an event for each caller.
///
/// # Errors
/// The user stopped.
pub fn test(
    event: Event,
    actions: &Actions,
    asked: &TestHook,
    ini: &Ini,
    context: &mut Context<'_>,
) -> Result<Vec<ActionTest>, Diagnostic> {
    if !asked.dry_run
        && let Some(problem) = untrusted_file(ini)
    {
        return Err(problem);
    }
    let performer = context.performer();
    let mut tests = Vec::new();
    for caller in &asked.callers {
        let facts = facts(event, caller, &actions.numbers, ini.file.to_open(), context);
        let is_for_caller = |action: &Action| action.audience.includes(&facts.number, &facts.numbers);
        if !asked.dry_run && actions.of(event).iter().any(is_for_caller) {
            (context.report)(RunEvent::Testing { event, caller });
        }
        for (number, action) in (1..).zip(actions.of(event)) {
            if (context.stop)() {
                return Err(Diagnostic::new(
                    Code::Interrupted,
                    "Cancelled. The other actions weren't tested.",
                ));
            }
            let webhook_id = format!("msg_test_{}_{number}", facts.call);
            let job = Job {
                action,
                facts: &facts,
                ini: ini.file.to_open(),
                webhook_id: &webhook_id,
                is_test: true,
            };
            let result = match (is_for_caller(action), asked.dry_run) {
                (false, _) => {
                    let skipped = Performed::Skipped("not for this caller".into());
                    ActionResult::Preview(Preview::Nothing(skipped))
                }
                (true, true) => ActionResult::Preview(preview(job, context.env)),
                (true, false) => {
                    let begun = Instant::now();
                    let performed = performer.perform(job);
                    ActionResult::Performed { performed, took: begun.elapsed() }
                }
            };
            let action = action.to_string();
            tests.push(ActionTest { event, caller: caller.clone(), number, action, result });
        }
    }
    wait_for_messages(&performer, context.stop);
    Ok(tests)
}

/// Waits until what is shown has disappeared, because it would disappear with this program.
fn wait_for_messages(performer: &SystemPerformer, stop: &dyn Fn() -> bool) {
    while performer.is_showing() && !stop() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns how the actions of an ini read numbers, whether or not the ini exists.
pub fn numbers_of(ini: &Path, context: &Context<'_>) -> Numbers {
    hook_actions::read_or_warn(&Ini::plain(ini.into(), None, true), context.fs).0.numbers
}

/// Returns what an action would do for a caller, whether or not the ini exists. A country replaces that of the ini.
pub fn example(
    ini: &Path,
    event: Event,
    action: &Action,
    country: Option<u16>,
    caller: &str,
    context: &Context<'_>,
) -> Preview {
    let of_ini = numbers_of(ini, context);
    let numbers = Numbers { country: country.or(of_ini.country), ..of_ini };
    let facts = facts(event, caller, &numbers, ini, context);
    preview(Job { action, facts: &facts, ini, webhook_id: "", is_test: false }, context.env)
}

/// Returns the facts of a call that might have been: one that ended was answered and took a minute.
fn facts(event: Event, caller: &str, numbers: &Numbers, ini: &Path, context: &Context<'_>) -> CallFacts {
    let number = without_controls(caller).trim().to_string();
    let answered = matches!(event, Event::Answer | Event::AnswerVideo | Event::Start | Event::End);
    CallFacts {
        event,
        time: (context.now)(),
        name: contacts::name_of(&number, numbers, ini, context.fs),
        number,
        direction: Some(if event == Event::Outgoing { Direction::Outgoing } else { Direction::Incoming }),
        answered,
        duration: (event == Event::End).then_some(60),
        call: "test".into(),
        user: context.env.user.clone().unwrap_or_default(),
        computer: context.env.computer.clone().unwrap_or_default(),
        numbers: numbers.clone(),
    }
}

/// Returns the tests as text, grouped by event and caller.
pub fn actions_text(tests: &[ActionTest], styles: Styles) -> String {
    let heading = styles.heading;
    let mut text = String::new();
    let mut last: Option<(Event, &str)> = None;
    for test in tests {
        if last != Some((test.event, &test.caller)) {
            let caller = match test.caller.as_str() {
                "" => "no number".to_string(),
                caller => format!("caller '{}'", caller.escape_debug()),
            };
            let _ = writeln!(text, "{heading}{}, {caller}{heading:#}", test.event);
            last = Some((test.event, &test.caller));
        }
        let _ = writeln!(text, "  {}. {}", test.number, test.action);
        match &test.result {
            ActionResult::Preview(preview) => preview_text(&mut text, preview, styles),
            ActionResult::Performed { performed, took } => {
                let (style, word, why) = outcome(performed, styles);
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                let _ = writeln!(text, "     {style}{word}{style:#}{why} ({} ms)", took.as_millis());
            }
        }
    }
    text
}

fn outcome(performed: &Performed, styles: Styles) -> (anstyle::Style, &'static str, &str) {
    match performed {
        Performed::Done(what) => (styles.added, "done", what),
        Performed::Skipped(why) => (styles.warning, "skipped", why),
        Performed::Failed(why) => (styles.error, "failed", why),
        Performed::TryAgain(why) => (styles.error, "failed, and would be tried again", why),
    }
}

fn preview_text(text: &mut String, preview: &Preview, styles: Styles) {
    let lines = match preview {
        Preview::Nothing(performed) => {
            let (style, word, why) = outcome(performed, styles);
            vec![format!("{style}{word}{style:#}: {why}")]
        }
        preview => preview_lines(preview),
    };
    for line in lines {
        let _ = writeln!(text, "     {line}");
    }
}

/// Returns what an action would do, in one or more lines.
pub fn preview_lines(preview: &Preview) -> Vec<String> {
    match preview {
        Preview::Open { url } => vec![format!("opens {url}")],
        Preview::Notify { title, text, link } => {
            let click = link.iter().map(|link| format!("a click opens {link}"));
            [format!("shows {title}: {text}")].into_iter().chain(click).collect()
        }
        Preview::Send { method, url, headers, body } => {
            let headers = Some(headers).filter(|headers| !headers.is_empty());
            let headers = headers.map(|headers| format!("headers {}", headers.join(", ")));
            let body = body.as_ref().map(|body| format!("body {body}"));
            [Some(format!("sends {method} {url}")), headers, body].into_iter().flatten().collect()
        }
        Preview::Log { file, line } => vec![format!("adds to {}: {line}", file.display())],
        Preview::Run { program, args } => {
            let args = (1..).zip(args).map(|(number, arg)| format!("argument {number}  {arg}"));
            [format!("starts {}", program.display())].into_iter().chain(args).collect()
        }
        Preview::Nothing(performed) => {
            let (_, word, why) = outcome(performed, Styles::default());
            vec![format!("{word}: {why}")]
        }
    }
}

/// Returns a test for scripts.
pub fn action_json(test: &ActionTest) -> Json {
    let mut json = json!({
        "event": test.event.name(),
        "caller": Some(&test.caller).filter(|caller| !caller.is_empty()),
        "number": test.number,
        "action": test.action,
        "failed": test.has_failed(),
    });
    match &test.result {
        ActionResult::Preview(Preview::Nothing(performed)) => set_performed(&mut json, performed),
        ActionResult::Preview(preview) => json["preview"] = preview_json(preview),
        ActionResult::Performed { performed, took } => {
            set_performed(&mut json, performed);
            json["ms"] = json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
    }
    json
}

fn set_performed(json: &mut Json, performed: &Performed) {
    let (result, message) = match performed {
        Performed::Done(what) => ("done", what),
        Performed::Skipped(why) => ("skipped", why),
        Performed::Failed(why) => ("failed", why),
        Performed::TryAgain(why) => ("would-retry", why),
    };
    json["result"] = json!(result);
    json["message"] = json!(message);
}

fn preview_json(preview: &Preview) -> Json {
    match preview {
        Preview::Open { url } => json!({ "open": url }),
        Preview::Notify { title, text, link } => json!({ "notify": text, "title": title, "link": link }),
        Preview::Send { method, url, headers, body } => {
            json!({ "method": method, "url": url, "headers": headers, "body": body })
        }
        Preview::Log { file, line } => json!({ "log": file.to_string_lossy(), "line": line }),
        Preview::Run { program, args } => json!({ "run": program.to_string_lossy(), "args": args }),
        Preview::Nothing(_) => Json::Null,
    }
}
