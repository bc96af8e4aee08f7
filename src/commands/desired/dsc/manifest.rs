//! The resource manifest, which tells DSC what to run for each operation.

use serde_json::{Map, Value as Json, json};

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::outcome::RawText;
use crate::commands::printed_file::print_or_write;
use crate::desired::json_schema;
use crate::diagnostic::ExitStatus;
use crate::request::{Executable, Manifest, WhatIf};

/// The name of the resource type: publisher, area, and name.
const TYPE: &str = "MsipCfg.MicroSIP/Configuration";
/// The name of the file. DSC finds it by its ending.
const FILE: &str = "msipcfg.dsc.resource.json";
/// The program, when DSC looks for it on the PATH.
const PROGRAM: &str = "msipcfg";

/// Prints the manifest, or writes it to a folder and prints its path.
///
/// # Errors
/// When it cannot be written.
pub fn manifest(asked: &Manifest, context: &Context<'_>) -> Result<RawText, Error> {
    let program = match (asked.executable, &context.env.own_program) {
        (Executable::Absolute, Some(program)) => program.to_string_lossy().into_owned(),
        _ => PROGRAM.into(),
    };
    let text = serde_json::to_string_pretty(&of(&program, asked.what_if)).unwrap_or_default() + "\n";
    let file = asked.folder.as_ref().map(|folder| folder.join(FILE));
    print_or_write(text, file.as_deref(), context)
}

fn of(program: &str, what_if: WhatIf) -> Json {
    let operation = |args: Json| json!({"executable": program, "args": args, "input": "stdin"});
    let set = |args: Json| {
        let mut set = operation(args);
        set["implementsPretest"] = json!(true);
        set["handlesExist"] = json!(true);
        set["return"] = json!("stateAndDiff");
        set
    };
    let mut manifest = json!({
        "$schema": "https://aka.ms/dsc/schemas/v3/bundled/resource/manifest.json",
        "type": TYPE,
        "version": env!("CARGO_PKG_VERSION"),
        "description": "The settings, hooks, accounts and shortcuts in a MicroSIP.ini",
        "tags": ["microsip", "sip", "softphone"],
        "get": operation(json!(["dsc", "get"])),
        "set": set(json!(["dsc", "set"])),
        "test": operation(json!(["dsc", "test"])),
        "export": operation(json!(["dsc", "export"])),
    });
    manifest["test"]["return"] = json!("stateAndDiff");
    match what_if {
        WhatIf::Argument => {
            manifest["set"]["args"] = json!(["dsc", "set", {"whatIfArg": "--what-if"}]);
        }
        WhatIf::Operation => manifest["whatIf"] = set(json!(["dsc", "set", "--what-if"])),
    }
    let statuses = ExitStatus::ALL.iter();
    let statuses = statuses.map(|status| ((*status as u8).to_string(), json!(status.meaning())));
    manifest["exitCodes"] = Json::Object(statuses.collect::<Map<_, _>>());
    manifest["schema"] = json!({"embedded": json_schema::of_instance()});
    manifest
}
