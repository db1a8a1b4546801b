//! The services of the simulated cloud, and what tells them apart on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service. In configuration and in faults it is written as its signing name: `"secretsmanager"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS Identity and Access Management.
    Iam,
    /// AWS Security Token Service.
    Sts,
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager (Parameter Store only).
    Ssm,
    /// AWS Organizations.
    Organizations,
    /// AWS CloudTrail.
    CloudTrail,
    /// Amazon CloudWatch (the state of alarms only).
    #[serde(rename = "monitoring")]
    CloudWatch,
    /// Amazon S3: just enough to be called by applications.
    S3,
    /// Amazon DynamoDB: just enough to be called by applications.
    DynamoDb,
    /// Amazon SQS: just enough to be called by applications.
    Sqs,
    /// Amazon EC2: just enough to be called by applications.
    Ec2,
}

/// How a service talks on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Form-encoded parameters, XML answers (IAM, STS, CloudWatch).
    Query,
    /// The dialect of it that EC2 speaks.
    Ec2Query,
    /// `X-Amz-Target` and JSON bodies.
    Json,
    /// Paths, headers and XML bodies (S3).
    RestXml,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 11] = [
        Self::Iam,
        Self::Sts,
        Self::SecretsManager,
        Self::Ssm,
        Self::Organizations,
        Self::CloudTrail,
        Self::CloudWatch,
        Self::S3,
        Self::DynamoDb,
        Self::Sqs,
        Self::Ec2,
    ];

    /// The name that requests are signed for, and the namespace that `GetAccessKeyLastUsed` shows.
    pub const fn signing_name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
            Self::Organizations => "organizations",
            Self::CloudTrail => "cloudtrail",
            Self::CloudWatch => "monitoring",
            Self::S3 => "s3",
            Self::DynamoDb => "dynamodb",
            Self::Sqs => "sqs",
            Self::Ec2 => "ec2",
        }
    }

    /// What its actions begin with in policies.
    pub const fn action_prefix(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            _ => self.signing_name(),
        }
    }

    /// The service of that signing name.
    pub fn from_signing_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.signing_name() == name)
    }

    /// The service principal that CloudTrail records as the event's source: `iam.amazonaws.com`.
    pub fn event_source(self) -> String {
        format!("{}.amazonaws.com", self.signing_name())
    }

    /// How it talks on the wire.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::Iam | Self::Sts | Self::CloudWatch => Protocol::Query,
            Self::Ec2 => Protocol::Ec2Query,
            Self::S3 => Protocol::RestXml,
            Self::SecretsManager
            | Self::Ssm
            | Self::Organizations
            | Self::CloudTrail
            | Self::DynamoDb
            | Self::Sqs => Protocol::Json,
        }
    }

    /// The part of `X-Amz-Target` before the dot, for the services that speak JSON.
    pub const fn json_target(self) -> Option<&'static str> {
        match self {
            Self::SecretsManager => Some("secretsmanager"),
            Self::Ssm => Some("AmazonSSM"),
            Self::Organizations => Some("AWSOrganizationsV20161128"),
            Self::CloudTrail => Some("CloudTrail_20131101"),
            Self::DynamoDb => Some("DynamoDB_20120810"),
            Self::Sqs => Some("AmazonSQS"),
            Self::Iam | Self::Sts | Self::CloudWatch | Self::S3 | Self::Ec2 => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.signing_name())
    }
}
