//! The file with which a program that replaces or removes msipcfg ends the workers.

use std::time::Duration;

use super::context::Context;

/// A file that is older than this was forgotten.
pub const MAX_AGE: Duration = Duration::from_secs(60);

/// Returns whether another program wants no workers. A forgotten file is removed.
pub fn is_wanted(context: &Context<'_>) -> bool {
    let path = context.data.stop_file();
    let Ok(metadata) = context.fs.link_metadata(&path) else { return false };
    // A time in the future is as far away as one in the past: it is from before the clock was set back.
    let age =
        metadata.modified().ok().map(|written| written.elapsed().unwrap_or_else(|error| error.duration()));
    let is_old = age.is_some_and(|age| age > MAX_AGE);
    if is_old {
        // a file that can't be removed is ignored the next time, too
        let _ = context.fs.remove(&path);
    }
    !is_old
}
