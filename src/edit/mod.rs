//! Changing an ini: what changes ([`plan`]), a check that nothing else does ([`verify`]), and a way to write it that
//! can't lose the ini at any moment ([`transaction`], [`lock`], [`backup`]). The file with the actions of its hooks
//! changes together with it ([`companion`]).

pub mod backup;
pub mod companion;
pub mod content;
pub mod lock;
pub mod plan;
pub mod transaction;
pub mod verify;
