//! The ini is chosen once per run: a MicroSIP that starts afterwards doesn't change which ini is written.

use std::time::SystemTime;

use msipcfg::commands::{self, Context, RunEvent};
use msipcfg::desired::passwords::PasswordHasher;
use msipcfg::hook::action::{Action, Separator, Work};
use msipcfg::hook::event::Event;
use msipcfg::platform::{Env, SystemFs};
use msipcfg::request::{
    BackupChoice, Doctor, EditRequest, HookText, IniChoice, Request, SetHook, WhileRunning, WriteOptions,
};

use super::*;
use crate::alone::Alone;
use crate::sandbox::place;

const OPTIONS: WriteOptions = WriteOptions {
    dry_run: false,
    create: false,
    timeout: Duration::ZERO,
    while_running: WhileRunning::Wait,
    backup: true,
    keep_backups: 10,
    any_ini: false,
};

/// Carries out a request that names no ini. As soon as an ini is chosen, a MicroSIP with another ini starts. Returns
/// what the chosen ini contains afterwards.
fn run_while_another_microsip_starts(request: Request) -> Vec<u8> {
    let _alone = Alone::now();
    let disk = WindowsDisk::new();
    let ini = disk.sandbox.write(&place("ann", "MicroSIP.ini"), utf16(OLD));
    let other = disk.ini("Other/MicroSIP.ini");
    disk.sandbox.run(&set_vad(&text_of(&ini), &[])).exits(0);
    let env = Env { home: Some(disk.sandbox.path("home")), ..Env::default() };
    let (mut chosen, mut phones) = (Vec::new(), Vec::new());
    let result = commands::run(
        request,
        &mut Context {
            env: &env,
            fs: &SystemFs,
            now: &SystemTime::now,
            stop: &|| false,
            variable: |_| None,
            secret: &|_| unreachable!("no secret is needed"),
            hashes: &PasswordHasher::new(&|| None),
            report: &mut |event| {
                if let RunEvent::Chosen(candidate) = event {
                    chosen.push(candidate.ini.clone());
                    let phone = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe");
                    phones.push(phone.start(&disk.sandbox));
                }
            },
        },
    );
    assert!(result.is_ok(), "{:?}", result.err());
    assert_eq!(chosen, std::slice::from_ref(&ini));
    phones.into_iter().for_each(Phone::exit);
    assert_eq!(std::fs::read(&other).unwrap(), utf16(OLD));
    assert_eq!(names_beside(&other), ["MicroSIP.exe", "MicroSIP.ini"]);
    std::fs::read(&ini).unwrap()
}

fn write(edit: EditRequest) -> Request {
    Request::Write { ini: IniChoice::default(), edit, options: OPTIONS }
}

#[test]
fn restore_writes_the_ini_whose_backup_it_read() {
    let restored = run_while_another_microsip_starts(write(EditRequest::Restore(BackupChoice::Newest)));
    assert_eq!(restored, utf16(OLD));
}

#[test]
fn an_action_is_set_in_the_ini_that_its_file_is_next_to() {
    let log = Work::Log { file: "calls.csv".into(), separator: Separator::default() };
    let action = HookText::Action(Box::new(Action::for_everybody(log)));
    let set = SetHook { runner: Some(r"C:\run\msipcfg-run.exe".into()), ..SetHook::new(Event::End, action) };
    let text = run_while_another_microsip_starts(write(EditRequest::SetHooks(vec![set])));
    let text = String::from_utf16_lossy(&units_of(&text));
    assert!(text.contains("cmdCallEnd="), "{text}");
}

#[test]
fn doctor_fixes_the_ini_that_it_examined() {
    let doctor = Doctor { strict: false, fix: Some(OPTIONS) };
    let request = Request::Doctor { ini: IniChoice::default(), doctor };
    assert_eq!(run_while_another_microsip_starts(request), utf16(NEW));
}

fn units_of(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect()
}
