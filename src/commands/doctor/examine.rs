//! Examines an ini, the programs that it names, and the files next to it.

use crate::commands::context::Context;
use crate::commands::error::Error;
use crate::commands::hook_state::{save_dialect, target_context};
use crate::commands::ini::{Ini, with_ini_nearby};
use crate::diagnostic::Code;
use crate::hook::dialect::SaveDialect;
use crate::hook::target::TargetContext;
use crate::ini::encoding::Decoded;
use crate::microsip::recognize::{self, NotMicrosip};
use crate::platform::{Env, FileSystem};

use super::finding::{Finding, Severity};
use super::{accounts, actions, calls, hooks, places, text};

/// Returns every problem of an ini and of the files next to it, the worst first.
///
/// # Errors
/// The folder of the ini can't be read.
pub fn examine(ini: &Ini, context: &Context<'_>) -> Result<Vec<Finding>, Error> {
    let mut findings = match ini.read(context) {
        Ok(decoded) => {
            let mut findings = check(ini, &decoded, context.env, context.fs);
            findings.extend(calls::check(ini, &decoded.document, context));
            findings
        }
        Err(error) => vec![Finding::new(Severity::Error, &with_ini_nearby(error, context.fs))],
    };
    findings.extend(places::check(ini, context.env, context.fs)?);
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.line));
    Ok(findings)
}

/// Returns every problem of the text of an ini, of the programs that it names, and of its actions.
pub fn check(ini: &Ini, decoded: &Decoded, env: &Env, fs: &dyn FileSystem) -> Vec<Finding> {
    let save_dialect = save_dialect(None, ini, &decoded.document, env);
    let mut findings = check_text(decoded, &save_dialect, &target_context(ini, env));
    actions::fix_moved_runners(&mut findings, ini, decoded, env, fs);
    findings.extend(actions::check(ini, decoded, env, fs));
    findings
}

/// Returns every problem of a text.
pub fn check_text(decoded: &Decoded, save_dialect: &SaveDialect, targets: &TargetContext) -> Vec<Finding> {
    let mut findings = text::check(decoded, save_dialect);
    if !recognize::is_microsip(&decoded.document) {
        // what MicroSIP would do to another program's ini is beside the point
        findings.retain(|finding| finding.diagnostic.code != Code::IniEncoding);
        findings.push(Finding::new(Severity::Error, &NotMicrosip));
    }
    findings.extend(accounts::check(&decoded.document));
    findings.extend(hooks::check(&decoded.document, save_dialect, targets));
    findings
}
