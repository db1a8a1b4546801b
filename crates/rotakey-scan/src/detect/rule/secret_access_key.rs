//! `aws-secret-access-key`

use super::Rule;
use crate::kind::{Kind, Severity};

pub(super) const RULE: Rule = Rule {
    name: "aws-secret-access-key",
    kind: Kind::SecretAccessKey,
    title: "AWS secret access key",
    description: "Forty random characters of base64 that are called a secret access key. The id that belongs to it is not near, \
                  but is often easily had: from another file, an earlier version or a log.",
    help: "Rotate the key. Find its id by the user or the program that the secret was for; taking the secret out \
           of the file does not take it out of copies and of the history.",
    severity: Severity::Medium,
    positive: &[
        "aws_secret_access_key = {secret_access_key}\n",
        "export AWS_SECRET_ACCESS_KEY={secret_access_key}\n",
        "export AWS_SECRET_ACCESS_KEY=\"{secret_access_key}\"; make",
        "AWS Secret Access Key [None]: {secret_access_key}\n",
        "Set-AWSCredential -SecretKey {secret_access_key} -StoreAs me",
        "$env:AWS_SECRET_ACCESS_KEY='{secret_access_key}'",
        "aws configure set aws_secret_access_key {secret_access_key}",
        "ENV AWS_SECRET_ACCESS_KEY {secret_access_key}\n",
        "<property>\n  <name>fs.s3a.secret.key</name>\n  <value>{secret_access_key}</value>\n</property>",
        "{\"name\": \"AWS_SECRET_ACCESS_KEY\", \"value\": \"{secret_access_key}\"}",
        "variable \"aws_secret_key\" {\n  default = \"{secret_access_key}\"\n}",
        "secretAccessKey: '{secret_access_key}',",
        "private static final String AWS_SECRET_KEY = \"{secret_access_key}\";",
        "secret_key = {secret_access_key}\n",
        "amazonaws.secretKey={secret_access_key}\n",
        "\"source\": [\"os.environ[\\\"AWS_SECRET_ACCESS_KEY\\\"] = \\\"{secret_access_key}\\\"\\n\"]",
        "&quot;secretAccessKey&quot;:&quot;{secret_access_key}&quot;",
        "aws_key = '{secret_access_key}'",
        "aws_secret_access_key: \u{1b}[0;32m{secret_access_key}\u{1b}[0m",
        "aws_secret_access_key=3D{secret_access_key}",
        "aws:\n  region: us-east-1\n  secret: {secret_access_key}\n",
        "output aws_iam_access_key.this.secret = \"{secret_access_key}\"",
        "<awsSecretKey>{secret_access_key}</awsSecretKey>",
    ],
    negative: &[
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        "aws_secret_access_key = 0000000000000000000000000000000000000000",
        "aws_secret_access_key = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "aws_secret_access_key = YOUR/SECRET/ACCESS/KEY/GOES/HERE/PLEASE/",
        "secret_key = da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "secret_key = {secret_access_key}A",
        "secret_key = {secret_access_key}=",
        "secret_key = A{secret_access_key}",
        "secret_key = {secret_access_key}_{secret_access_key}",
        "\"integrity\": \"sha1-{secret_access_key}\"",
        "aws_secret_access_key_etag = {secret_access_key}",
        "secretKey = internalCompilerErrorReportingServiceImp",
        "secretKey = AWSSecretsManagerRotationScheduleProxyV2",
        "secret_key_file = usr/share/javascript/jquery/Plugins/Core",
        "client = {secret_access_key}",
    ],
};
