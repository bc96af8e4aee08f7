//! Carries out actions: the file that contains them ([`file`], [`parse`], [`edit`]), the names of callers
//! ([`contacts`]), the events that the runner stores, and the work itself ([`perform`]). The types of actions are in
//! [`hook::action`](crate::hook::action).

pub mod contacts;
pub mod data_folder;
pub mod edit;
pub mod file;
pub mod parse;
pub mod perform;
pub mod store;
