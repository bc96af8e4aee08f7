//! Through which proxy a web request goes.

use url::{Host, Url};

use super::values::Variable;
use crate::platform::ProxySetting;
use crate::wildcard;

/// Returns the address of the proxy for a request: from the environment, else from Windows' settings. Its password is
/// private.
pub fn proxy_for(url: &Url, variable: Variable<'_>, setting: Option<&ProxySetting>) -> Option<String> {
    let host = url.host()?;
    if is_this_computer(&host) {
        return None;
    }
    let host = url.host_str()?.to_ascii_lowercase();
    let of_variables =
        |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    // HTTP_PROXY isn't read: a web server would set it to what a client sends as the header Proxy
    let names: &[&str] = match url.scheme() {
        "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => &["http_proxy", "ALL_PROXY", "all_proxy"],
    };
    if let Some(proxy) = of_variables(names) {
        let bypass = of_variables(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let is_bypassed = bypass.split(',').any(|entry| matches_variable(entry.trim(), &host));
        return (!is_bypassed).then(|| with_scheme(&proxy));
    }
    let setting = setting?;
    let is_bypassed = setting.bypass.split(';').any(|entry| matches_setting(entry.trim(), &host));
    if is_bypassed {
        None
    } else {
        server_of(&setting.server, url.scheme()).map(|server| with_scheme(&server))
    }
}

fn is_this_computer(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Returns the proxy for a scheme from Windows' setting: `proxy:8080`, or one for each scheme as in
/// `http=proxy:80;https=proxy:443`.
fn server_of(setting: &str, scheme: &str) -> Option<String> {
    let mut servers = setting.split(';').map(str::trim).filter(|server| !server.is_empty());
    let server = match setting.contains('=') {
        true => servers.find_map(|server| {
            let (of, server) = server.split_once('=')?;
            of.trim().eq_ignore_ascii_case(scheme).then_some(server)
        }),
        false => servers.next(),
    };
    server.map(|server| server.trim().to_string())
}

fn with_scheme(proxy: &str) -> String {
    if proxy.contains("://") { proxy.to_string() } else { format!("http://{proxy}") }
}

/// Returns whether an entry of `NO_PROXY` means a host: itself, a domain that contains it, or `*`.
fn matches_variable(entry: &str, host: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let domain = entry.trim_start_matches('*').trim_start_matches('.');
    entry == "*"
        || !domain.is_empty()
            && host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Returns whether an entry of Windows' exceptions means a host. `*` stands for any characters, and `<local>` for every
/// name without a dot.
fn matches_setting(entry: &str, host: &str) -> bool {
    if entry.eq_ignore_ascii_case("<local>") {
        return !host.contains(['.', ':']);
    }
    let entry = entry.to_ascii_lowercase();
    let entry = entry.split_once("://").map_or(&*entry, |(_, rest)| rest);
    !entry.is_empty() && wildcard::matches(entry, host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(url: &str, variables: &[(&str, &str)], setting: Option<(&str, &str)>) -> Option<String> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let variable =
            |name: &str| variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        let setting =
            setting.map(|(server, bypass)| ProxySetting { server: server.into(), bypass: bypass.into() });
        proxy_for(&Url::parse(url).unwrap(), &variable, setting.as_ref())
    }

    #[test]
    fn the_environment_is_used_before_windows_settings() {
        let both = [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "intern.example, .b.example")];
        let windows = Some(("w:8", "<local>;*.intra.example;10.*"));
        for (url, variables, setting, expected) in [
            ("https://crm.example/", &both[..], windows, Some("http://a:1")),
            ("https://intern.example/", &both, windows, None),
            ("https://x.b.example/", &both, windows, None),
            ("https://notintern.example/", &both, windows, Some("http://a:1")),
            ("http://crm.example/", &both, windows, Some("http://w:8")),
            ("https://crm.example/", &[("all_proxy", "p:3")], None, Some("http://p:3")),
            ("https://crm.example/", &[("HTTPS_PROXY", "")], windows, Some("http://w:8")),
            ("https://crm/", &[], windows, None),
            ("https://x.intra.example/", &[], windows, None),
            ("https://10.1.2.3/", &[], windows, None),
            ("https://110.1.2.3/", &[], windows, Some("http://w:8")),
            ("https://crm.example/", &[], None, None),
        ] {
            assert_eq!(
                proxy(url, variables, setting).as_deref(),
                expected,
                "{url} {variables:?} {setting:?}"
            );
        }
    }

    #[test]
    fn this_computer_is_never_reached_through_a_proxy() {
        for url in ["https://localhost/", "https://127.0.0.1:8080/", "https://[::1]/"] {
            assert_eq!(proxy(url, &[("HTTPS_PROXY", "a:1")], Some(("w:8", ""))), None, "{url}");
        }
    }

    #[test]
    fn windows_settings_can_name_a_proxy_for_each_scheme() {
        let setting = Some(("http=h:80; https=s:443;socks=x:1", ""));
        assert_eq!(proxy("https://crm.example/", &[], setting).as_deref(), Some("http://s:443"));
        assert_eq!(proxy("http://crm.example/", &[], setting).as_deref(), Some("http://h:80"));
        assert_eq!(proxy("https://crm.example/", &[], Some(("http=h:80", ""))), None);
        assert_eq!(proxy("https://crm.example/", &[], Some(("", ""))), None);
    }
}
