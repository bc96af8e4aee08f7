//! What the user has answered so far.

use super::goal::{self, Goal};
use super::number_place::{self, NumberPlace};
use super::texts;
use crate::hook::action::Action;
use crate::hook::action::numbers::{NumberForm, Numbers};
use crate::hook::command::HookCommand;
use crate::hook::event::Event;
use crate::hook::target::Allow;
use crate::request::HookText;

/// What was answered so far. A text is empty until it is typed.
#[derive(Clone, Debug)]
pub struct Answers {
    pub goal: Goal,
    /// The chosen line of the short list.
    pub moment: usize,
    pub events: Vec<Event>,
    /// What was selected from all events.
    pub selected: Vec<Event>,
    pub message: String,
    pub link: String,
    /// Of a web page or service.
    pub address: String,
    /// The chosen place of the number, if the address doesn't name one.
    pub place: usize,
    /// The typed calling code of the user's country; empty to convert no numbers.
    pub country: String,
    /// The calling code that the actions of this ini already have.
    pub country_of_ini: Option<u16>,
    pub file: String,
    pub program: String,
    pub arguments: String,
    pub allow: Allow,
    /// Whether what happens now stays.
    pub is_kept: bool,
}

impl Answers {
    /// Returns the answers at the beginning.
    pub fn new(goal: Goal) -> Answers {
        Answers {
            goal,
            moment: 0,
            events: Vec::new(),
            selected: Vec::new(),
            message: String::new(),
            link: String::new(),
            address: String::new(),
            place: 0,
            country: String::new(),
            country_of_ini: None,
            file: String::new(),
            program: String::new(),
            arguments: String::new(),
            allow: Allow::default(),
            is_kept: true,
        }
    }

    /// Returns the address of the page that this opens, as it was typed; empty if it opens none.
    pub fn page(&self) -> &String {
        if self.goal == Goal::ShowCaller { &self.link } else { &self.address }
    }

    /// Returns the places where the number could belong in the page's address, if that has to be asked.
    pub fn number_places(&self) -> Vec<NumberPlace> {
        let opens_page = matches!(self.goal, Goal::ShowCaller | Goal::OpenPage);
        if opens_page && !self.page().is_empty() {
            number_place::number_places(self.page())
        } else {
            Vec::new()
        }
    }

    /// Returns the chosen place of the number.
    pub fn number_place(&self) -> Option<NumberPlace> {
        self.number_places().into_iter().nth(self.place)
    }

    /// Returns the address of the page with the number in its place. A number is converted only if the country is
    /// known.
    pub fn full_page(&self) -> String {
        let Some(place) = self.number_place() else { return self.page().clone() };
        let is_known = self.country_of_ini.or(self.country()).is_some();
        let form = place.form.filter(|_| is_known).unwrap_or(NumberForm::Received);
        place.address(form)
    }

    /// Returns the form in which the page shall get the number, if the country is needed for it and must be asked.
    pub fn form_without_country(&self) -> Option<NumberForm> {
        let converted = [NumberForm::E164, NumberForm::National];
        let form = match self.number_place() {
            Some(place) => place.form,
            None => {
                let text = format!("{}{}", self.message, self.page());
                let is_used = |form: &&NumberForm| {
                    text.contains(&format!("{{number:{}}}", form.name().unwrap_or_default()))
                };
                converted.iter().find(is_used).copied()
            }
        };
        form.filter(|form| self.country_of_ini.is_none() && converted.contains(form))
    }

    /// Returns the calling code that was typed.
    pub fn country(&self) -> Option<u16> {
        Numbers::calling_code(&self.country)
    }

    pub fn message_or_usual(&self) -> String {
        match self.events.first() {
            Some(event) if self.message.is_empty() => goal::usual_message(*event).into(),
            _ => self.message.clone(),
        }
    }

    /// Returns the action that opens the page, or what is wrong with it.
    pub fn action_with_page(&self, page: &str) -> Result<Action, String> {
        match self.goal {
            Goal::ShowCaller => goal::message(&self.message_or_usual(), page),
            _ => goal::opening(page),
        }
    }

    /// Returns what was described, and what it does; or what is wrong with it.
    pub fn what(&self) -> Result<(String, HookText), String> {
        let action = match self.goal {
            Goal::ShowCaller | Goal::OpenPage => self.action_with_page(&self.full_page()),
            Goal::NotifyService => goal::posting(&self.address),
            Goal::LogCalls => goal::logging(&self.file),
            Goal::StartProgram => {
                let command = self.command(&texts::split_arguments(&self.arguments));
                return Ok((texts::starts(&command), HookText::Command(command)));
            }
        };
        action.map(|action| (texts::does(&action), HookText::Action(Box::new(action))))
    }

    pub fn command(&self, args: &[String]) -> HookCommand {
        HookCommand { program: self.program.clone(), args: args.to_vec() }
    }
}
