//! Users: how they are listed, page by page, and when they cannot be deleted.

use aws_sdk_iam::types::EntityType;

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::pages;
use crate::report::Report;

pub(crate) async fn list_users_pages(cloud: &Cloud, report: &mut Report) {
    let iam = cloud.iam();
    for name in ["eve", "dan", "carol", "bob", "alice"] {
        iam.create_user().user_name(name).path("/team/").send().await.unwrap();
    }
    let list = || iam.list_users().path_prefix("/team/");
    let pages = pages::sizes(async |marker| {
        let page = list().max_items(2).set_marker(marker).send().await.unwrap();
        assert_eq!(
            page.is_truncated(),
            page.marker().is_some(),
            "a truncated page has a marker, and no other"
        );
        (page.users().len(), page.marker().map(str::to_owned))
    });
    report.check("pages of two", "2+2+1", pages.await);

    let users = list().send().await.unwrap().users;
    let names: Vec<&str> = users.iter().map(|user| user.user_name()).collect();
    report.check("all on one page", "alice bob carol dan eve", names.join(" "));
    let none = list().max_items(0).send().await;
    report.check("pages of none", "ValidationError 400", outcome(&none));
    let lost = list().marker("never-given-out").send().await;
    report.check("a marker that was never given out", "ValidationError 400", outcome(&lost));
}

pub(crate) async fn authorization_details_pages(cloud: &Cloud, report: &mut Report) {
    let iam = cloud.iam();
    let tag = aws_sdk_iam::types::Tag::builder().key("Owner").value("platform").build().unwrap();
    for name in ["alice", "bob", "carol"] {
        iam.create_user().user_name(name).tags(tag.clone()).send().await.unwrap();
    }
    let list = || iam.get_account_authorization_details().filter(EntityType::User);
    let pages = pages::sizes(async |marker| {
        let page = list().max_items(3).set_marker(marker).send().await.unwrap();
        (page.user_detail_list().len(), page.marker().map(str::to_owned))
    });
    report.check("pages of three of the operator and three users", "3+1", pages.await);

    let users = list().send().await.unwrap().user_detail_list.unwrap_or_default();
    let alice = users.iter().find(|user| user.user_name() == Some("alice")).unwrap();
    let tags: Vec<String> = alice.tags().iter().map(|tag| format!("{}={}", tag.key(), tag.value())).collect();
    report.check("users come with their tags", "Owner=platform", tags.join(" "));
}

pub(crate) async fn delete_user_with_keys(cloud: &Cloud, report: &mut Report) {
    cloud.create_user("alice").await;
    let keys = cloud.create_key("alice").await;
    let iam = cloud.iam();
    let delete = || iam.delete_user().user_name("alice").send();
    report.check("a user with a key is not deleted", "DeleteConflict 409", outcome(&delete().await));
    let user = iam.get_user().user_name("alice").send().await;
    report.check("the user is still there", "ok", outcome(&user));
    let removed = iam.delete_access_key().user_name("alice").access_key_id(&keys.id).send().await;
    report.check("the key can be deleted", "ok", outcome(&removed));
    report.check("a user without keys is deleted", "ok", outcome(&delete().await));
}
