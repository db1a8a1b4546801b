//! Replicas in other regions, and resource policies.

use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::consistency::{Consistency, DelayRange};

use crate::{Scene, refusal, seconds};

const FIRST: &str = "11111111-1111-4111-8111-111111111111";
const SECOND: &str = "22222222-2222-4222-8222-222222222222";

/// A secret in the scene's region, with replicas that follow after ten seconds.
fn scene() -> Scene {
    let scene = Scene::with(Consistency {
        replication: DelayRange::milliseconds(10_000, 10_000),
        ..Consistency::immediate()
    });
    let parameters =
        [("Name", "app/key".into()), ("SecretString", "one".into()), ("ClientRequestToken", FIRST.into())];
    scene.secrets("CreateSecret", parameters).unwrap();
    scene
}

fn replicate(scene: &Scene) -> Result<Tree, PortError> {
    let regions = Tree::List(vec![Tree::map([("Region", "eu-west-2".into())])]);
    scene
        .secrets("ReplicateSecretToRegions", [("SecretId", "app/key".into()), ("AddReplicaRegions", regions)])
}

/// What applications read in the other region.
fn elsewhere(scene: &Scene, action: &str) -> Result<Tree, PortError> {
    let parameters = Tree::map([("SecretId", "app/key".into())]);
    scene.admin.in_region("eu-west-2").call(Service::SecretsManager, action, parameters)
}

fn status(scene: &Scene) -> String {
    let described = scene.secrets("DescribeSecret", [("SecretId", "app/key".into())]).unwrap();
    described.items("ReplicationStatus")[0].text("Status").unwrap().to_owned()
}

#[test]
fn a_replica_follows_in_its_own_time_and_its_status_does_not_tell_that_it_lags() {
    let scene = scene();
    replicate(&scene).unwrap();
    assert_eq!(status(&scene), "InProgress");
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap_err().kind, PortErrorKind::NotFound);
    scene.wait(seconds(11));
    assert_eq!(status(&scene), "InSync");
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap().text("SecretString"), Some("one"));
    assert!(elsewhere(&scene, "DescribeSecret").unwrap().text("PrimaryRegion").is_some());

    let parameters = [
        ("SecretId", "app/key".into()),
        ("SecretString", "two".into()),
        ("ClientRequestToken", SECOND.into()),
    ];
    scene.secrets("PutSecretValue", parameters).unwrap();
    assert_eq!(status(&scene), "InSync");
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap().text("SecretString"), Some("one"));
    scene.wait(seconds(11));
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap().text("SecretString"), Some("two"));
}

#[test]
fn a_replica_is_not_written_to_and_holds_up_the_deletion_of_its_secret() {
    let scene = scene();
    replicate(&scene).unwrap();
    scene.wait(seconds(11));
    assert!(refusal(elsewhere(&scene, "DeleteSecret")).contains("replica"));
    assert!(refusal(scene.secrets("DeleteSecret", [("SecretId", "app/key".into())])).contains("replica"));
    let parameters = [("SecretId", "app/key".into()), ("RemoveReplicaRegions", Tree::list(["eu-west-2"]))];
    scene.secrets("RemoveRegionsFromReplication", parameters).unwrap();
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap_err().kind, PortErrorKind::NotFound);
    scene.secrets("DeleteSecret", [("SecretId", "app/key".into())]).unwrap();
}

#[test]
fn a_secret_of_the_same_name_in_the_other_region_is_not_overwritten() {
    let scene = scene();
    let theirs = Tree::map([
        ("Name", "app/key".into()),
        ("SecretString", "x".into()),
        ("ClientRequestToken", FIRST.into()),
    ]);
    scene.admin.in_region("eu-west-2").call(Service::SecretsManager, "CreateSecret", theirs).unwrap();
    replicate(&scene).unwrap();
    scene.wait(seconds(11));
    assert_eq!(status(&scene), "Failed");
    assert_eq!(elsewhere(&scene, "GetSecretValue").unwrap().text("SecretString"), Some("x"));
}

#[test]
fn a_resource_policy_is_kept_unless_it_opens_the_secret_to_everyone_and_what_it_denies_is_denied() {
    let scene = scene();
    let put = |effect: &str, principal: &str| {
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}", "Principal": {principal},
                "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}]}}"#
        );
        let parameters = [
            ("SecretId", "app/key".into()),
            ("ResourcePolicy", policy.into()),
            ("BlockPublicPolicy", true.into()),
        ];
        scene.secrets("PutResourcePolicy", parameters)
    };
    let shown = || scene.secrets("GetResourcePolicy", [("SecretId", "app/key".into())]).unwrap();
    assert!(refusal(put("Allow", r#""*""#)).contains("PublicPolicyException"));
    assert!(
        refusal(put("Permit", r#"{"AWS": "012345678901"}"#)).contains("MalformedPolicyDocumentException")
    );
    assert_eq!(shown().text("ResourcePolicy"), None);
    put("Allow", r#"{"AWS": "012345678901"}"#).unwrap();
    assert!(shown().text("ResourcePolicy").unwrap().contains("012345678901"));
    scene.secrets("GetSecretValue", [("SecretId", "app/key".into())]).unwrap();
    put("Deny", r#""*""#).unwrap();
    let denied = scene.secrets("GetSecretValue", [("SecretId", "app/key".into())]).unwrap_err();
    assert_eq!(denied.kind, PortErrorKind::Denied);
    assert!(denied.message.contains("resource-based policy"), "{denied}");
}
