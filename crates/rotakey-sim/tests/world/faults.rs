//! Injected faults do what they say, and leave the traces that the real ones would.

use rotakey_engine::port::{Iam, KeyProbe, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::faults::{Effect, InjectedFault};

use crate::{Scene, done, seconds, user};

fn inject(scene: &Scene, fault: InjectedFault) {
    scene.simulation.with_world(|world| world.inject(fault));
}

fn keys(scene: &Scene) -> usize {
    done(Iam::access_keys(&scene.admin, &user("admin"))).unwrap().len()
}

#[test]
fn an_unanswered_create_may_have_made_a_key_or_not() {
    for (happened, expected) in [(true, 2), (false, 1)] {
        let scene = Scene::immediate();
        let lost = InjectedFault::new(Effect::NoAnswer { happened });
        inject(&scene, lost.on(Service::Iam, "CreateAccessKey").times(1));
        let failed = done(scene.admin.create_access_key(&user("admin"))).unwrap_err();
        assert_eq!(failed.kind, PortErrorKind::Ambiguous);
        assert_eq!(failed.message, "no answer", "the caller is not told");
        assert_eq!(keys(&scene), expected);
    }
}

#[test]
fn a_throttled_call_does_nothing() {
    let scene = Scene::immediate();
    inject(&scene, InjectedFault::new(Effect::Throttle).on(Service::Iam, "CreateAccessKey").times(2));
    for _ in 0..2 {
        let failed = done(scene.admin.create_access_key(&user("admin"))).unwrap_err();
        assert_eq!(
            (failed.kind, failed.message.as_str()),
            (PortErrorKind::Throttled, "Throttling: Rate exceeded")
        );
    }
    assert_eq!(keys(&scene), 1);
    done(scene.admin.create_access_key(&user("admin"))).expect("the fault is over after two calls");
}

#[test]
fn an_outage_takes_one_service_down_for_its_time() {
    let scene = Scene::immediate();
    let (from, until) = (scene.simulation.now() + seconds(100), scene.simulation.now() + seconds(200));
    inject(&scene, InjectedFault::new(Effect::Outage).on_service(Service::Iam).between(from, until));
    assert_eq!(keys(&scene), 1);
    scene.wait(seconds(110));
    let failed = done(Iam::access_keys(&scene.admin, &user("admin"))).unwrap_err();
    assert_eq!(failed.kind, PortErrorKind::Ambiguous);
    scene.admin.call(Service::Sts, "GetCallerIdentity", Tree::empty()).expect("STS is up");
    scene.wait(seconds(100));
    assert_eq!(keys(&scene), 1);
}

#[test]
fn an_outage_of_one_account_leaves_the_others_alone() {
    let scene = Scene::immediate();
    let now = scene.simulation.now();
    let (other, theirs) = scene.simulation.with_world(|world| {
        let account = world.create_account("other", now);
        world.plant_user(account, rotakey_sim::world::plant::NewUser::new(user("app"), now));
        (account, world.plant_key(account, &user("app"), crate::key("2026-01-01T00:00:00Z")))
    });
    inject(&scene, InjectedFault::new(Effect::Outage).in_account(other));
    assert_eq!(done(scene.admin.identify(&theirs)).unwrap_err().kind, PortErrorKind::Ambiguous);
    assert_eq!(keys(&scene), 1);
}

#[test]
fn access_can_be_denied_for_one_action() {
    let scene = Scene::immediate();
    inject(&scene, InjectedFault::new(Effect::AccessDenied).on(Service::Iam, "DeleteAccessKey"));
    let pair = done(scene.admin.create_access_key(&user("admin"))).unwrap();
    let denied = done(scene.admin.delete_access_key(&user("admin"), &pair.id)).unwrap_err();
    assert_eq!(denied.kind, PortErrorKind::Denied);
    assert!(denied.message.contains("is not authorized to perform: iam:DeleteAccessKey"), "{denied}");
    assert_eq!(keys(&scene), 2);
}
