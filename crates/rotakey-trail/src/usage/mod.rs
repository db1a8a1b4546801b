//! Who uses each access key, since when, for what and from where.

pub mod schema;
