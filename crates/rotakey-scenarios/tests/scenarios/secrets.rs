//! Secrets Manager: staging labels, and the token that makes a write happen once.

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::report::Report;

/// Version ids are the tokens of the writes that made them.
const FIRST: &str = "11111111-1111-4111-8111-111111111111";
const SECOND: &str = "22222222-2222-4222-8222-222222222222";
const THIRD: &str = "33333333-3333-4333-8333-333333333333";

pub(crate) async fn staging_labels(cloud: &Cloud, report: &mut Report) {
    let client = cloud.secrets_manager();
    client.create_secret().name("key").secret_string("one").client_request_token(FIRST).send().await.unwrap();
    report.check("a first value", "1:AWSCURRENT", labels(cloud).await);

    client
        .put_secret_value()
        .secret_id("key")
        .secret_string("two")
        .client_request_token(SECOND)
        .version_stages("AWSPENDING")
        .send()
        .await
        .unwrap();
    report.check("a pending value", "1:AWSCURRENT 2:AWSPENDING", labels(cloud).await);
    report.check("pending, what is read", "one", value(cloud, None).await);
    report.check("pending, what is read as AWSPENDING", "two", value(cloud, Some("AWSPENDING")).await);

    let publish = || {
        let step = client.update_secret_version_stage().secret_id("key").version_stage("AWSCURRENT");
        step.move_to_version_id(SECOND)
    };
    let blind = publish().send().await;
    report.check("a label moved without saying from where", "InvalidParameterException 400", outcome(&blind));
    let wrong = publish().remove_from_version_id(SECOND).send().await;
    report.check("a label moved from where it is not", "InvalidParameterException 400", outcome(&wrong));
    publish().remove_from_version_id(FIRST).send().await.unwrap();
    report.check("published", "1:AWSPREVIOUS 2:AWSCURRENT+AWSPENDING", labels(cloud).await);
    report.check("published, what is read", "two", value(cloud, None).await);
    report.check("published, what is read as AWSCURRENT", "two", value(cloud, Some("AWSCURRENT")).await);
    report.check("published, what is read as AWSPREVIOUS", "one", value(cloud, Some("AWSPREVIOUS")).await);

    let unknown = client.get_secret_value().secret_id("nothing").send().await;
    report.check("a secret that does not exist", "ResourceNotFoundException 400", outcome(&unknown));
    let unlabelled = client.get_secret_value().secret_id("key").version_stage("NEVER").send().await;
    report.check("a label that does not exist", "ResourceNotFoundException 400", outcome(&unlabelled));
}

pub(crate) async fn token_idempotency(cloud: &Cloud, report: &mut Report) {
    let client = cloud.secrets_manager();
    let create = |value: &str| {
        client.create_secret().name("key").secret_string(value).client_request_token(FIRST).send()
    };
    report.check("created", "ok", outcome(&create("one").await));
    report.check("created again, all the same", "ok", outcome(&create("one").await));
    let other = create("other").await;
    report.check("created again with another value", "ResourceExistsException 400", outcome(&other));

    let put = |value: &str| {
        client.put_secret_value().secret_id("key").secret_string(value).client_request_token(SECOND).send()
    };
    report.check("written", "ok", outcome(&put("two").await));
    report.check("written again, all the same", "ok", outcome(&put("two").await));
    report.check("the labels after both", "1:AWSPREVIOUS 2:AWSCURRENT", labels(cloud).await);
    let other = put("three").await;
    report.check("written again with another value", "ResourceExistsException 400", outcome(&other));
    report.check("what is read then", "two", value(cloud, None).await);

    let stage = |value: &str| {
        let put = client.put_secret_value().secret_id("key").secret_string(value).client_request_token(THIRD);
        put.version_stages("AWSPENDING").send()
    };
    report.check("a pending value written", "ok", outcome(&stage("three").await));
    let other = stage("four").await;
    report.check(
        "a pending value written again with another value",
        "ResourceExistsException 400",
        outcome(&other),
    );
    report.check("what is pending then", "three", value(cloud, Some("AWSPENDING")).await);
}

/// The labels of the two versions, such as `1:AWSPREVIOUS 2:AWSCURRENT`.
async fn labels(cloud: &Cloud) -> String {
    let secret: DescribeSecretOutput =
        cloud.secrets_manager().describe_secret().secret_id("key").send().await.unwrap();
    let versions = secret.version_ids_to_stages.unwrap_or_default();
    let labels = [("1", FIRST), ("2", SECOND)].into_iter().filter_map(|(number, version)| {
        let mut labels = versions.get(version)?.clone();
        labels.sort();
        Some(format!("{number}:{}", labels.join("+")))
    });
    labels.collect::<Vec<_>>().join(" ")
}

async fn value(cloud: &Cloud, stage: Option<&str>) -> String {
    let client = cloud.secrets_manager();
    let read = client.get_secret_value().secret_id("key").set_version_stage(stage.map(str::to_owned));
    let read = read.send().await;
    match &read {
        Ok(secret) => secret.secret_string().unwrap_or("nothing").to_owned(),
        Err(_) => outcome(&read),
    }
}
