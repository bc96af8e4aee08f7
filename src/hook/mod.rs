//! Hooks: the events of a call ([`event`]), the MicroSIP that will save them ([`dialect`]), the command line between
//! the ini and the program ([`command`]), the masks in it ([`masks`]), shells that read it as a whole ([`shell`]), what
//! its author intended ([`meaning`]), the program itself ([`target`]), who could replace it ([`trust`]), who can
//! change other files ([`writers`]), the scripts that msipcfg brings along ([`sample`]), and hooks without a program:
//! what they do ([`action`]) and what MicroSIP starts for them ([`runner`]).

pub mod action;
pub mod command;
pub mod dialect;
pub mod event;
pub mod masks;
pub mod meaning;
pub mod runner;
pub mod shell;
pub mod target;
pub mod trust;
pub mod writers;
