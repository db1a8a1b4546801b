//! The destinations in AWS, held to the contract of destinations on moto's server and on the simulated AWS.

mod clouds;
mod secrets_manager;
mod sharing;
mod silent;
mod ssm;
