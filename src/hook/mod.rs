//! Hooks: the moments of a call ([`event`]), the command line between the ini and the program ([`command`]),
//! and the program itself ([`target`]).

pub mod command;
pub mod event;
pub mod target;
