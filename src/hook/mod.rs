//! Hooks: the moments of a call ([`event`]), the MicroSIP that will save them ([`save_dialect`]), the command line
//! between the ini and the program ([`command`]), what stands for its masks ([`masks`]), what its author meant
//! ([`meaning`]), the program itself ([`target`]), who could put another in its place ([`trust`]), and some that are
//! brought along ([`sample`]).

pub mod command;
pub mod event;
pub mod masks;
pub mod meaning;
pub mod sample;
pub mod save_dialect;
pub mod target;
pub mod trust;
