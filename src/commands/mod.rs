//! Carries out requests. Each command is one module: its work, its outcome, and the outcome's text and JSON.
//!
//! What they share: `context` (what comes from outside), [`ini`] (choosing and reading the ini, once), [`write`]
//! (changing it), `error` and `outcome`.

pub mod backups;
mod call_history;
pub mod calls;
pub mod completions;
pub mod context;
pub mod control;
pub mod desired;
pub mod doctor;
pub mod error;
pub mod events;
pub mod explain;
mod hook_actions;
mod hook_edit;
pub mod hook_state;
pub mod hooks;
pub mod ini;
pub mod keys;
pub mod links;
pub mod log;
pub mod outcome;
mod printed_file;
pub mod record;
mod runner_command;
pub mod set_hook;
pub mod settings;
pub mod status;
pub mod suggestion;
pub mod test_hook;
pub mod uninstall;
pub mod worker;
pub mod write;
pub mod written;

use crate::desired::json_schema;
use crate::request::{EditRequest, IniChoice, ManyUsersAction, Query, Request, WriteOptions};

use self::desired::{apply, detect, dsc, export, profiles};
use events::EventList;
use outcome::RawText;
use written::WriteOutcome;

pub use context::{Context, RunEvent};
pub use error::Error;
pub use outcome::Outcome;

/// Carries out a request.
///
/// # Errors
/// See [`Error`].
pub fn run(request: Request, context: &mut Context<'_>) -> Result<Box<dyn Outcome>, Error> {
    dispatch(request, context).map_err(|error| ini::with_ini_nearby(error, context.fs))
}

fn dispatch(request: Request, context: &mut Context<'_>) -> Result<Box<dyn Outcome>, Error> {
    Ok(match request {
        Request::Write { ini, edit: wanted, options } => Box::new(edit(&ini, wanted, options, context)?),
        Request::Read { ini, query } => return read(&ini, query, context),
        Request::Status { ini } => Box::new(status::status(&ini, context)),
        Request::Doctor { ini, doctor } => Box::new(doctor::run(&ini, &doctor, context)?),
        Request::Links(request) => Box::new(links::run(&request, context)?),
        Request::Control { ini, control } => Box::new(control::run(&ini, &control, context)?),
        Request::Explain(asked) => Box::new(explain::explain(&asked)),
        Request::TestHook(asked) => Box::new(test_hook::run(&asked, context)?),
        Request::Worker { event } => Box::new(worker::run(event.as_deref(), context)?),
        Request::Calls { ini, calls } => return calls::run(&ini, calls, context),
        Request::Log { ini, log } => return log::run(&ini, log, context),
        Request::Events => Box::new(EventList),
        Request::Keys { pattern } => Box::new(keys::list(pattern.as_deref())?),
        Request::Completions { shell, output } => {
            Box::new(printed_file::print_or_write(completions::script(shell), output.as_deref(), context)?)
        }
        Request::Uninstall(request) => return uninstall::run(&request, context),
        Request::ManyUsers(many) => match many.action {
            ManyUsersAction::Detect(style) => Box::new(detect::detect_many(&many, style, context)),
            _ => Box::new(profiles::run(&many, context)?),
        },
        Request::Schema { output } => {
            Box::new(printed_file::print_or_write(json_schema::of_file(), output.as_deref(), context)?)
        }
        Request::Dsc { ini, operation } => Box::new(dsc::run(&ini, &operation, context)?),
        Request::DscSchema => Box::new(RawText(format!("{:#}\n", json_schema::of_instance()))),
        Request::DscManifest(manifest) => Box::new(dsc::manifest(&manifest, context)?),
    })
}

fn read(ini: &IniChoice, query: Query, context: &mut Context<'_>) -> Result<Box<dyn Outcome>, Error> {
    Ok(match query {
        Query::Hooks(events) => Box::new(hooks::list(ini, &events, context)?),
        Query::Get(paths) => Box::new(settings::get(ini, &paths, context)?),
        Query::List(section) => Box::new(settings::list(ini, section.as_ref(), context)?),
        Query::Backups { purge } => Box::new(backups::list(ini, purge, context)?),
        Query::Check(desired) => Box::new(apply::check(ini, &desired, context)?),
        Query::Detect { desired, style } => Box::new(detect::detect(ini, &desired, style, context)),
        Query::Export { output } => Box::new(export::export(ini, output.as_deref(), context)?),
    })
}

/// Carries out an edit of an ini.
///
/// # Errors
/// See [`Error`].
pub fn edit(
    ini: &IniChoice,
    edit: EditRequest,
    options: WriteOptions,
    context: &mut Context<'_>,
) -> Result<WriteOutcome, Error> {
    match edit {
        EditRequest::SetHooks(sets) => set_hook::set(ini, &sets, options, context),
        EditRequest::UnsetHooks { events, action } => set_hook::unset(ini, &events, action, options, context),
        EditRequest::Set { values, allow_unknown } => {
            settings::set(ini, values, allow_unknown, options, context)
        }
        EditRequest::Unset(paths) => settings::unset(ini, paths, options, context),
        EditRequest::Restore(choice) => backups::restore(ini, &choice, options, context),
        EditRequest::Apply { desired, allow } => apply::apply(ini, &desired, allow, options, context),
    }
}
