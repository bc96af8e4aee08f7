//! What all commands of one run share.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::commands::{self, Context, Error, Outcome, RunEvent};
use crate::desired::passwords::PasswordHasher;
use crate::platform::{Env, SystemFs};
use crate::request::{Request, ValueSource};

use super::progress::ProgressReporter;

/// The environment of a run, and whether the user wants to stop it.
pub struct Session<'a> {
    /// The environment.
    pub env: Env,
    /// Set when the user presses Ctrl-C.
    pub stop: Arc<AtomicBool>,
    /// Returns an environment variable that the user has named.
    pub variable: fn(&str) -> Option<OsString>,
    /// Reads a secret from its source.
    pub secret: &'a (dyn Fn(&ValueSource) -> io::Result<String> + Sync),
}

impl Session<'_> {
    /// Carries out a request.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&self, request: Request, reporter: &mut ProgressReporter) -> Result<Box<dyn Outcome>, Error> {
        self.with_context(reporter, |context| commands::run(request, context))
    }

    /// Does something that needs a context.
    pub fn with_context<T>(
        &self,
        reporter: &mut ProgressReporter,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        work(&mut Context {
            env: &self.env,
            fs: &SystemFs,
            now: &SystemTime::now,
            stop: &|| self.is_stopped(),
            variable: self.variable,
            secret: self.secret,
            hashes: &PasswordHasher::new(&commands::record::new_salt),
            report: &mut |event: RunEvent<'_>| reporter.report(&event),
        })
    }

    /// Returns whether the user wants to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
