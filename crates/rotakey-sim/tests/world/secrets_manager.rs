//! Secrets, their versions and their staging labels.

use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_sim::api::{Service, Tree};

use crate::{Scene, refusal, seconds};

const FIRST: &str = "11111111-1111-4111-8111-111111111111";
const SECOND: &str = "22222222-2222-4222-8222-222222222222";
const THIRD: &str = "33333333-3333-4333-8333-333333333333";

fn create(scene: &Scene) -> Result<Tree, PortError> {
    scene.secrets(
        "CreateSecret",
        [("Name", "app/key".into()), ("SecretString", "one".into()), ("ClientRequestToken", FIRST.into())],
    )
}

fn put(scene: &Scene, token: &str, value: &str, stages: &[&str]) -> Result<Tree, PortError> {
    let parameters = Tree::map([
        ("SecretId", "app/key".into()),
        ("SecretString", value.into()),
        ("ClientRequestToken", token.into()),
    ]);
    let stages = (!stages.is_empty()).then(|| Tree::list(stages.iter().copied()));
    scene.admin.call(Service::SecretsManager, "PutSecretValue", parameters.with("VersionStages", stages))
}

fn move_stage(scene: &Scene, stage: &str, from: Option<&str>, to: Option<&str>) -> Result<Tree, PortError> {
    let parameters = Tree::map([("SecretId", "app/key".into()), ("VersionStage", stage.into())])
        .with("RemoveFromVersionId", from)
        .with("MoveToVersionId", to);
    scene.admin.call(Service::SecretsManager, "UpdateSecretVersionStage", parameters)
}

fn value(scene: &Scene, stage: &str) -> Option<String> {
    let parameters = [("SecretId", "app/key".into()), ("VersionStage", stage.into())];
    match scene.secrets("GetSecretValue", parameters) {
        Ok(answer) => answer.text("SecretString").map(str::to_owned),
        Err(error) if error.kind == PortErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
    }
}

/// The values under `AWSCURRENT`, `AWSPREVIOUS` and `AWSPENDING`; `-` for none.
fn values(scene: &Scene) -> String {
    let shown = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"].map(|stage| value(scene, stage));
    shown.map(|value| value.unwrap_or_else(|| "-".to_owned())).join(" ")
}

#[test]
fn previous_follows_current_by_itself() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    assert_eq!(values(&scene), "one - -");
    put(&scene, SECOND, "two", &["AWSPENDING"]).unwrap();
    assert_eq!(values(&scene), "one - two");
    move_stage(&scene, "AWSCURRENT", Some(FIRST), Some(SECOND)).unwrap();
    assert_eq!(values(&scene), "two one two");
    move_stage(&scene, "AWSPENDING", Some(SECOND), None).unwrap();
    put(&scene, THIRD, "three", &[]).unwrap();
    assert_eq!(values(&scene), "three two -");
    move_stage(&scene, "AWSCURRENT", Some(THIRD), Some(SECOND)).unwrap();
    assert_eq!(values(&scene), "two three -");
}

#[test]
fn a_label_is_only_moved_from_the_version_that_has_it() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    put(&scene, SECOND, "two", &["AWSPENDING"]).unwrap();
    let without_from = refusal(move_stage(&scene, "AWSCURRENT", None, Some(SECOND)));
    assert!(without_from.contains("RemoveFromVersionId can't be empty"), "{without_from}");
    let wrong_from = refusal(move_stage(&scene, "AWSCURRENT", Some(SECOND), Some(SECOND)));
    assert!(wrong_from.starts_with("InvalidParameterException"), "{wrong_from}");
    let removed = refusal(move_stage(&scene, "AWSCURRENT", Some(FIRST), None));
    assert!(removed.contains("It can't be completely removed"), "{removed}");
    let unknown = move_stage(&scene, "AWSPENDING", Some(SECOND), Some(THIRD)).unwrap_err();
    assert_eq!(unknown.kind, PortErrorKind::NotFound);
    assert_eq!(values(&scene), "one - two", "nothing changed");
}

#[test]
fn the_same_token_is_the_same_version_and_no_other_value() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    create(&scene).expect("the same request again");
    put(&scene, SECOND, "two", &["AWSPENDING"]).unwrap();
    put(&scene, SECOND, "two", &["AWSPENDING"]).expect("the same request again");
    let other = put(&scene, SECOND, "three", &["AWSPENDING"]).unwrap_err();
    assert!(other.message.starts_with("ResourceExistsException"), "{other}");
    assert_eq!(other.kind, PortErrorKind::Conflict);
    assert!(refusal(put(&scene, "short", "x", &[])).contains("32-64 characters"));
    let none = [("SecretId", "app/key".into()), ("SecretString", "x".into())];
    assert!(refusal(scene.secrets("PutSecretValue", none)).contains("must provide a ClientRequestToken"));
    assert_eq!(values(&scene), "one - two");
}

#[test]
fn the_first_version_is_current_whatever_its_labels() {
    let scene = Scene::immediate();
    scene.secrets("CreateSecret", [("Name", "app/key".into())]).unwrap();
    assert_eq!(values(&scene), "- - -");
    put(&scene, FIRST, "one", &["AWSPENDING"]).unwrap();
    assert_eq!(values(&scene), "one - one");
}

#[test]
fn versions_without_a_label_are_listed_only_when_asked_for() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    put(&scene, SECOND, "two", &[]).unwrap();
    put(&scene, THIRD, "three", &[]).unwrap();
    let ids = |parameters: &[(&str, Tree)]| {
        let mut all = Tree::map([("SecretId", "app/key".into())]);
        for (name, value) in parameters {
            all = all.with(name, Some(value.clone()));
        }
        let answer = scene.admin.call(Service::SecretsManager, "ListSecretVersionIds", all).unwrap();
        let next = answer.text("NextToken").map(str::to_owned);
        let ids =
            answer.items("Versions").iter().map(|version| version.text("VersionId").unwrap().to_owned());
        (ids.collect::<Vec<_>>(), next)
    };
    assert_eq!(ids(&[]).0, [SECOND, THIRD]);
    let all = ("IncludeDeprecated", Tree::from(true));
    assert_eq!(ids(std::slice::from_ref(&all)).0, [FIRST, SECOND, THIRD]);
    let (first, next) = ids(&[all.clone(), ("MaxResults", 2.into())]);
    let (rest, end) = ids(&[all, ("MaxResults", 2.into()), ("NextToken", next.unwrap().into())]);
    assert_eq!(([first, rest].concat(), end), (vec![FIRST.into(), SECOND.into(), THIRD.into()], None));
}

#[test]
fn a_secret_marked_for_deletion_gives_nothing_until_it_is_restored() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    let id = || [("SecretId", "app/key".into())];
    scene.secrets("DeleteSecret", id()).unwrap();
    assert!(refusal(scene.secrets("GetSecretValue", id())).contains("marked for deletion"));
    assert!(refusal(create(&scene)).contains("already scheduled for deletion"));
    assert!(scene.secrets("DescribeSecret", id()).unwrap().get("DeletedDate").is_some());
    assert!(scene.secrets("ListSecrets", []).unwrap().items("SecretList").is_empty());
    scene.secrets("RestoreSecret", id()).unwrap();
    assert_eq!(values(&scene), "one - -");
    scene
        .secrets("DeleteSecret", [("SecretId", "app/key".into()), ("RecoveryWindowInDays", 7.into())])
        .unwrap();
    scene.wait(seconds(7 * 24 * 3_600));
    let gone = scene.secrets("DescribeSecret", id()).unwrap_err();
    assert_eq!(gone.kind, PortErrorKind::NotFound);
    create(&scene).expect("the name is free again");
}

#[test]
fn a_secret_is_found_by_name_and_by_arn_in_its_region_only() {
    let scene = Scene::immediate();
    let arn = create(&scene).unwrap().text("ARN").unwrap().to_owned();
    scene.secrets("GetSecretValue", [("SecretId", arn.as_str().into())]).unwrap();
    let (partial, _) = arn.rsplit_once('-').unwrap();
    scene.secrets("GetSecretValue", [("SecretId", partial.into())]).unwrap();
    let elsewhere = scene.admin.in_region("eu-west-1");
    let id = Tree::map([("SecretId", "app/key".into())]);
    let missing = elsewhere.call(Service::SecretsManager, "GetSecretValue", id).unwrap_err();
    assert_eq!(missing.kind, PortErrorKind::NotFound);
}

#[test]
fn a_policy_on_one_secret_opens_no_other() {
    let scene = Scene::immediate();
    create(&scene).unwrap();
    let (app, _) = scene.user_with_policy(
        "app",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:*:secret:app/key-??????"}]}"#,
    );
    let get = |name: &str| {
        app.call(Service::SecretsManager, "GetSecretValue", Tree::map([("SecretId", name.into())]))
    };
    get("app/key").unwrap();
    assert_eq!(get("other").unwrap_err().kind, PortErrorKind::Denied);
}
