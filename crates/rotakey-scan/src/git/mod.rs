//! What a git repository holds, read without git.

pub mod objects;
