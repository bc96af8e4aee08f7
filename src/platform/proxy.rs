//! The proxy server that a user or an administrator set in Windows.

/// Windows' static proxy setting, as its registry contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySetting {
    /// The proxy server: `proxy:8080`, or one for each scheme as in `http=proxy:80;https=proxy:443`.
    pub server: String,
    /// The hosts that are reached without it, separated by semicolons.
    pub bypass: String,
}
