//! `aws-secret-access-key-pair`

use super::Rule;
use crate::kind::{Kind, Severity};

pub(super) const RULE: Rule = Rule {
    name: "aws-secret-access-key-pair",
    kind: Kind::SecretAccessKey,
    title: "AWS secret access key with its id",
    description: "Forty random characters of base64 near the id of an access key: all that is needed to use the key. No name is \
                  needed, so that tables, positional arguments and chats are found too.",
    help: "Deactivate or rotate the key at once, and look in CloudTrail for what was done with it since it came here. Taking it \
           out of the file does not take it out of copies and of the history.",
    severity: Severity::High,
    positive: &[
        "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n",
        "Access key ID,Secret access key\n{access_key_id},{secret_access_key}\n",
        "\"Access key ID\",\"Secret access key\"\r\n\"{access_key_id}\",\"{secret_access_key}\"\r\n",
        "User name,Password,Access key ID,Secret access key,Console login link\nme,,{access_key_id},{secret_access_key},https://123456789012.signin.aws.amazon.com/console\n",
        "{access_key_id}:{secret_access_key}",
        "{access_key_id} / {secret_access_key}",
        "{access_key_id}/{secret_access_key}",
        "the id is {access_key_id} and the other one {secret_access_key}.",
        "new BasicAWSCredentials(\"{access_key_id}\", \"{secret_access_key}\")",
        "Aws::Credentials.new('{access_key_id}', '{secret_access_key}')",
        "credentials.NewStaticCredentials(\n\t\t\"{access_key_id}\",\n\t\t\"{secret_access_key}\",\n\t\t\"\",\n\t)",
        "<name>fs.s3a.access.key</name><value>{access_key_id}</value>\n<name>fs.s3a.secret.key</name><value>{secret_access_key}</value>",
        "// {access_key_id}\n// {secret_access_key}\n",
        "aws_access_key_id: {access_key_id}\\naws_secret_access_key: {secret_access_key}\\n",
        "{\"AccessKey\": {\"UserName\": \"a\", \"AccessKeyId\": \"{access_key_id}\", \"Status\": \"Active\", \"SecretAccessKey\": \"{secret_access_key}\", \"CreateDate\": \"2026-01-01\"}}",
        "{\"id\": \"{access_key_id}\", \"secret\": \"{secret_access_key}\", \"ses_smtp_password_v4\": null}",
        "access_key = {access_key_id}\nbucket = a\nsecret_key = {secret_access_key}\n",
        "curl --user \"{access_key_id}:{secret_access_key}\" --aws-sigv4 aws:amz:eu-west-1:s3 https://a",
        "AWS_ACCESS_KEY_ID={access_key_id} AWS_SECRET_ACCESS_KEY={secret_access_key} aws s3 ls",
        "AccessKeyId,SecretAccessKey,SessionToken\nASIA,SessionToken\n{temporary_access_key_id},{secret_access_key},\n",
        "s3n://{access_key_id}:{secret_access_key}@bucket/path",
        "\u{1b}[33m{access_key_id}\u{1b}[0m \u{1b}[33m{secret_access_key}\u{1b}[0m",
        "+{access_key_id}\n+{secret_access_key}\n",
        "secret={secret_access_key}&id={access_key_id}",
    ],
    negative: &[
        "{access_key_id} da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "{access_key_id} {secret_access_key}A",
        "{access_key_id} {secret_access_key}==",
        "{access_key_id} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "{access_key_id}\n\"integrity\": \"sha1-{secret_access_key}\"",
        "{access_key_id}\nETag: \"{secret_access_key}\"",
        "{access_key_id} internalCompilerErrorReportingServiceImp",
        "{access_key_id} c29tZSB0ZXh0IGhlcmUgdGhhdCBpcyBiYXNlNjR0",
        "AKIAIOSFODNN7EXAMPLE {secret_access_key}",
        "{access_key_id} ./{secret_access_key}.js",
    ],
};
