//! Problems of the accounts in an ini. Pure.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine, Section};
use crate::ini::{Wide, lookup};
use crate::microsip::accounts::number_of;
use crate::microsip::values;

use super::finding::{Finding, Severity};

/// A problem of an account.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum AccountProblem {
    #[error(
        "accountId is {number}, but [Account{number}] doesn't exist, so MicroSIP starts without an account"
    )]
    Missing { number: u32, first: Option<u32> },
    #[error(
        "accountId is {number}, but [Account{number}] has no domain, so MicroSIP starts without an account"
    )]
    NoDomain { number: u32 },
    #[error("accountId isn't set, so MicroSIP doesn't use [Account{number}]")]
    Unused { number: u32 },
    #[error(
        "[Account{missing}] is missing or has no domain, so MicroSIP's list ends there and [Account{number}] can't be selected"
    )]
    Gap { number: u32, missing: u32 },
    #[error(
        "[{section}] has a password but no username, so MicroSIP asks for the username and drops the password"
    )]
    NoUsername { section: String },
    #[error("the password of [{section}] is in plain text until MicroSIP loads the account and encrypts it")]
    Plain { section: String },
    #[error(
        "[{section}]: MicroSIP mistakes about 1 in 256 plain passwords of {length} characters for an encrypted one"
    )]
    Length { section: String, length: usize },
}

impl ToDiagnostic for AccountProblem {
    fn code(&self) -> Code {
        match self {
            AccountProblem::Missing { .. } | AccountProblem::NoDomain { .. } => Code::AccountMissing,
            AccountProblem::Unused { .. } => Code::AccountUnused,
            AccountProblem::Gap { .. } => Code::AccountGap,
            AccountProblem::NoUsername { .. } => Code::AccountNoUsername,
            AccountProblem::Plain { .. } => Code::PasswordPlain,
            AccountProblem::Length { .. } => Code::PasswordLength,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            AccountProblem::Missing { first: Some(first), .. } => format!("msipcfg set accountId={first}"),
            AccountProblem::Missing { first: None, .. } => {
                "add the account in MicroSIP, or msipcfg set accountId=0".into()
            }
            AccountProblem::NoDomain { number } => format!("msipcfg set Account{number}/domain=DOMAIN"),
            AccountProblem::Unused { number } => format!("msipcfg set accountId={number}"),
            AccountProblem::Gap { missing, .. } => {
                format!("number the accounts without gaps, starting with [Account{missing}]")
            }
            AccountProblem::NoUsername { section } => format!("msipcfg set {section}/username=NAME"),
            AccountProblem::Plain { .. } => {
                "start MicroSIP with this account (msipcfg start); it then encrypts the password".into()
            }
            AccountProblem::Length { .. } => {
                "if the account can't log in, use a password that is one character longer".into()
            }
        })
    }
}

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
        let finding = Finding::new(Severity::Warning, &AccountProblem::Unused { number });
        return Some(finding.at(document, &account.section.header).of("Settings", "accountId"));
    }
    let number: u32 = id.trim().parse().ok().filter(|number| *number > 0)?;
    let (severity, problem) = match accounts.get(&number) {
        Some(account) if account.has_domain => return None,
        Some(_) => (Severity::Warning, AccountProblem::NoDomain { number }),
        // MicroSIP itself writes 1 before an account exists.
        None if number == 1 && accounts.keys().all(|number| *number == 0) => return None,
        None => (
            Severity::Error,
            AccountProblem::Missing { number, first: whole.next().map(|(first, _)| *first) },
        ),
    };
    let line = line_in(document, settings?, "accountId")?.line;
    Some(Finding::new(severity, &problem).at(document, &line).of("Settings", "accountId"))
}

/// Finds the first account after a missing number.
fn gap(document: &IniDocument, accounts: &Accounts<'_>) -> Option<Finding> {
    let exists = |number: &u32| accounts.get(number).is_some_and(|account| account.has_domain);
    let missing = (1..).find(|number| !exists(number))?;
    let (&number, account) = accounts.range(missing..).find(|(_, account)| account.has_domain)?;
    let finding = Finding::new(Severity::Warning, &AccountProblem::Gap { number, missing });
    Some(finding.at(document, &account.section.header))
}

fn username(document: &IniDocument, account: &Account<'_>) -> Option<Finding> {
    let Account { name, section, has_domain } = account;
    let line = line_in(document, section, "password").filter(|_| *has_domain)?;
    let is_empty = |key| value_in(document, section, key).is_empty();
    if is_empty("password") || !is_empty("username") {
        return None;
    }
    let problem = AccountProblem::NoUsername { section: name.clone() };
    Some(Finding::new(Severity::Warning, &problem).at(document, &line.line).of(name, "username"))
}

fn password(document: &IniDocument, section: &Section<'_>, name: &str) -> Vec<Finding> {
    let password = value_in(document, section, "password");
    // An older form, of any length.
    let has_old_form = !matches!(&value_in(document, section, "passwordSize")[..], [] | [0x30]);
    let Some(KeyLine { line, .. }) = line_in(document, section, "password") else { return Vec::new() };
    if password.is_empty() || has_old_form || values::is_encrypted(&password) {
        return Vec::new();
    }
    let (section, length) = (name.to_string(), password.len());
    let mut problems = vec![AccountProblem::Plain { section: section.clone() }];
    if values::may_be_taken_for_encrypted(length) {
        problems.push(AccountProblem::Length { section, length });
    }
    let finding = |problem: &AccountProblem| {
        Finding::new(Severity::Warning, problem).at(document, &line).of(name, "password")
    };
    problems.iter().map(finding).collect()
}
