//! Opens web pages.

use url::Url;

use super::job::{Job, Performed};
use crate::hook::action::url_template::UrlTemplate;
use crate::platform;

/// Returns the page for a call.
///
/// # Errors
/// The address can't be used for this caller.
pub fn page(url: &UrlTemplate, job: Job<'_>) -> Result<Url, Performed> {
    url.fill(job.facts).map_err(|error| Performed::Skipped(error.to_string()))
}

/// Opens a page in the user's browser.
pub fn open(page: &Url) -> Performed {
    let shown = shown(page);
    match platform::open_page(page.as_str()) {
        Ok(()) => Performed::Done(format!("opened {shown}")),
        Err(error) => Performed::Failed(format!("{shown} couldn't be opened: {error}")),
    }
}

/// Returns an address as messages show it: without a user and a password.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // both fail only for addresses that have no host
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}
