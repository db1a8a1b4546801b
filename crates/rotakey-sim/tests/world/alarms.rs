//! Alarms of CloudWatch.

use rotakey_core::id::AccountId;
use rotakey_engine::port::PortErrorKind;
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::ports::Client;
use rotakey_sim::world::plant::AlarmState;

use crate::{Scene, refusal};

fn plant(scene: &Scene, region: &str, name: &str, state: AlarmState) {
    let account: AccountId = scene.account;
    scene.simulation.with_world(|world| world.plant_alarm(account, region, name, state));
}

/// The states of the alarms of these names.
fn states(client: &Client, names: &[&str], types: &[&str]) -> Vec<String> {
    let list = |texts: &[&str]| Tree::List(texts.iter().map(|text| (*text).into()).collect());
    let parameters = Tree::map([("AlarmNames", list(names)), ("AlarmTypes", list(types))]);
    let answer = client.call(Service::CloudWatch, "DescribeAlarms", parameters).unwrap();
    assert!(answer.items("CompositeAlarms").is_empty());
    let alarms = answer.items("MetricAlarms").iter();
    alarms.map(|alarm| alarm.text("StateValue").unwrap().to_owned()).collect()
}

#[test]
fn an_alarm_is_told_in_its_region_under_its_name_and_type() {
    let scene = Scene::immediate();
    plant(&scene, "us-east-1", "orders", AlarmState::Ok);
    plant(&scene, "us-east-1", "payments", AlarmState::InsufficientData);
    assert_eq!(states(&scene.admin, &["orders"], &[]), ["OK"]);
    assert_eq!(states(&scene.admin, &[], &["MetricAlarm", "CompositeAlarm"]), ["OK", "INSUFFICIENT_DATA"]);
    assert_eq!(states(&scene.admin, &["orders"], &["CompositeAlarm"]), [""; 0]);
    assert_eq!(states(&scene.admin, &["Orders"], &[]), [""; 0]);
    assert_eq!(states(&scene.admin.in_region("eu-west-1"), &["orders"], &[]), [""; 0]);
    plant(&scene, "us-east-1", "orders", AlarmState::Alarm);
    assert_eq!(states(&scene.admin, &["orders"], &["MetricAlarm"]), ["ALARM"]);
}

#[test]
fn a_policy_speaks_of_cloudwatch_and_names_no_single_alarm() {
    let scene = Scene::immediate();
    let policy = |action: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
        )
    };
    let arn = format!("arn:aws:cloudwatch:us-east-1:{}:alarm:orders", scene.account);
    for (number, (action, resource, allowed)) in [
        ("cloudwatch:DescribeAlarms", "*", true),
        ("monitoring:DescribeAlarms", "*", false),
        ("cloudwatch:DescribeAlarms", arn.as_str(), false),
    ]
    .into_iter()
    .enumerate()
    {
        let (client, _) = scene.user_with_policy(&format!("user-{number}"), &policy(action, resource));
        let answer = client.call(Service::CloudWatch, "DescribeAlarms", Tree::empty());
        assert_eq!(answer.is_ok(), allowed, "{action} on {resource}: {answer:?}");
        if let Err(error) = answer {
            assert_eq!(error.kind, PortErrorKind::Denied);
        }
    }
    let unknown = Tree::map([("AlarmTypes", Tree::List(vec!["LogAlarm".into()]))]);
    let refused = refusal(scene.admin.call(Service::CloudWatch, "DescribeAlarms", unknown));
    assert!(refused.contains("at 'alarmTypes' failed to satisfy constraint"), "{refused}");
}
