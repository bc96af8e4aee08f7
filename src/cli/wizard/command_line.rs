//! The command lines that do what the wizard did, ready to paste into a shell.

use crate::commands::suggestion::set_hook_args;
use crate::hook::action::{Action, Work};
use crate::page::indented;
use crate::quote::command_line;
use crate::request::{EditRequest, HookText, IniChoice, Request, SetHook, WhileRunning, WriteOptions};

/// Returns the command lines for a request, indented.
pub fn lines(request: &Request) -> String {
    command_lines(request).iter().map(|args| indented(&command_line(args))).collect()
}

/// Returns the arguments of each command line for a request; none if no command can do it.
fn command_lines(request: &Request) -> Vec<Vec<String>> {
    let Request::Write { ini, edit, options } = request else { return Vec::new() };
    let common = common_options(ini, options);
    let line = |command: &str, arguments: Vec<String>| {
        let start = ["msipcfg", command].map(String::from).into_iter();
        start.chain(common.iter().cloned()).chain(arguments).collect::<Vec<String>>()
    };
    match edit {
        EditRequest::SetHooks(sets) => {
            sets.iter().filter_map(hook_arguments).map(|arguments| line("set-hook", arguments)).collect()
        }
        EditRequest::UnsetHooks { events, action } => {
            let action = action.iter().flat_map(|number| ["--action".to_string(), number.to_string()]);
            let events = events.iter().map(|event| event.name().to_string());
            vec![line("unset-hook", action.chain(events).collect())]
        }
        EditRequest::Restore(_) => vec![line("restore", Vec::new())],
        EditRequest::Set { .. } | EditRequest::Unset(_) | EditRequest::Apply { .. } => Vec::new(),
    }
}

fn common_options(ini: &IniChoice, options: &WriteOptions) -> Vec<String> {
    let mut arguments = Vec::new();
    if let Some(path) = &ini.path {
        arguments.extend(["--ini".into(), path.to_string_lossy().into_owned()]);
    }
    if let Some(code_page) = ini.code_page {
        arguments.extend(["--codepage".into(), code_page.to_string()]);
    }
    arguments.extend(options.create.then(|| "--create".to_string()));
    arguments.extend(match options.while_running {
        WhileRunning::Wait => None,
        WhileRunning::Close => Some("--close".into()),
        WhileRunning::CloseAndRestart => Some("--restart".into()),
    });
    arguments
}

/// Returns the arguments of `set-hook` for a program or an action; `None` if they can't express it.
fn hook_arguments(set: &SetHook) -> Option<Vec<String>> {
    match &set.what {
        HookText::Command(command) => Some(set_hook_args(set, set.event.name(), command)),
        HookText::Action(action) => {
            let add = set.add.then(|| "--add".to_string()).into_iter();
            let country =
                set.country.into_iter().flat_map(|code| ["--country".to_string(), code.to_string()]);
            let event = set.event.name().to_string();
            Some(add.chain(country).chain([event]).chain(action_options(action)?).collect())
        }
        HookText::Raw(_) | HookText::Value(_) => None,
    }
}

/// Returns the options of `set-hook` for an action that the wizard made.
fn action_options(action: &Action) -> Option<Vec<String>> {
    let (text, link) = match &action.work {
        Work::Open { url, .. } => (url.to_string(), None),
        Work::Notify { text, link } => (text.to_string(), link.as_ref()),
        Work::Send(request) => (request.url.to_string(), None),
        Work::Log { file, .. } => (file.clone(), None),
        Work::Run { .. } => return None,
    };
    let link = link.into_iter().flat_map(|link| ["--link".to_string(), link.to_string()]);
    Some([format!("--{}", action.work.kind().name()), text].into_iter().chain(link).collect())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::args::Cli;
    use crate::hook::command::HookCommand;
    use crate::hook::event::Event;
    use crate::hook::target::Allow;
    use crate::request::BackupChoice;

    /// The default of `--timeout`.
    const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

    fn write(ini: Option<&str>, edit: EditRequest, create: bool, while_running: WhileRunning) -> Request {
        let options = WriteOptions {
            dry_run: false,
            create,
            timeout: DEFAULT_TIMEOUT,
            while_running,
            backup: true,
            keep_backups: WriteOptions::DEFAULT_BACKUPS,
            any_ini: false,
        };
        Request::Write { ini: IniChoice { path: ini.map(Into::into), code_page: None }, edit, options }
    }

    fn set(event: Event, program: &str, args: &[&str], mark: bool) -> SetHook {
        let args = args.iter().map(ToString::to_string).collect();
        let what = HookText::Command(HookCommand { program: program.into(), args });
        SetHook { allow: Allow { mark, ..Allow::default() }, ..SetHook::new(event, what) }
    }

    #[test]
    fn a_line_makes_the_same_request() {
        let one = |event| set(event, r"C:\ä b\x.ps1", &["--json", "a \"b", ""], true);
        for request in [
            write(None, EditRequest::SetHooks(vec![one(Event::Ring)]), false, WhileRunning::Wait),
            write(
                Some("/p q/x.ini"),
                EditRequest::SetHooks(vec![one(Event::End)]),
                true,
                WhileRunning::Close,
            ),
            write(
                None,
                EditRequest::UnsetHooks { events: vec![Event::Busy, Event::End], action: None },
                false,
                WhileRunning::CloseAndRestart,
            ),
            write(
                None,
                EditRequest::UnsetHooks { events: vec![Event::Ring], action: Some(2) },
                false,
                WhileRunning::Wait,
            ),
            write(None, EditRequest::Restore(BackupChoice::Newest), false, WhileRunning::Wait),
        ] {
            let [argv] = &command_lines(&request)[..] else { panic!("{request:?}") };
            let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
            let parsed = Cli::try_parse_from(&argv).unwrap().into_request(&argv).unwrap();
            assert_eq!(format!("{parsed:?}"), format!("{request:?}"));
        }
        let two = EditRequest::SetHooks(vec![one(Event::Ring), one(Event::End)]);
        assert_eq!(command_lines(&write(None, two, false, WhileRunning::Wait)).len(), 2);
    }
}
