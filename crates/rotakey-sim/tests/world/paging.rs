//! Lists come in pages, and the pages together are the list.

use std::collections::BTreeSet;

use rotakey_engine::inventory::{Inventory, NoProgress};
use rotakey_sim::api::Tree;

use crate::{Scene, done, refusal};

/// All items of an IAM listing, and how many pages they took.
fn all(scene: &Scene, action: &str, list: &str, size: i64) -> (Vec<Tree>, usize) {
    let (mut items, mut pages, mut marker) = (Vec::new(), 0, None::<String>);
    loop {
        let parameters = Tree::map([("MaxItems", size.into())]).with("Marker", marker);
        let page = scene.admin.call(rotakey_sim::api::Service::Iam, action, parameters).unwrap();
        pages += 1;
        assert!(page.items(list).len() <= usize::try_from(size).unwrap());
        items.extend_from_slice(page.items(list));
        marker = page.text("Marker").map(str::to_owned);
        assert_eq!(page.boolean("IsTruncated"), Some(marker.is_some()), "the two always agree");
        if marker.is_none() {
            return (items, pages);
        }
    }
}

fn scene_of(users: usize) -> Scene {
    let scene = Scene::immediate();
    for number in 0..users {
        let name = format!("user-{number:03}");
        scene.iam("CreateUser", [("UserName", name.into()), ("Path", "/many/".into())]).unwrap();
    }
    scene
}

#[test]
fn users_come_in_pages_of_a_hundred_unless_asked_otherwise() {
    let scene = scene_of(120);
    let first = scene.iam("ListUsers", []).unwrap();
    assert_eq!((first.items("Users").len(), first.boolean("IsTruncated")), (100, Some(true)));
    let (users, pages) = all(&scene, "ListUsers", "Users", 7);
    let names = users.iter().map(|user| user.text("UserName").unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!((users.len(), names.len(), pages), (121, 121, 18));
    let many = scene.iam("ListUsers", [("PathPrefix", "/many/".into()), ("MaxItems", 1_000.into())]).unwrap();
    assert_eq!(many.items("Users").len(), 120);
    assert!(many.items("Users")[0].get("Tags").is_none(), "listings have no tags");
}

#[test]
fn page_sizes_and_markers_are_checked() {
    let scene = scene_of(3);
    for size in [0, 1_001] {
        assert!(
            refusal(scene.iam("ListUsers", [("MaxItems", size.into())])).contains("at 'maxItems' failed")
        );
    }
    assert!(refusal(scene.iam("ListUsers", [("Marker", "made-up".into())])).contains("Invalid Marker"));
    let marker = scene.iam("ListUsers", [("MaxItems", 1.into())]).unwrap().text("Marker").unwrap().to_owned();
    assert!(refusal(scene.iam("ListRoles", [("Marker", marker.into())])).contains("Invalid Marker"));
}

#[test]
fn authorization_details_page_over_all_lists_together() {
    let scene = scene_of(5);
    scene.iam("CreateGroup", [("GroupName", "team".into())]).unwrap();
    scene.iam("AddUserToGroup", [("GroupName", "team".into()), ("UserName", "user-001".into())]).unwrap();
    let document =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let parameters = [("PolicyName", "own".into()), ("PolicyDocument", document.into())];
    let arn =
        scene.iam("CreatePolicy", parameters).unwrap().get("Policy").unwrap().text("Arn").unwrap().to_owned();
    scene
        .iam("AttachGroupPolicy", [("GroupName", "team".into()), ("PolicyArn", arn.as_str().into())])
        .unwrap();
    let inline =
        [("UserName", "user-002".into()), ("PolicyName", "in".into()), ("PolicyDocument", document.into())];
    scene.iam("PutUserPolicy", inline).unwrap();

    // Six users, one group, one own policy, and AdministratorAccess, which the administrator has.
    let (users, pages) = all(&scene, "GetAccountAuthorizationDetails", "UserDetailList", 4);
    assert_eq!((users.len(), pages), (6, 3));
    let two = users.iter().find(|user| user.text("UserName") == Some("user-002")).unwrap();
    let encoded = two.items("UserPolicyList")[0].text("PolicyDocument").unwrap();
    assert!(encoded.starts_with("%7B%22Version%22%3A%222012-10-17%22"), "{encoded}");

    let filter = [("Filter", Tree::list(["LocalManagedPolicy", "Group"]))];
    let filtered = scene.iam("GetAccountAuthorizationDetails", filter).unwrap();
    assert_eq!(filtered.items("UserDetailList").len(), 0);
    assert_eq!(filtered.items("GroupDetailList").len(), 1);
    assert_eq!(filtered.items("Policies")[0].text("Arn"), Some(arn.as_str()));
    let wrong = scene.iam("GetAccountAuthorizationDetails", [("Filter", Tree::list(["Users"]))]);
    assert!(refusal(wrong).contains("Member must satisfy enum value set"));

    let details = done(scene.admin.account_details(&NoProgress)).unwrap();
    let two = details.users.iter().find(|user| user.name.as_str() == "user-002").unwrap();
    assert_eq!(two.policies.inline[0].document, document, "the port decodes it");
    let one = details.users.iter().find(|user| user.name.as_str() == "user-001").unwrap();
    assert_eq!((one.groups.as_slice(), one.path.as_str()), (["team".to_owned()].as_slice(), "/many/"));
    assert_eq!(details.groups[0].policies.attached, [arn]);
}
