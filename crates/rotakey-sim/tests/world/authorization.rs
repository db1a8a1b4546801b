//! Identity policies are enforced, and say so in AWS's words.

use rotakey_engine::port::PortErrorKind;
use rotakey_sim::api::{Service, Tree};

use crate::{Scene, refusal};

#[test]
fn a_user_without_a_policy_may_nothing_but_ask_who_it_is() {
    let scene = Scene::immediate();
    let (app, _) = scene.user_with_policy("app", "");
    app.call(Service::Sts, "GetCallerIdentity", Tree::empty()).unwrap();
    let refused = app.call(Service::Iam, "ListUsers", Tree::empty()).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Denied);
    let account = scene.account;
    assert_eq!(
        refused.message,
        format!(
            "AccessDenied: User: arn:aws:iam::{account}:user/app is not authorized to perform: iam:ListUsers on \
             resource: arn:aws:iam::{account}:user/ because no identity-based policy allows the iam:ListUsers action"
        )
    );
    let json = app.call(Service::SecretsManager, "ListSecrets", Tree::empty());
    assert!(refusal(json).starts_with("AccessDeniedException: User: "));
}

#[test]
fn an_allow_on_itself_is_no_allow_on_others() {
    let scene = Scene::immediate();
    let (app, _) = scene.user_with_policy(
        "app",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::*:user/${aws:username}"}]}"#,
    );
    let of = |name: &str| Tree::map([("UserName", name.into())]);
    app.call(Service::Iam, "ListAccessKeys", of("app")).unwrap();
    app.call(Service::Iam, "ListAccessKeys", Tree::empty()).expect("without a name it is the caller");
    let refused = app.call(Service::Iam, "ListAccessKeys", of("admin")).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::Denied);
    let unknown = app.call(Service::Iam, "ListAccessKeys", of("nobody")).unwrap_err();
    assert_eq!(unknown.kind, PortErrorKind::Denied, "who may not look is not told what exists");
}

#[test]
fn an_explicit_deny_wins_over_an_administrator_and_says_so() {
    let scene = Scene::immediate();
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:CreateAccessKey","Resource":"*"}]}"#;
    let parameters =
        [("UserName", "admin".into()), ("PolicyName", "deny".into()), ("PolicyDocument", deny.into())];
    scene.iam("PutUserPolicy", parameters).unwrap();
    let refused = refusal(scene.iam("CreateAccessKey", [("UserName", "admin".into())]));
    assert!(refused.ends_with("with an explicit deny in an identity-based policy"), "{refused}");
}

#[test]
fn policies_of_a_group_count() {
    let scene = Scene::immediate();
    let (app, _) = scene.user_with_policy("app", "");
    scene.iam("CreateGroup", [("GroupName", "auditors".into())]).unwrap();
    let arn = "arn:aws:iam::aws:policy/SecurityAudit";
    scene.iam("AttachGroupPolicy", [("GroupName", "auditors".into()), ("PolicyArn", arn.into())]).unwrap();
    app.call(Service::Iam, "ListUsers", Tree::empty()).unwrap_err();
    scene.iam("AddUserToGroup", [("GroupName", "auditors".into()), ("UserName", "app".into())]).unwrap();
    app.call(Service::Iam, "ListUsers", Tree::empty()).unwrap();
}

#[test]
fn a_document_that_is_no_policy_is_refused() {
    let scene = Scene::immediate();
    let parameters =
        [("UserName", "admin".into()), ("PolicyName", "x".into()), ("PolicyDocument", "{}".into())];
    assert!(refusal(scene.iam("PutUserPolicy", parameters)).starts_with("MalformedPolicyDocument: "));
}
