//! Callers who send something else than a number. Each text arrives as it is, or not at all.

use std::path::Path;
use std::time::SystemTime;

use proptest::prelude::*;
use url::Url;

use super::server::{Answer, OK, Server};
use super::{job, ring};
use crate::actions::perform::{Limits, Perform, Performed, Preview, SystemPerformer, preview};
use crate::hook::action::numbers::{Numbers, Party};
use crate::hook::action::template::CallFacts;
use crate::hook::action::template::tests::facts;
use crate::platform::Env;

fn texts() -> Vec<String> {
    serde_json::from_str(include_str!("../../../../fixtures/hostile-callers.json")).unwrap()
}

/// Texts of parts that mean something to somebody.
fn generated() -> impl Strategy<Value = String> {
    let parts =
        "\" ' \\ & | ; % ^ ! < > ( ) = @ + - / // .. . , # ? : { } $ ` \r\n \t \0 a 1 calc %00 ü “ \u{FF02}";
    let parts: Vec<String> = parts.split(' ').map(str::to_string).chain([" ".to_string()]).collect();
    prop::collection::vec(prop::sample::select(parts), 0..12).prop_map(|parts| parts.concat())
}

fn previews(text: &str, call: &CallFacts) -> Vec<Preview> {
    ring(text)
        .iter()
        .map(|action| preview(job(action, call, Path::new("/x/MicroSIP.ini")), &Env::default()))
        .collect()
}

/// What the actions of this text would do for a caller.
const ACTIONS: &str = "
[[ring]]
open = 'https://crm.example/a/{number}/b?x={number}&y=1#{number}'
[[ring]]
post = 'https://crm.example/calls'
[[ring]]
post = 'https://crm.example/calls'
json = { '{number}' = ['{number}', '<{number}>'] }
[[ring]]
post = 'https://crm.example/calls'
form = { a = '{number}', b = '1' }
[[ring]]
log = 'a.csv'
[[ring]]
log = 'a.csv'
separator = ';'
";

fn check(text: &str) {
    let call = facts(text);
    let previews = previews(ACTIONS, &call);
    match &previews[0] {
        Preview::Open { url } => check_url(&Url::parse(url).unwrap(), text),
        Preview::Nothing(Performed::Skipped(_)) => {
            let is_withheld = Numbers::default().party(text) == Party::Anonymous;
            assert!(is_withheld || [".", ".."].contains(&text), "{text:?}");
        }
        other => panic!("{text:?}: {other:?}"),
    }
    let body = |preview: &Preview| match preview {
        Preview::Send { url, body: Some(body), .. } if url == "https://crm.example/calls" => body.clone(),
        other => panic!("{text:?}: {other:?}"),
    };
    let json: serde_json::Value = serde_json::from_str(&body(&previews[1])).unwrap();
    assert_eq!((json["number"].as_str(), json.as_object().unwrap().len()), (Some(text), 12));
    let json: serde_json::Value = serde_json::from_str(&body(&previews[2])).unwrap();
    assert_eq!(json, serde_json::json!({ "{number}": [text, format!("<{text}>")] }));
    let form = body(&previews[3]);
    let fields: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    assert_eq!(fields, [("a", text), ("b", "1")].map(|(name, value)| (name.to_string(), value.to_string())));
    for (preview, delimiter) in previews[4..].iter().zip([b',', b';']) {
        let Preview::Log { line, .. } = preview else { panic!("{text:?}: {preview:?}") };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), rows[0].len()), (1, 7), "{text:?}: {line}");
        let field = &rows[0][2];
        assert!(is_with_apostrophes(field, text), "{text:?}: {line}");
        let mut cells = field.split([',', ';', '\t', '\r', '\n']);
        assert!(cells.all(|cell| !cell.starts_with(['=', '-', '@'])), "{text:?}: {line}");
    }
}

/// Returns whether a field is a text to which only apostrophes were added.
fn is_with_apostrophes(field: &str, text: &str) -> bool {
    let mut rest = text.chars().peekable();
    field.chars().all(|c| rest.next_if_eq(&c).is_some() || c == '\'') && rest.next().is_none()
}

fn check_url(url: &Url, text: &str) {
    assert_eq!(url.origin().ascii_serialization(), "https://crm.example", "{text:?}");
    assert_eq!((url.username(), url.password()), ("", None), "{text:?}");
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned();
    let parts: Vec<String> = url.path_segments().unwrap().map(decode).collect();
    assert_eq!(parts, ["a", text, "b"]);
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(query, [("x", text), ("y", "1")].map(|(name, value)| (name.to_string(), value.to_string())));
    assert_eq!(url.fragment().map(decode).as_deref(), Some(text));
}

#[test]
fn what_a_caller_sends_is_only_a_value() {
    for text in texts() {
        check(&text);
    }
}

#[test]
fn a_caller_adds_no_header_and_no_request() {
    let texts: Vec<String> =
        texts().into_iter().filter(|text| text.is_ascii() && !text.starts_with(' ')).collect();
    let server = Server::start(&vec![OK; texts.len()]);
    let text = format!(
        "[[ring]]\npost = '{}'\nbody = '{{number}}'\nheaders = {{ X-Caller = '<{{number}}>' }}",
        server.url("/x")
    );
    let actions = ring(&text);
    let performer =
        SystemPerformer::new(&Env::default(), |_| None, || SystemTime::UNIX_EPOCH, Limits::default());
    for caller in &texts {
        let done = performer.perform(job(&actions[0], &facts(caller), Path::new("MicroSIP.ini")));
        assert!(matches!(done, Performed::Done(_)), "{caller:?}: {done:?}");
    }
    let received = server.finish();
    let mut names: Vec<&str> = received[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "x-caller",
    ];
    assert_eq!(names, expected);
    for (request, caller) in received.iter().zip(&texts) {
        assert_eq!(request.line, "POST /x", "{caller:?}");
        assert_eq!(request.headers.len(), names.len(), "{caller:?}: {request:?}");
        let plain: String = caller.chars().filter(|c| !c.is_control()).collect();
        assert_eq!(request.header("x-caller"), [format!("<{plain}>")]);
        assert_eq!(String::from_utf8_lossy(&request.body), *caller);
    }
}

/// Answers of servers that repeat what they got.
const ANSWERS: [&str; 6] = [
    "HTTP/1.1 200 TOKEN\r\ncontent-length: 5\r\n\r\nTOKEN",
    "HTTP/1.1 401 TOKEN\r\nx: TOKEN\r\ncontent-length: 5\r\n\r\nTOKEN",
    "HTTP/1.1 503 TOKEN\r\n\r\nTOKEN",
    "HTTP/1.1 302 TOKEN\r\nlocation: /TOKEN\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: TOKEN\r\n\r\n",
    "TOKEN",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_any_caller_sends_is_only_a_value(text in generated()) {
        check(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 40 },
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_message_contains_a_header_or_a_secret(
        token in "[A-Z]{6}[ -~\u{0}\r\nü]{0,6}[A-Z]{6}",
        method in prop::sample::select(vec!["get", "post"]),
        answer in prop::option::of(prop::sample::select(ANSWERS.to_vec())),
        place in 0..4_usize,
        caller in generated(),
    ) {
        let server = answer.map(|answer| Server::start(&[Answer::Text(answer.replace("TOKEN", "T0kenT0ken").leak())]));
        let url = server.as_ref().map_or("http://127.0.0.1:1/x".into(), |server| server.url("/x"));
        let url = if place == 3 { url.replace("//", "//ann:T0kenT0ken@") } else { url };
        let private = match (place, method) {
            (1, "post") => "secret = '{env:TOKEN}'\nbody = 'x'",
            (2, "post") => "body = '{env:TOKEN}'",
            _ => "headers = { Authorization = 'Bearer {env:TOKEN}', X-Caller = '{number}' }",
        };
        let actions = ring(&format!("[[ring]]\n{method} = '{url}'\n{private}"));
        let token = format!("T0kenT0ken{token}");
        let variable = move |_: &str| Some(token.clone());
        let performer = SystemPerformer::new(&Env::default(), variable, || SystemTime::UNIX_EPOCH, Limits::default());
        let call = facts(&caller);
        let performed = performer.perform(job(&actions[0], &call, Path::new("MicroSIP.ini")));
        let preview = preview(job(&actions[0], &call, Path::new("MicroSIP.ini")), &Env::default());
        let shown = format!("{performed:?} {preview:?}");
        prop_assert!(!shown.contains("T0kenT0ken"), "{}", shown);
    }
}
