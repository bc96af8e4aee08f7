//! Carries out actions: the file that contains them ([`file`], [`parse`], [`edit`]), the names of callers
//! ([`contacts`]), the events that the [`runner`] stores ([`store`]) and the calls that they make up ([`calls`]), the
//! [`worker`], and the work itself ([`perform`]). The types of actions are in [`hook::action`](crate::hook::action).

pub mod call;
pub mod calls;
pub mod contacts;
pub mod csv_field;
pub mod data_folder;
pub mod edit;
pub mod error_log;
pub mod event_text;
pub mod file;
pub mod parse;
pub mod perform;
pub mod runner;
pub mod spool;
pub mod start_worker;
pub mod store;
pub mod worker;
