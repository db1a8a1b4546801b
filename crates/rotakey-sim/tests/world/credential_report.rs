//! The credential report: its states, its errors, its cache and its 22 columns.

use data_encoding::BASE64;
use rotakey_core::fact::KeyStatus;
use rotakey_engine::inventory::{Inventory, NoProgress};
use rotakey_engine::port::Iam;
use rotakey_sim::api::Service;
use rotakey_sim::world::plant::{Console, NewKey, NewUser};

use crate::{Scene, at, done, refusal, seconds, user};

fn state(scene: &Scene) -> String {
    scene.iam("GenerateCredentialReport", []).unwrap().text("State").unwrap().to_owned()
}

fn lines(scene: &Scene) -> Vec<String> {
    let answer = scene.iam("GetCredentialReport", []).unwrap();
    let csv = BASE64.decode(answer.text("Content").unwrap().as_bytes()).unwrap();
    String::from_utf8(csv).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_report_goes_from_absent_to_started_to_in_progress_to_complete_to_expired() {
    let scene = Scene::immediate();
    let get = || refusal(scene.iam("GetCredentialReport", [])).split(':').next().unwrap().to_owned();
    assert_eq!(get(), "ReportNotPresent");
    assert_eq!(state(&scene), "STARTED");
    assert_eq!(get(), "ReportInProgress");
    assert_eq!(state(&scene), "INPROGRESS");
    scene.wait(seconds(10));
    assert_eq!(state(&scene), "COMPLETE");
    lines(&scene);
    scene.wait(seconds(4 * 3_600));
    assert_eq!(get(), "ReportExpired");
    assert_eq!(state(&scene), "STARTED");
}

#[test]
fn a_report_is_kept_for_four_hours_whatever_happens_meanwhile() {
    let scene = Scene::immediate();
    let before = done(scene.admin.credential_report(&NoProgress)).unwrap();
    done(scene.admin.create_access_key(&user("admin"))).unwrap();
    scene.wait(seconds(3 * 3_600));
    let cached = done(scene.admin.credential_report(&NoProgress)).unwrap();
    assert_eq!(before, cached);
    scene.wait(seconds(3_600));
    let fresh = done(scene.admin.credential_report(&NoProgress)).unwrap();
    assert!(fresh.generated_at > before.generated_at && fresh.csv != before.csv);
}

#[test]
fn every_value_is_printed_as_aws_prints_it() {
    let scene = Scene::immediate();
    scene.simulation.with_world(|world| {
        let mut doe = NewUser::new(user("doe,john"), at("2021-05-06T07:08:09Z"));
        doe.path = "/people/".to_owned();
        doe.console = Some(Console { since: at("2021-05-06T07:08:10Z"), last_used: None, mfa: true });
        world.plant_user(scene.account, doe);
        let last_used = Some((at("2026-02-03T04:05:06Z"), Service::S3, "eu-west-1".to_owned()));
        let old = NewKey { created_at: at("2022-01-01T00:00:00Z"), status: KeyStatus::Inactive, last_used };
        world.plant_key(scene.account, &user("doe,john"), old);
        world.plant_key(scene.account, &user("doe,john"), crate::key("2023-01-01T00:00:00Z"));
    });
    assert_eq!(state(&scene), "STARTED");
    scene.wait(seconds(10));
    let (lines, account) = (lines(&scene), scene.account);
    assert_eq!(lines[0].split(',').count(), 22);
    assert!(lines[0].starts_with("user,arn,user_creation_time,password_enabled,password_last_used,"));
    assert_eq!(
        lines[1],
        format!(
            "<root_account>,arn:aws:iam::{account}:root,2020-01-02T03:04:05+00:00,not_supported,no_information,\
             not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
        )
    );
    let admin = lines.iter().find(|line| line.starts_with("admin,")).unwrap();
    assert!(admin.contains(",false,N/A,N/A,N/A,false,true,2026-02-01T00:00:00+00:00,2026-03-01T"), "{admin}");
    assert!(admin.contains(",us-east-1,iam,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"), "{admin}");
    assert_eq!(
        lines[3],
        format!(
            "\"doe,john\",\"arn:aws:iam::{account}:user/people/doe,john\",2021-05-06T07:08:09+00:00,true,\
             no_information,2021-05-06T07:08:10+00:00,N/A,true,false,2022-01-01T00:00:00+00:00,\
             2026-02-03T04:05:06+00:00,eu-west-1,s3,true,2023-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,false,N/A"
        )
    );
    assert_eq!(lines.len(), 4);
}
