//! The questions about one thing that should happen on calls. Esc goes one question back, and every answer is kept.

use super::answers::Answers;
use super::dialog::{Dialog, Exit};
use super::goal::{self, Goal, Moment};
use super::ini::ChosenIni;
use super::number_place;
use super::path_completion;
use super::save::{self, Saving};
use super::texts;
use crate::cli::{line, prompt};
use crate::commands::Error;
use crate::commands::hook_state::Hook;
use crate::diagnostic::{Code, ToDiagnostic as _};
use crate::hook::action::Action;
use crate::hook::action::numbers::{NumberForm, Numbers};
use crate::hook::event::Event;
use crate::hook::target::TargetError;
use crate::platform::{self, FileSystemExt as _, SystemFs, WindowsPaths};
use crate::request::{EditRequest, HookText, SetHook};

/// A caller for examples.
const EXAMPLE_CALLER: &str = "+49301234";

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Moment,
    /// The events, chosen from all of them.
    Events,
    Message,
    Link,
    Address,
    NumberPlace,
    Country,
    File,
    Program,
    Arguments,
    /// Whether what happens now stays.
    Keep,
    Save,
}

/// What follows an answer.
enum Reply {
    /// The next question.
    Next,
    /// The previous question.
    Back,
    /// The same question: the answer was refused.
    Again,
    /// No question.
    Done(Saving),
}

/// The questions for one goal.
pub struct Questions<'a, 'd> {
    pub dialog: &'a Dialog<'d>,
    pub ini: &'a mut ChosenIni,
    pub answers: &'a mut Answers,
    /// What the ini has now.
    pub hooks: Vec<Hook>,
    pub paths: WindowsPaths,
}

impl Questions<'_, '_> {
    /// Asks until the change is saved or given up. Returns [`Saving::Back`] if the user goes back from the first
    /// question.
    pub fn ask(&mut self) -> Result<Saving, Exit> {
        let mut asked = Vec::new();
        let mut question = Question::Moment;
        loop {
            match self.ask_one(question)? {
                Reply::Next => {
                    asked.push(question);
                    question = self.next(question);
                }
                Reply::Back => match asked.pop() {
                    Some(previous) => question = previous,
                    None => return Ok(Saving::Back),
                },
                Reply::Again => {}
                Reply::Done(saving) => return Ok(saving),
            }
        }
    }

    fn next(&self, after: Question) -> Question {
        let first_detail = match self.answers.goal {
            Goal::ShowCaller => Question::Message,
            Goal::OpenPage | Goal::NotifyService => Question::Address,
            Goal::LogCalls => Question::File,
            Goal::StartProgram => Question::Program,
        };
        match after {
            Question::Moment if self.answers.events.is_empty() => Question::Events,
            Question::Moment | Question::Events => first_detail,
            Question::Message => Question::Link,
            Question::Address | Question::Link if !self.answers.number_places().is_empty() => {
                Question::NumberPlace
            }
            Question::Address | Question::Link | Question::NumberPlace
                if self.answers.form_without_country().is_some() =>
            {
                Question::Country
            }
            Question::Program => Question::Arguments,
            _ if after != Question::Keep && !self.present().is_empty() => Question::Keep,
            _ => Question::Save,
        }
    }

    fn ask_one(&mut self, question: Question) -> Result<Reply, Exit> {
        match question {
            Question::Moment => self.ask_moment(),
            Question::Events => self.ask_events(),
            Question::Message => self.ask_message(),
            Question::Link => self.ask_link(),
            Question::Address => self.ask_address(),
            Question::NumberPlace => self.ask_number_place(),
            Question::Country => self.ask_country(),
            Question::File => self.ask_file(),
            Question::Program => self.ask_program(),
            Question::Arguments => self.ask_arguments(),
            Question::Keep => self.ask_keep(),
            Question::Save => self.save(),
        }
    }

    // -----------------------------------------------------------------------------------------------------
    // when

    fn ask_moment(&mut self) -> Result<Reply, Exit> {
        let moments = self.answers.goal.moments();
        let mut items: Vec<String> = moments.map(Moment::label).map(String::from).to_vec();
        items[0].push_str(" (recommended)");
        items.push("At several or other moments...".into());
        let Some(chosen) =
            prompt::select(self.dialog.theme, "When should it happen?", &items, self.answers.moment)?
        else {
            return Ok(Reply::Back);
        };
        self.answers.moment = chosen;
        let events = moments.get(chosen).map_or(&[][..], |moment| moment.events());
        self.answers.events = events.to_vec();
        Ok(Reply::Next)
    }

    fn ask_events(&mut self) -> Result<Reply, Exit> {
        let is_selected = |event: &Event| self.answers.selected.contains(event);
        let items = texts::event_items(&self.hooks).into_iter().zip(Event::ALL);
        let items: Vec<_> = items.map(|(item, event)| (item, is_selected(event))).collect();
        let prompt = "When? (Space selects, Enter continues)";
        let Some(chosen) = prompt::select_many(self.dialog.theme, prompt, &items)? else {
            return Ok(Reply::Back);
        };
        let events: Vec<Event> = chosen.into_iter().map(|index| Event::ALL[index]).collect();
        if events.is_empty() {
            self.dialog.say("Nothing is selected. Press Space to select the line with the >, then Enter.\n");
            return Ok(Reply::Again);
        }
        self.dialog.say(&format!("When {}.\n", texts::when_any(&events)));
        self.answers.selected.clone_from(&events);
        self.answers.events = events;
        Ok(Reply::Next)
    }

    // -----------------------------------------------------------------------------------------------------
    // the details of each goal

    fn ask_message(&mut self) -> Result<Reply, Exit> {
        let usual = self.answers.events.first().map_or("", |event| goal::usual_message(*event));
        self.dialog.say(&format!(
            "The message is: {usual}\n{{name|number}} becomes the caller's name from MicroSIP's contacts or, if there is \
             none, the number.\nAn empty line means this message. Or type your own, such as: Call from {{name|number}}\n"
        ));
        let prompt = "Message (empty for this one)";
        let Some(typed) = self.line(prompt, |answers| &answers.message)? else { return Ok(Reply::Back) };
        self.answers.message = typed;
        let text = self.answers.message_or_usual();
        Ok(self.accepts(goal::message(&text, "")).map_or(Reply::Again, |_| Reply::Next))
    }

    fn ask_link(&mut self) -> Result<Reply, Exit> {
        self.dialog.say(
            "A click on the message can open a web page, such as https://crm.example/find?phone={number}\n",
        );
        let Some(typed) = self.line("Page that a click opens (empty for none)", |answers| &answers.link)?
        else {
            return Ok(Reply::Back);
        };
        self.set_page(&typed);
        if self.refuses_word() {
            return Ok(Reply::Again);
        }
        self.check_page()
    }

    fn ask_address(&mut self) -> Result<Reply, Exit> {
        let is_page = self.answers.goal == Goal::OpenPage;
        let (example, prompt) = if is_page {
            let example = "Open your customer list in the browser, search for a customer's phone number, and paste the \
                           address of the result here. Or type an address with {number} where the phone number belongs:\n\
                           https://crm.example/find?phone={number}";
            (example, "Address of the page")
        } else {
            let example = "msipcfg sends the call to the service as JSON. Ask whoever runs the service for its address. \
                           Example:\nhttps://crm.example/calls";
            (example, "Address of the web service")
        };
        self.dialog.say(&format!("{example}\n"));
        let Some(typed) = self.line(prompt, |answers| &answers.address)? else { return Ok(Reply::Back) };
        self.set_page(&typed);
        if self.answers.address.is_empty() {
            self.dialog.say("An address is needed. Esc goes back.\n");
            return Ok(Reply::Again);
        }
        if self.refuses_word() {
            return Ok(Reply::Again);
        }
        if !is_page {
            return self.check_action(goal::posting(&self.answers.address));
        }
        self.check_page()
    }

    /// Sets the typed address of a page or service.
    fn set_page(&mut self, typed: &str) {
        // some browsers and programs copy addresses in quotes
        let typed = without_quotes(typed);
        if typed != *self.answers.page() {
            self.answers.place = 0;
        }
        let is_message = self.answers.goal == Goal::ShowCaller;
        let page = if is_message { &mut self.answers.link } else { &mut self.answers.address };
        *page = typed;
    }

    /// Returns whether a word was typed in place of an address, and says so.
    fn refuses_word(&self) -> bool {
        let is_word = goal::is_word(self.answers.page());
        if is_word {
            let how = match self.answers.goal {
                Goal::NotifyService => "Ask whoever runs the service for its whole address, which",
                _ => "Open the page in your browser, and copy the whole line at its top, which",
            };
            self.dialog
                .say(&format!("{:?} isn't a web address. {how} starts with https://\n", self.answers.page()));
        }
        is_word
    }

    /// Checks the page as it was typed. If more has to be asked about it, the rest is checked after that.
    fn check_page(&mut self) -> Result<Reply, Exit> {
        match self.accepts(self.answers.action_with_page(self.answers.page())) {
            None => Ok(Reply::Again),
            Some(_) if !self.answers.number_places().is_empty() => Ok(Reply::Next),
            Some(_) => self.check_full_page(),
        }
    }

    /// Checks the page with the number in its place, unless the country has to be asked for.
    fn check_full_page(&mut self) -> Result<Reply, Exit> {
        if self.answers.form_without_country().is_some() {
            return Ok(Reply::Next);
        }
        self.check_action(self.answers.action_with_page(&self.answers.full_page()))
    }

    fn ask_number_place(&mut self) -> Result<Reply, Exit> {
        let mut items: Vec<String> =
            self.answers.number_places().into_iter().map(|place| place.label).collect();
        let has_place = number_place::seems_to_have_place(self.answers.page());
        let mut default = self.answers.place;
        if !has_place {
            self.dialog.say(
                "There is no phone number in this address. If the page has a search, search for a phone number and \
                 paste the address of the result instead.\n",
            );
            default = items.len();
            items.push("Paste another address".into());
        }
        let prompt = "Where in the address does the caller's number belong?";
        match prompt::select(self.dialog.theme, prompt, &items, default)? {
            Some(chosen) if has_place || chosen < default => self.answers.place = chosen,
            _ => return Ok(Reply::Back),
        }
        self.check_full_page()
    }

    fn ask_country(&mut self) -> Result<Reply, Exit> {
        let form = match self.answers.form_without_country() {
            Some(NumberForm::National) => "0301234567",
            _ => "+49301234567",
        };
        self.dialog.say(&format!(
            "This page finds numbers in the form {form}, but callers' numbers can arrive in other forms. To convert those, \
             msipcfg needs the calling code of your country, such as 49 for Germany.\n"
        ));
        if self.answers.country.is_empty() {
            let of_example = self.answers.number_place().and_then(|place| place.country);
            self.answers.country = of_example.map_or(String::new(), |code| code.to_string());
        }
        let prompt = "Calling code (without one, numbers stay as they are)";
        let Some(typed) = self.line(prompt, |answers| &answers.country)? else { return Ok(Reply::Back) };
        self.answers.country = typed.trim().to_string();
        match self.answers.country() {
            None if !self.answers.country.is_empty() => {
                self.dialog.say(&format!("No country has the calling code {}.\n", self.answers.country));
                return Ok(Reply::Again);
            }
            None => {}
            // the code of an area is easily taken for it
            Some(code) => {
                const NATIONAL: &str = "0301234567";
                let own = Numbers { country: Some(code), ..Numbers::default() };
                if let Some(number) = own.e164(NATIONAL) {
                    self.dialog.say(&format!("A call from {NATIONAL} counts as one from {number}.\n"));
                }
            }
        }
        self.check_action(self.answers.action_with_page(&self.answers.full_page()))
    }

    fn ask_file(&mut self) -> Result<Reply, Exit> {
        const NAME: &str = "calls.csv";
        let usual = self.usual_log();
        self.dialog.say(&format!(
            "Each call becomes a line of a file: time, direction, number, name, whether it was answered, its length in \
             seconds, and an id. A .csv file opens in Excel.\nAn empty line means {usual}.\n"
        ));
        let Some(typed) = self.path("File", |answers| &answers.file)? else { return Ok(Reply::Back) };
        let typed = without_quotes(&typed);
        let folder_of = |path: &str| path.rsplit_once(['\\', '/']).map(|(folder, _)| folder.to_string());
        let is_folder = |path: &str| {
            self.paths.to_host(path).is_some_and(|host| SystemFs.is_dir(&host)) && !path.is_empty()
        };
        let mut file = match folder_of(&typed) {
            _ if typed.is_empty() => usual,
            Some(_) => typed,
            // a name only
            None => format!("{}\\{typed}", folder_of(&usual).unwrap_or_default()),
        };
        if is_folder(&file) || file.ends_with(['\\', '/']) {
            file = format!("{}\\{NAME}", file.trim_end_matches(['\\', '/']));
        }
        if !file.rsplit(['\\', '/']).next().unwrap_or_default().contains('.') {
            file.push_str(".csv");
        }
        self.answers.file.clone_from(&file);
        if let Some(folder) = folder_of(&file)
            && self.paths != WindowsPaths::Unknown
            && !is_folder(&format!("{folder}\\"))
        {
            self.dialog
                .say(&format!("The folder {folder} doesn't exist. Create it first, or choose another.\n"));
            return Ok(Reply::Again);
        }
        self.check_action(goal::logging(&file))
    }

    /// Returns where calls are logged if the user names no file.
    fn usual_log(&self) -> String {
        let folder = platform::documents_folder().or_else(|| self.ini.path.parent().map(Into::into));
        let file = folder.unwrap_or_default().join("calls.csv");
        self.paths.to_windows(&file).unwrap_or_else(|| file.to_string_lossy().into_owned())
    }

    fn ask_program(&mut self) -> Result<Reply, Exit> {
        let Some(typed) = self.path("Program or script (Tab completes)", |answers| &answers.program)? else {
            return Ok(Reply::Back);
        };
        self.answers.program = without_quotes(&typed);
        if self.answers.program.is_empty() {
            self.dialog.say("The path of a program is needed, such as C:\\Tools\\note.exe. Esc goes back.\n");
            return Ok(Reply::Again);
        }
        // checked before its arguments are asked for
        self.check_program(&[])
    }

    fn ask_arguments(&mut self) -> Result<Reply, Exit> {
        self.dialog.say("The program gets the caller's number as its last argument.\n");
        let prompt = "Arguments before the number (empty for none)";
        let Some(typed) = self.line(prompt, |answers| &answers.arguments)? else { return Ok(Reply::Back) };
        self.answers.arguments = typed;
        let args = texts::split_arguments(&self.answers.arguments);
        let reply = self.check_program(&args)?;
        if matches!(reply, Reply::Next) {
            let starts = texts::starts(&self.answers.command(&[args, vec![EXAMPLE_CALLER.into()]].concat()));
            self.dialog.say(&format!("{} {starts}\n", self.example_of_call()));
        }
        Ok(reply)
    }

    /// Checks the program. If only its "downloaded from the internet" mark is in the way, offers to remove it.
    fn check_program(&mut self, args: &[String]) -> Result<Reply, Exit> {
        loop {
            let what = HookText::Command(self.answers.command(args));
            let Err(error) = save::check(self.dialog, self.ini, &self.edit(&what)) else {
                return Ok(Reply::Next);
            };
            let is_marked =
                matches!(error, Error::Target(TargetError::Blocked { .. })) && !self.answers.allow.mark;
            let reply = self.refused(&error)?;
            let question = "Trust this program and remove the mark when the change is saved?";
            if !is_marked || !prompt::confirm(self.dialog.theme, question, false)? {
                return Ok(reply);
            }
            self.answers.allow.mark = true;
        }
    }

    // -----------------------------------------------------------------------------------------------------
    // checking

    /// Asks for a line. Esc returns `None`.
    fn line(&self, prompt: &str, previous: fn(&Answers) -> &String) -> Result<Option<String>, Exit> {
        Ok(line::ask(self.dialog.theme, prompt, previous(self.answers), None)?)
    }

    /// Asks for a path of MicroSIP's computer.
    fn path(&self, prompt: &str, previous: fn(&Answers) -> &String) -> Result<Option<String>, Exit> {
        let candidates = |typed: &str| path_completion::for_windows(typed, &self.paths);
        Ok(line::ask(self.dialog.theme, prompt, previous(self.answers), Some(&candidates))?)
    }

    /// Returns the action, or says what is wrong with the answer.
    fn accepts(&self, action: Result<Action, String>) -> Option<Action> {
        action.inspect_err(|mistake| self.dialog.say(&format!("{mistake}\n"))).ok()
    }

    /// Checks an action as a whole, and shows what it would do for a caller.
    fn check_action(&mut self, action: Result<Action, String>) -> Result<Reply, Exit> {
        let Some(action) = self.accepts(action) else { return Ok(Reply::Again) };
        let edit = self.edit(&HookText::Action(Box::new(action.clone())));
        if let Err(error) = save::check(self.dialog, self.ini, &edit) {
            return self.refused(&error);
        }
        let Some(event) = self.answers.events.first() else { return Ok(Reply::Next) };
        let country = self.answers.country();
        let example = self.dialog.example(&self.ini.path, *event, &action, country, EXAMPLE_CALLER);
        self.dialog.say(&format!("{} {}\n", self.example_of_call(), example.join("; ")));
        Ok(Reply::Next)
    }

    /// Returns the beginning of an example.
    fn example_of_call(&self) -> String {
        let is_outgoing = self.answers.events.first() == Some(&Event::Outgoing);
        format!("A call {} {EXAMPLE_CALLER}", if is_outgoing { "to" } else { "from" })
    }

    /// Prints why an edit was refused. Asks the same question again, unless no answer to it can help.
    fn refused(&self, error: &Error) -> Result<Reply, Exit> {
        save::print_refusal(self.dialog, error)?;
        let is_about_answer =
            !matches!(error.code(), Code::RunnerMissing | Code::ActionsUnsupported | Code::EventUnsupported);
        Ok(if is_about_answer { Reply::Again } else { Reply::Done(Saving::Unchanged) })
    }

    // -----------------------------------------------------------------------------------------------------
    // saving

    /// Returns what else happens now on the chosen events, each thing once.
    fn present(&self) -> Vec<String> {
        let mut present = Vec::new();
        for event in &self.answers.events {
            for does in self.present_on(*event) {
                if !present.contains(&does) {
                    present.push(does);
                }
            }
        }
        present
    }

    /// Returns what else happens now on an event.
    fn present_on(&self, event: Event) -> Vec<String> {
        let new = self.answers.what().ok();
        let is_new = |does: &str| new.as_ref().is_some_and(|(new, _)| new == does);
        let hook = self.hooks.iter().find(|hook| hook.event == event);
        let present = hook.map(texts::present).unwrap_or_default().into_iter().map(|present| present.does);
        present.filter(|does| !is_new(does)).collect()
    }

    /// Returns whether this happens on an event already.
    fn happens_on(&self, event: Event, does: &str) -> bool {
        let hook = self.hooks.iter().find(|hook| hook.event == event);
        hook.is_some_and(|hook| texts::present(hook).iter().any(|present| present.does == does))
    }

    fn ask_keep(&mut self) -> Result<Reply, Exit> {
        let events: Vec<Event> =
            self.answers.events.iter().copied().filter(|event| !self.present_on(*event).is_empty()).collect();
        let when = texts::when_any(&events);
        self.dialog.say(&format!("When {when}, MicroSIP already {}.\n", self.present().join(" and ")));
        let default = usize::from(!self.answers.is_kept);
        let items = ["Yes, do both", "No, only the new one"];
        let Some(chosen) = self.dialog.select("Keep that?", &items, default)? else {
            return Ok(Reply::Back);
        };
        self.answers.is_kept = chosen == 0;
        Ok(Reply::Next)
    }

    /// Returns the edit that sets the same for each event.
    fn edit(&self, what: &HookText) -> EditRequest {
        let set = |event: &Event| SetHook {
            allow: self.answers.allow,
            add: self.answers.is_kept && !self.present_on(*event).is_empty(),
            country: self.answers.country().filter(|_| self.answers.form_without_country().is_some()),
            ..SetHook::new(*event, what.clone())
        };
        EditRequest::SetHooks(self.answers.events.iter().map(set).collect())
    }

    fn save(&mut self) -> Result<Reply, Exit> {
        let (does, what) = match self.answers.what() {
            Ok(what) => what,
            Err(mistake) => {
                self.dialog.say(&format!("{mistake}\n"));
                return Ok(Reply::Back);
            }
        };
        let others = self.present();
        if self.answers.is_kept {
            // what an event does already isn't added a second time
            let happens = |event: &Event| self.happens_on(*event, &does);
            let new: Vec<Event> =
                self.answers.events.iter().copied().filter(|event| !happens(event)).collect();
            if new.is_empty() {
                self.dialog.say(save::IS_SET_ALREADY);
                return Ok(Reply::Done(Saving::Unchanged));
            }
            self.answers.events = new;
        }
        let events = &self.answers.events;
        self.dialog.say(&texts::sentence_before_saving(events, &does, &others, self.answers.is_kept));
        let edit = self.edit(&what);
        Ok(match save::save(self.dialog, self.ini, &edit)? {
            Saving::Back => Reply::Back,
            saving => Reply::Done(saving),
        })
    }
}

/// Returns a typed path or address without the quotes around it: Explorer and some browsers copy it with them.
fn without_quotes(typed: &str) -> String {
    typed.trim().trim_matches(['"', '\'']).trim().to_string()
}
