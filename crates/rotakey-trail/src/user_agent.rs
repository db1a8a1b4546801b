//! What a user agent says of the client.

use serde::{Deserialize, Serialize};

/// A client, as it describes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// The program or SDK, such as `aws-cli`, `Boto3`, `Terraform`, `aws-sdk-go-v2`, `console`.
    pub family: String,
}

impl Agent {
    /// Reads a `userAgent`.
    pub fn parse(user_agent: &str) -> Self {
        Self { family: user_agent.to_owned() }
    }
}
