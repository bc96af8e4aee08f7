//! How running instances appear in answers.

use serde_json::{Value as Json, json};

use crate::microsip::instances::Instance;
use crate::page::path_text;

/// Returns an instance for scripts.
pub fn instance_json(instance: &Instance) -> Json {
    let inis = instance.inis.as_ref().map(|inis| inis.iter().map(|ini| path_text(ini)).collect::<Vec<_>>());
    json!({
        "pid": instance.pid,
        "exe": instance.exe,
        "user": instance.user,
        "session": instance.session,
        "inis": inis,
    })
}
