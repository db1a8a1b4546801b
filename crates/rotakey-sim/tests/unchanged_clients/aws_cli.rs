//! The aws CLI.

use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{REGION, Scene};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn it_lists_users_page_by_page() {
    let scene = Scene::set().await;
    let names = |page: &Value| -> Vec<String> {
        let users = page["Users"].as_array().unwrap().iter();
        users.map(|user| user["UserName"].as_str().unwrap().to_owned()).collect()
    };
    let first = scene.aws(&["iam", "list-users", "--max-items", "2", "--page-size", "1"]).json();
    assert_eq!(names(&first), ["alice", "bob"]);
    let next = first["NextToken"].as_str().unwrap();
    let rest = scene.aws(&["iam", "list-users", "--starting-token", next]).json();
    assert_eq!(names(&rest), ["carol", "dan", "operator"]);
    assert_eq!(rest["NextToken"], Value::Null);

    scene.pass(10 * MINUTE);
    let id = scene.operator.id.as_str();
    let used = scene.aws(&["iam", "get-access-key-last-used", "--access-key-id", id]).json();
    assert_eq!(used["AccessKeyLastUsed"]["Region"], "us-east-1", "IAM is called there, from wherever");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_creates_a_key_that_works_until_it_is_inactive() {
    let scene = Scene::set().await;
    let created = scene.aws(&["iam", "create-access-key", "--user-name", "alice"]).json();
    let key = |member: &str| created["AccessKey"][member].as_str().unwrap().to_owned();
    let (id, secret) = (key("AccessKeyId"), key("SecretAccessKey"));
    let as_alice = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
    scene.pass(MINUTE);

    let identity = scene.aws_with(&["sts", "get-caller-identity"], &as_alice).json();
    assert_eq!(identity["Arn"], format!("arn:aws:iam::{}:user/alice", scene.account_id));
    let denied = scene.aws_with(&["iam", "list-users"], &as_alice).error_code();
    assert_eq!(denied, "AccessDenied", "alice may nothing");
    let wrong = [as_alice[0], ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")];
    assert_eq!(scene.aws_with(&["sts", "get-caller-identity"], &wrong).error_code(), "SignatureDoesNotMatch");

    let inactive =
        ["iam", "update-access-key", "--user-name", "alice", "--access-key-id", &id, "--status", "Inactive"];
    scene.aws(&inactive).text();
    scene.pass(MINUTE);
    for (call, code) in [
        (["sts", "get-caller-identity"], "InvalidClientTokenId"),
        (["iam", "list-users"], "InvalidClientTokenId"),
        (["secretsmanager", "list-secrets"], "UnrecognizedClientException"),
        (["s3api", "list-buckets"], "InvalidAccessKeyId"),
    ] {
        assert_eq!(scene.aws_with(&call, &as_alice).error_code(), code, "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_the_credential_report() {
    let scene = Scene::set().await;
    let get = ["iam", "get-credential-report", "--query", "Content", "--output", "text"];
    assert_eq!(scene.aws(&get).error_code(), "ReportNotPresent");
    assert_eq!(scene.aws(&["iam", "generate-credential-report"]).json()["State"], "STARTED");
    scene.pass(MINUTE);
    let content = scene.aws(&get).text();
    let content = data_encoding::BASE64.decode(content.trim().as_bytes()).unwrap();
    let content = String::from_utf8(content).unwrap();
    let users: Vec<&str> = content.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(users, ["user", "<root_account>", "alice", "bob", "carol", "dan", "operator"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_secrets_and_parameters() {
    let scene = Scene::set().await;
    scene.aws(&["secretsmanager", "create-secret", "--name", "app/key", "--secret-string", "one"]).json();
    scene
        .aws(&["secretsmanager", "put-secret-value", "--secret-id", "app/key", "--secret-string", "two"])
        .json();
    let read = scene.aws(&["secretsmanager", "get-secret-value", "--secret-id", "app/key"]).json();
    assert_eq!(read["SecretString"], "two");
    assert_eq!(read["VersionStages"], json!(["AWSCURRENT"]));
    assert!(read["ARN"].as_str().unwrap().contains(REGION), "{read}");
    let previous =
        ["secretsmanager", "get-secret-value", "--secret-id", "app/key", "--version-stage", "AWSPREVIOUS"];
    assert_eq!(scene.aws(&previous).json()["SecretString"], "one");

    let put = ["ssm", "put-parameter", "--name", "/app/key", "--type", "SecureString", "--value", "three"];
    assert_eq!(scene.aws(&put).json()["Version"], 1);
    let get = scene.aws(&["ssm", "get-parameter", "--name", "/app/key", "--with-decryption"]).json();
    assert_eq!(get["Parameter"]["Value"], "three");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_lists_accounts_events_and_buckets() {
    let scene = Scene::set().await;
    let accounts = scene.aws(&["organizations", "list-accounts", "--query", "sort(Accounts[].Name)"]).json();
    assert_eq!(accounts, json!(["data", "management", "web"]));

    scene.aws(&["iam", "create-access-key", "--user-name", "bob"]).json();
    scene.pass(20 * MINUTE);
    let by_name = "AttributeKey=EventName,AttributeValue=CreateAccessKey";
    let events =
        scene.aws(&["cloudtrail", "lookup-events", "--lookup-attributes", by_name, "--region", "us-east-1"]);
    let events = events.json();
    assert_eq!(events["Events"].as_array().unwrap().len(), 1, "{events}");
    assert_eq!(events["Events"][0]["Username"], "operator");

    let buckets = scene.aws(&["s3", "ls"]).text();
    assert!(buckets.contains(&format!("data-{}", scene.account_id)), "{buckets}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_assumes_a_role_and_works_as_it() {
    let scene = Scene::set().await;
    let account = scene.account_id;
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") },
            "Action": "sts:AssumeRole"
        }]
    });
    let trust = trust.to_string();
    scene
        .aws(&["iam", "create-role", "--role-name", "auditor", "--assume-role-policy-document", &trust])
        .json();
    scene.pass(MINUTE);
    let arn = format!("arn:aws:iam::{account}:role/auditor");
    let assumed =
        scene.aws(&["sts", "assume-role", "--role-arn", &arn, "--role-session-name", "check"]).json();
    let part = |member: &str| assumed["Credentials"][member].as_str().unwrap().to_owned();
    let (id, secret, token) = (part("AccessKeyId"), part("SecretAccessKey"), part("SessionToken"));
    let as_role = [
        ("AWS_ACCESS_KEY_ID", id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret.as_str()),
        ("AWS_SESSION_TOKEN", token.as_str()),
    ];
    let identity = scene.aws_with(&["sts", "get-caller-identity"], &as_role).json();
    assert_eq!(identity["Arn"], format!("arn:aws:sts::{account}:assumed-role/auditor/check"));
    scene.pass(61 * MINUTE);
    let expired = scene.aws_with(&["sts", "get-caller-identity"], &as_role).error_code();
    assert_eq!(expired, "ExpiredToken");

    let unknown = format!("arn:aws:iam::{account}:role/nobody");
    let refused = scene.aws(&["sts", "assume-role", "--role-arn", &unknown, "--role-session-name", "check"]);
    assert_eq!(refused.error_code(), "AccessDenied");
}
