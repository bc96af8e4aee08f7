//! TOML as a tree.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{DesiredErrorKind, SpannedError};
use super::tree::{Node, Tree, add, quoted_text};

const ESCAPE_HINT: &str = r"write Windows paths in single quotes, as in 'C:\hooks\ring.exe'";

/// Parses a TOML document.
pub(super) fn parse(text: &str) -> Result<Node, SpannedError> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        // The parser has no kinds of errors.
        let is_escape = ["missing escaped value", "too few unicode value digits"];
        if is_escape.iter().any(|start| error.message().starts_with(start)) {
            return DesiredErrorKind::Escape { hint: ESCAPE_HINT }.at(&span);
        }
        // longer messages of the crate have several lines
        DesiredErrorKind::Syntax(error.message().replace('\n', ", ")).at(&span)
    })?;
    let span = table.span();
    table_node(table.get_ref(), &span, &(0..0))
}

fn table_node(table: &DeTable<'_>, span: &Range<usize>, key: &Range<usize>) -> Result<Node, SpannedError> {
    let mut entries = Vec::new();
    for (name, value) in table {
        let node = value_node(value, &name.span())?;
        add(&mut entries, name.get_ref().to_string(), node)?;
    }
    Ok(Node { span: span.clone(), key: key.clone(), tree: Tree::Table(entries) })
}

fn value_node(value: &Spanned<DeValue<'_>>, key: &Range<usize>) -> Result<Node, SpannedError> {
    let span = value.span();
    let syntax = |message: &str| DesiredErrorKind::Syntax(message.into()).at(&span);
    let tree = match value.get_ref() {
        DeValue::String(text) => quoted_text(text, &span, ESCAPE_HINT)?,
        DeValue::Boolean(boolean) => Tree::Leaf(Json::from(*boolean)),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Tree::Leaf(Json::from(parsed.map_err(|_| syntax("the number is too large"))?))
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse::<f64>().ok().filter(|number| number.is_finite());
            Tree::Leaf(Json::from(parsed.ok_or_else(|| syntax("the number is too large or not finite"))?))
        }
        DeValue::Datetime(_) => return Err(syntax("dates aren't supported; put the text in quotes")),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| value_node(item, &item.span()));
            Tree::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => return table_node(table, &span, key),
    };
    Ok(Node { span, key: key.clone(), tree })
}
