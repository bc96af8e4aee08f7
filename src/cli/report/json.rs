//! Answers as JSON, for programs.

use serde_json::{Value as Json, json};

use super::{
    SideEffects, detect, doctor, dsc, made_by, profiles, provision, registry_text, shown, status, test_hook,
    text_of, time_of,
};
use crate::commands::hooks::Hook;
use crate::commands::safety::Listed;
use crate::commands::{Driven, Report, Value, Written};
use crate::edit::plan::Change;
use crate::hook::event::Event;
use crate::microsip::instances::Instance;
use crate::microsip::keys::{self, Key, MASK, Privacy, Save};
use crate::microsip::links::{CLASSES, Link, ValueChange};
use crate::platform::registry::ClassValue;

pub(super) fn report_json(report: &Report, aside: &SideEffects) -> Json {
    match report {
        Report::Written(written) => {
            let mut json = written_json(written);
            put_aside_in(aside, &mut json);
            json
        }
        Report::Values { ini, values, warnings } | Report::Sections { ini, values, warnings } => {
            let hidden =
                if matches!(report, Report::Values { .. }) { Privacy::Secret } else { Privacy::Private };
            let value = |value: &Value| {
                let shown = value.value.as_ref().map(|_| shown(value, hidden));
                json!({"section": value.section, "key": value.key, "value": shown})
            };
            let values: Vec<Json> = values.iter().map(value).collect();
            json!({"ok": true, "ini": text_of(ini), "values": values, "warnings": warnings})
        }
        Report::Hooks { ini, hooks, warnings } => json!({
            "ok": true,
            "ini": text_of(ini),
            "hooks": hooks.iter().map(hook_json).collect::<Vec<_>>(),
            "warnings": warnings,
        }),
        Report::Status(status) => status::json(status),
        Report::Examined(examined) => {
            let mut json = doctor::json(examined);
            put_aside_in(aside, &mut json);
            json
        }
        Report::Explained(explanation) => json!({
            "ok": true,
            "event": explanation.event.map(Event::name),
            "value": explanation.value,
            "verdict": explanation.verdict.name(),
            "program": explanation.command.as_ref().map(|command| &command.program),
            "args": explanation.command.as_ref().map_or(&[][..], |command| &command.args),
            "problems": explanation.problems,
            "suggestion": explanation.suggestion,
        }),
        Report::Tested(tested) => test_hook::json(tested),
        Report::Checked(checked) => provision::json(checked),
        Report::Profiles(summary) => {
            let mut json = profiles::json(summary, &aside.told);
            put_aside_in(aside, &mut json);
            json
        }
        Report::Detected(detected) => Json::from(detect::text(detected)),
        Report::Backups { ini, backups, purged } => json!({
            "ok": true,
            "ini": text_of(ini),
            "purged": purged,
            "backups": backups.iter().map(backup_json).collect::<Vec<_>>(),
        }),
        Report::Linked(linked) => json!({
            "ok": true,
            "changed": linked.changed,
            "dry_run": linked.dry_run,
            "changes": linked.changes.iter().map(value_change_json).collect::<Vec<_>>(),
            "links": linked.links.iter().map(link_json).collect::<Vec<_>>(),
            "warnings": linked.warnings,
        }),
        Report::Driven(Driven { order, sent, changed, instance }) => json!({
            "ok": true,
            "changed": changed,
            "order": order,
            "sent": sent,
            "instances": [instance_json(instance)],
        }),
        Report::Events(events) => {
            json!({"ok": true, "events": events.iter().map(event_json).collect::<Vec<_>>()})
        }
        Report::Script(script) => Json::from(script.as_str()),
        Report::Dsc(answer) => Json::from(dsc::text(answer)),
        Report::Keys(keys) => json!({"ok": true, "keys": keys.iter().map(key_json).collect::<Vec<_>>()}),
    }
}

/// Adds to an answer what the run did beside it.
pub(super) fn put_aside_in(aside: &SideEffects, json: &mut Json) {
    if let Some(warnings) = json.get_mut("warnings").and_then(Json::as_array_mut) {
        warnings.extend(aside.warnings.iter().map(|notice| json!(notice)));
    }
    aside.put_in(json);
}

pub(super) fn written_json(written: &Written) -> Json {
    json!({
        "ok": true,
        "changed": written.changed,
        "dry_run": written.dry_run,
        "ini": text_of(&written.ini),
        "changes": written
            .changes
            .iter()
            .map(|change| change_json(change, written.restored.is_some()))
            .collect::<Vec<_>>(),
        "backup": written.backup.as_deref().map(text_of),
        "restored": written.restored,
        "warnings": written.warnings,
    })
}

/// With `of_restore` private data is masked too: nobody asked for it by name.
pub(super) fn change_json(change: &Change, of_restore: bool) -> Json {
    let hidden = if of_restore { Privacy::Private } else { Privacy::Secret };
    let is_masked = keys::privacy(&change.section, &change.key) >= hidden;
    let text =
        |value: &Option<String>| value.as_ref().map(|value| if is_masked { MASK } else { value }.to_string());
    json!({
        "section": change.section,
        "key": change.key,
        "before": text(&change.before),
        "after": text(&change.after),
    })
}

pub(super) fn hook_json(hook: &Hook) -> Json {
    json!({
        "event": hook.event.name(),
        "key": hook.event.key(),
        "value": hook.value,
        "program": hook.command.as_ref().map(|command| &command.program),
        "args": hook.command.as_ref().map(|command| &command.args),
        "works": hook.works,
        "problems": hook.problems,
    })
}

pub(super) fn instance_json(instance: &Instance) -> Json {
    json!({
        "pid": instance.pid,
        "exe": instance.exe,
        "user": instance.user,
        "session": instance.session,
        "inis": instance.inis.as_ref().map(|inis| inis.iter().map(|ini| text_of(ini)).collect::<Vec<_>>()),
    })
}

pub(super) fn backup_json(listed: &Listed) -> Json {
    json!({
        "number": listed.number,
        "name": listed.backup.name,
        "path": text_of(&listed.backup.path),
        "time": time_of(listed),
        "bytes": listed.size,
        "made_by": made_by(listed),
    })
}

pub(super) fn link_json(link: &Link) -> Json {
    json!({
        "scheme": link.scheme,
        "from": link.said_by.name(),
        "class": link.class,
        "command": link.command,
        "program": link.program,
        "is_microsip": link.is_microsip,
    })
}

pub(super) fn value_change_json(change: &ValueChange) -> Json {
    let text = |value: &Option<ClassValue>| value.as_ref().map(registry_text);
    json!({
        "key": format!(r"{CLASSES}\{}", change.key),
        "value": change.name,
        "before": text(&change.before),
        "after": text(&change.after),
    })
}

pub(super) fn event_json(event: &Event) -> Json {
    json!({
        "event": event.name(),
        "aliases": event.aliases(),
        "key": event.key(),
        "when": event.when(),
        "since": event.since().to_string(),
    })
}

pub(super) fn key_json(key: &Key) -> Json {
    json!({
        "section": key.section,
        "key": key.name,
        "allowed": key.kind.to_string(),
        "default": key.default,
        "max_length": key.limit,
        "quoted": key.save == Save::Quoted,
        "since": key.since.map(|version| version.to_string()),
        "until": key.until.map(|version| version.to_string()),
        "rewritten": key.rewritten,
        "meaning": key.meaning,
    })
}
