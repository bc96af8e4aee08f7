//! A file system in which one call goes wrong.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;

use msipcfg::platform::{FileSystem, SystemFs, TempFile};

/// What goes wrong in one call to the file system.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The call fails.
    Fails(io::ErrorKind),
    /// A write fails after half of the bytes. Any other call fails at once.
    FailsHalfway(io::ErrorKind),
    /// The call hangs, a write after half of the bytes.
    Hangs,
}

/// The file system of this computer, but one of the calls that change something goes wrong.
#[derive(Default)]
pub(super) struct FaultyFs<'a> {
    /// The number of the call that goes wrong, starting at 1, and how it does.
    pub fault: Option<(usize, Fault)>,
    /// Returns whether to reject a link to this path, like a file system without hard links.
    pub rejects_link: Option<fn(&Path) -> bool>,
    /// The calls so far.
    pub calls: RefCell<Vec<&'static str>>,
    /// Is called after each call.
    pub after: Option<&'a dyn Fn(&'static str)>,
}

impl FaultyFs<'_> {
    pub fn without_links() -> Self {
        FaultyFs { rejects_link: Some(|_| true), ..FaultyFs::default() }
    }

    fn call<T>(&self, name: &'static str, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.enter(name) {
            Some(Fault::Fails(kind) | Fault::FailsHalfway(kind)) => return Err(kind.into()),
            Some(Fault::Hangs) => hang(),
            None => {}
        }
        let done = call();
        if let Some(after) = self.after {
            after(name);
        }
        done
    }

    /// Records a call. Returns what goes wrong in it.
    fn enter(&self, name: &'static str) -> Option<Fault> {
        let mut calls = self.calls.borrow_mut();
        calls.push(name);
        self.fault.filter(|(number, _)| *number == calls.len()).map(|(_, fault)| fault)
    }

    /// Returns the call that went wrong.
    pub fn failed_call(&self) -> Option<&'static str> {
        self.calls.borrow().get(self.fault?.0 - 1).copied()
    }
}

impl FileSystem for FaultyFs<'_> {
    fn create_temp(&self, folder: &Path, prefix: &OsStr, suffix: &str) -> io::Result<TempFile> {
        self.call("create_temp", || SystemFs.create_temp(folder, prefix, suffix))
    }

    fn write(&self, temp: &mut TempFile, bytes: &[u8]) -> io::Result<()> {
        let half = &bytes[..bytes.len() / 2];
        let fault = self.enter("write");
        match fault {
            Some(Fault::Fails(kind)) => return Err(kind.into()),
            Some(Fault::FailsHalfway(kind)) => {
                SystemFs.write(temp, half)?;
                return Err(kind.into());
            }
            Some(Fault::Hangs) => {
                SystemFs.write(temp, half)?;
                hang();
            }
            None => SystemFs.write(temp, bytes)?,
        }
        if let Some(after) = self.after {
            after("write");
        }
        Ok(())
    }

    fn sync(&self, temp: &TempFile) -> io::Result<()> {
        self.call("sync", || SystemFs.sync(temp))
    }

    fn copy_access(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        self.call("copy_access", || SystemFs.copy_access(model, temp))
    }

    fn copy_attributes(&self, model: Option<&Path>, temp: &mut TempFile) -> io::Result<()> {
        self.call("copy_attributes", || SystemFs.copy_attributes(model, temp))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.rejects_link.is_some_and(|rejects| rejects(to)) {
            return self.call("link", || Err(io::ErrorKind::Unsupported.into()));
        }
        self.call("link", || SystemFs.link(from, to))
    }

    fn replace(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        self.call("replace", || SystemFs.replace(temp, to))
    }

    fn persist_new(&self, temp: TempFile, to: &Path) -> io::Result<()> {
        self.call("persist_new", || SystemFs.persist_new(temp, to))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.call("sync_folder", || SystemFs.sync_folder(folder))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call("remove", || SystemFs.remove(path))
    }
}

/// Prints that it hangs, and waits to be killed. Exits if the process that would kill it has exited.
pub(super) fn hang() -> ! {
    println!("{HANGING}");
    let _ = io::stdin().read_to_end(&mut Vec::new());
    std::process::abort();
}

pub(super) const HANGING: &str = "waiting to be killed";
