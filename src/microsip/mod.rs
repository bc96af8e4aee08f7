//! What is known of MicroSIP: its settings ([`keys`]), what it makes of their values ([`values`]), its versions
//! ([`version`]), where its ini lies ([`ini_path`], [`locate`]) and which of its processes use one
//! ([`instances`]) and hold it up ([`gate`]), how those are closed and started again ([`closing`]), what one can be told to do
//! ([`control`]), and who opens links to numbers ([`links`]).
//!
//! The facts come from reading its published sources, 3.14.0 to 3.22.16; each says which version it is of.

pub mod accounts;
pub mod closing;
pub mod control;
pub mod guard;
pub mod ini_path;
pub mod instances;
pub mod keys;
pub mod links;
pub mod locate;
pub mod privacy;
pub mod profiles;
pub mod values;
pub mod version;
