//! Held against git itself, on repositories that git makes.

mod read;
mod repository;
