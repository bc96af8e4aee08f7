//! A web server for one test: it gives each connection the next of the answers that it was given, and records what it
//! received.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What happens to a connection.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// This text is sent, and the connection is closed.
    Text(&'static str),
    /// The same, but only once the client has given up.
    TooLate,
    /// The connection is closed before the request is read.
    Close,
}

pub const OK: Answer = Answer::Text("HTTP/1.1 204 No Content\r\n\r\n");

/// A request as the server received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method and the target.
    pub line: String,
    /// The headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    /// Returns the values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let all = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        all.map(|(_, value)| value.as_str()).collect()
    }
}

/// A running server. It ends after its last answer.
pub struct Server {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    thread: JoinHandle<()>,
}

impl Server {
    pub fn start(answers: &[Answer]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Server::on(listener, address, answers)
    }

    fn on(listener: TcpListener, address: SocketAddr, answers: &[Answer]) -> Server {
        let received = Arc::new(Mutex::new(Vec::new()));
        let (shared, answers) = (Arc::clone(&received), answers.to_vec());
        let thread = std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                serve(stream, answer, &shared);
            }
        });
        Server { address, received, thread }
    }

    /// Returns the URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until all answers were given, and returns the requests.
    pub fn finish(self) -> Vec<Received> {
        self.thread.join().unwrap();
        self.received.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, answer: Answer, received: &Mutex<Vec<Received>>) {
    if let Answer::Close = answer {
        return;
    }
    let mut reader = BufReader::new(&stream);
    if let Some(request) = read_request(&mut reader) {
        received.lock().unwrap().push(request);
    }
    match answer {
        Answer::Text(text) => {
            let _ = (&stream).write_all(text.as_bytes());
        }
        // reading ends when the client closes the connection
        _ => drop(reader.read_to_end(&mut Vec::new())),
    }
}

/// Reads one request; none if the connection ends before.
pub fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = || {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok().filter(|read| *read > 0)?;
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ").unwrap_or((&header, ""));
        headers.push((name.to_string(), value.to_string()));
    }
    let mut request =
        Received { line: first.trim_end_matches(" HTTP/1.1").to_string(), headers, body: Vec::new() };
    let length = request.header("content-length").first().map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
