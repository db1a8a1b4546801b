//! Log file integrity: folders that are whole, and each kind of damage.

mod aws_cli;
mod damage;
mod found;
mod hostile;
mod limits;
mod tree;
