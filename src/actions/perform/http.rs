//! Sends web requests.

use std::io::{self, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value as Json};
use standardwebhooks::Webhook;
use ureq::http::{self, HeaderName, HeaderValue, Request, Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Proxy};
use url::Url;

use super::job::{Job, Performed};
use super::open::{page, shown};
use super::proxy::proxy_for;
use super::values::{self, Variable, private};
use crate::hook::action::template::{Template, without_controls};
use crate::hook::action::{Body, JsonTemplate, Method, WebRequest};
use crate::platform::ProxySetting;

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the answer is complete.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connect: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}

/// How many redirects are followed.
const MAX_REDIRECTS: u32 = 5;
/// How much of an answer is read.
const MAX_ANSWER: u64 = 64 * 1024;
const MAX_ANSWER_HEADERS: usize = 64 * 1024;

/// Sends requests.
pub struct Client {
    agent: Agent,
}

impl Client {
    /// Returns a client that trusts the certificates that the system trusts.
    pub fn new(limits: Limits) -> Client {
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("msipcfg/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_ANSWER_HEADERS)
            // The server may have closed an old connection, and the request would fail then.
            .max_idle_connections(0)
            .proxy(None)
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.total));
        Client { agent: config.build().new_agent() }
    }

    fn run(
        &self,
        request: Request<Option<String>>,
        proxy: Option<Proxy>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let (parts, body) = request.into_parts();
        match body {
            Some(body) => self.run_with(Request::from_parts(parts, body), proxy),
            None => self.run_with(Request::from_parts(parts, ()), proxy),
        }
    }

    fn run_with(
        &self,
        request: Request<impl AsSendBody>,
        proxy: Option<Proxy>,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        match proxy {
            Some(proxy) => self.agent.run(self.agent.configure_request(request).proxy(Some(proxy)).build()),
            // a request with its own configuration would read the certificates of the system again
            None => self.agent.run(request),
        }
    }
}

/// A request for a call.
pub struct Prepared {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: Url,
    /// Headers by name. Their values are private.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Option<String>,
    secret: Option<Webhook>,
    id: String,
}

/// Returns the request for a call.
///
/// # Errors
/// It can't be sent for this call.
pub fn prepare(request: &WebRequest, job: Job<'_>, variable: Variable<'_>) -> Result<Prepared, Performed> {
    let facts = job.facts;
    let url = page(&request.url, job)?;
    let (method, body) = match &request.method {
        Method::Get => ("GET", None),
        Method::Post(body) => ("POST", Some(content(body, job, variable)?)),
    };
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let value = private(value, facts, variable, &without_controls)?;
        headers.push(header(name, value.trim())?);
    }
    let (media_type, body) = body.unzip();
    if let Some(media_type) = media_type
        && headers.iter().all(|(name, _)| name != http::header::CONTENT_TYPE)
    {
        headers.push((http::header::CONTENT_TYPE, HeaderValue::from_static(media_type)));
    }
    let secret = request.secret.as_ref().map(|secret| private(secret, facts, variable, &str::to_string));
    let secret = secret.transpose()?.map(|secret| Webhook::new(secret.trim())).transpose();
    let secret = secret.map_err(|_| {
        Performed::Failed(
            "the secret isn't \"whsec_\" and a key in base64, so the request can't be signed".into(),
        )
    })?;
    Ok(Prepared { method, url, headers, body, secret, id: job.webhook_id.to_string() })
}

/// Sends a request, and follows redirects of a GET request that stay at the same server.
pub fn send(
    prepared: &Prepared,
    client: &Client,
    variable: Variable<'_>,
    setting: Option<&ProxySetting>,
    now: SystemTime,
) -> Performed {
    let mut url = prepared.url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let request = match prepared.request(&url, now) {
            Ok(request) => request,
            Err(failed) => return failed,
        };
        let proxy = match proxy_for(&url, variable, setting).map(|proxy| Proxy::new(&proxy)).transpose() {
            Ok(proxy) => proxy,
            Err(_) => return Performed::Failed("the address of the proxy server can't be used".into()),
        };
        let answer = match client.run(request, proxy) {
            Ok(answer) => answer,
            Err(error) => return prepared.no_answer(&error),
        };
        match prepared.redirect(&url, &answer) {
            Some(Ok(next)) => url = next,
            Some(Err(failed)) => return failed,
            None => return prepared.judge(answer),
        }
    }
    Performed::Failed(format!("{}: too many redirects", prepared.shown()))
}

impl Prepared {
    fn shown(&self) -> String {
        format!("{} {}", self.method, shown(&self.url))
    }

    fn request(&self, url: &Url, now: SystemTime) -> Result<Request<Option<String>>, Performed> {
        let unusable = |_| Performed::Failed(format!("{}: the request can't be sent", self.shown()));
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()).cast_signed();
        let mut builder = Request::builder().method(self.method).uri(url.as_str());
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder = builder.header("webhook-id", &self.id).header("webhook-timestamp", seconds.to_string());
        if let Some(secret) = &self.secret {
            let body = self.body.as_deref().unwrap_or_default();
            let signature = secret.sign(&self.id, seconds, body.as_bytes());
            let signature = signature
                .map_err(|_| Performed::Failed(format!("{}: the request can't be signed", self.shown())))?;
            builder = builder.header("webhook-signature", signature);
        }
        builder.body(self.body.clone()).map_err(unusable)
    }

    /// Returns where a redirect of a GET request leads, if the answer is one.
    fn redirect(&self, url: &Url, answer: &Response<ureq::Body>) -> Option<Result<Url, Performed>> {
        let status = answer.status().as_u16();
        if self.method != "GET" || ![301, 302, 303, 307, 308].contains(&status) {
            return None;
        }
        let location = answer.headers().get(http::header::LOCATION)?.to_str().ok()?;
        let next = url.join(location).ok()?;
        // the headers may contain a token that no other server may see
        Some(if next.origin() == url.origin() {
            Ok(next)
        } else {
            let server = next.origin().ascii_serialization();
            Err(Performed::Failed(format!("{}: it redirects to another server, {server}", self.shown())))
        })
    }

    fn judge(&self, answer: Response<ureq::Body>) -> Performed {
        let status = answer.status();
        let reason = status.canonical_reason().map_or(String::new(), |reason| format!(" {reason}"));
        let message = format!("{}: {}{reason}", self.shown(), status.as_u16());
        // Read so that the server can finish; what it says isn't shown, because it may repeat a header.
        let _ = answer.into_body().into_reader().take(MAX_ANSWER).read_to_end(&mut Vec::new());
        if status.is_success() {
            Performed::Done(message)
        } else if status.is_server_error()
            || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
        {
            Performed::TryAgain(message)
        } else {
            Performed::Failed(message)
        }
    }

    fn no_answer(&self, error: &ureq::Error) -> Performed {
        let is_permanent = matches!(error, ureq::Error::Http(_) | ureq::Error::BadUri(_))
            || matches!(error, ureq::Error::Protocol(ureq_error) if ureq_error.to_string().contains("authorization"));
        let message = format!("{}: {}", self.shown(), why(error));
        if is_permanent { Performed::Failed(message) } else { Performed::TryAgain(message) }
    }
}

/// Returns why the request wasn't answered, without anything from the request or the answer.
fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::HostNotFound => "the server's name isn't known".into(),
        ureq::Error::ConnectProxyFailed(_) => "the proxy server couldn't connect to the server".into(),
        // the TLS library reports certificates that it doesn't trust like this
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            format!("no secure connection: {error}")
        }
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Rustls(error) => format!("no secure connection: {error}"),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => "the request can't be sent".into(),
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            "the answer isn't valid HTTP".into()
        }
        _ => "the connection failed".into(),
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Performed> {
    let unusable = || Performed::Failed(format!("the header '{name}' can't be sent"));
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unusable())?;
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?, value))
}

/// Returns the media type and the text of a body.
fn content(body: &Body, job: Job<'_>, variable: Variable<'_>) -> Result<(&'static str, String), Performed> {
    const JSON: &str = "application/json";
    let filled = |template: &Template| private(template, job.facts, variable, &str::to_string);
    Ok(match body {
        Body::Call => (JSON, values::call(job.facts, job.is_test).to_string()),
        Body::Json(template) => (JSON, json(template, &filled)?.to_string()),
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &filled(value)?);
            }
            ("application/x-www-form-urlencoded", form.finish())
        }
        Body::Text(template) => ("text/plain; charset=utf-8", filled(template)?),
    })
}

fn json(
    template: &JsonTemplate,
    filled: &dyn Fn(&Template) -> Result<String, Performed>,
) -> Result<Json, Performed> {
    Ok(match template {
        JsonTemplate::Fixed(value) => value.clone(),
        JsonTemplate::Text(text) => Json::String(filled(text)?),
        JsonTemplate::List(items) => {
            Json::Array(items.iter().map(|item| json(item, filled)).collect::<Result<_, _>>()?)
        }
        JsonTemplate::Object(entries) => {
            let entry = |(name, value): &(String, JsonTemplate)| Ok((name.clone(), json(value, filled)?));
            Json::Object(entries.iter().map(entry).collect::<Result<Map<_, _>, _>>()?)
        }
    })
}
