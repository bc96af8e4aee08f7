//! Secure connections, with the certificates that the system trusts. On Linux those are in a file that the environment
//! names, so each test runs itself again as another process with another environment.

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::server::{Answer, Received, Server, read_request};
use super::{call, perform};
use crate::sandbox::Sandbox;

/// An authority, and a certificate for `localhost` that it signed.
struct Authority {
    pem: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Authority {
        let own_key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = own.self_signed(&own_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let signed = params.signed_by(&key, &Issuer::new(own, own_key)).unwrap();
        Authority { pem, certificate: signed.der().clone(), key }
    }

    /// Serves one connection, and returns the request if there was one.
    fn serve_once(&self) -> (u16, JoinHandle<Option<Received>>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let config =
            config.with_no_client_auth().with_single_cert(vec![self.certificate.clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (tcp, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, tcp));
            let request = read_request(&mut stream)?;
            let stream = stream.get_mut();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
            Some(request)
        });
        (port, thread)
    }
}

/// Posts to a URL in another process with this environment, and returns the answer.
fn post_with(url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "--ignored",
        "--nocapture",
        "perform::tls::posts_to_the_url_of_the_environment",
    ]);
    command.env("MSIPCFG_TEST_URL", url).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "started by the other tests, with the environment that it needs"]
fn posts_to_the_url_of_the_environment() {
    let url = std::env::var("MSIPCFG_TEST_URL").unwrap();
    let text = format!("[[ring]]\npost = '{url}'\nheaders = {{ Authorization = 'Bearer s3cr3t' }}");
    println!("{:?}", perform(&Sandbox::new(), &text, &call("100")));
}

#[test]
fn a_certificate_is_trusted_if_the_system_trusts_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(), Authority::new());
    for (trusted, is_done) in [(&authority, true), (&other, false)] {
        let file = folder.path().join("trusted.pem");
        std::fs::write(&file, &trusted.pem).unwrap();
        let (port, server) = authority.serve_once();
        let url = format!("https://localhost:{port}/calls");
        let answer = post_with(&url, &[("SSL_CERT_FILE", file.to_str().unwrap())]);
        let received = server.join().unwrap();
        if is_done {
            assert!(answer.contains(&format!("Done(\"POST {url}: 204 No Content\")")), "{answer}");
            assert_eq!(received.unwrap().header("authorization"), ["Bearer s3cr3t"]);
        } else {
            assert!(answer.contains("TryAgain") && answer.contains("no secure connection"), "{answer}");
            assert_eq!(received, None);
        }
    }
}

#[test]
fn a_request_goes_through_the_proxy_of_the_environment() {
    let proxy = Server::start(&[Answer::Text("HTTP/1.1 403 Forbidden\r\n\r\n")]);
    let address = proxy.url("").replace("//", "//ann:s3cr3t@");
    let answer =
        post_with("https://crm.example/calls", &[("HTTPS_PROXY", &address), ("NO_PROXY", "x.example")]);
    assert!(answer.contains("TryAgain") && answer.contains("proxy"), "{answer}");
    assert!(!answer.contains("s3cr3t"), "{answer}");
    let received = proxy.finish();
    assert_eq!(received[0].line, "CONNECT crm.example:443");
    assert_eq!(received[0].header("proxy-authorization"), ["Basic YW5uOnMzY3IzdA=="]);
    assert!(received[0].header("authorization").is_empty(), "the proxy sees no header of the request");
}
