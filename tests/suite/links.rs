//! `links`: which program opens links, and registering MicroSIP for them.

use crate::sandbox::Sandbox;

#[cfg(not(windows))]
#[test]
fn links_work_only_on_windows() {
    let sandbox = Sandbox::new();
    for args in [&["links", "--json"][..], &["links", "--set", "--exe", "x.exe", "--json"]] {
        let ran = sandbox.run(args).fails(1, "windows-only");
        assert_eq!(ran.json()["changed"], false);
    }
    sandbox.run(&["links"]).exits(1).says("only on Windows").says("hint");
}

#[test]
fn set_and_unset_exclude_each_other() {
    Sandbox::new().run(&["links", "--set", "--unset", "--json"]).fails(2, "usage");
}

/// All of this is one test, because tests share this user's registry.
#[cfg(windows)]
mod registry {
    use serde_json::{Value as Json, json};
    use windows_registry::{CURRENT_USER, Key, Type, Value};

    use crate::sandbox::{Sandbox, image};

    const CLASSES: &str = r"Software\Classes";
    const CHOICE: &str = r"Software\Microsoft\Windows\Shell\Associations\UrlAssociations\callto\UserChoice";
    /// A class of this test's own.
    const OTHER: &str = r"Software\Classes\msipcfg-test-phone";

    /// All that is in a key.
    #[derive(Clone, Debug, PartialEq)]
    struct Tree {
        values: Vec<(String, Value)>,
        keys: Vec<(String, Tree)>,
    }

    impl Tree {
        fn of(path: &str) -> Option<Tree> {
            let key = CURRENT_USER.open(path).ok()?;
            let mut values: Vec<_> = key.values().unwrap().collect();
            values.sort_by(|a, b| a.0.cmp(&b.0));
            let names = key.keys().unwrap();
            let mut keys: Vec<_> =
                names.map(|name| (name.clone(), Tree::of(&format!(r"{path}\{name}")).unwrap())).collect();
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            Some(Tree { values, keys })
        }

        fn write(&self, key: &Key) {
            for (name, value) in &self.values {
                key.set_value(name, value).unwrap();
            }
            for (name, tree) in &self.keys {
                tree.write(&key.create(name).unwrap());
            }
        }
    }

    /// Keys that are as they were when it goes, also if the test failed.
    struct AsItWas(Vec<(String, Option<Tree>)>);

    impl AsItWas {
        fn keep() -> AsItWas {
            let classes = ["tel", "callto", "sip"].map(|scheme| format!(r"{CLASSES}\{scheme}"));
            let paths = classes.into_iter().chain([CHOICE.to_string(), OTHER.to_string()]);
            AsItWas(paths.map(|path| (path.clone(), Tree::of(&path))).collect())
        }
    }

    impl Drop for AsItWas {
        fn drop(&mut self) {
            for (path, tree) in &self.0 {
                let _ = CURRENT_USER.remove_tree(path);
                if let Some(tree) = tree {
                    tree.write(&CURRENT_USER.create(path).unwrap());
                }
            }
        }
    }

    fn schemes() -> [Option<Tree>; 3] {
        ["tel", "callto", "sip"].map(|scheme| Tree::of(&format!(r"{CLASSES}\{scheme}")))
    }

    fn link(json: &Json, scheme: &str) -> Json {
        let links = json["links"].as_array().unwrap();
        links.iter().find(|link| link["scheme"] == scheme).unwrap().clone()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one scenario whose steps build on each other")]
    fn links_are_registered_and_restored() {
        let _guard = AsItWas::keep();
        for scheme in ["tel", "callto", "sip"] {
            let _ = CURRENT_USER.remove_tree(format!(r"{CLASSES}\{scheme}"));
        }
        let _ = CURRENT_USER.remove_tree(CHOICE);
        // tel belongs to somebody, with an odd type; of sip there is a key with nothing in it; of callto nothing
        let tel = CURRENT_USER.create(format!(r"{CLASSES}\tel\shell\open\command")).unwrap();
        tel.set_expand_string("", r#"%ProgramFiles%\Phone\phone.exe "%1""#).unwrap();
        tel.set_bytes("mine", Type::Bytes, &[1, 2, 3]).unwrap();
        CURRENT_USER.create(format!(r"{CLASSES}\tel")).unwrap().set_string("URL Protocol", "").unwrap();
        drop(CURRENT_USER.create(format!(r"{CLASSES}\sip")).unwrap());
        let before = schemes();

        let sandbox = Sandbox::new();
        let exe = sandbox.write(r"Phone é\MicroSIP.exe", image());
        let exe = exe.to_str().unwrap();
        let links = |words: &[&str]| {
            let mut all = vec!["links", "--json"];
            all.extend(words);
            sandbox.run(&all)
        };
        let shown = links(&[]).exits(0).json();
        assert_eq!(
            (&shown["ok"], &shown["changed"], &shown["changes"]),
            (&json!(true), &json!(false), &json!([]))
        );
        assert_eq!(
            link(&shown, "tel"),
            json!({
                "scheme": "tel", "from": "user", "class": null,
                "command": r#"%ProgramFiles%\Phone\phone.exe "%1""#, "program": r"%ProgramFiles%\Phone\phone.exe",
                "is_microsip": false,
            })
        );

        let dry = links(&["--set", "--exe", exe, "--dry-run"]).exits(0).json();
        assert_eq!((&dry["changed"], &dry["dry_run"]), (&json!(true), &json!(true)));
        assert_eq!(dry["changes"].as_array().unwrap().len(), 8, "{dry}");
        sandbox.run(&["links", "--set", "--exe", exe, "-n"]).exits(0).says(r"Classes\tel").says("+URL:sip");
        assert_eq!(schemes(), before);

        let set = links(&["--set", "--exe", exe]).exits(0);
        assert_eq!(set.warnings(), ["links-may-ask"]);
        let set = set.json();
        assert_eq!((&set["changed"], &set["dry_run"]), (&json!(true), &json!(false)));
        let command = format!(r#""{exe}" "%1""#);
        for scheme in ["tel", "callto", "sip"] {
            let link = link(&set, scheme);
            assert_eq!(link["command"], command);
            assert_eq!((&link["from"], &link["is_microsip"]), (&json!("user"), &json!(true)));
            let key = CURRENT_USER.open(format!(r"{CLASSES}\{scheme}")).unwrap();
            assert_eq!(key.get_string("").unwrap(), format!("URL:{scheme}"));
            assert_eq!(key.get_string("URL Protocol").unwrap(), "");
            let key = key.open(r"shell\open\command").unwrap();
            assert_eq!(
                (key.get_type("").unwrap(), key.get_string("").unwrap()),
                (Type::String, command.clone())
            );
        }
        let registered = schemes();
        let again = links(&["--set", "--exe", exe]).exits(0).json();
        assert_eq!(again["changed"], false);
        assert_eq!(schemes(), registered);

        // what the user chose wins; a real Windows lets nobody write it
        let chosen =
            CURRENT_USER.create(CHOICE).and_then(|key| key.set_string("ProgId", "msipcfg-test-phone"));
        if chosen.is_ok() {
            let other = CURRENT_USER.create(format!(r"{OTHER}\shell\open\command")).unwrap();
            other.set_string("", r"C:\other\phone.exe %1").unwrap();
            let set = links(&["--set", "--exe", exe]).exits(0);
            assert_eq!(set.warnings(), ["links-chosen", "links-may-ask"]);
            let callto = link(&set.json(), "callto");
            assert_eq!(
                (&callto["from"], &callto["class"]),
                (&json!("user-choice"), &json!("msipcfg-test-phone"))
            );
            assert_eq!(
                (&callto["program"], &callto["is_microsip"]),
                (&json!(r"C:\other\phone.exe"), &json!(false))
            );
            sandbox.run(&["links", "--set", "--exe", exe]).exits(0).says("Default apps");
            CURRENT_USER.remove_tree(CHOICE).unwrap();
        }

        // somebody else registers for sip
        let sip = CURRENT_USER.create(format!(r"{CLASSES}\sip\shell\open\command")).unwrap();
        sip.set_string("", r"C:\other\phone.exe %1").unwrap();
        let others = schemes()[2].clone();
        let unset = links(&["--unset"]).exits(0);
        assert_eq!(
            (unset.warnings(), &unset.json()["changed"]),
            (vec!["links-changed-since".into()], &json!(true))
        );
        assert_eq!(schemes(), [before[0].clone(), before[1].clone(), others]);
        sip.set_string("", &command).unwrap();
        links(&["--unset"]).exits(0);
        assert_eq!(schemes(), before);
        assert_eq!(links(&["--unset"]).exits(0).json()["changed"], false);

        // what cannot be registered changes nothing
        let text = sandbox.write("text.exe", "hello");
        links(&["--set", "--exe", text.to_str().unwrap()]).fails(3, "microsip-refused");
        links(&["--set", "--exe", r"C:\nowhere\MicroSIP.exe"]).fails(4, "microsip-not-found");
        assert_eq!(schemes(), before);
    }
}
