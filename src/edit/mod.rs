//! Changing an ini: what changes ([`plan`]), whether it is that and nothing else ([`verify`]), and how it
//! comes to the disk without a moment in which it could be lost ([`transaction`], [`lock`], [`backup`]).

pub mod backup;
pub mod lock;
pub mod plan;
pub mod transaction;
pub mod verify;
