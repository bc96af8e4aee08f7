//! MicroSIP under Wine, without Wine: the stand-in looks like a program under Wine.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use msipcfg::microsip::instances::{Instance, Processes};

use super::*;
use crate::background::wait_until;

#[test]
fn a_phone_is_found_in_any_letter_case_and_without_its_path() {
    for name in [r"c:\microsip\MICROSIP.EXE", "MicroSIP.exe", "microsip", r"C:/MicroSIP/MicroSIP.exe"] {
        let disk = WindowsDisk::new();
        let ini = disk.ini("MicroSIP/MicroSIP.ini");
        let others = disk.ini("Other/MicroSIP.ini");
        let phone = disk.phone("MicroSIP/MicroSIP.exe", name).start(&disk.sandbox);
        assert_blocked(&disk.sandbox, &ini, &phone);
        assert_free(&disk.sandbox, &others);
        phone.exit();
    }
}

#[test]
fn a_phone_is_found_by_its_linux_path() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let path = text_of(&disk.path("MicroSIP/MicroSIP.exe"));
    let phone = disk.phone("MicroSIP/MicroSIP.exe", &path).start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &ini, &phone);
    phone.exit();
}

#[test]
fn an_ini_behind_a_link_is_blocked() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let link = disk.sandbox.path("link.ini");
    std::os::unix::fs::symlink(&ini, &link).unwrap();
    let phone = disk.start_phone();
    assert_blocked(&disk.sandbox, &link, &phone);
    phone.exit();
}

#[test]
fn without_a_prefix_in_its_environment_a_phone_uses_the_one_in_its_home() {
    let disk = WindowsDisk::new();
    let home = disk.sandbox.path("someone");
    let ini = disk.sandbox.write("someone/.wine/drive_c/MicroSIP/MicroSIP.ini", utf16(OLD));
    let same_path_elsewhere = disk.ini("MicroSIP/MicroSIP.ini");
    let start = Start {
        calls_itself: Some(r"C:\MicroSIP\MicroSIP.exe"),
        variables: vec![("HOME", home.clone().into_os_string())],
        ..Start::of(home.join(".wine/drive_c/MicroSIP/MicroSIP.exe"))
    };
    let phone = start.start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &ini, &phone);
    assert_free(&disk.sandbox, &same_path_elsewhere);
    phone.exit();
}

/// Registers MicroSIP as installed in `C:\MicroSIP` in the prefix.
fn install(disk: &WindowsDisk, file: &str) {
    let text = "WINE REGISTRY Version 2\n;; All keys relative to \\\\User\\\\S-1-5-21-0-0-0-1000\n\n\
                #arch=win64\n\n[Software\\\\Microsoft] 1700000000\n@=\"other\"\n\n\
                [Software\\\\MicroSIP] 1\n#time=1da0000000000000\n@=\"C:\\\\MicroSIP\"\n";
    disk.sandbox.write(&format!("prefix/{file}"), text);
}

#[test]
fn an_installed_phone_blocks_the_ini_of_its_user() {
    for registry in ["user.reg", "system.reg"] {
        let disk = WindowsDisk::new();
        install(&disk, registry);
        let ini = disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini");
        let another_users = disk.ini("users/bob/AppData/Roaming/MicroSIP/MicroSIP.ini");
        let next_to_exe = disk.ini("MicroSIP/MicroSIP.ini");
        let mut start = disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe");
        start.variables.push(("USER", "ann".into()));
        let phone = start.start(&disk.sandbox);
        assert_blocked(&disk.sandbox, &ini, &phone);
        assert_free(&disk.sandbox, &another_users);
        assert_free(&disk.sandbox, &next_to_exe);
        phone.exit();
    }
}

/// Two users, a running phone of the first one, and the arguments that apply a file to both inis.
fn two_users_and_a_phone(disk: &WindowsDisk) -> ([PathBuf; 2], Phone, Vec<String>) {
    install(disk, "user.reg");
    let inis =
        ["ann", "bob"].map(|user| disk.ini(&format!("users/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini")));
    let mut start = disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe");
    start.variables.push(("USER", "ann".into()));
    let phone = start.start(&disk.sandbox);
    let wanted = disk.sandbox.write("wanted.toml", "[settings]\nVAD = 1\n");
    let users = text_of(&disk.path("users"));
    (inis, phone, ["apply", &text_of(&wanted), "--profiles", &users].map(String::from).into())
}

fn outcomes(ran: &crate::sandbox::Ran) -> Vec<String> {
    let outcome = |profile: &Value| {
        let why = profile["reason"].as_str().or(profile["error"]["code"].as_str()).unwrap_or_default();
        format!("{} {why}", profile["status"].as_str().unwrap())
    };
    ran.json()["profiles"].as_array().unwrap().iter().map(outcome).collect()
}

#[test]
fn apply_waits_for_running_phones_after_all_other_users_are_done() {
    let disk = WindowsDisk::new();
    let (inis, phone, args) = two_users_and_a_phone(&disk);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let with = |more: &[&'static str]| disk.sandbox.run(&[&args, more].concat());

    let ran = with(&["--json", "-n"]).exits(0);
    assert_eq!(outcomes(&ran), ["changed ", "changed "], "{}", ran.transcript);

    let ran = with(&["--json", "--skip-running"]).exits(0);
    assert_eq!(outcomes(&ran), ["skipped microsip-running", "changed "], "{}", ran.transcript);

    std::fs::write(&inis[1], utf16(OLD)).unwrap();
    let ran = with(&["--json", "--timeout", "0"]).fails(5, "microsip-running");
    assert_eq!(outcomes(&ran), ["failed microsip-running", "changed "], "{}", ran.transcript);
    assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));

    std::fs::write(&inis[1], utf16(OLD)).unwrap();
    let mut background = BackgroundRun::start(&disk.sandbox, &args);
    background.wait_for(WAITS);
    assert_eq!(std::fs::read(&inis[1]).unwrap(), utf16(NEW));
    assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));
    // what MicroSIP saves as it exits is not lost
    std::fs::write(&inis[0], utf16(&OLD.replace("80", "55"))).unwrap();
    phone.exit();
    background.wait().exits(0).says("2 users: 2 changed");
    assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(&NEW.replace("80", "55")));
}

#[test]
fn control_c_skips_the_remaining_users() {
    let disk = WindowsDisk::new();
    let (inis, phone, args) = two_users_and_a_phone(&disk);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut background = BackgroundRun::start(&disk.sandbox, &args);
    background.wait_for(WAITS);
    background.interrupt();
    background.wait().exits(130).says("Cancelled after 1 of 2 users").says("2 users: 1 changed, 1 skipped");
    assert_eq!(std::fs::read(&inis[1]).unwrap(), utf16(NEW));
    assert_eq!(std::fs::read(&inis[0]).unwrap(), utf16(OLD));
    phone.exit();
    disk.sandbox.run(&args).exits(0).says("2 users: 1 changed, 1 in state");
}

#[test]
fn an_installed_phone_of_an_unknown_user_blocks_every_users_ini() {
    let disk = WindowsDisk::new();
    install(&disk, "user.reg");
    let inis =
        ["ann", "bob"].map(|user| disk.ini(&format!("users/{user}/AppData/Roaming/MicroSIP/MicroSIP.ini")));
    let next_to_exe = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    for ini in &inis {
        assert_blocked(&disk.sandbox, ini, &phone);
    }
    assert_free(&disk.sandbox, &next_to_exe);
    phone.exit();
}

#[test]
fn a_phone_outside_the_installation_folder_is_portable() {
    let disk = WindowsDisk::new();
    install(&disk, "user.reg");
    let installed = disk.ini("users/ann/AppData/Roaming/MicroSIP/MicroSIP.ini");
    let portable = disk.ini("Other/MicroSIP.ini");
    let mut start = disk.phone("Other/MicroSIP.exe", r"C:\Other\MicroSIP.exe");
    start.variables.push(("USER", "ann".into()));
    let phone = start.start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &portable, &phone);
    assert_free(&disk.sandbox, &installed);
    phone.exit();
}

#[test]
fn a_phone_with_an_unknown_ini_blocks_every_ini_of_its_name() {
    let disk = WindowsDisk::new();
    // a name that no other test uses, because tests run in parallel
    let ini = disk.ini("Phone/unknownphone.ini");
    let usual = disk.ini("Phone/MicroSIP.ini");
    let start = Start {
        calls_itself: Some(r"C:\Nowhere\UnknownPhone.exe"),
        ..Start::of(disk.sandbox.path("bin/loader"))
    };
    let phone = start.start(&disk.sandbox);
    assert_blocked(&disk.sandbox, &ini, &phone);
    let ran = disk.sandbox.run(&set_vad(&text_of(&ini), &["--timeout", "0"])).exits(5);
    ran.says("its ini isn't known because the path of its program can't be read) and may be using it");
    assert_free(&disk.sandbox, &usual);
    phone.exit();
}

#[test]
fn a_phone_that_starts_or_exits_during_a_scan_blocks_no_other_ini() {
    const SIGHTINGS: usize = 100;
    let disk = WindowsDisk::new();
    let own = disk.path("Phone/fleetingphone.ini");
    let other = disk.path("Other/fleetingphone.ini");
    let is_over = AtomicBool::new(false);
    let scans = AtomicUsize::new(0);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = r"C:\Phone\FleetingPhone.exe";
            while !is_over.load(Ordering::SeqCst) {
                let phone = disk.phone("Phone/FleetingPhone.exe", path).start(&disk.sandbox);
                let before = scans.load(Ordering::SeqCst);
                // it starts during a scan, runs for a whole one, and exits during the next
                while scans.load(Ordering::SeqCst) < before + 2 && !is_over.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                phone.exit();
            }
        });
        let processes = Processes::default();
        let mut seen = Vec::new();
        let until = Instant::now() + LONG;
        while seen.len() < SIGHTINGS && Instant::now() < until {
            let mut instances = processes.instances(&["fleetingphone"]).unwrap();
            scans.fetch_add(1, Ordering::SeqCst);
            // phones of other tests have other names, and another run of this test has them in another folder
            let is_here = |exe: &PathBuf| exe.starts_with(disk.sandbox.path(""));
            instances.retain(|instance| {
                instance.exe.to_lowercase().contains("fleetingphone")
                    && instance.exe_on_disk.as_ref().is_none_or(is_here)
            });
            seen.extend(instances);
        }
        is_over.store(true, Ordering::SeqCst);
        seen
    });
    assert!(seen.len() >= SIGHTINGS, "seen only {} times", seen.len());
    let is_right = |instance: &&Instance| instance.blocks(&own) && !instance.blocks(&other);
    let wrong: Vec<_> = seen.iter().filter(|instance| !is_right(instance)).collect();
    assert!(wrong.is_empty(), "{} of {}, such as {:?}", wrong.len(), seen.len(), wrong[0]);
}

#[test]
fn the_name_of_the_process_doesnt_matter() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let others = disk.ini("Other/MicroSIP.ini");
    put_stand_in(&disk.path("MicroSIP/MicroSIP.exe"));
    let loader = disk.sandbox.path("bin/loader");
    let start = Start { exe: loader, ..disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe") };
    let phone = start.start(&disk.sandbox);
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", phone.pid())).unwrap();
    assert_eq!(comm, "loader\n");
    assert_blocked(&disk.sandbox, &ini, &phone);
    assert_free(&disk.sandbox, &others);
    phone.exit();

    let ini = disk.ini("Third/MicroSIP.ini");
    let phone = disk.phone("Third/MicroSIP.exe", r"C:\Third\Helper.exe").start(&disk.sandbox);
    let comm = std::fs::read_to_string(format!("/proc/{}/comm", phone.pid())).unwrap();
    assert_eq!(comm, "MicroSIP.exe\n");
    assert_free(&disk.sandbox, &ini);
    phone.exit();
}

#[test]
fn a_phone_of_another_user_blocks_its_ini_or_every_ini_if_it_cant_be_inspected() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const USER: u32 = 65534;
    const OTHER_USER: u32 = 65533;
    // only root can start programs as another user
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let others = disk.ini("Other/MicroSIP.ini");
    for (path, mode) in [(&disk.sandbox.path(""), 0o755), (&disk.path("Other"), 0o777), (&others, 0o666)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut start = disk.phone("MicroSIP/MicroSIP.exe", r"C:\MicroSIP\MicroSIP.exe");
    start.user = Some(USER);
    let phone = start.start(&disk.sandbox);
    let mut command = disk.sandbox.command(crate::sandbox::PROGRAM);
    command.args(set_vad(&text_of(&others), &["--timeout", "0", "--json"])).uid(OTHER_USER).gid(OTHER_USER);
    let ran = disk.sandbox.finish(command).fails(5, "microsip-running");
    assert!(ran.stdout.contains(&format!("pid {}", phone.pid())), "{}", ran.transcript);
    assert_blocked(&disk.sandbox, &ini, &phone);
    assert_free(&disk.sandbox, &others);
    phone.exit();
}

#[test]
fn a_program_with_a_similar_name_blocks_nothing() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let path = r"C:\MicroSIP\MicroSIP-helper.exe";
    let phone = disk.phone("MicroSIP/MicroSIP-helper.exe", path).start(&disk.sandbox);
    assert_free(&disk.sandbox, &ini);
    phone.exit();
}

#[test]
fn a_zombie_blocks_nothing() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let mut phone = disk.start_phone();
    assert_blocked(&disk.sandbox, &ini, &phone);
    phone.child.kill().unwrap();
    let stat = format!("/proc/{}/stat", phone.pid());
    wait_until(|| {
        let stat = std::fs::read_to_string(&stat).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('Z')
    });
    assert_free(&disk.sandbox, &ini);
}

#[test]
fn control_c_while_waiting_changes_nothing() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ini_text = text_of(&ini);
    let mut background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &[]));
    background.wait_for(WAITS);
    background.interrupt();
    let ran = background.wait().exits(130).says("Cancelled. ");
    assert_eq!(ran.stdout, "", "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);
    phone.exit();
}

#[test]
fn a_second_control_c_exits_if_the_first_isnt_handled() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let wanted = disk.sandbox.path("wanted.toml");
    rustix::fs::mknodat(rustix::fs::CWD, &wanted, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut background =
        BackgroundRun::start(&disk.sandbox, &["apply", &text_of(&wanted), "--ini", &text_of(&ini)]);
    // returns when msipcfg opens the other end, from which it then reads nothing
    let pipe = std::fs::OpenOptions::new().write(true).open(&wanted).unwrap();
    wait_until(|| {
        background.interrupt();
        background.has_exited()
    });
    drop(pipe);
    background.wait().exits(130);
}

#[test]
fn control_c_is_reported_as_json_with_json() {
    let disk = WindowsDisk::new();
    let ini = disk.ini("MicroSIP/MicroSIP.ini");
    let phone = disk.start_phone();
    let ini_text = text_of(&ini);
    let background = BackgroundRun::start(&disk.sandbox, &set_vad(&ini_text, &["--json"]));
    // it prints nothing while it waits, but its status shows when it handles the signal
    let status = format!("/proc/{}/status", background.pid());
    wait_until(|| {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let interrupt = 1 << (rustix::process::Signal::INT.as_raw() - 1);
        u64::from_str_radix(caught.trim(), 16).unwrap() & interrupt != 0
    });
    background.interrupt();
    let ran = background.wait().fails(130, "interrupted");
    assert_eq!(ran.json()["changed"], false, "{}", ran.transcript);
    assert_eq!(ran.stderr, "", "{}", ran.transcript);
    assert_eq!(std::fs::read(&ini).unwrap(), utf16(OLD));
    assert_eq!(names_beside(&ini), ["MicroSIP.exe", "MicroSIP.ini"]);
    phone.exit();
}
