//! Actions: the values of headers, what a request sends, the key that signs it, and environment variables.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use msipcfg::actions::file;
use msipcfg::hook::action::template::Template;

use super::*;
use crate::calls_db;
use crate::perform::server::{Received, read_request};
use crate::runner::Workplace;

/// Returns the secret as a template in quotes of TOML.
fn template(secret: &str) -> String {
    serde_json::to_string(&Template::literal(secret).to_string()).unwrap()
}

/// Returns files with the secret where it may be, with keys that are spelled correctly or not.
fn hooks_files(secret: &str) -> Vec<String> {
    let mut files = Vec::new();
    for value in values(secret).into_iter().chain([template(secret)]) {
        for key in ["headers", "header", "json", "form"] {
            files.push(format!(
                "[[end]]\npost = 'h'\n{key} = {{ Authorization = {value}, link = {value} }}\n"
            ));
            files.push(format!("[[end]]\npost = 'h'\n[end.{key}]\n'X-Key' = {value}\ntoken = {value}\n"));
        }
        for key in ["secret", "secrets", "Secret", "body", "password", "token"] {
            files.push(format!("[[end]]\npost = 'h'\n{key} = {value}\nretry = '1h'\n"));
            files.push(format!("end = [{{ post = 'h', {key} = {value}, retry = '1h' }}]\n"));
        }
    }
    files
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_mistake_in_actions_shows_a_secret(secret in secrets(), file in any::<Index>(), typo in typos()) {
        let files = hooks_files(&secret);
        let file: &String = file.get(&files);
        let text = typo.in_text(file);
        let output = match file::read("MicroSIP.hooks.toml".into(), text.clone()) {
            Ok(actions) => file::lines(&actions).join("\n"),
            Err(error) => format!("{error}\n{error:?}\n{}", error.hint().unwrap_or_default()),
        };
        hides(&secret, &output);
        hides(&secret, &file::summary(text.as_bytes()).join("\n"));
    }
}

/// Starts a server that repeats what it was sent, in each way that its path asks for.
fn start_echoing_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(request) = read_request(&mut BufReader::new(&stream)) {
                answer(&stream, &request);
            }
        }
    });
    address
}

fn answer(mut stream: &TcpStream, request: &Received) {
    let sent = request.header("x-key").concat() + &String::from_utf8_lossy(&request.body);
    let path = request.line.rsplit('/').next().unwrap_or_default();
    let _ = match path {
        "refuse" => write!(stream, "HTTP/1.1 400 {sent}\r\nX-Echo: {sent}\r\n\r\n{sent}"),
        "later" => write!(stream, "HTTP/1.1 503 {sent}\r\n\r\n{sent}"),
        "redirect" => write!(stream, "HTTP/1.1 302 Found\r\nLocation: http://other.invalid/{sent}\r\n\r\n"),
        "garbage" => write!(stream, "{sent}\r\n\r\n"),
        "close" => Ok(()),
        _ => write!(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
    };
}

const PATHS: [&str; 6] = ["refuse", "later", "redirect", "garbage", "close", "accept"];

/// Returns actions that send the secret in each way, to each path of the server.
fn actions(secret: &str, server: SocketAddr) -> String {
    const FROM_VARIABLE: &str = "'{env:SIP_PASSWORD}'";
    let value = template(secret);
    let action = |path: &str| {
        let url = format!("http://{server}/{path}");
        format!(
            "[[ring]]\nget = '{url}'\nretry = '0s'\nheaders = {{ X-Key = {value} }}\n\
             [[ring]]\npost = '{url}'\nretry = '0s'\njson = {{ token = {FROM_VARIABLE} }}\n\
             [[ring]]\npost = '{url}'\nretry = '0s'\nform = {{ token = {FROM_VARIABLE} }}\n\
             [[ring]]\npost = '{url}'\nretry = '0s'\nsecret = {FROM_VARIABLE}\n\
             [[ring]]\npost = '{url}'\nretry = '0s'\nbody = {FROM_VARIABLE}\nheaders = {{ X-Key = {FROM_VARIABLE} }}\n"
        )
    };
    PATHS.map(action).concat()
}

fn commands(is_broken: bool) -> Vec<Vec<&'static str>> {
    const POST: [&str; 5] = ["busy", "--post", "http://127.0.0.1:1/", "--header", "X-Key=@env:SIP_PASSWORD"];
    let set = |options: &[&'static str]| [&["set-hook"], options, &POST[..]].concat();
    let mut commands = vec![
        // sets the runner
        vec!["doctor", "--fix"],
        vec!["hooks"],
        vec!["status"],
        vec!["doctor"],
        vec!["export"],
        vec!["test-hook", "ring", "-n"],
        vec!["test-hook", "ring"],
        set(&["-n"]),
        set(&[]),
        vec!["set-hook", "ring", "--add", "--notify", "x"],
        vec!["unset-hook", "ring", "--action", "1"],
        vec!["set-hook", "ring", "--get", "http://127.0.0.1:1/"],
        vec!["backups"],
        vec!["restore", "-n"],
        vec!["restore"],
        vec!["unset-hook", "--all"],
        vec!["log"],
        vec!["calls"],
    ];
    if is_broken {
        commands.retain(|command| command[0] != "test-hook" || command.contains(&"-n"));
    }
    commands
}

fn no_command_shows(secret: &str, how: &str) {
    let server = start_echoing_server();
    let actions = actions(secret, server);
    let broken = format!("{actions}[[end]]\npost = 'h'\nheaders = {{ X-Key = {} }} x\n", template(secret));
    for text in [&actions, &broken] {
        let sandbox = Sandbox::with_ini(ini_with(secret));
        sandbox.write("secret.txt", format!("{secret}\n"));
        sandbox.write("MicroSIP.hooks.toml", text);
        calls_db::add(&sandbox, "2026-01-31T09:00:00Z ring 030123456\n");
        for mut words in commands(text == &broken) {
            words.insert(1, how);
            let ran = run(&sandbox, secret, &words);
            // otherwise little output was checked
            let is_expected = if text == &broken { matches!(ran.status, 0 | 1 | 7) } else { ran.status < 2 };
            assert!(is_expected, "{}", ran.transcript);
            if words[..] == ["test-hook", how, "ring"] && text == &actions {
                for result in ["400", "503", "204"] {
                    assert!(ran.stdout.contains(result), "no {result}: {}", ran.transcript);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8,
        max_shrink_iters: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[cfg_attr(windows, ignore = "slow: many starts, for rules that are the same on each system")]
    fn no_command_about_actions_shows_a_secret(secret in secrets(), how in select(vec!["--json", "-v"])) {
        no_command_shows(&secret, how);
    }
}

/// The worker's results are in the database and in the log of errors.
#[test]
fn the_worker_keeps_no_secret() {
    const SECRET: &str = "s3cr3t-Tok\"en {x} %41=ü";
    let actions = actions(SECRET, start_echoing_server());
    let place = Workplace::new(&actions);
    place.report("ring", "030123456");
    place.ended(actions.matches("[[ring]]").count());
    place
        .sandbox
        .write("MicroSIP.hooks.toml", format!("[[ring]]\npost = 'h'\nbody = {} x\n", template(SECRET)));
    place.report("ring", "030123456");
    let ended = place.ended(actions.matches("[[ring]]").count() + 1);
    assert!(ended.iter().any(|delivery| delivery.message.contains("hooks.toml")), "{ended:?}");
    for words in [&["log", "--json"][..], &["log", "-v"], &["calls", "--json"]] {
        let ran = place.sandbox.run(words).exits(0);
        hides(SECRET, &format!("{}\n{}", ran.stdout, ran.stderr));
    }
    place.stop_worker();
    for entry in std::fs::read_dir(place.data().path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            hides(SECRET, &String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
}
