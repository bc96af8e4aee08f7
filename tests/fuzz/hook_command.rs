//! Encodes any program and arguments as a hook command: what MicroSIP starts must be exactly that, followed by the
//! caller's text, before and after MicroSIP saves its settings. Also decodes any text.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use msipcfg::hook::command::{self, HookCommand, Run};
use msipcfg::hook::dialect::SaveDialect;
use msipcfg::hook::event::Event;
use msipcfg::ini::wide;
use msipcfg::microsip::version::Dialect;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    program: &'a str,
    arguments: Vec<&'a str>,
    caller: &'a str,
    text: Vec<u16>,
}

fuzz_target!(|input: Input| {
    let caller: String = input.caller.chars().filter(|c| !c.is_control()).collect();
    let arguments = input.arguments.iter().map(ToString::to_string).collect();
    let hook = HookCommand { program: input.program.to_string(), args: arguments };
    for dialect in [Dialect::WholeValue, Dialect::Raw, Dialect::Quoted] {
        arrives_intact(&hook, &caller, dialect);
        for event in Event::ALL {
            let save_dialect = SaveDialect { dialect, version: None, certain: true };
            command::decode(&input.text, *event, &save_dialect);
        }
    }
});

fn arrives_intact(hook: &HookCommand, caller: &str, dialect: Dialect) {
    let Ok(encoded) = command::encode(hook, dialect) else { return };
    let mut text = encoded.text(dialect);
    for _ in 0..3 {
        let value = command::read(&wide(&text));
        let Run::Program { file, parameters } = command::run(&value, dialect) else {
            panic!("MicroSIP starts nothing: {text}")
        };
        assert_eq!(file, wide(&hook.program), "{text}");
        let mut expected: Vec<_> = hook.args.iter().map(|argument| wide(argument)).collect();
        expected.extend(command::command_line_to_argv(&wide(&format!("x {caller}"))).split_off(1));
        assert_eq!(command::received(&parameters, caller), expected, "{text}");
        text = command::save(&String::from_utf16(&value).unwrap(), dialect);
    }
}
