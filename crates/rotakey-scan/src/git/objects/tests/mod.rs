//! Held against git itself, on repositories that git makes.

mod damage;
mod delta;
mod read;
mod repository;
mod screen;
mod walk;
