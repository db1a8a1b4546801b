//! Users, groups, roles and policies: what IAM keeps, limits and refuses.

use rotakey_engine::port::PortErrorKind;
use rotakey_sim::api::Tree;

use crate::{Scene, refusal};

const READ: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;

fn names(items: &[Tree], member: &str) -> Vec<String> {
    items.iter().map(|item| item.text(member).unwrap().to_owned()).collect()
}

#[test]
fn tags_are_added_replaced_and_removed_by_their_exact_keys() {
    let scene = Scene::immediate();
    let tag = |key: &str, value: &str| Tree::map([("Key", key.into()), ("Value", value.into())]);
    let put =
        |tags: Vec<Tree>| scene.iam("TagUser", [("UserName", "admin".into()), ("Tags", Tree::List(tags))]);
    put(vec![tag("Owner", "a"), tag("owner", "b")]).unwrap();
    put(vec![tag("Owner", "c")]).unwrap();
    let user = scene.iam("GetUser", [("UserName", "admin".into())]).unwrap();
    assert_eq!(user.get("User").unwrap().items("Tags"), [tag("Owner", "c"), tag("owner", "b")]);
    let keys = Tree::list(["Owner"]);
    scene.iam("UntagUser", [("UserName", "admin".into()), ("TagKeys", keys)]).unwrap();
    let left = scene.iam("ListUserTags", [("UserName", "admin".into())]).unwrap();
    assert_eq!(left.items("Tags"), [tag("owner", "b")]);
    assert!(refusal(put(vec![tag("aws:x", "1")])).contains("System tags"));
    let many = (0..50).map(|number| tag(&format!("k{number}"), "")).collect();
    assert_eq!(put(many).unwrap_err().kind, PortErrorKind::LimitExceeded);
}

#[test]
fn a_policy_that_is_attached_is_not_deleted() {
    let scene = Scene::immediate();
    let created = scene.iam("CreatePolicy", [("PolicyName", "p".into()), ("PolicyDocument", READ.into())]);
    let arn = created.unwrap().get("Policy").unwrap().text("Arn").unwrap().to_owned();
    let attach = || [("UserName", "admin".into()), ("PolicyArn", arn.as_str().into())];
    scene.iam("AttachUserPolicy", attach()).unwrap();
    let entities = scene.iam("ListEntitiesForPolicy", [("PolicyArn", arn.as_str().into())]).unwrap();
    assert_eq!(names(entities.items("PolicyUsers"), "UserName"), ["admin"]);
    let attached = scene.iam("ListAttachedUserPolicies", [("UserName", "admin".into())]).unwrap();
    assert_eq!(names(attached.items("AttachedPolicies"), "PolicyName"), ["p", "AdministratorAccess"]);
    let delete = || scene.iam("DeletePolicy", [("PolicyArn", arn.as_str().into())]);
    assert_eq!(delete().unwrap_err().kind, PortErrorKind::Conflict);
    scene.iam("DetachUserPolicy", attach()).unwrap();
    delete().unwrap();
    assert!(refusal(scene.iam("AttachUserPolicy", attach())).contains("does not exist or is not attachable"));
}

#[test]
fn inline_policies_of_a_user_have_2048_characters_together() {
    let scene = Scene::immediate();
    let long = READ.replace("s3:Get*", &format!("s3:{}", "x".repeat(1_000)));
    let put = |name: &str, document: &str| {
        let parameters =
            [("UserName", "admin".into()), ("PolicyName", name.into()), ("PolicyDocument", document.into())];
        scene.iam("PutUserPolicy", parameters)
    };
    put("one", &long).unwrap();
    put("one", &long).expect("a policy takes its own place");
    let refused = put("two", &long).unwrap_err();
    assert_eq!(refused.kind, PortErrorKind::LimitExceeded);
    assert!(
        refused.message.contains("Maximum policy size of 2048 bytes exceeded for user admin"),
        "{refused}"
    );
    put("two", READ).unwrap();
    let listed = scene.iam("ListUserPolicies", [("UserName", "admin".into())]).unwrap();
    assert_eq!(listed.items("PolicyNames"), ["one".into(), "two".into()]);
}

#[test]
fn a_group_is_not_deleted_while_users_are_in_it() {
    let scene = Scene::immediate();
    let group = || [("GroupName", "g".into())];
    let member = || [("GroupName", "g".into()), ("UserName", "admin".into())];
    scene.iam("CreateGroup", group()).unwrap();
    scene.iam("AddUserToGroup", member()).unwrap();
    assert_eq!(names(scene.iam("GetGroup", group()).unwrap().items("Users"), "UserName"), ["admin"]);
    let of_user = scene.iam("ListGroupsForUser", [("UserName", "admin".into())]).unwrap();
    assert_eq!(names(of_user.items("Groups"), "GroupName"), ["g"]);
    assert_eq!(scene.iam("DeleteGroup", group()).unwrap_err().kind, PortErrorKind::Conflict);
    scene.iam("RemoveUserFromGroup", member()).unwrap();
    scene.iam("DeleteGroup", group()).unwrap();
    assert_eq!(scene.iam("GetGroup", group()).unwrap_err().kind, PortErrorKind::NotFound);
}

#[test]
fn a_console_password_is_made_shown_and_removed() {
    let scene = Scene::immediate();
    let name = || [("UserName", "admin".into())];
    assert_eq!(scene.iam("GetLoginProfile", name()).unwrap_err().kind, PortErrorKind::NotFound);
    let create = [("UserName", "admin".into()), ("Password", "correct horse".into())];
    scene.iam("CreateLoginProfile", create.clone()).unwrap();
    assert_eq!(scene.iam("CreateLoginProfile", create).unwrap_err().kind, PortErrorKind::Conflict);
    assert!(scene.iam("GetLoginProfile", name()).unwrap().get("LoginProfile").is_some());
    assert!(refusal(scene.iam("DeleteUser", name())).contains("must delete access keys first"));
    scene.iam("DeleteLoginProfile", name()).unwrap();
    assert_eq!(scene.iam("DeleteLoginProfile", name()).unwrap_err().kind, PortErrorKind::NotFound);
}

#[test]
fn a_role_keeps_its_trust_policy_and_its_tags() {
    let scene = Scene::immediate();
    let trust =
        READ.replace(r#""Action":"s3:Get*","Resource":"*""#, r#""Action":"sts:AssumeRole","Principal":"*""#);
    let tags = Tree::List(vec![Tree::map([("Key", "k".into()), ("Value", "v".into())])]);
    let create = [
        ("RoleName", "r".into()),
        ("AssumeRolePolicyDocument", trust.as_str().into()),
        ("Tags", tags.clone()),
    ];
    scene.iam("CreateRole", create).unwrap();
    let role = scene.iam("GetRole", [("RoleName", "r".into())]).unwrap();
    let shown = role.get("Role").unwrap().text("AssumeRolePolicyDocument").unwrap().to_owned();
    assert_eq!(rotakey_iam_policy::decoded(&shown).unwrap(), trust);
    assert_eq!(scene.iam("ListRoleTags", [("RoleName", "r".into())]).unwrap().get("Tags"), Some(&tags));
    scene.iam("DeleteRole", [("RoleName", "r".into())]).unwrap();
}

#[test]
fn the_summary_counts_what_is_there() {
    let scene = Scene::immediate();
    let summary = scene.iam("GetAccountSummary", []).unwrap();
    let counts = summary.get("SummaryMap").unwrap();
    let count = |name| counts.integer(name).unwrap();
    assert_eq!(
        (count("Users"), count("AccessKeysPerUserQuota"), count("AccountAccessKeysPresent")),
        (1, 2, 0)
    );
    assert!(scene.iam("ListAccountAliases", []).unwrap().items("AccountAliases").is_empty());
    assert!(refusal(scene.iam("CreateServiceLinkedRole", [])).starts_with("InvalidAction: "));
}
