//! Finds the program that opens a link.

use std::io;

use serde::Serialize;

use crate::diagnostic::{Code, Diagnostic};
use crate::platform::registry::{ClassRegistry, Hive};

use super::{MARK_SET, SCHEMES, command_key};

/// Where it is decided which program opens a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkSource {
    /// In Windows' settings, by the user. This overrides the others.
    UserChoice,
    /// In the registry, by a program, for this user.
    User,
    /// In the registry, by a program, for every user of this computer.
    Machine,
    /// Nowhere.
    Nobody,
}

/// The program that opens one kind of link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The kind of link, without the colon.
    pub scheme: &'static str,
    /// Where it is decided.
    #[serde(rename = "from")]
    pub source: LinkSource,
    /// The class that the user chose. The class of a Store app has no command.
    pub class: Option<String>,
    /// The command line; `%1` is replaced by the link.
    pub command: Option<String>,
    /// The program in that command line.
    pub program: Option<String>,
    /// Whether the program is MicroSIP.
    pub is_microsip: bool,
}

/// Returns which program opens each kind of link. `exe` is MicroSIP's exe, if it is known.
///
/// # Errors
/// The registry can't be read.
pub fn show(registry: &dyn ClassRegistry, exe: Option<&str>) -> io::Result<Vec<Link>> {
    SCHEMES.into_iter().map(|scheme| link(registry, scheme, exe)).collect()
}

fn link(registry: &dyn ClassRegistry, scheme: &'static str, exe: Option<&str>) -> io::Result<Link> {
    let choice = registry.user_choice(scheme)?.filter(|class| !class.is_empty());
    let key = command_key(choice.as_deref().unwrap_or(scheme));
    let (mut source, mut command, mut is_ours) = (LinkSource::Nobody, None, false);
    for (hive, found_in) in [(Hive::User, LinkSource::User), (Hive::Machine, LinkSource::Machine)] {
        if let Some(value) = registry.value(hive, &key, "")? {
            // what msipcfg registered is MicroSIP, whatever its exe is called
            is_ours = hive == Hive::User && registry.value(hive, &key, MARK_SET)?.as_ref() == Some(&value);
            (source, command) = (found_in, Some(value.text().unwrap_or_default()));
            break;
        }
    }
    let program = command.as_deref().and_then(program_of).map(str::to_string);
    let is_microsip = is_ours || program.as_deref().is_some_and(|program| is_microsip(program, exe));
    let source = if choice.is_some() { LinkSource::UserChoice } else { source };
    Ok(Link { scheme, source, class: choice, command, program, is_microsip })
}

/// Returns the program in a command line. Without quotes, a path with spaces ends at the first `.exe`: Windows
/// tries each space as the end.
pub fn program_of(command: &str) -> Option<&str> {
    let command = command.trim_start();
    let program = match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => {
            let ends = command.match_indices([' ', '\t']).map(|(at, _)| at).chain([command.len()]);
            let is_exe = |end: &usize| has_ending(&command[..*end], ".exe");
            let first_space = ends.clone().next().unwrap_or(command.len());
            &command[..ends.into_iter().find(is_exe).unwrap_or(first_space)]
        }
    };
    (!program.is_empty()).then_some(program)
}

fn has_ending(text: &str, ending: &str) -> bool {
    let start = text.len().saturating_sub(ending.len());
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

fn is_microsip(program: &str, exe: Option<&str>) -> bool {
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
    let is_exe = exe.is_some_and(|exe| exe.to_lowercase() == program.to_lowercase());
    name.eq_ignore_ascii_case("microsip.exe") || is_exe
}

/// Returns the warnings after MicroSIP was registered.
pub fn warnings_after_set(links: &[Link]) -> Vec<Diagnostic> {
    // the scheme's own class is the one that msipcfg registers
    let is_other = |link: &&Link| {
        let is_own = link.class.as_ref().is_some_and(|class| class.eq_ignore_ascii_case(link.scheme));
        link.source == LinkSource::UserChoice && !link.is_microsip && !is_own
    };
    let chosen_otherwise = links.iter().filter(is_other).map(|link| {
        let who = link.program.clone().or_else(|| link.class.clone()).unwrap_or_default();
        let scheme = link.scheme;
        let message =
            format!("{scheme}: links still open in {who}, because the user chose it in Windows' settings");
        let link_type = scheme.to_uppercase();
        Diagnostic::new(Code::LinksChosen, message)
            .with_hint(format!("change it in Settings > Apps > Default apps, for the link type {link_type}"))
    });
    let mut warnings: Vec<Diagnostic> = chosen_otherwise.collect();
    let not_chosen = links.iter().filter(|link| link.source != LinkSource::UserChoice);
    let schemes: Vec<_> = not_chosen.map(|link| link.scheme).collect();
    if !schemes.is_empty() {
        let schemes = schemes.join(", ");
        let message = format!("Windows may ask which program to use for these links: {schemes}");
        let warning = Diagnostic::new(Code::LinksMayAsk, message);
        warnings.push(warning.with_hint("choose MicroSIP, once for each kind of link"));
    }
    warnings
}
