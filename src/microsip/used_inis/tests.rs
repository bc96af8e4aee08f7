use super::*;
use crate::platform::{InstallFacts, ListedProcess, WindowsPaths};

const OWN_INI: &str = r"C:\Users\ann\AppData\Roaming\MicroSIP\MicroSIP.ini";
const OTHERS_INI: &str = r"C:\Users\bob\AppData\Roaming\MicroSIP\MicroSIP.ini";
const NEXT_TO_INSTALLED: &str = r"C:\Program Files\MicroSIP\MicroSIP.ini";
const PORTABLE_INI: &str = r"D:\Phone\MicroSIP.ini";
const UNRELATED_INI: &str = r"E:\Backup\MicroSIP.ini";
const INIS: [&str; 5] = [OWN_INI, OTHERS_INI, NEXT_TO_INSTALLED, PORTABLE_INI, UNRELATED_INI];

const ANN: &str = "S-1-5-21-1-2-3-1001";
const BOB: &str = "S-1-5-21-1-2-3-1002";
const INSTALLED_EXE: &str = r"C:\Program Files\MicroSIP\MicroSIP.exe";
const PORTABLE_EXE: &str = r"D:\Phone\MicroSIP.exe";

/// msipcfg, run by Ann in session 2.
fn ann() -> OwnProcess {
    let folder = r"C:\Users\ann\AppData";
    OwnProcess {
        user: Some(UserId(ANN.into())),
        session: Some(2),
        app_data: [r"\Roaming", r"\Local"].map(|rest| PathBuf::from(format!("{folder}{rest}"))).to_vec(),
    }
}

/// A MicroSIP whose process this user may read.
fn readable(exe: &str, user: &str, session: u32) -> ProcessDetails {
    let name = if user == ANN { "ann" } else { "bob" };
    let mut details = refused(Some(exe), session);
    details.is_refused = false;
    details.user = Some(UserId(user.into()));
    details.arguments = Some(vec![exe.to_string(), "/minimized".into()]);
    if let Some(place) = &mut details.place {
        place.app_data = vec![PathBuf::from(format!(r"C:\Users\{name}\AppData\Roaming"))];
        let machine = vec![r"C:\Program Files\MicroSIP".into()];
        place.facts = Some(InstallFacts { machine, ..InstallFacts::default() });
    }
    details
}

/// A MicroSIP whose process can't be opened. Its exe is known without that, except under old versions of Wine.
fn refused(exe: Option<&str>, session: u32) -> ProcessDetails {
    let process =
        ListedProcess { pid: 4000, name: "MicroSIP.exe".into(), session: Some(session), started: 1 };
    let place = exe.map(|exe| ProcessPlace {
        exe: exe.into(),
        // the tests also run where a backslash isn't a separator
        exe_on_disk: PathBuf::from(exe.replace('\\', std::path::MAIN_SEPARATOR_STR)),
        app_data: Vec::new(),
        facts: None,
        paths: WindowsPaths::Native,
    });
    ProcessDetails { process, is_refused: true, place, ..ProcessDetails::default() }
}

fn with(change: impl FnOnce(&mut ProcessDetails), mut details: ProcessDetails) -> ProcessDetails {
    change(&mut details);
    details
}

fn without_arguments(details: ProcessDetails) -> ProcessDetails {
    with(|details| details.arguments = None, details)
}

/// Returns those of [`INIS`] that a process blocks.
fn blocked(details: &ProcessDetails, own: &OwnProcess) -> Vec<&'static str> {
    let inis = UsedInis::of(details, None, own);
    let path = |ini: &str| PathBuf::from(ini.replace('\\', std::path::MAIN_SEPARATOR_STR));
    INIS.into_iter().filter(|ini| inis.contains(&path(ini))).collect()
}

#[test]
fn an_instance_blocks_what_it_may_use() {
    let all_but_own = [OTHERS_INI, NEXT_TO_INSTALLED, PORTABLE_INI, UNRELATED_INI];
    let named = with(
        |details| details.arguments.as_mut().unwrap().push(format!("/i:{UNRELATED_INI}")),
        readable(PORTABLE_EXE, ANN, 2),
    );
    let without_folder =
        with(|details| details.place.as_mut().unwrap().app_data.clear(), readable(INSTALLED_EXE, BOB, 5));
    for (what, details, expected) in [
        ("my own, installed", readable(INSTALLED_EXE, ANN, 2), vec![OWN_INI]),
        ("my own, portable", readable(PORTABLE_EXE, ANN, 2), vec![PORTABLE_INI]),
        ("my own, with /i:", named, vec![PORTABLE_INI, UNRELATED_INI]),
        ("my own in another session", readable(INSTALLED_EXE, ANN, 3), vec![OWN_INI]),
        ("Bob's, and I may read it", readable(INSTALLED_EXE, BOB, 5), vec![OTHERS_INI]),
        ("Bob's portable one, and I may read it", readable(PORTABLE_EXE, BOB, 5), vec![PORTABLE_INI]),
        ("my own, command line unreadable", without_arguments(readable(INSTALLED_EXE, ANN, 2)), INIS.into()),
        (
            "Bob's, command line unreadable",
            without_arguments(readable(INSTALLED_EXE, BOB, 5)),
            all_but_own.into(),
        ),
        ("Bob's, AppData unknown", without_folder, all_but_own.into()),
        ("refused, another session, installed", refused(Some(INSTALLED_EXE), 5), all_but_own.into()),
        ("refused, another session, portable", refused(Some(PORTABLE_EXE), 5), all_but_own.into()),
        ("refused, my session: mine, elevated", refused(Some(INSTALLED_EXE), 2), INIS.into()),
        ("refused, exe unknown", refused(None, 5), INIS.into()),
        (
            "not refused, but exiting, in another session",
            with(|details| details.is_refused = false, refused(Some(INSTALLED_EXE), 5)),
            INIS.into(),
        ),
        (
            "refused, session unknown",
            with(|details| details.process.session = None, refused(Some(INSTALLED_EXE), 5)),
            INIS.into(),
        ),
    ] {
        assert_eq!(blocked(&details, &ann()), expected, "{what}");
    }
}

#[test]
fn a_portable_copy_in_my_appdata_blocks_the_ini_next_to_it() {
    let exe = r"C:\Users\ann\AppData\Roaming\MicroSIP\MicroSIP.exe";
    assert_eq!(blocked(&refused(Some(exe), 5), &ann()), INIS);
}

#[test]
fn an_ini_in_my_appdata_that_another_users_command_line_names_is_blocked() {
    let details = with(
        |details| {
            details.place.as_mut().unwrap().app_data.clear();
            details.arguments.as_mut().unwrap().push(format!("/i:{OWN_INI}"));
        },
        readable(INSTALLED_EXE, BOB, 5),
    );
    assert_eq!(blocked(&details, &ann()), INIS);
}

#[test]
fn without_a_known_appdata_folder_an_unreadable_instance_blocks_every_ini() {
    let own = OwnProcess { app_data: Vec::new(), ..ann() };
    assert_eq!(blocked(&refused(Some(INSTALLED_EXE), 5), &own), INIS);
}

#[test]
fn what_isnt_known_is_named() {
    let unknown = |details: &ProcessDetails| UsedInis::of(details, None, &ann()).unknown();
    assert_eq!(unknown(&readable(INSTALLED_EXE, ANN, 2)), None);
    assert_eq!(unknown(&refused(None, 5)), Some(Unknown::Exe));
    assert_eq!(unknown(&refused(Some(INSTALLED_EXE), 5)), Some(Unknown::CommandLine));
}

#[test]
fn paths_are_compared_in_any_spelling() {
    let used = |inis: &[&str]| UsedInis::Known(inis.iter().map(PathBuf::from).collect());
    assert!(used(&["/y/MicroSIP.ini"]).contains(Path::new("/y/microsip.INI")));
    assert!(!used(&["/y/MicroSIP.ini"]).contains(Path::new("/x/MicroSIP.ini")));
    let inis = used(&[r"C:\Y\MicroSIP.ini", r"\\server\share\MicroSIP.ini"]);
    assert!(inis.contains(Path::new(r"\\?\C:\y\MicroSIP.ini")));
    assert!(inis.contains(Path::new(r"\\?\UNC\server\share\MicroSIP.ini")));

    let folder = Path::new(r"C:\Users\ann\AppData\Roaming");
    assert!(is_in(Path::new(r"\\?\c:\users\ANN\AppData\Roaming\MicroSIP\MicroSIP.ini"), folder));
    assert!(!is_in(Path::new(r"C:\Users\ann\AppData\Roaming2\MicroSIP.ini"), folder));
    assert!(!is_in(folder, folder));
    assert!(!is_in(folder, Path::new("")));
}
