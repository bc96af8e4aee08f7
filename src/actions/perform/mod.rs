//! The work of an action, for one call: what it would do ([`Preview`]) and doing it ([`SystemPerformer`]). Both prepare
//! the work in the same way.

mod http;
mod job;
mod log;
mod notify;
mod open;
mod preview;
mod proxy;
mod run;
mod values;

use std::sync::OnceLock;
use std::time::SystemTime;

use http::Client;
use run::Programs;
use values::masked;

pub use http::Limits;
pub use job::{Job, Perform, Performed};
pub use preview::Preview;

use crate::hook::action::{WebRequest, Work};
use crate::platform::{self, Env, Messages};

/// Carries out actions with the programs, the network and the screen of this computer.
pub struct SystemPerformer {
    variable: Box<Lookup>,
    now: Box<dyn Fn() -> SystemTime + Send + Sync>,
    limits: Limits,
    programs: Programs,
    client: OnceLock<Client>,
    messages: Messages,
}

/// Returns the value of an environment variable.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

impl SystemPerformer {
    /// Returns a performer. `variable` returns the value of an environment variable.
    pub fn new(
        env: &Env,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
        limits: Limits,
    ) -> SystemPerformer {
        SystemPerformer {
            variable: Box::new(variable),
            now: Box::new(now),
            limits,
            programs: Programs::new(env),
            client: OnceLock::new(),
            messages: Messages::default(),
        }
    }
}

impl Perform for SystemPerformer {
    fn perform(&self, job: Job<'_>) -> Performed {
        self.attempt(job).unwrap_or_else(|not_done| not_done)
    }

    fn is_showing(&self) -> bool {
        self.messages.are_shown()
    }
}

impl SystemPerformer {
    fn attempt(&self, job: Job<'_>) -> Result<Performed, Performed> {
        Ok(match &job.action.work {
            Work::Open { url, .. } => open::open(&open::page(url, job)?),
            Work::Notify { text, link } => {
                notify::show(&notify::prepare(text, link.as_ref(), job), &self.messages)
            }
            Work::Send(request) => {
                let prepared = http::prepare(request, job, &self.variable)?;
                let client = self.client.get_or_init(|| Client::new(self.limits));
                let setting = platform::proxy_setting();
                http::send(&prepared, client, &self.variable, setting.as_ref(), (self.now)())
            }
            Work::Log { file, separator } => log::append(&log::entry(file, *separator, job)?),
            Work::Run { program, args, timeout } => {
                run::run(&run::prepare(program, args, job, &self.programs)?, *timeout)
            }
        })
    }
}

/// Returns what an action would do for a call.
pub fn preview(job: Job<'_>, env: &Env) -> Preview {
    describe(job, env).unwrap_or_else(Preview::Nothing)
}

fn describe(job: Job<'_>, env: &Env) -> Result<Preview, Performed> {
    Ok(match &job.action.work {
        Work::Open { url, .. } => Preview::Open { url: open::shown(&open::page(url, job)?) },
        Work::Notify { text, link } => {
            let prepared = notify::prepare(text, link.as_ref(), job);
            let link = prepared.link.as_ref().map(open::shown);
            Preview::Notify { title: prepared.title.into(), text: prepared.text, link }
        }
        Work::Send(request) => {
            // a secret that is a variable isn't a key as long as it's masked
            let unsigned = WebRequest { secret: None, ..request.clone() };
            let prepared = http::prepare(&unsigned, job, &masked)?;
            Preview::Send {
                method: prepared.method,
                url: open::shown(&prepared.url),
                headers: prepared.headers.iter().map(|(name, _)| name.to_string()).collect(),
                body: prepared.body,
            }
        }
        Work::Log { file, separator } => {
            let entry = log::entry(file, *separator, job)?;
            Preview::Log { file: entry.file, line: entry.line }
        }
        Work::Run { program, args, .. } => {
            let prepared = run::prepare(program, args, job, &Programs::new(env))?;
            Preview::Run { program: prepared.program, args: prepared.args }
        }
    })
}

#[cfg(test)]
pub(crate) mod tests;
