//! What users see, through the program itself, and what only a whole transaction shows.
//!
//! One test program, so that it is linked once for Linux and once for Windows.

#![allow(clippy::disallowed_methods, reason = "tests ask the environment where they run")]

mod sandbox;

mod hooks;
