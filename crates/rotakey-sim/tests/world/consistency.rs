//! Changes become true and visible late, but within their bounds.

use std::time::Duration;

use rotakey_core::fact::KeyStatus;
use rotakey_engine::port::{Iam, KeyProbe, PortErrorKind};
use rotakey_sim::api::Service;
use rotakey_sim::consistency::{Consistency, DelayRange};

use crate::{Scene, done, seconds, user};

#[test]
fn a_new_key_is_refused_at_first_and_works_everywhere_in_the_end() {
    let new_key = DelayRange::milliseconds(5_000, 20_000);
    let scene = Scene::with(Consistency { new_key, ..Consistency::immediate() });
    let pair = done(scene.admin.create_access_key(&user("admin"))).unwrap();
    let born = scene.simulation.now();
    assert_eq!(done(scene.admin.identify(&pair)).unwrap_err().kind, PortErrorKind::Credentials);
    let works = |service| scene.simulation.with_world(|world| world.accepts(&pair, service));
    let mut first = Vec::new();
    for service in Service::ALL {
        scene.simulation.advance_to(born + Duration::from_millis(4_900));
        first.push(works(service));
    }
    assert!(first.iter().all(|works| !works), "nothing accepts it before the shortest delay");
    scene.simulation.advance_to(born + seconds(10));
    let some = Service::ALL.into_iter().filter(|&service| works(service)).count();
    assert!((1..Service::ALL.len()).contains(&some), "after ten seconds {some} of the services know it");
    scene.simulation.advance_to(born + seconds(20));
    assert!(Service::ALL.into_iter().all(works), "all accept it after the longest delay");
}

#[test]
fn an_inactive_key_keeps_working_for_a_while_and_then_no_more() {
    let inactivated_key = DelayRange::milliseconds(30_000, 60_000);
    let scene = Scene::with(Consistency { inactivated_key, ..Consistency::immediate() });
    let (_, pair) = scene.user_with_policy("app", "");
    done(scene.admin.set_status(&user("app"), &pair.id, KeyStatus::Inactive)).unwrap();
    let status = done(Iam::access_keys(&scene.admin, &user("app"))).unwrap()[0].status;
    assert_eq!(status, KeyStatus::Inactive, "IAM says so at once");
    done(scene.admin.identify(&pair)).expect("but STS has not heard of it");
    scene.wait(seconds(61));
    assert_eq!(done(scene.admin.identify(&pair)).unwrap_err().kind, PortErrorKind::Credentials);
}

#[test]
fn a_deleted_key_keeps_working_for_a_while_and_then_no_more() {
    let deleted_key = DelayRange::milliseconds(30_000, 60_000);
    let scene = Scene::with(Consistency { deleted_key, ..Consistency::immediate() });
    let (_, pair) = scene.user_with_policy("app", "");
    done(scene.admin.delete_access_key(&user("app"), &pair.id)).unwrap();
    done(scene.admin.identify(&pair)).expect("STS has not heard of it");
    scene.wait(seconds(61));
    assert_eq!(done(scene.admin.identify(&pair)).unwrap_err().kind, PortErrorKind::Credentials);
}

#[test]
fn stale_reads_show_the_past_but_none_older_than_their_bound() {
    let scene = Scene::with(Consistency { stale_reads: seconds(60), ..Consistency::immediate() });
    let (admin, name) = (&scene.admin, user("admin"));
    scene.wait(seconds(120));
    done(admin.create_access_key(&name)).unwrap();
    let counts = (0..40).map(|_| done(Iam::access_keys(admin, &name)).unwrap().len()).collect::<Vec<_>>();
    assert!(counts.contains(&1), "some reads miss the new key: {counts:?}");
    scene.wait(seconds(61));
    let settled = (0..40).all(|_| done(Iam::access_keys(admin, &name)).unwrap().len() == 2);
    assert!(settled, "no read is older than a minute");
}

#[test]
fn writes_judge_by_what_is_true_not_by_what_reads_show() {
    let scene = Scene::with(Consistency { stale_reads: seconds(600), ..Consistency::immediate() });
    let name = user("admin");
    done(scene.admin.create_access_key(&name)).unwrap();
    let third = done(scene.admin.create_access_key(&name)).unwrap_err();
    assert_eq!(third.kind, PortErrorKind::LimitExceeded);
}
