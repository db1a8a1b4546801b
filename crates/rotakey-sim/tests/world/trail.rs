//! CloudTrail tells of every authentic call, and of no secret.

use rotakey_core::fact::KeyStatus;
use rotakey_engine::port::{Iam, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::consistency::Consistency;
use serde_json::Value;

use crate::{Scene, done, refusal, seconds, user};

/// The records that a lookup by one attribute finds, newest first.
fn lookup(scene: &Scene, attribute: &str, value: &str) -> Vec<Value> {
    // LookupEvents takes two calls in a second.
    scene.wait(seconds(1));
    let wanted = Tree::map([("AttributeKey", attribute.into()), ("AttributeValue", value.into())]);
    let parameters = Tree::map([("LookupAttributes", Tree::List(vec![wanted]))]);
    let answer = scene.admin.call(Service::CloudTrail, "LookupEvents", parameters).unwrap();
    let record = |event: &Tree| serde_json::from_str(event.text("CloudTrailEvent").unwrap()).unwrap();
    answer.items("Events").iter().map(record).collect()
}

#[test]
fn the_life_of_a_key_is_on_record_without_its_secret() {
    let scene = Scene::immediate();
    let (_, before) = scene.user_with_policy("app", "");
    let pair = done(scene.admin.create_access_key(&user("app"))).unwrap();
    done(scene.admin.set_status(&user("app"), &pair.id, KeyStatus::Inactive)).unwrap();
    done(scene.admin.delete_access_key(&user("app"), &pair.id)).unwrap();
    let records = lookup(&scene, "ResourceName", pair.id.as_str());
    let names = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(names, ["DeleteAccessKey", "UpdateAccessKey", "CreateAccessKey"]);
    let created = &records[2];
    assert_eq!(created["responseElements"]["accessKey"]["accessKeyId"], pair.id.as_str());
    assert_eq!(created["requestParameters"]["userName"], "app");
    assert_eq!(created["userIdentity"]["type"], "IAMUser");
    assert_eq!(created["userIdentity"]["userName"], "admin");
    assert_eq!(created["eventSource"], "iam.amazonaws.com");
    assert_eq!(created["awsRegion"], "us-east-1");
    assert_eq!(created["sourceIPAddress"], "203.0.113.20");
    assert_eq!(created["readOnly"], false);
    assert_eq!(records[1]["responseElements"], Value::Null);
    assert_eq!(records[1]["requestParameters"]["status"], "Inactive");
    let all = serde_json::to_string(&records).unwrap();
    assert!(!all.contains(pair.secret.expose()) && !all.contains(before.secret.expose()));
}

#[test]
fn secret_values_are_not_on_record() {
    let scene = Scene::immediate();
    let token = "11111111-1111-4111-8111-111111111111";
    let parameters =
        [("Name", "s".into()), ("SecretString", "do-not-tell".into()), ("ClientRequestToken", token.into())];
    scene.secrets("CreateSecret", parameters).unwrap();
    let records = lookup(&scene, "EventName", "CreateSecret");
    assert_eq!(records[0]["requestParameters"]["name"], "s");
    assert!(!records[0].to_string().contains("do-not-tell"));
}

#[test]
fn a_denied_call_is_on_record_and_an_unauthentic_one_is_not() {
    let scene = Scene::immediate();
    let (app, pair) = scene.user_with_policy("app", "");
    app.call(Service::Iam, "ListUsers", Tree::empty()).unwrap_err();
    done(scene.admin.set_status(&user("app"), &pair.id, KeyStatus::Inactive)).unwrap();
    app.call(Service::Iam, "ListGroups", Tree::empty()).unwrap_err();
    let records = lookup(&scene, "AccessKeyId", pair.id.as_str());
    assert_eq!(records.len(), 1, "the call with the inactive key left no trace: {records:?}");
    assert_eq!(records[0]["errorCode"], "AccessDenied");
    assert_eq!(records[0]["eventName"], "ListUsers");
}

#[test]
fn object_calls_are_data_events_and_not_there() {
    let scene = Scene::immediate();
    let object = Tree::map([("Bucket", "b".into()), ("Key", "k".into())]);
    scene.admin.call(Service::S3, "GetObject", object).unwrap();
    scene.admin.call(Service::S3, "ListBuckets", Tree::empty()).unwrap();
    let names = lookup(&scene, "EventSource", "s3.amazonaws.com");
    assert_eq!(names.iter().map(|record| &record["eventName"]).collect::<Vec<_>>(), ["ListBuckets"]);
}

#[test]
fn events_show_after_the_delivery_delay_for_ninety_days_and_in_their_region() {
    let scene = Scene::with(Consistency { trail_delay: seconds(300), ..Consistency::immediate() });
    let west = scene.admin.in_region("eu-west-1");
    west.call(Service::SecretsManager, "ListSecrets", Tree::empty()).unwrap();
    let count = |client: &rotakey_sim::ports::Client| {
        scene.wait(seconds(1));
        let wanted =
            Tree::map([("AttributeKey", "EventName".into()), ("AttributeValue", "ListSecrets".into())]);
        let parameters = Tree::map([("LookupAttributes", Tree::List(vec![wanted]))]);
        client.call(Service::CloudTrail, "LookupEvents", parameters).unwrap().items("Events").len()
    };
    assert_eq!(count(&west), 0);
    scene.wait(seconds(300));
    assert_eq!((count(&west), count(&scene.admin)), (1, 0));
    scene.wait(seconds(90 * 24 * 3_600));
    assert_eq!(count(&west), 0);
}

#[test]
fn a_page_has_fifty_events_and_two_lookups_a_second_are_the_limit() {
    let scene = Scene::immediate();
    for _ in 0..70 {
        scene.admin.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap();
    }
    let look = |token: Option<&str>| {
        let wanted =
            Tree::map([("AttributeKey", "EventName".into()), ("AttributeValue", "GetCallerIdentity".into())]);
        let parameters = Tree::map([("LookupAttributes", Tree::List(vec![wanted]))]).with("NextToken", token);
        scene.admin.call(Service::CloudTrail, "LookupEvents", parameters)
    };
    let first = look(None).unwrap();
    let second = look(first.text("NextToken")).unwrap();
    assert_eq!((first.items("Events").len(), second.items("Events").len()), (50, 20));
    assert_eq!(second.text("NextToken"), None);
    scene.wait(seconds(1));
    let other = Tree::empty().with("NextToken", first.text("NextToken"));
    let refused = scene.admin.call(Service::CloudTrail, "LookupEvents", other);
    assert!(refusal(refused).starts_with("InvalidNextTokenException"), "a token of another lookup");
    look(None).unwrap();
    assert_eq!(look(None).unwrap_err().kind, PortErrorKind::Throttled);
    scene.wait(seconds(1));
    look(None).unwrap();
    let attribute = || Tree::map([("AttributeKey", "Colour".into()), ("AttributeValue", "red".into())]);
    let unknown = Tree::map([("LookupAttributes", Tree::List(vec![attribute()]))]);
    let refused = scene.admin.call(Service::CloudTrail, "LookupEvents", unknown);
    assert!(refusal(refused).starts_with("InvalidLookupAttributesException"));
}
