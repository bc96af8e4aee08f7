//! What is known about MicroSIP: its settings ([`keys`]) and their values ([`values`]), its versions ([`version`]),
//! where its inis are ([`ini_path`], [`locate`], [`profiles`]), which of its processes run ([`instances`]), which inis
//! these may use ([`used_inis`]) and block ([`guard`]), how they are closed and restarted ([`closing`]), as whom
//! they are started ([`desktop`]), how a running MicroSIP is controlled ([`control`]), which program opens links to
//! phone numbers ([`links`]), who may see a value ([`privacy`]), and whether an ini is MicroSIP's ([`recognize`]).
//!
//! The facts come from its published sources, 3.14.0 to 3.22.16; each one names the versions that it applies to.

pub mod accounts;
pub mod closing;
pub mod control;
pub mod desktop;
pub mod guard;
pub mod ini_path;
pub mod instances;
pub mod keys;
pub mod links;
pub mod locate;
pub mod privacy;
pub mod profiles;
pub mod recognize;
pub mod used_inis;
pub mod values;
pub mod version;
