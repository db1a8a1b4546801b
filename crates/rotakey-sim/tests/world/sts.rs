//! Temporary credentials: who gets them, and when they end.

use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Iam, PortError, PortErrorKind};
use rotakey_sim::api::{Credentials, Fault, Request, Service, Tree};

use crate::{Scene, done, refusal, seconds, user};

const ASSUME_ANYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;

fn trust(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"{condition}}}]}}"#
    )
}

fn role(scene: &Scene, name: &str, trust: &str) -> String {
    let policy = "arn:aws:iam::aws:policy/SecurityAudit".to_owned();
    let now = scene.simulation.now();
    scene.simulation.with_world(|world| world.plant_role(scene.account, name, trust, vec![policy], now))
}

fn kind(outcome: Result<rotakey_sim::ports::Client, PortError>) -> Result<(), PortErrorKind> {
    outcome.map(drop).map_err(|error| error.kind)
}

#[test]
fn a_role_must_trust_the_caller_and_the_caller_must_be_allowed() {
    let scene = Scene::immediate();
    let (may, _) = scene.user_with_policy("may", ASSUME_ANYTHING);
    let (may_not, _) = scene.user_with_policy("may-not", "");
    let root = format!("arn:aws:iam::{}:root", scene.account);
    let of_account = role(&scene, "of-account", &trust(&root, ""));
    let of_user =
        role(&scene, "of-user", &trust(&format!("arn:aws:iam::{}:user/may-not", scene.account), ""));
    let of_others = role(&scene, "of-others", &trust("arn:aws:iam::111122223333:root", ""));

    assert_eq!(kind(may.assume_role(&of_account, None)), Ok(()));
    assert_eq!(kind(may_not.assume_role(&of_account, None)), Err(PortErrorKind::Denied));
    assert_eq!(kind(may_not.assume_role(&of_user, None)), Ok(()), "in one account, to be named is enough");
    assert_eq!(kind(may.assume_role(&of_user, None)), Err(PortErrorKind::Denied));
    assert_eq!(kind(may.assume_role(&of_others, None)), Err(PortErrorKind::Denied));
    let missing = format!("arn:aws:iam::{}:role/missing", scene.account);
    assert_eq!(
        kind(may.assume_role(&missing, None)),
        Err(PortErrorKind::Denied),
        "and not told that it is not there"
    );
}

#[test]
fn the_external_id_of_the_trust_policy_is_checked() {
    let scene = Scene::immediate();
    let root = format!("arn:aws:iam::{}:root", scene.account);
    let condition = r#","Condition":{"StringEquals":{"sts:ExternalId":"right"}}"#;
    let arn = role(&scene, "guarded", &trust(&root, condition));
    assert_eq!(kind(scene.admin.assume_role(&arn, Some("right"))), Ok(()));
    assert_eq!(kind(scene.admin.assume_role(&arn, Some("wrong"))), Err(PortErrorKind::Denied));
    assert_eq!(kind(scene.admin.assume_role(&arn, None)), Err(PortErrorKind::Denied));
}

#[test]
fn a_role_of_another_account_needs_both_sides() {
    let scene = Scene::immediate();
    let now = scene.simulation.now();
    let name = "arn:aws:iam::aws:policy/SecurityAudit".to_owned();
    let (other, arn) = scene.simulation.with_world(|world| {
        let other = world.create_account("other", now);
        let trust = trust(&format!("arn:aws:iam::{}:user/stranger", scene.account), "");
        (other, world.plant_role(other, "audit", &trust, vec![name], now))
    });
    let (stranger, _) = scene.user_with_policy("stranger", "");
    assert_eq!(kind(stranger.assume_role(&arn, None)), Err(PortErrorKind::Denied));
    let parameters = [
        ("UserName", "stranger".into()),
        ("PolicyName", "p".into()),
        ("PolicyDocument", ASSUME_ANYTHING.into()),
    ];
    scene.iam("PutUserPolicy", parameters).unwrap();
    let session = stranger.assume_role(&arn, None).unwrap();
    let who = session.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap();
    assert_eq!(who.text("Account"), Some(other.to_string().as_str()));
    assert_eq!(who.text("Arn"), Some(format!("arn:aws:sts::{other}:assumed-role/audit/rotakey").as_str()));
    session.call(Service::Iam, "ListUsers", Tree::empty()).expect("the role's policies count");
    let denied = session.call(Service::Iam, "DeleteUser", Tree::map([("UserName", "x".into())])).unwrap_err();
    assert_eq!(denied.kind, PortErrorKind::Denied);
}

#[test]
fn session_names_and_durations_are_checked() {
    let scene = Scene::immediate();
    let arn = role(&scene, "r", &trust(&format!("arn:aws:iam::{}:root", scene.account), ""));
    let assume = |name: &str, seconds: i64| {
        let parameters = Tree::map([
            ("RoleArn", arn.as_str().into()),
            ("RoleSessionName", name.into()),
            ("DurationSeconds", seconds.into()),
        ]);
        scene.admin.call(Service::Sts, "AssumeRole", parameters)
    };
    assume("ok.name@x", 900).unwrap();
    assert!(refusal(assume("has space", 900)).starts_with("ValidationError"));
    assert!(refusal(assume("x", 900)).contains("at 'roleSessionName' failed"));
    assert!(refusal(assume("ok", 899)).contains("at 'durationSeconds' failed"));
    assert!(refusal(assume("ok", 3_601)).contains("exceeds the MaxSessionDuration"));
}

#[test]
fn session_tokens_last_from_15_minutes_to_36_hours_and_then_expire() {
    let scene = Scene::immediate();
    let ask = |seconds: i64| {
        scene.admin.call(Service::Sts, "GetSessionToken", Tree::map([("DurationSeconds", seconds.into())]))
    };
    assert!(refusal(ask(899)).contains("at 'durationSeconds' failed"));
    assert!(refusal(ask(129_601)).contains("at 'durationSeconds' failed"));
    let answer = ask(900).unwrap();
    let session = answer.get("Credentials").unwrap();
    let id = session.text("AccessKeyId").unwrap();
    assert!(id.starts_with("ASIA"));
    let call = |service, action: &str, token: Option<&str>| {
        let request = Request {
            service,
            action: action.to_owned(),
            parameters: Tree::empty(),
            credentials: Credentials {
                access_key_id: id.to_owned(),
                session_token: token.map(str::to_owned),
            },
            region: "us-east-1".to_owned(),
            source_ip: "198.51.100.1".to_owned(),
            user_agent: "test".to_owned(),
            request_id: scene.simulation.new_request_id(),
        };
        scene.simulation.call(&request)
    };
    let token = session.text("SessionToken");
    let code = |outcome: Result<Tree, Fault>| outcome.unwrap_err().code().unwrap().to_owned();
    call(Service::Sts, "GetCallerIdentity", token).unwrap();
    call(Service::SecretsManager, "ListSecrets", token).unwrap();
    assert_eq!(code(call(Service::Sts, "GetCallerIdentity", None)), "InvalidClientTokenId");
    assert_eq!(code(call(Service::Sts, "GetCallerIdentity", Some("made-up"))), "InvalidClientTokenId");
    assert_eq!(code(call(Service::Sts, "GetSessionToken", token)), "AccessDenied");
    assert_eq!(
        code(call(Service::Iam, "ListUsers", token)),
        "InvalidClientTokenId",
        "IAM wants MFA for these"
    );
    scene.wait(seconds(901));
    assert_eq!(code(call(Service::Sts, "GetCallerIdentity", token)), "ExpiredToken");
    assert_eq!(code(call(Service::SecretsManager, "ListSecrets", token)), "ExpiredTokenException");
}

#[test]
fn sessions_outlive_the_key_they_were_made_with_but_not_the_users_policies() {
    let scene = Scene::immediate();
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let (app, pair) = scene.user_with_policy("app", allow);
    let answer = app.call(Service::Sts, "GetSessionToken", Tree::empty()).unwrap();
    let session = answer.get("Credentials").unwrap();
    let buckets = || {
        let request = Request {
            service: Service::S3,
            action: "ListBuckets".to_owned(),
            parameters: Tree::empty(),
            credentials: Credentials {
                access_key_id: session.text("AccessKeyId").unwrap().to_owned(),
                session_token: session.text("SessionToken").map(str::to_owned),
            },
            region: "us-east-1".to_owned(),
            source_ip: "198.51.100.1".to_owned(),
            user_agent: "test".to_owned(),
            request_id: scene.simulation.new_request_id(),
        };
        scene.simulation.call(&request)
    };
    buckets().unwrap();
    done(scene.admin.delete_access_key(&user("app"), &pair.id)).unwrap();
    buckets().expect("deleting the key does not end its sessions");
    scene.iam("DeleteUserPolicy", [("UserName", "app".into()), ("PolicyName", "test".into())]).unwrap();
    assert_eq!(buckets().unwrap_err().code(), Some("AccessDenied"));
}

#[test]
fn the_account_of_any_key_id_is_decoded_from_it() {
    let scene = Scene::immediate();
    let ask = |id: &str| {
        scene.admin.call(Service::Sts, "GetAccessKeyInfo", Tree::map([("AccessKeyId", id.into())]))
    };
    assert_eq!(ask("ASIAY34FZKBOKMUTVV7A").unwrap().text("Account"), Some("609629065308"));
    assert!(refusal(ask("nonsense")).starts_with("ValidationError"));
}

#[test]
fn the_root_user_assumes_no_role() {
    let scene = Scene::immediate();
    let pair: AccessKeyPair = scene
        .simulation
        .with_world(|world| world.plant_root_key(scene.account, crate::key("2026-01-01T00:00:00Z")));
    let root = rotakey_sim::ports::Client::new(scene.simulation.clone(), pair);
    let arn = role(&scene, "r", &trust(&format!("arn:aws:iam::{}:root", scene.account), ""));
    assert_eq!(kind(root.assume_role(&arn, None)), Err(PortErrorKind::Denied));
    root.call(Service::Iam, "ListUsers", Tree::empty()).expect("but it may everything else");
}

#[test]
fn no_debug_output_shows_a_secret() {
    let scene = Scene::immediate();
    let answer = scene.admin.call(Service::Sts, "GetSessionToken", Tree::empty()).unwrap();
    let shown = format!("{answer:?} {:?} {:?}", scene.admin, scene.simulation);
    let hidden: Vec<Secret> =
        scene.simulation.with_world(|world| world.secrets_issued().map(Secret::duplicate).collect());
    assert_eq!(hidden.len(), 3, "the administrator's, the session's, and its token");
    assert!(hidden.iter().all(|secret| !shown.contains(secret.expose())), "{shown}");
}
