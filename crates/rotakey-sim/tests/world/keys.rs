//! Access keys: their quota, their life, and when their use shows.

use rotakey_core::fact::{KeyStatus, LastUsed};
use rotakey_engine::port::{Iam, KeyProbe, PortErrorKind};
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::consistency::Consistency;
use rotakey_sim::ports::Client;

use crate::{Scene, done, refusal, seconds, user};

#[test]
fn a_user_has_two_keys_at_most_and_inactive_ones_count() {
    let scene = Scene::immediate();
    scene.iam("CreateUser", [("UserName", "app".into())]).unwrap();
    let (app, admin) = (user("app"), &scene.admin);
    let first = done(admin.create_access_key(&app)).unwrap();
    done(admin.create_access_key(&app)).unwrap();
    done(admin.set_status(&app, &first.id, KeyStatus::Inactive)).unwrap();
    let third = done(admin.create_access_key(&app)).unwrap_err();
    assert_eq!(third.kind, PortErrorKind::LimitExceeded);
    assert_eq!(third.message, "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
    done(admin.delete_access_key(&app, &first.id)).unwrap();
    done(admin.create_access_key(&app)).unwrap();
    assert_eq!(done(Iam::access_keys(admin, &app)).unwrap().len(), 2);
}

#[test]
fn new_key_ids_decode_to_their_account() {
    let scene = Scene::immediate();
    let pair = done(scene.admin.create_access_key(&user("admin"))).unwrap();
    assert_eq!(pair.id.account_id(), Some(scene.account));
    assert_eq!(pair.secret.expose().len(), 40);
}

#[test]
fn inactive_and_deleted_keys_are_refused_in_the_words_of_the_service() {
    let scene = Scene::immediate();
    let (app, pair) = scene.user_with_policy("app", "");
    let name = user("app");
    assert!(done(scene.admin.identify(&pair)).unwrap().arn.ends_with(":user/app"));
    let code = |service, action| {
        refusal(app.call(service, action, Tree::empty())).split(':').next().unwrap().to_owned()
    };
    let codes = || {
        [
            code(Service::Sts, "GetCallerIdentity"),
            code(Service::Iam, "ListUsers"),
            code(Service::S3, "ListBuckets"),
            code(Service::SecretsManager, "ListSecrets"),
            code(Service::Ec2, "DescribeInstances"),
        ]
    };
    let expected = [
        "InvalidClientTokenId",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "AuthFailure",
    ];
    done(scene.admin.set_status(&name, &pair.id, KeyStatus::Inactive)).unwrap();
    assert_eq!(codes(), expected);
    done(scene.admin.set_status(&name, &pair.id, KeyStatus::Active)).unwrap();
    done(scene.admin.identify(&pair)).unwrap();
    done(scene.admin.delete_access_key(&name, &pair.id)).unwrap();
    assert_eq!(codes(), expected);
    let gone = done(scene.admin.delete_access_key(&name, &pair.id)).unwrap_err();
    assert_eq!(gone.kind, PortErrorKind::NotFound);
}

#[test]
fn a_wrong_secret_is_refused_as_such() {
    let scene = Scene::immediate();
    let (_, mut pair) = scene.user_with_policy("app", "");
    pair.secret = rotakey_core::secret::Secret::new("x".repeat(40));
    let refused = done(scene.admin.identify(&pair)).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Credentials);
    assert!(refused.message.starts_with("SignatureDoesNotMatch: "), "{refused}");
}

#[test]
fn a_status_that_iam_does_not_know_is_refused() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", "");
    let parameters =
        [("UserName", "app".into()), ("AccessKeyId", pair.id.as_str().into()), ("Status", "Expired".into())];
    assert_eq!(
        refusal(scene.iam("UpdateAccessKey", parameters)),
        "ValidationError: 1 validation error detected: Value 'Expired' at 'status' failed to satisfy constraint: \
         Member must satisfy enum value set: [Active, Inactive]"
    );
}

#[test]
fn a_key_is_only_found_under_the_user_that_has_it() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", "");
    let refused = done(scene.admin.delete_access_key(&user("admin"), &pair.id)).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::NotFound);
    done(scene.admin.identify(&pair)).expect("and the key still works");
}

#[test]
fn a_user_is_not_deleted_while_anything_is_left_of_it() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", r#"{"Version":"2012-10-17","Statement":[]}"#);
    let name = [("UserName", "app".into())];
    let refused = scene.iam("DeleteUser", name.clone()).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Conflict);
    assert_eq!(refused.message, "DeleteConflict: Cannot delete entity, must delete access keys first.");
    done(scene.admin.delete_access_key(&user("app"), &pair.id)).unwrap();
    assert!(refusal(scene.iam("DeleteUser", name.clone())).contains("must delete policies first"));
    scene.iam("DeleteUserPolicy", [("UserName", "app".into()), ("PolicyName", "test".into())]).unwrap();
    scene.iam("DeleteUser", name).unwrap();
    assert_eq!(done(scene.admin.user(&user("app"))).unwrap_err().kind, PortErrorKind::NotFound);
}

#[test]
fn a_user_made_again_under_its_old_name_is_another_one_and_old_keys_stay_dead() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", "");
    let before = done(scene.admin.user(&user("app"))).unwrap();
    done(scene.admin.delete_access_key(&user("app"), &pair.id)).unwrap();
    scene.iam("DeleteUser", [("UserName", "app".into())]).unwrap();
    scene.iam("CreateUser", [("UserName", "app".into())]).unwrap();
    let after = done(scene.admin.user(&user("app"))).unwrap();
    assert_ne!(before.id, after.id);
    assert_eq!(done(scene.admin.identify(&pair)).unwrap_err().kind, PortErrorKind::Credentials);
}

#[test]
fn a_renamed_user_keeps_its_id_and_its_keys() {
    let scene = Scene::immediate();
    let (_, pair) = scene.user_with_policy("app", "");
    let before = done(scene.admin.user(&user("app"))).unwrap();
    scene.iam("UpdateUser", [("UserName", "app".into()), ("NewUserName", "app2".into())]).unwrap();
    assert_eq!(done(scene.admin.user(&user("app2"))).unwrap().id, before.id);
    assert!(done(scene.admin.identify(&pair)).unwrap().arn.ends_with(":user/app2"));
    assert_eq!(done(Iam::access_keys(&scene.admin, &user("app2"))).unwrap()[0].id, pair.id);
}

#[test]
fn names_of_users_are_unique_without_regard_to_case() {
    let scene = Scene::immediate();
    let refused = scene.iam("CreateUser", [("UserName", "ADMIN".into())]).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Conflict);
    assert!(refusal(scene.iam("CreateUser", [("UserName", "a/b".into())])).starts_with("ValidationError"));
}

#[test]
fn the_last_use_shows_after_the_lag_and_only_the_first_in_fifteen_minutes() {
    let lag = Consistency { last_used_lag: seconds(600), ..Consistency::immediate() };
    let scene = Scene::with(lag);
    let (app, pair) = scene.user_with_policy("app", "");
    let look = || done(Iam::last_used(&scene.admin, &pair.id)).unwrap();
    assert_eq!(look(), LastUsed::Never);
    let call = |client: &Client| {
        client.in_region("eu-west-1").call(Service::Sts, "GetCallerIdentity", Tree::empty())
    };
    call(&app).unwrap();
    let first = scene.simulation.now();
    scene.wait(seconds(300));
    call(&app).unwrap();
    assert_eq!(look(), LastUsed::Never, "it does not show before the lag");
    scene.wait(seconds(400));
    let LastUsed::At { at, region, service } = look() else { panic!("it shows after the lag") };
    assert_eq!((at.as_second(), region.as_deref()), (first.as_second(), Some("eu-west-1")));
    assert_eq!(service.as_deref(), Some("sts"));
    scene.wait(seconds(3_600));
    assert_eq!(look().at(), Some(at), "the second use came within fifteen minutes of the first");
}

#[test]
fn refused_calls_do_not_move_the_last_use() {
    let scene = Scene::immediate();
    let (app, pair) = scene.user_with_policy("app", "");
    done(scene.admin.set_status(&user("app"), &pair.id, KeyStatus::Inactive)).unwrap();
    app.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap_err();
    assert_eq!(done(Iam::last_used(&scene.admin, &pair.id)).unwrap(), LastUsed::Never);
}
