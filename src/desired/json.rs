//! JSON as a tree. `serde_json` doesn't report positions, so another parser is used.

use std::ops::Range;

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, parse_to_ast};
use serde_json::Value as Json;

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree, add, quoted_text};

const ESCAPE_HINT: &str = r#"write each backslash of a Windows path twice, as in "C:\\hooks\\ring.exe""#;

/// Parses strict JSON.
pub(super) fn parse(text: &str) -> Result<Node, SpannedError> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let range = error.range();
        let kind = match error.kind() {
            ParseErrorKind::String(kind) if *kind != ParseStringErrorKind::UnterminatedStringLiteral => {
                DesiredErrorKind::Escape { hint: ESCAPE_HINT }
            }
            kind => DesiredErrorKind::Syntax(kind.to_string()),
        };
        kind.at(&(range.start..range.end))
    })?;
    match parsed.value {
        Some(value) => node(value, None),
        None => Err(DesiredErrorKind::Empty.at(&(0..0))),
    }
}

fn node(value: Value<'_>, key: Option<Range<usize>>) -> Result<Node, SpannedError> {
    let range = value.range();
    let span = range.start..range.end;
    let tree = match value {
        Value::StringLit(text) => quoted_text(&text.value, &span, ESCAPE_HINT)?,
        Value::NumberLit(number) => Tree::Leaf(match number.value.parse::<i64>() {
            Ok(number) => Json::from(number),
            Err(_) => Json::from(number.value.parse::<f64>().unwrap_or(f64::MAX)),
        }),
        Value::BooleanLit(boolean) => Tree::Leaf(Json::from(boolean.value)),
        Value::NullKeyword(_) => Tree::Leaf(Json::Null),
        Value::Array(array) => {
            let items = array.elements.into_iter().map(|item| node(item, None));
            Tree::List(items.collect::<Result<_, _>>()?)
        }
        Value::Object(object) => {
            let mut entries = Vec::new();
            for property in object.properties {
                let name = match &property.name {
                    ObjectPropName::String(name) => name.range,
                    ObjectPropName::Word(name) => name.range,
                };
                let part = node(property.value, Some(name.start..name.end))?;
                add(&mut entries, property.name.into_string(), part)?;
            }
            Tree::Table(entries)
        }
    };
    Ok(Node { key: key.unwrap_or_else(|| span.clone()), span, tree })
}
