//! Problems of the accounts in an ini. Pure.

use crate::ini::document::{IniDocument, Line, Section};
use crate::ini::{Wide, lookup};
use crate::microsip::keys;
use crate::microsip::values;
use crate::problem::{Code, Problem};

use super::finding::{Finding, Severity};
use super::text::account_number;

/// What is wrong with an account.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Fault {
    #[error(
        "accountId is {number}, but there is no [Account{number}], so MicroSIP starts without an account"
    )]
    Missing { number: u32, there: Vec<u32> },
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

impl Problem for Fault {
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
            Fault::Missing { there, .. } => match there.first() {
                Some(number) => format!("msipcfg set accountId={number}"),
                None => "add the account in MicroSIP, or msipcfg set accountId=0".into(),
            },
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
    number: u32,
    name: String,
    section: Section<'a>,
    has_domain: bool,
}

/// Every problem of the accounts.
pub fn check(document: &IniDocument) -> Vec<Finding> {
    let mut accounts: Vec<Account<'_>> = Vec::new();
    for section in document.sections() {
        let name = section.name.to_string();
        let Some(number) = account_number(&name) else { continue };
        if accounts.iter().all(|other| other.number != number) {
            let has_domain = !value(document, &name, "domain").is_empty();
            accounts.push(Account { number, name, section, has_domain });
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(active(document, &accounts));
    findings.extend(gap(document, &accounts));
    for account in &accounts {
        findings.extend(credentials(document, &account.name, account.has_domain));
    }
    // the old layout with one account has no section of its own
    if !value(document, "Settings", "domain").is_empty() {
        findings.extend(password(document, "Settings"));
    }
    findings
}

fn value(document: &IniDocument, section: &str, key: &str) -> Wide {
    lookup::value(document, section, key, keys::limit(section, key)).unwrap_or_default()
}

/// The line of a key, if it is there.
fn line_of(document: &IniDocument, section: &str, key: &str) -> Option<Line> {
    let section = lookup::section(document, section)?;
    let line = lookup::key_lines(document, &section, key).next()?;
    Some(line.line)
}

/// The account that accountId names. 0 is none, or the first.
fn active(document: &IniDocument, accounts: &[Account<'_>]) -> Option<Finding> {
    let id = String::from_utf16_lossy(&value(document, "Settings", "accountId"));
    let there: Vec<u32> = accounts
        .iter()
        .filter(|account| account.has_domain && account.number > 0)
        .map(|account| account.number)
        .collect();
    if id.is_empty() {
        let has_old_layout = !value(document, "Settings", "domain").is_empty();
        let number = *there.iter().min().filter(|_| !has_old_layout)?;
        let account = accounts.iter().find(|account| account.number == number)?;
        let finding = Finding::new(Severity::Warning, &Fault::Unused { number });
        return Some(finding.at(document, &account.section.header).of("Settings", "accountId"));
    }
    let number: u32 = id.trim().parse().ok().filter(|number| *number > 0 && !there.contains(number))?;
    let (severity, fault) = match accounts.iter().find(|account| account.number == number) {
        Some(_) => (Severity::Warning, Fault::NoDomain { number }),
        // MicroSIP itself leaves 1 where no account was made yet
        None if number == 1 && accounts.iter().all(|account| account.number == 0) => return None,
        None => (Severity::Error, Fault::Missing { number, there }),
    };
    let line = line_of(document, "Settings", "accountId")?;
    Some(Finding::new(severity, &fault).at(document, &line).of("Settings", "accountId"))
}

/// The first account behind a number that is missing.
fn gap(document: &IniDocument, accounts: &[Account<'_>]) -> Option<Finding> {
    let is_there = |number: u32| accounts.iter().any(|other| other.number == number && other.has_domain);
    let missing = (1..).find(|number| !is_there(*number))?;
    let behind = accounts.iter().filter(|account| account.number > missing && account.has_domain);
    let first = behind.min_by_key(|account| account.number)?;
    let finding = Finding::new(Severity::Warning, &Fault::Gap { number: first.number, missing });
    Some(finding.at(document, &first.section.header))
}

fn credentials(document: &IniDocument, section: &str, has_domain: bool) -> Vec<Finding> {
    let mut findings = password(document, section);
    let has_password = !value(document, section, "password").is_empty();
    if has_domain && has_password && value(document, section, "username").is_empty() {
        let fault = Fault::NoUsername { section: section.to_string() };
        let line = line_of(document, section, "password");
        findings.extend(
            line.map(|line| {
                Finding::new(Severity::Warning, &fault).at(document, &line).of(section, "username")
            }),
        );
    }
    findings
}

fn password(document: &IniDocument, section: &str) -> Vec<Finding> {
    let password = value(document, section, "password");
    // an older form, of any length
    let has_old_form = !matches!(&value(document, section, "passwordSize")[..], [] | [0x30]);
    let Some(line) = line_of(document, section, "password") else { return Vec::new() };
    if password.is_empty() || has_old_form || is_encrypted(&password) {
        return Vec::new();
    }
    let length = password.len();
    let mut faults = vec![Fault::Plain { section: section.to_string() }];
    if values::may_be_taken_for_encrypted(length) {
        faults.push(Fault::Length { section: section.to_string(), length });
    }
    let finding =
        |fault: &Fault| Finding::new(Severity::Warning, fault).at(document, &line).of(section, "password");
    faults.iter().map(finding).collect()
}

/// Hex digits for whole blocks of 8 bytes, which MicroSIP's encryption makes (all versions seen).
fn is_encrypted(password: &[u16]) -> bool {
    const BLOCK: usize = 16;
    let is_hex = |unit: &u16| u8::try_from(*unit).is_ok_and(|byte| byte.is_ascii_hexdigit());
    password.len() % BLOCK == 0 && password.iter().all(is_hex)
}
