//! Carries out actions: the file that contains them ([`file`], [`parse`]), the events that the runner stores, and the
//! work itself ([`perform`]). The types of actions are in [`hook::action`](crate::hook::action).

pub mod file;
pub mod parse;
pub mod perform;
