//! CloudTrail: what LookupEvents tells of earlier calls.

use std::time::Duration;

use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::report::Report;

pub(crate) async fn lookup_events(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    cloud.pass(Duration::from_secs(20 * 60));
    let created = LookupAttribute::builder()
        .attribute_key(LookupAttributeKey::EventName)
        .attribute_value("CreateAccessKey")
        .build()
        .unwrap();
    let found = cloud.cloudtrail().lookup_events().lookup_attributes(created).send().await;
    report.check("events are looked up", "ok", outcome(&found));

    let events = found.ok().and_then(|found| found.events).unwrap_or_default();
    let event =
        events.iter().find(|event| event.cloud_trail_event().is_some_and(|text| text.contains(&keys.id)));
    let source = event.and_then(|event| event.event_source()).unwrap_or("none");
    report.check("the creation of a key is found", "iam.amazonaws.com", source);
    let caller = event.and_then(|event| event.username()).unwrap_or("none");
    report.check("its caller is named", "operator", caller);
    let told =
        events.iter().any(|event| event.cloud_trail_event().is_some_and(|text| text.contains(&keys.secret)));
    report.check("the secret is told", false, told);
}
