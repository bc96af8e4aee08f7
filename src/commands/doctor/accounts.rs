//! Problems of the accounts in an ini. Pure.

use std::collections::BTreeMap;

use crate::diagnostic::Code;
use crate::ini::document::{IniDocument, KeyLine, Section};
use crate::ini::{Wide, lookup};
use crate::microsip::accounts::number_of;
use crate::microsip::values;

use super::finding::Finding;

/// The section of an account that MicroSIP reads.
struct Account<'a> {
    name: String,
    section: Section<'a>,
    has_domain: bool,
}

/// The accounts by number.
type Accounts<'a> = BTreeMap<u32, Account<'a>>;

/// Returns every problem of the accounts.
pub fn check(document: &IniDocument) -> Vec<Finding> {
    let mut accounts = Accounts::new();
    for section in document.sections() {
        let name = section.name.to_string();
        let Some(number) = number_of(&name) else { continue };
        accounts.entry(number).or_insert_with(|| {
            let has_domain = !value_in(document, &section, "domain").is_empty();
            Account { name, section, has_domain }
        });
    }
    let settings = lookup::section(document, "Settings");
    let is_old_layout =
        settings.as_ref().is_some_and(|section| !value_in(document, section, "domain").is_empty());
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(active(document, settings.as_ref(), &accounts, is_old_layout));
    findings.extend(gap(document, &accounts));
    for account in accounts.values() {
        findings.extend(password(document, &account.section, &account.name));
        findings.extend(username(document, account));
    }
    // In the old layout, the only account has no section of its own.
    if let Some(section) = settings.filter(|_| is_old_layout) {
        findings.extend(password(document, &section, "Settings"));
    }
    findings
}

fn line_in<'a>(document: &'a IniDocument, section: &Section<'a>, key: &'a str) -> Option<KeyLine<'a>> {
    lookup::key_lines(document, section, key).next()
}

fn value_in(document: &IniDocument, section: &Section<'_>, key: &str) -> Wide {
    let line = line_in(document, section, key);
    line.and_then(|line| lookup::line_value(document, &line, lookup::NO_LIMIT)).unwrap_or_default()
}

/// Checks the account that accountId names. 0 means none, or the first.
fn active(
    document: &IniDocument,
    settings: Option<&Section<'_>>,
    accounts: &Accounts<'_>,
    is_old_layout: bool,
) -> Option<Finding> {
    let id = settings.map(|section| value_in(document, section, "accountId")).unwrap_or_default();
    let id = String::from_utf16_lossy(&id);
    let mut whole = accounts.iter().filter(|(number, account)| **number > 0 && account.has_domain);
    if id.is_empty() {
        let (&number, account) = whole.next().filter(|_| !is_old_layout)?;
        let message = format!("accountId isn't set, so MicroSIP doesn't use [Account{number}]");
        let finding = Finding::warning(Code::AccountUnused, message)
            .with_command(["set", &format!("accountId={number}")]);
        return Some(finding.at(document, &account.section.header).of("Settings", "accountId"));
    }
    let number: u32 = id.trim().parse().ok().filter(|number| *number > 0)?;
    let finding = match accounts.get(&number) {
        Some(account) if account.has_domain => return None,
        Some(_) => {
            let message = format!(
                "accountId is {number}, but [Account{number}] has no domain, so MicroSIP starts without an account"
            );
            Finding::warning(Code::AccountMissing, message)
                .with_template(["set", &format!("Account{number}/domain=DOMAIN")])
        }
        // MicroSIP itself writes 1 before an account exists.
        None if number == 1 && accounts.keys().all(|number| *number == 0) => return None,
        None => {
            let message = format!(
                "accountId is {number}, but [Account{number}] doesn't exist, so MicroSIP starts without an account"
            );
            let finding = Finding::error(Code::AccountMissing, message);
            match whole.next() {
                Some((first, _)) => finding.with_command(["set", &format!("accountId={first}")]),
                None => {
                    finding.with_command(["set", "accountId=0"]).with_hint("or add the account in MicroSIP")
                }
            }
        }
    };
    let line = line_in(document, settings?, "accountId")?.line;
    Some(finding.at(document, &line).of("Settings", "accountId"))
}

/// Finds the first account after a missing number.
fn gap(document: &IniDocument, accounts: &Accounts<'_>) -> Option<Finding> {
    let exists = |number: &u32| accounts.get(number).is_some_and(|account| account.has_domain);
    let missing = (1..).find(|number| !exists(number))?;
    let (&number, account) = accounts.range(missing..).find(|(_, account)| account.has_domain)?;
    let message = format!(
        "[Account{missing}] is missing or has no domain, so MicroSIP's list ends there and [Account{number}] can't be selected"
    );
    let finding = Finding::warning(Code::AccountGap, message)
        .with_hint(format!("number the accounts without gaps, starting with [Account{missing}]"));
    Some(finding.at(document, &account.section.header))
}

fn username(document: &IniDocument, account: &Account<'_>) -> Option<Finding> {
    let Account { name, section, has_domain } = account;
    let line = line_in(document, section, "password").filter(|_| *has_domain)?;
    let is_empty = |key| value_in(document, section, key).is_empty();
    if is_empty("password") || !is_empty("username") {
        return None;
    }
    let message = format!(
        "[{name}] has a password but no username, so MicroSIP asks for the username and drops the password"
    );
    let finding = Finding::warning(Code::AccountNoUsername, message)
        .with_template(["set", &format!("{name}/username=NAME")]);
    Some(finding.at(document, &line.line).of(name, "username"))
}

fn password(document: &IniDocument, section: &Section<'_>, name: &str) -> Vec<Finding> {
    let password = value_in(document, section, "password");
    // An older form, of any length.
    let has_old_form = !matches!(&value_in(document, section, "passwordSize")[..], [] | [0x30]);
    let Some(KeyLine { line, .. }) = line_in(document, section, "password") else { return Vec::new() };
    if password.is_empty() || has_old_form || values::is_encrypted(&password) {
        return Vec::new();
    }
    let message =
        format!("the password of [{name}] is in plain text until MicroSIP loads the account and encrypts it");
    let plain = Finding::warning(Code::PasswordPlain, message)
        .with_command(["start"])
        .with_hint("when MicroSIP starts with this account, it encrypts the password");
    let mut findings = vec![plain];
    let length = password.len();
    if values::may_be_taken_for_encrypted(length) {
        let message = format!(
            "[{name}]: MicroSIP mistakes about 1 in 256 plain passwords of {length} characters for an encrypted one"
        );
        let finding = Finding::warning(Code::PasswordLength, message)
            .with_hint("if the account can't log in, use a password that is one character longer");
        findings.push(finding);
    }
    findings.into_iter().map(|finding| finding.at(document, &line).of(name, "password")).collect()
}
