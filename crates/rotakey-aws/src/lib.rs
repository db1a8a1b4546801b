//! The ports of rotakey over the AWS SDK (IAM, STS, Organizations, AWS Secrets Manager, the SSM Parameter Store and
//! DynamoDB), what the trail asks AWS for (CloudTrail, SQS and Athena), and SNS and SES to tell people.
//!
//! The only crate that names an `aws_sdk_*` crate. It decides nothing: it calls, and says in the words of
//! the ports what AWS answered.

pub mod athena;
mod calls;
pub mod cloudtrail;
pub mod connection;
pub mod credentials;
pub mod dynamodb;
mod error;
pub mod iam;
pub mod inventory;
mod json_value;
pub mod member;
pub mod organizations;
mod paging;
mod patience;
mod role;
pub mod secrets_manager;
mod service;
pub mod ses;
mod signed;
pub mod sns;
pub mod sqs;
pub mod ssm;
pub mod sts;
mod throttle;

pub use connection::{Connection, ConnectionOptions};
