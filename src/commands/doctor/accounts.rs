//! Problems of the accounts in an ini. Pure.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, ToDiagnostic};
use crate::ini::document::{IniDocument, KeyLine, Section};
use crate::ini::{Wide, lookup};
use crate::microsip::accounts::number_of;
use crate::microsip::values;

use super::finding::{Finding, Severity};

/// What is wrong with an account.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Fault {
    #[error(
        "accountId is {number}, but there is no [Account{number}], so MicroSIP starts without an account"
    )]
    Missing { number: u32, first: Option<u32> },
    #[error(
        "accountId is {number}, but [Account{number}] has no domain, so MicroSIP starts without an account"
    )]
    NoDomain { number: u32 },
    #[error("there is no accountId, so MicroSIP does not use [Account{number}]")]
    Unused { number: u32 },
    #[error(
        "there is no [Account{missing}] with a domain, so MicroSIP's list ends before [Account{number}] and it cannot be chosen"
    )]
    Gap { number: u32, missing: u32 },
    #[error("[{section}] has a password and no username, so MicroSIP asks for it and drops the password")]
    NoUsername { section: String },
    #[error("the password of [{section}] stands in clear until MicroSIP loads the account and encrypts it")]
    Plain { section: String },
    #[error(
        "about 1 of 256 plain passwords of {length} characters, as this of [{section}], is taken for an encrypted one"
    )]
    Length { section: String, length: usize },
}

impl ToDiagnostic for Fault {
    fn code(&self) -> Code {
        match self {
            Fault::Missing { .. } | Fault::NoDomain { .. } => Code::AccountMissing,
            Fault::Unused { .. } => Code::AccountUnused,
            Fault::Gap { .. } => Code::AccountGap,
            Fault::NoUsername { .. } => Code::AccountNoUsername,
            Fault::Plain { .. } => Code::PasswordPlain,
            Fault::Length { .. } => Code::PasswordLength,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Fault::Missing { first: Some(first), .. } => format!("msipcfg set accountId={first}"),
            Fault::Missing { first: None, .. } => {
                "add the account in MicroSIP, or msipcfg set accountId=0".into()
            }
            Fault::NoDomain { number } => format!("msipcfg set Account{number}/domain=DOMAIN"),
            Fault::Unused { number } => format!("msipcfg set accountId={number}"),
            Fault::Gap { missing, .. } => {
                format!("number the accounts without a gap, beginning with [Account{missing}]")
            }
            Fault::NoUsername { section } => format!("msipcfg set {section}/username=NAME"),
            Fault::Plain { .. } => {
                "start MicroSIP with this account (msipcfg start); it then encrypts the password".into()
            }
            Fault::Length { .. } => {
                "if the account cannot log in, use a password one character longer".into()
            }
        })
    }
}

/// An account's section, which counts.
struct Account<'a> {
    name: String,
    section: Section<'a>,
    has_domain: bool,
}

/// The accounts by their numbers.
type Accounts<'a> = BTreeMap<u32, Account<'a>>;

/// Every problem of the accounts.
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
    // the old layout with one account has no section of its own
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

/// The account that accountId names. 0 is none, or the first.
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
        let finding = Finding::new(Severity::Warning, &Fault::Unused { number });
        return Some(finding.at(document, &account.section.header).of("Settings", "accountId"));
    }
    let number: u32 = id.trim().parse().ok().filter(|number| *number > 0)?;
    let (severity, fault) = match accounts.get(&number) {
        Some(account) if account.has_domain => return None,
        Some(_) => (Severity::Warning, Fault::NoDomain { number }),
        // MicroSIP itself leaves 1 where no account was made yet
        None if number == 1 && accounts.keys().all(|number| *number == 0) => return None,
        None => (Severity::Error, Fault::Missing { number, first: whole.next().map(|(first, _)| *first) }),
    };
    let line = line_in(document, settings?, "accountId")?.line;
    Some(Finding::new(severity, &fault).at(document, &line).of("Settings", "accountId"))
}

/// The first account behind a number that is missing.
fn gap(document: &IniDocument, accounts: &Accounts<'_>) -> Option<Finding> {
    let is_there = |number: &u32| accounts.get(number).is_some_and(|account| account.has_domain);
    let missing = (1..).find(|number| !is_there(number))?;
    let (&number, account) = accounts.range(missing..).find(|(_, account)| account.has_domain)?;
    let finding = Finding::new(Severity::Warning, &Fault::Gap { number, missing });
    Some(finding.at(document, &account.section.header))
}

fn username(document: &IniDocument, account: &Account<'_>) -> Option<Finding> {
    let Account { name, section, has_domain } = account;
    let line = line_in(document, section, "password").filter(|_| *has_domain)?;
    let is_empty = |key| value_in(document, section, key).is_empty();
    if is_empty("password") || !is_empty("username") {
        return None;
    }
    let fault = Fault::NoUsername { section: name.clone() };
    Some(Finding::new(Severity::Warning, &fault).at(document, &line.line).of(name, "username"))
}

fn password(document: &IniDocument, section: &Section<'_>, name: &str) -> Vec<Finding> {
    let password = value_in(document, section, "password");
    // an older form, of any length
    let has_old_form = !matches!(&value_in(document, section, "passwordSize")[..], [] | [0x30]);
    let Some(KeyLine { line, .. }) = line_in(document, section, "password") else { return Vec::new() };
    if password.is_empty() || has_old_form || values::is_encrypted(&password) {
        return Vec::new();
    }
    let (section, length) = (name.to_string(), password.len());
    let mut faults = vec![Fault::Plain { section: section.clone() }];
    if values::may_be_taken_for_encrypted(length) {
        faults.push(Fault::Length { section, length });
    }
    let finding =
        |fault: &Fault| Finding::new(Severity::Warning, fault).at(document, &line).of(name, "password");
    faults.iter().map(finding).collect()
}
