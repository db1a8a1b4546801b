//! What other programs make of what this crate writes.
//!
//! They are found through `ROTAKEY_TEST_PYTHON`, an interpreter that has them installed; `cargo xtask test` installs one and
//! sets it.

mod detect_secrets;
mod forms;
mod marks;
mod python;
mod tree;
