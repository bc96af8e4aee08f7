//! Web requests to servers that work, and to others.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::server::{Answer, OK, Received, Server};
use super::{job, ring};
use crate::actions::perform::{Job, Limits, Perform, Performed, SystemPerformer};
use crate::hook::action::template::CallFacts;
use crate::hook::action::template::tests::facts;
use crate::platform::Env;

/// No machine is so slow that a local server needs longer.
const PATIENT: Limits = Limits { connect: Duration::from_secs(60), total: Duration::from_secs(60) };
const HASTY: Limits = Limits { connect: Duration::from_millis(200), total: Duration::from_millis(300) };

/// Carries out the first action of a text for a call.
fn perform(text: &str, call: &CallFacts, limits: Limits) -> Performed {
    let variable = |name: &str| (name == "TOKEN").then(|| "s3cr3t\r\n".to_string());
    let now = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let performer = SystemPerformer::new(&Env::default(), variable, now, limits);
    let actions = ring(text);
    performer.perform(job(&actions[0], call, "MicroSIP.ini".as_ref()))
}

fn post(url: &str, more: &str) -> String {
    format!("[[ring]]\npost = '{url}'\n{more}")
}

fn get(url: &str) -> String {
    format!("[[ring]]\nget = '{url}'\nheaders = {{ Authorization = 'Bearer {{env:TOKEN}}' }}")
}

fn text_of(performed: &Performed) -> &str {
    match performed {
        Performed::Done(text)
        | Performed::Skipped(text)
        | Performed::Failed(text)
        | Performed::TryAgain(text) => text,
    }
}

#[test]
fn a_post_sends_the_call_and_says_which_attempt_it_is() {
    let server = Server::start(&[OK, OK]);
    let text = post(&server.url("/calls"), "headers = { Authorization = 'Bearer {env:TOKEN}' }");
    let first = perform(&text, &facts("100"), PATIENT);
    assert_eq!(first, Performed::Done(format!("POST {}: 204 No Content", server.url("/calls"))));
    let actions = ring(&text);
    let call = facts("100");
    let performer =
        SystemPerformer::new(&Env::default(), |_| Some("x".into()), || SystemTime::UNIX_EPOCH, PATIENT);
    let test = Job { is_test: true, ..job(&actions[0], &call, "MicroSIP.ini".as_ref()) };
    assert!(matches!(performer.perform(test), Performed::Done(_)));

    let received = server.finish();
    assert_eq!(received.len(), 2, "each attempt is one request");
    let request = &received[0];
    assert_eq!(request.line, "POST /calls");
    assert_eq!(request.header("authorization"), ["Bearer s3cr3t"]);
    assert_eq!(request.header("content-type"), ["application/json"]);
    assert_eq!(request.header("webhook-id"), ["msg_1"]);
    assert_eq!(request.header("webhook-timestamp"), ["1700000000"]);
    assert!(request.header("webhook-signature").is_empty());
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["number"], &body["version"]), (&json!("100"), &json!(1)));
    assert_eq!(body.get("test"), None);
    let body: serde_json::Value = serde_json::from_slice(&received[1].body).unwrap();
    assert_eq!(body["test"], true);
}

#[test]
fn bodies_have_the_form_that_was_asked_for() {
    for (more, content_type, body) in [
        (
            "json = { text = '{number}', list = [1, true, '{name}', { x = 'y' }] }",
            "application/json",
            r#"{"text":"a\"b&c=ü","list":[1,true,"",{"x":"y"}]}"#,
        ),
        (
            "form = { phone = '{number}', '&' = '=' }",
            "application/x-www-form-urlencoded",
            "phone=a%22b%26c%3D%C3%BC&%26=%3D",
        ),
        ("body = 'from {number}'", "text/plain; charset=utf-8", "from a\"b&c=ü"),
        ("body = '<x/>'\nheaders = { content-type = 'text/xml' }", "text/xml", "<x/>"),
    ] {
        let server = Server::start(&[OK]);
        let performed = perform(&post(&server.url("/"), more), &facts("a\"b&c=ü"), PATIENT);
        assert!(matches!(performed, Performed::Done(_)), "{performed:?}");
        let received = server.finish();
        assert_eq!(received[0].header("content-type"), [content_type]);
        assert_eq!(String::from_utf8_lossy(&received[0].body), body);
    }
}

#[test]
fn a_secret_signs_each_request() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let server = Server::start(&[OK]);
    let performed =
        perform(&post(&server.url("/"), &format!("secret = '{SECRET}'\nbody = 'x'")), &facts("1"), PATIENT);
    assert!(matches!(performed, Performed::Done(_)), "{performed:?}");
    let received = server.finish();
    let expected =
        standardwebhooks::Webhook::new(SECRET).unwrap().sign("msg_1", 1_700_000_000, b"x").unwrap();
    assert_eq!(received[0].header("webhook-signature"), [expected]);
    let unusable = perform(&post("http://127.0.0.1:1/", "secret = '{env:TOKEN}'"), &facts("1"), PATIENT);
    assert!(matches!(&unusable, Performed::Failed(why) if !why.contains("s3cr3t")), "{unusable:?}");
}

#[test]
fn the_status_decides_whether_another_attempt_is_made() {
    for (answer, retried) in [
        ("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n", true),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\ns3cr3t", true),
        ("HTTP/1.1 400 Bad Request\r\ncontent-length: 6\r\n\r\ns3cr3t", false),
        ("HTTP/1.1 401 s3cr3t\r\ncontent-length: 0\r\n\r\n", false),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", false),
        ("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 O", true),
        ("HTTP/1.1 200 OK\r\ncontent-le", true),
        ("s3cr3t\r\n\r\n", true),
    ] {
        let server = Server::start(&[Answer::Text(answer)]);
        let performed = perform(&post(&server.url("/"), "body = 'x'"), &facts("1"), PATIENT);
        assert_eq!(matches!(performed, Performed::TryAgain(_)), retried, "{answer:?}: {performed:?}");
        assert_eq!(matches!(performed, Performed::Failed(_)), !retried, "{answer:?}: {performed:?}");
        assert!(!text_of(&performed).contains("s3cr3t"), "{performed:?}");
        assert_eq!(server.finish().len(), 1);
    }
}

#[test]
fn a_success_counts_even_if_its_text_ends_too_early() {
    let server = Server::start(&[Answer::Text("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")]);
    let performed = perform(&post(&server.url("/"), "body = 'x'"), &facts("1"), PATIENT);
    assert!(matches!(performed, Performed::Done(_)), "{performed:?}");
    server.finish();
}

#[test]
fn a_server_that_is_down_or_slow_is_tried_again() {
    let down = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let performed = perform(&post(&format!("http://{down}/"), ""), &facts("1"), PATIENT);
    assert!(matches!(performed, Performed::TryAgain(_)), "{performed:?}");
    for answer in [Answer::TooLate, Answer::Close] {
        let server = Server::start(&[answer]);
        let performed = perform(&post(&server.url("/"), ""), &facts("1"), HASTY);
        assert!(matches!(performed, Performed::TryAgain(_)), "{answer:?}: {performed:?}");
        server.finish();
    }
    let unknown = perform(&post("http://unknown.invalid/", ""), &facts("1"), PATIENT);
    assert!(matches!(unknown, Performed::TryAgain(_)), "{unknown:?}");
}

#[test]
fn requests_arrive_once_and_in_order() {
    let server = Server::start(&[OK; 10]);
    for number in 0..10 {
        let done =
            perform(&post(&server.url("/"), "body = '{number}'"), &facts(&number.to_string()), PATIENT);
        assert!(matches!(done, Performed::Done(_)), "{done:?}");
    }
    let bodies: Vec<Vec<u8>> = server.finish().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, (0..10).map(|number| number.to_string().into_bytes()).collect::<Vec<_>>());
}

#[test]
fn a_get_follows_only_redirects_to_the_same_server() {
    let server = Server::start(&[
        Answer::Text("HTTP/1.1 302 Found\r\nlocation: next?x=1\r\ncontent-length: 0\r\n\r\n"),
        OK,
    ]);
    let performed = perform(&get(&server.url("/a/b?n={number}")), &facts("1&2"), PATIENT);
    assert!(matches!(performed, Performed::Done(_)), "{performed:?}");
    let received = server.finish();
    let lines: Vec<&str> = received.iter().map(|request| request.line.as_str()).collect();
    assert_eq!(lines, ["GET /a/b?n=1%262", "GET /a/next?x=1"]);
    assert!(received.iter().all(|request| request.header("authorization") == ["Bearer s3cr3t"]));
    assert!(received.iter().all(|request| request.body.is_empty()));

    let endless =
        [Answer::Text("HTTP/1.1 307 Temporary Redirect\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"); 6];
    let server = Server::start(&endless);
    let performed = perform(&get(&server.url("/")), &facts("1"), PATIENT);
    assert!(matches!(&performed, Performed::Failed(why) if why.contains("too many")), "{performed:?}");
    assert_eq!(server.finish().len(), 6);
}

#[test]
fn no_other_server_gets_a_token() {
    for method in ["get", "post"] {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        other.set_nonblocking(true).unwrap();
        let port = other.local_addr().unwrap().port();
        for location in [
            format!("http://127.0.0.1:{port}/"),
            format!("//127.0.0.1:{port}/x"),
            "https://127.0.0.1/".into(),
        ] {
            let answer = format!(
                "HTTP/1.1 301 Moved Permanently\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
            );
            let server = Server::start(&[Answer::Text(answer.leak())]);
            let text = get(&server.url("/")).replacen("get", method, 1);
            let performed = perform(&text, &facts("1"), PATIENT);
            assert!(matches!(performed, Performed::Failed(_)), "{performed:?}");
            assert_eq!(server.finish().len(), 1);
        }
        let asked = other.accept().map_err(|error| error.kind());
        assert!(matches!(asked, Err(std::io::ErrorKind::WouldBlock)), "{method}: {asked:?}");
    }
}

#[test]
fn a_get_with_the_number_is_skipped_for_a_caller_without_one() {
    let performed = perform(&get("http://127.0.0.1:1/?n={number}"), &facts(""), PATIENT);
    assert_eq!(performed, Performed::Skipped("the caller has no number".into()));
}

#[test]
fn a_missing_variable_is_named() {
    let text = post("http://127.0.0.1:1/", "headers = { Authorization = 'Bearer {env:MISSING}' }");
    let performed = perform(&text, &facts("1"), PATIENT);
    assert_eq!(performed, Performed::Failed("the environment variable MISSING isn't set".into()));
}

#[test]
fn the_user_and_the_password_of_an_address_are_sent_but_not_shown() {
    let server = Server::start(&[OK]);
    let url = server.url("/").replace("//", "//ann:s3cr3t@");
    let performed = perform(&post(&url, ""), &facts("1"), PATIENT);
    assert!(matches!(&performed, Performed::Done(text) if !text.contains("s3cr3t")), "{performed:?}");
    let received: Vec<Received> = server.finish();
    assert_eq!(received[0].header("authorization"), ["Basic YW5uOnMzY3IzdA=="]);
}
