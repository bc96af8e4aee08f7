//! The JSON Schemas: of a desired-state file, for editors, and of an instance of Microsoft's DSC.
//!
//! They are flat, with `type` and `enum` instead of `anyOf`, so that a program that checks a file can say what is wrong
//! with it. `false` is the only boolean that a file can contain.

use serde_json::{Map, Value as Json, json};

use super::instance::{EXIST, INI, PASSWORD_SET, READ_ONLY};
use super::schema::{MIN_VERSION, PARTS, STATE_VERSION, account_keys, settings_keys};
use crate::actions::edit::history_text;
use crate::hook::action::History;
use crate::hook::action::numbers::Numbers;
use crate::hook::event::Event;
use crate::microsip::keys::{Key, Kind};

/// Text, or `false`.
const TEXT: [&str; 2] = ["string", "boolean"];

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Returns the schema of a desired-state file.
pub fn of_file() -> String {
    let mut properties = Map::new();
    let schema = json!({"description": "The location of this schema, for editors.", "type": "string"});
    properties.insert("$schema".into(), schema);
    properties.insert(STATE_VERSION.into(), state_version());
    properties.extend(parts());
    let schema = json!({
        "$schema": DIALECT,
        "title": "MicroSIP desired state",
        "description": "The desired state of a MicroSIP. What isn't named stays as it is.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

/// Returns the schema of an instance, to which DSC compares input and output.
///
/// DSC prints a value that doesn't fit, and that could be a password. So anything fits under `accounts` and `hooks`,
/// and a secure parameter fits everywhere: msipcfg rejects it where it can't be. Any text fits as a setting, because
/// values that MicroSIP wouldn't write are printed as text.
pub fn of_instance() -> Json {
    let mut properties = Map::new();
    let path = "The absolute path of the MicroSIP.ini. Default: the only one that is found.";
    properties.insert(INI.into(), json!({"type": "string", "description": path}));
    let exist = "Whether the ini exists. If false, the ini is deleted, and a backup is kept.";
    properties.insert(EXIST.into(), json!({"type": "boolean", "default": true, "description": exist}));
    properties.extend(parts());
    for part in ["settings", "runner", "numbers", "history", "shortcuts"] {
        accept_any_text(&mut properties[part]);
    }
    for part in ["hooks", "accounts"] {
        accept_anything(&mut properties[part]);
    }
    let account = &mut properties["accounts"]["items"]["properties"];
    let password =
        "Text, {\"secureString\": TEXT}, {\"env\": NAME}, or {\"file\": ABSOLUTE PATH}. Never in output.";
    account["password"] = json!({"description": password, "writeOnly": true});
    account[PASSWORD_SET] = json!({"description": "Whether the account has a password.", "readOnly": true});
    let read_only = [
        json!({"type": "boolean", "description": "Whether the ini is in this state."}),
        json!({
            "type": "array",
            "items": {"type": "object"},
            "description": "The MicroSIP instances that must read the ini again.",
        }),
        json!({"type": "object", "description": "What a set would do."}),
        json!({"type": "string", "description": "A name for the instance."}),
    ];
    for (name, mut property) in READ_ONLY.into_iter().zip(read_only) {
        property["readOnly"] = json!(true);
        properties.insert(name.into(), property);
    }
    json!({
        "$schema": DIALECT,
        "title": "A MicroSIP.ini and its state",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Lets any text and any secure parameter, which is an object, be a value in this part.
fn accept_any_text(schema: &mut Json) {
    let Json::Object(parts) = schema else { return };
    let has_words = parts.shift_remove("enum").is_some();
    let is_value = |types: &Json| types.is_array() || types == "string";
    if has_words || parts.get("type").is_some_and(is_value) {
        parts.insert("type".into(), json!(["integer", "string", "boolean", "object"]));
    }
    if let Some(items) = parts.get_mut("items") {
        accept_any_text(items);
    }
    for tables in ["properties", "patternProperties"] {
        if let Some(Json::Object(properties)) = parts.get_mut(tables) {
            properties.values_mut().for_each(accept_any_text);
        }
    }
}

/// Removes everything that a value could violate.
fn accept_anything(schema: &mut Json) {
    let Json::Object(parts) = schema else { return };
    parts.retain(|name, _| ["description", "default", "items", "properties"].contains(&name.as_str()));
    if let Some(items) = parts.get_mut("items") {
        accept_anything(items);
    }
    if let Some(Json::Object(properties)) = parts.get_mut("properties") {
        properties.values_mut().for_each(accept_anything);
    }
}

/// Returns the parts of a desired state.
fn parts() -> impl Iterator<Item = (String, Json)> {
    let parts = [
        microsip(),
        settings(),
        hooks(),
        runner(),
        numbers(),
        history(),
        accounts_mode(),
        accounts(),
        shortcuts(),
    ];
    PARTS.map(String::from).into_iter().zip(parts)
}

fn table(description: &str, properties: impl Iterator<Item = (String, Json)>) -> Json {
    json!({
        "description": description,
        "type": "object",
        "properties": properties.collect::<Map<String, Json>>(),
        "additionalProperties": false,
    })
}

fn state_version() -> Json {
    json!({
        "description": "The version of this state, such as 7. check and detect report a difference until it was applied. \
                        false means none.",
        "type": ["integer", "string", "boolean"],
        "minLength": 1,
        "maxLength": 64,
    })
}

fn microsip() -> Json {
    let version = json!({
        "description": "The oldest version that this may be applied to.",
        "type": "string",
        "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$",
    });
    table("Which MicroSIP this is for.", [(MIN_VERSION.to_string(), version)].into_iter())
}

fn settings() -> Json {
    let description = "Settings by MicroSIP's names. false removes the key, which isn't the same as 0.";
    table(description, settings_keys().map(|key| (key.name.to_string(), value(&key))))
}

fn accounts_mode() -> Json {
    json!({
        "description": "exact: the accounts are exactly these, in this order, and keys that an account doesn't name \
                        get their defaults. ensure: other accounts, and keys that aren't named, stay as they are.",
        "enum": ["exact", "ensure"],
        "default": "exact",
    })
}

fn accounts() -> Json {
    let keys = account_keys().map(|key| (key.name.to_string(), value(&key)));
    let mut account = table("An account. MicroSIP ignores one without a domain.", keys);
    account["required"] = json!(["domain"]);
    json!({
        "description": "The accounts in their order. Without this key, accounts stay as they are.",
        "type": "array",
        "items": account,
    })
}

fn hooks() -> Json {
    let program = [
        ("program", text("The path of the program, or its name if Windows can find it by name.")),
        ("args", texts("The arguments of the program, which come before the caller's text, or of run.")),
    ];
    let program = program.map(|(name, schema)| (name.to_string(), schema));
    let hook = |when: &str| {
        let properties: Map<String, Json> = action_properties().chain(program.clone()).collect();
        json!({
            "description": when,
            "type": ["string", "object", "array", "boolean"],
            "properties": properties,
            "additionalProperties": false,
            "minProperties": 1,
            "items": table("An action.", action_properties()),
            "minItems": 1,
        })
    };
    let description = "What runs on call events: a program, a table with program and args, an action or a list of \
                       actions, which msipcfg carries out, or false to run nothing.";
    let mut schema =
        table(description, Event::ALL.iter().map(|event| (event.name().to_string(), hook(event.when()))));
    // Events can also be named by an alias or by the key in the ini.
    let others = Event::ALL.iter().flat_map(|event| event.aliases().iter().copied().chain([event.key()]));
    let others = others.collect::<Vec<_>>().join("|");
    schema["patternProperties"] = json!({format!("^({others})$"): hook("Another name of an event.")});
    schema
}

fn text(description: &str) -> Json {
    json!({"description": description, "type": "string"})
}

fn texts(description: &str) -> Json {
    json!({"description": description, "type": "array", "items": {"type": "string"}})
}

/// Returns the keys of an action.
fn action_properties() -> impl Iterator<Item = (String, Json)> {
    let fields = |description: &str| json!({"description": description, "type": "object", "additionalProperties": {"type": "string"}});
    let callers = |description: &str| json!({"description": description, "type": ["string", "array"], "items": {"type": "string"}});
    let properties = [
        ("open", text("The address of the web page that opens, with placeholders such as {number}.")),
        ("again-after", text("With open: when the page may open again for the same caller. Default: 1m.")),
        ("notify", text("The message that is shown, with placeholders such as {name|number}.")),
        ("link", text("With notify: the web page that a click on the message opens.")),
        ("get", text("The address of a web request.")),
        ("post", text("The address of a web request that sends the call.")),
        ("headers", fields("With get and post: headers of the request. Their values are private.")),
        ("retry", text("With get and post: how long the request is repeated. Default: 1h.")),
        ("json", json!({"description": "With post: the JSON that is sent instead of the call."})),
        ("form", fields("With post: the fields of a form that is sent instead of the call.")),
        ("body", text("With post: the text that is sent instead of the call.")),
        ("secret", text("With post: the key that signs the request. Private.")),
        ("log", text("The .csv, .jsonl or .txt file that gets a line.")),
        (
            "separator",
            json!({"description": "With log: between the columns of a .csv file.", "enum": [",", ";"]}),
        ),
        ("run", text("The program or script that starts.")),
        ("args", texts("With run: its arguments, with placeholders such as {number}.")),
        ("timeout", text("With run: when the program is ended.")),
        ("only", callers("For whose calls: external, internal, anonymous, or numbers such as 0800*.")),
        ("except", callers("For whose calls not: external, internal, anonymous, or numbers such as 0800*.")),
    ];
    properties.into_iter().map(|(name, schema)| (name.to_string(), schema))
}

fn runner() -> Json {
    text("The path of msipcfg-run.exe on the computers of the users, if it isn't at its usual place.")
}

fn numbers() -> Json {
    let properties = [
        ("country", text("Your country's calling code, such as 49.")),
        (
            "internal",
            json!({"description": "Numbers with up to this many digits are colleagues.", "type": "integer",
            "minimum": 0, "default": Numbers::default().internal}),
        ),
        ("outside-line", text("The prefix that the phone system adds to external numbers.")),
    ];
    let properties = properties.into_iter().map(|(name, schema)| (name.to_string(), schema));
    let mut schema = table("How actions read phone numbers. false is the default.", properties);
    schema["type"] = json!(["object", "boolean"]);
    schema
}

fn history() -> Json {
    let mut schema = text("How long calls are remembered, such as 90d, or off. false is the default.");
    schema["type"] = json!(TEXT);
    schema["default"] = json!(history_text(History::default()));
    schema
}

fn shortcuts() -> Json {
    let description =
        "Shortcuts by their numbers from 0, in MicroSIP's form: label;number;type. false removes a shortcut.";
    let mut schema = table(description, std::iter::empty());
    schema["patternProperties"] = json!({"^(0|[1-9][0-9]?)$": {"type": TEXT}});
    schema
}

/// Returns what a key can be. A number in quotes, or a variable for a number, doesn't fit although msipcfg accepts it:
/// otherwise an editor couldn't say that a number is expected.
fn value(key: &Key) -> Json {
    let mut schema = match &key.kind {
        Kind::Bool(_) => json!({"enum": [0, 1, false]}),
        Kind::Int { min, max, read_as } => {
            let mut schema = json!({"type": ["integer", "boolean"]});
            // With `read_as`, MicroSIP reads smaller numbers as another one.
            if let Some(min) = min.filter(|_| read_as.is_empty()) {
                schema["minimum"] = json!(min);
            }
            if let Some(max) = max {
                schema["maximum"] = json!(max);
            }
            schema
        }
        Kind::Enum(words) => {
            let numbers = words.iter().filter_map(|word| word.text.parse::<i64>().ok()).map(Json::from);
            let texts = words.iter().map(|word| json!(word.text));
            json!({"enum": texts.chain(numbers).chain([json!(false)]).collect::<Vec<_>>()})
        }
        Kind::Secret => json!({
            "type": ["string", "object", "boolean"],
            "properties": {
                "env": {"description": "The name of an environment variable.", "type": "string"},
                "file": {
                    "description": "The path of a file, relative to the folder of the file that names it.",
                    "type": "string",
                },
                "stdin": {"description": "Standard input.", "enum": [true]},
            },
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        }),
        _ => json!({"type": TEXT}),
    };
    schema["description"] = json!(key.meaning);
    match key.default.parse::<i64>() {
        _ if key.default.is_empty() => {}
        Ok(number) if matches!(key.kind, Kind::Bool(_) | Kind::Int { .. }) => {
            schema["default"] = json!(number);
        }
        _ => schema["default"] = json!(key.default),
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the schema of a file without the descriptions.
    fn file() -> Json {
        serde_json::from_str(&of_file()).unwrap()
    }

    #[test]
    fn schemas_are_flat() {
        for schema in [of_file(), of_instance().to_string()] {
            for word in ["anyOf", "oneOf", "allOf", "\"not\"", "$ref", "$defs", "\"null\""] {
                assert!(!schema.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn limits_of_a_value_are_beside_its_type() {
        let settings = &file()["properties"]["settings"]["properties"];
        assert_eq!(settings["VAD"]["enum"], json!([0, 1, false]));
        let volume = &settings["volumeRing"];
        assert_eq!(
            (&volume["minimum"], &volume["maximum"], &volume["default"]),
            (&json!(0), &json!(100), &json!(100))
        );
        assert_eq!(settings["autoAnswer"]["enum"], json!(["", "button", "header", "all", false]));
        let account = &file()["properties"]["accounts"]["items"]["properties"];
        // MicroSIP reads 0 as 15.
        assert_eq!(account["keepAlive"].get("minimum"), None);
    }

    #[test]
    fn instance_accepts_what_may_be_a_password() {
        let (file, instance) = (file(), of_instance());
        let (file, instance) = (&file["properties"], &instance["properties"]);
        for part in ["microsip", "accounts-mode"] {
            assert_eq!(file[part], instance[part], "{part}");
        }
        let limits = ["type", "enum", "required", "additionalProperties", "minimum", "maximum", "pattern"];
        let accounts = &instance["accounts"];
        let keys = accounts["items"]["properties"].as_object().unwrap();
        for schema in keys.values().chain([accounts, &accounts["items"]]) {
            assert!(limits.iter().all(|limit| schema.get(limit).is_none()), "{schema}");
        }
        for name in PARTS.into_iter().chain(READ_ONLY).chain([INI, EXIST]) {
            assert!(instance[name].is_object(), "{name}");
        }
        let volume = &instance["settings"]["properties"]["volumeRing"];
        assert_eq!(volume["maximum"], 100);
        for setting in [volume, &instance["settings"]["properties"]["VAD"]] {
            assert_eq!(setting["type"], json!(["integer", "string", "boolean", "object"]));
        }
    }
}
