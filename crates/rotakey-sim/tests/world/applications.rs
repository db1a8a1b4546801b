//! Applications go on with their key while the clock moves, and notice when it fails.

use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::fact::KeyStatus;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Clock, Destinations, Iam};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::application::{Application, CurrentSecret, HardCoded, Record};

use crate::{Scene, done, seconds, user};

const S3: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn record(scene: &Scene) -> Record {
    scene.simulation.records()[0].1.clone()
}

fn publish(scene: &Scene, pair: &AccessKeyPair) {
    let spec = DestinationSpec::SecretsManager(SecretsManager::named("app/key".to_owned(), None));
    done(scene.admin.open(&spec).unwrap().publish(pair)).unwrap();
}

fn of_secret(scene: &Scene) -> CurrentSecret {
    CurrentSecret { account: scene.account, region: "us-east-1".to_owned(), name: "app/key".to_owned() }
}

#[test]
fn an_application_calls_on_time_also_while_somebody_sleeps() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", S3);
    scene.simulation.start(Application::new("app", HardCoded(pair)).every(seconds(60)));
    let clock = scene.simulation.clock();
    done(clock.sleep_until(clock.now() + seconds(3_600)));
    assert_eq!((record(&scene).calls, record(&scene).failed), (60, 0));
    for _ in 0..200 {
        scene.admin.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap();
    }
    let passed = clock.now().as_second() - crate::at("2026-03-01T00:00:00Z").as_second();
    assert_eq!(record(&scene).calls, u64::try_from(passed / 60).unwrap(), "also while calls take their time");
}

#[test]
fn an_application_that_reads_its_secret_survives_a_careful_rotation() {
    let scene = Scene::immediate();
    let (_, old) = scene.user_with_policy("app", S3);
    publish(&scene, &old);
    let application =
        Application::new("app", of_secret(&scene)).every(seconds(10)).caching_for(seconds(3_600));
    scene.simulation.start(application);
    scene.wait(seconds(600));
    let new = done(scene.admin.create_access_key(&user("app"))).unwrap();
    publish(&scene, &new);
    assert_eq!(record(&scene).last_key.as_ref(), Some(&old.id), "it still has the old one in its cache");
    scene.wait(seconds(3_700));
    done(scene.admin.set_status(&user("app"), &old.id, KeyStatus::Inactive)).unwrap();
    scene.wait(seconds(3_700));
    let record = record(&scene);
    assert_eq!((record.last_key, record.failed), (Some(new.id), 0));
    assert!(record.calls > 790, "{}", record.calls);
}

#[test]
fn a_careless_rotation_is_noticed_until_the_cache_runs_out() {
    let scene = Scene::immediate();
    let (_, old) = scene.user_with_policy("app", S3);
    publish(&scene, &old);
    let application = Application::new("app", of_secret(&scene)).every(seconds(10)).caching_for(seconds(600));
    scene.simulation.start(application);
    scene.wait(seconds(15));
    let new = done(scene.admin.create_access_key(&user("app"))).unwrap();
    publish(&scene, &new);
    done(scene.admin.delete_access_key(&user("app"), &old.id)).unwrap();
    scene.wait(seconds(1_200));
    let record = record(&scene);
    assert!((50..62).contains(&record.failed), "{} failures in ten minutes", record.failed);
    assert_eq!(record.failed, record.failed_for_credentials);
    let failure = &record.failures[0];
    assert_eq!((failure.code.as_str(), failure.key.as_ref()), ("InvalidAccessKeyId", Some(&old.id)));
    assert_eq!(record.last_key, Some(new.id));
}

#[test]
fn a_key_that_is_written_into_the_application_is_used_for_ever() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", S3);
    let id = pair.id.clone();
    scene.simulation.start(Application::new("app", HardCoded(pair)).every(seconds(30 * 24 * 3_600)));
    scene.wait(seconds(40 * 24 * 3_600));
    done(scene.admin.delete_access_key(&user("app"), &id)).unwrap();
    scene.wait(seconds(40 * 24 * 3_600));
    let record = record(&scene);
    assert_eq!((record.calls, record.failed), (2, 1));
}

#[test]
fn any_closure_is_a_source_and_finding_nothing_is_a_failure() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", S3);
    let mut looks = 0;
    let source = move |_: &rotakey_sim::world::World| {
        looks += 1;
        (looks > 2).then(|| pair.duplicate())
    };
    scene.simulation.start(Application::new("app", source).every(seconds(10)));
    scene.wait(seconds(45));
    let record = record(&scene);
    assert_eq!((record.calls, record.failed_for_credentials), (4, 2));
    assert_eq!(record.failures[0].code, "NoCredentials");
}

#[test]
fn a_lack_of_permission_is_a_failure_but_not_of_the_key() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", "");
    scene.simulation.start(Application::new("app", HardCoded(pair)).every(seconds(10)));
    scene.wait(seconds(10));
    let record = record(&scene);
    assert_eq!((record.failed, record.failed_for_credentials), (1, 0));
}
