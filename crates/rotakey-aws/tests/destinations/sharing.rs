//! Secrets in other regions and other accounts, told through the adapter.

use std::time::Duration;

use rotakey_aws::secrets_manager::SecretsManager;
use rotakey_core::destination as specs;
use rotakey_engine::port::{Destination, Kept, PortErrorKind};
use rotakey_sim::api::Service;
use rotakey_sim::consistency::{Consistency, DelayRange};
use rotakey_sim::faults::{Effect, InjectedFault};
use serde_json::Value;

use crate::clouds::{Cloud, ELSEWHERE, EXTERNAL_ID, REGION, pair, read};

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",
    "Principal": {"AWS": "012345678901"}, "Action": "secretsmanager:GetSecretValue"}]}"#;

/// A cloud whose replicas follow after a minute.
async fn slow() -> Cloud {
    let cloud = Cloud::sandbox().await;
    let replication = DelayRange::milliseconds(60_000, 60_000);
    cloud.sandbox.as_ref().unwrap().simulation.with_world(|world| {
        world.set_consistency(Consistency { replication, ..Consistency::immediate() });
    });
    cloud
}

fn pass(cloud: &Cloud, seconds: u64) {
    let simulation = &cloud.sandbox.as_ref().unwrap().simulation;
    simulation.advance_to(simulation.now() + Duration::from_secs(seconds));
}

fn replicated(cloud: &Cloud) -> SecretsManager {
    let replicate_to = vec![ELSEWHERE.to_owned()];
    cloud.connection.secret(&specs::SecretsManager { replicate_to, ..named() })
}

fn named() -> specs::SecretsManager {
    specs::SecretsManager::named("app/key", None)
}

/// What applications find in the other region.
async fn elsewhere(cloud: &Cloud) -> Option<String> {
    let read = cloud.secrets(ELSEWHERE).get_secret_value().secret_id("app/key").send().await.ok();
    read.and_then(|answer| answer.secret_string)
}

#[tokio::test]
async fn a_key_counts_as_published_only_when_every_replica_has_it() {
    let cloud = slow().await;
    let destination = replicated(&cloud);
    destination.stage(&pair("one")).await.unwrap();
    let lagging = destination.publish(&pair("one")).await.unwrap_err();
    assert_eq!(lagging.kind, PortErrorKind::Ambiguous, "{lagging}");
    assert!(lagging.message.contains(ELSEWHERE), "{lagging}");
    assert_eq!(destination.read().await.unwrap_err().kind, PortErrorKind::Ambiguous);
    pass(&cloud, 61);
    assert_eq!(destination.read().await.unwrap().current, Some(Kept::Pair(pair("one"))));
    assert_eq!(read(&elsewhere(&cloud).await.unwrap()).unwrap(), Some(pair("one")));

    // Secrets Manager calls the replica in sync all the while.
    destination.stage(&pair("two")).await.unwrap();
    destination.publish(&pair("two")).await.unwrap_err();
    assert_eq!(read(&elsewhere(&cloud).await.unwrap()).unwrap(), Some(pair("one")));
    assert_eq!(destination.read().await.unwrap_err().kind, PortErrorKind::Ambiguous);
    pass(&cloud, 61);
    destination.publish(&pair("two")).await.unwrap();
    assert_eq!(read(&elsewhere(&cloud).await.unwrap()).unwrap(), Some(pair("two")));
}

#[tokio::test]
async fn a_secret_that_cannot_be_replicated_is_refused_before_a_key_is_made() {
    for cloud in [Cloud::moto().await, Cloud::sandbox().await] {
        let name = format!("taken/{}", crate::clouds::number());
        let theirs = cloud.secrets(ELSEWHERE).create_secret().name(&name).secret_string("theirs");
        theirs.send().await.unwrap();
        let place = specs::SecretsManager { name, replicate_to: vec![ELSEWHERE.to_owned()], ..named() };
        let destination = cloud.connection.secret(&place);
        let refused = destination.preflight().await.unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Conflict, "{refused}");

        // Whoever does not ask before finds that the key is published nowhere.
        destination.publish(&pair("one")).await.unwrap_err();
        assert_eq!(destination.read().await.unwrap_err().kind, PortErrorKind::Conflict);
        let theirs = cloud.secrets(ELSEWHERE).get_secret_value().secret_id(&place.name).send().await.unwrap();
        assert_eq!(theirs.secret_string.as_deref(), Some("theirs"));
    }
}

#[tokio::test]
async fn a_key_is_not_published_where_it_may_not_be_replicated() {
    let cloud = Cloud::sandbox().await;
    let plain = cloud.connection.secret(&named());
    plain.publish(&pair("one")).await.unwrap();
    cloud.sandbox.as_ref().unwrap().simulation.with_world(|world| {
        let denied = InjectedFault::new(Effect::AccessDenied);
        world.inject(denied.on(Service::SecretsManager, "ReplicateSecretToRegions"));
    });
    let destination = replicated(&cloud);
    assert_eq!(destination.stage(&pair("two")).await.unwrap_err().kind, PortErrorKind::Denied);
    assert_eq!(destination.publish(&pair("two")).await.unwrap_err().kind, PortErrorKind::Denied);
    assert_eq!(plain.read().await.unwrap().current, Some(Kept::Pair(pair("one"))));
}

#[tokio::test]
async fn a_policy_is_put_only_if_the_secret_has_another_one() {
    for cloud in [Cloud::moto().await, Cloud::sandbox().await] {
        let name = format!("policy/{}", crate::clouds::number());
        let place =
            specs::SecretsManager { name: name.clone(), resource_policy: Some(POLICY.to_owned()), ..named() };
        let destination = cloud.connection.secret(&place);
        destination.stage(&pair("one")).await.unwrap();
        let client = cloud.secrets(REGION);
        let shown = client.get_resource_policy().secret_id(&name).send().await.unwrap().resource_policy;
        let [shown, wanted] =
            [shown.as_deref().unwrap(), POLICY].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(shown, wanted);
        let before = cloud.connection.calls_sent();
        destination.stage(&pair("one")).await.unwrap();
        let one_look = cloud.connection.calls_sent() - before;
        // DescribeSecret, two values, and the policy: nothing is written.
        assert_eq!(one_look, 4);
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_description_is_told_before_any_call() {
    let cloud = Cloud::sandbox().await;
    let values = Some(serde_json::from_str(r#"{"SecretAccessKey": "{access_key_id}"}"#).unwrap());
    for (place, words) in [
        (specs::SecretsManager { replicate_to: vec![REGION.to_owned()], ..named() }, "other regions"),
        (specs::SecretsManager { resource_policy: Some("allow".to_owned()), ..named() }, "JSON object"),
        (specs::SecretsManager { values, ..named() }, "holds the key itself"),
    ] {
        let before = cloud.connection.calls_sent();
        let error = cloud.connection.secret(&place).preflight().await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid);
        assert!(error.message.contains(words), "{error}");
        assert_eq!(cloud.connection.calls_sent(), before);
    }
}

#[tokio::test]
async fn what_is_made_of_the_key_is_published_with_it() {
    let cloud = Cloud::sandbox().await;
    let values = r#"{"SmtpUser": "{access_key_id}", "SmtpPassword": "{ses_smtp_password:eu-west-1}"}"#;
    let values = Some(serde_json::from_str(values).unwrap());
    let destination = cloud.connection.secret(&specs::SecretsManager { values, ..named() });
    let mut passwords = Vec::new();
    for secret in ["one", "two"] {
        destination.stage(&pair(secret)).await.unwrap();
        destination.publish(&pair(secret)).await.unwrap();
        let shown = cloud.secrets(REGION).get_secret_value().secret_id("app/key").send().await.unwrap();
        let shown: Value = serde_json::from_str(&shown.secret_string.unwrap()).unwrap();
        assert_eq!(shown["SmtpUser"], "AKIAIOSFODNN7EXAMPLE");
        passwords.push(shown["SmtpPassword"].as_str().unwrap().to_owned());
    }
    assert_ne!(passwords[0], passwords[1]);
}

#[tokio::test]
async fn one_session_serves_all_destinations_in_a_role() {
    let cloud = Cloud::sandbox().await;
    let sandbox = cloud.sandbox.as_ref().unwrap();
    let in_role = |external_id: &str| specs::SecretsManager {
        role_arn: Some(sandbox.role_arn.clone()),
        external_id: Some(external_id.to_owned()),
        ..named()
    };
    let issued = || sandbox.simulation.with_world(|world| world.secrets_issued().count());
    let before = issued();
    let mut after = Vec::new();
    for _ in 0..3 {
        cloud.connection.secret(&in_role(EXTERNAL_ID)).publish(&pair("one")).await.unwrap();
        after.push(issued());
    }
    assert!(after[0] > before && after.iter().all(|count| *count == after[0]), "{before} {after:?}");
    let there =
        cloud.secrets_of(&sandbox.resident, REGION).get_secret_value().secret_id("app/key").send().await;
    assert_eq!(read(&there.unwrap().secret_string.unwrap()).unwrap(), Some(pair("one")));
    let here = cloud.secrets(REGION).get_secret_value().secret_id("app/key").send().await;
    assert!(here.unwrap_err().into_service_error().is_resource_not_found_exception());

    let refused = cloud.connection.secret(&in_role("wrong")).preflight().await.unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Denied, "{refused}");
    assert!(refused.message.contains("AssumeRole"), "{refused}");
}
