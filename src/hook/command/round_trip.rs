//! Property tests that hold the encoder, the model and the decoder to each other.

use proptest::prelude::*;

use crate::hook::dialect::SaveDialect;
use crate::hook::event::Event;
use crate::ini::{Wide, wide};
use crate::microsip::version::Dialect;

use super::*;

fn save_dialect(dialect: Dialect) -> SaveDialect {
    SaveDialect { dialect, version: None, certain: true }
}

fn program() -> impl Strategy<Value = String> {
    r"[A-Z]:(\\[a-zA-Z0-9 äЖ'=&%^()+,;.~{}-]{0,11}[a-z0-9]){1,4}\.exe"
}

fn argument() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 \\\\\"'=&%^{}\t-]{0,16}", "[ \\\\\"\t]{0,6}", "\\PC{0,12}", Just(String::new())]
}

fn caller() -> impl Strategy<Value = String> {
    "[0-9a-z+&;|^%\"' -]{0,12}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encoded_commands_arrive_intact_after_any_number_of_saves(
        program in program(),
        args in prop::collection::vec(argument(), 0..4),
        caller in caller(),
    ) {
        let command = HookCommand { program, args };
        for dialect in [Dialect::WholeValue, Dialect::Raw, Dialect::Quoted] {
            let Ok(encoded) = encode(&command, dialect) else { continue };
            let mut readers = vec![dialect];
            if encoded.stable_in_all_dialects {
                readers.extend([Dialect::Raw, Dialect::Quoted]);
            }
            for reader in readers {
                let mut text = encoded.text(dialect);
                for saves in 0..=3 {
                    let value = read(&wide(&text));
                    let Run::Program { file, parameters } = run(&value, reader) else {
                        panic!("nothing runs after {saves} saves: {text}");
                    };
                    prop_assert_eq!(&file, &wide(&command.program));
                    let mut wanted: Vec<Wide> = command.args.iter().map(|arg| wide(arg)).collect();
                    wanted.extend(command_line_to_argv(&wide(&format!("x {caller}"))).split_off(1));
                    prop_assert_eq!(received(&parameters, &caller), wanted);
                    text = save(&String::from_utf16(&value).unwrap(), reader);
                }
            }
            let decoded = decode(&wide(&encoded.text(dialect)), Event::Ring, &save_dialect(dialect));
            prop_assert_eq!(decoded.command(), Some(command.clone()));
            // What was typed can be wrong in itself; the form in which it is written can't.
            let is_as_typed = |error: &HookTextError| {
                error.is_accepted_verbatim()
                    || matches!(error, HookTextError::ShellOperator { .. } | HookTextError::Variable { .. })
            };
            prop_assert!(decoded.errors.iter().all(is_as_typed), "{:?}", decoded.errors);
        }
    }

    #[test]
    fn quoted_dialect_refuses_only_by_length(
        program in program(),
        args in prop::collection::vec(argument(), 0..4),
    ) {
        let result = encode(&HookCommand { program, args }, Dialect::Quoted);
        prop_assert!(matches!(result, Ok(_) | Err(HookError::TooLong { .. })), "{:?}", result);
    }

    #[test]
    fn any_text_can_be_decoded(units in prop::collection::vec(any::<u16>(), 0..300)) {
        for dialect in [Dialect::WholeValue, Dialect::Raw, Dialect::Quoted] {
            let decoded = decode(&units, Event::Outgoing, &save_dialect(dialect));
            prop_assert!(decoded.value.encode_utf16().count() <= READ_LIMIT);
        }
    }
}
