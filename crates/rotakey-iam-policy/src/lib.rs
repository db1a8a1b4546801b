//! IAM policy documents: read them, evaluate a request against them, and say whether they make their holder
//! an administrator.
//!
//! This crate does no input or output, calls no AWS and knows no clock: documents are text, and all that a
//! condition asks about is in the request's [`Context`]. Where it cannot tell, it fails closed: a condition
//! that it does not understand never grants and always denies, and a document that it cannot read is never
//! taken for harmless.

mod condition;
mod date;
mod document;
mod evaluate;
mod json;
mod managed;
mod parse;
mod pattern;
mod principal;
mod privilege;

pub use condition::{Comparison, Condition, Operator, Orderings, SetOperator};
pub use document::{Effect, PolicyDocument, PrincipalPattern, Scope, Statement, Version};
pub use evaluate::{Context, Decision, Request, evaluate};
pub use parse::{ParseError, decoded};
pub use principal::Principal;
pub use privilege::{HeldPolicy, Holder, PolicySource, Privilege, privilege};
