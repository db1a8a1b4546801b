//! Parameters.

use rotakey_engine::port::{PortError, PortErrorKind};
use rotakey_sim::api::{Service, Tree};

use crate::{Scene, refusal};

fn call<const N: usize>(
    scene: &Scene,
    action: &str,
    parameters: [(&str, Tree); N],
) -> Result<Tree, PortError> {
    scene.admin.call(Service::Ssm, action, Tree::map(parameters))
}

#[test]
fn a_parameter_is_overwritten_only_when_asked_and_counts_its_versions() {
    let scene = Scene::immediate();
    let put = |value: &str, overwrite: bool| {
        let parameters = [
            ("Name", "/app/key".into()),
            ("Value", value.into()),
            ("Type", "SecureString".into()),
            ("Overwrite", overwrite.into()),
        ];
        call(&scene, "PutParameter", parameters)
    };
    assert_eq!(put("one", false).unwrap().integer("Version"), Some(1));
    assert_eq!(put("two", false).unwrap_err().kind, PortErrorKind::Conflict);
    assert_eq!(put("two", true).unwrap().integer("Version"), Some(2));
    let get = |decrypted: bool| {
        let parameters = [("Name", "/app/key".into()), ("WithDecryption", decrypted.into())];
        let answer = call(&scene, "GetParameter", parameters).unwrap();
        answer.get("Parameter").unwrap().text("Value").unwrap().to_owned()
    };
    assert_eq!(get(true), "two");
    assert!(!get(false).contains("two"), "without decryption it is a ciphertext");
}

#[test]
fn several_parameters_are_read_and_deleted_together_and_the_unknown_ones_are_named() {
    let scene = Scene::immediate();
    let parameters = [("Name", "/a".into()), ("Value", "1".into()), ("Type", "String".into())];
    call(&scene, "PutParameter", parameters).unwrap();
    let names = || [("Names", Tree::list(["/a", "/b"]))];
    let read = call(&scene, "GetParameters", names()).unwrap();
    assert_eq!((read.items("Parameters").len(), read.items("InvalidParameters")), (1, &["/b".into()][..]));
    let deleted = call(&scene, "DeleteParameters", names()).unwrap();
    assert_eq!(deleted.items("DeletedParameters"), ["/a".into()]);
    let gone = call(&scene, "GetParameter", [("Name", "/a".into())]).unwrap_err();
    assert_eq!(gone.kind, PortErrorKind::NotFound);
    assert!(refusal(call(&scene, "GetParameters", [("Names", Tree::list(["x"; 11]))])).contains("'names'"));
}

#[test]
fn a_write_that_names_no_kms_key_takes_the_default_one() {
    let scene = Scene::immediate();
    let put = |key: Option<&str>| {
        let parameters = Tree::map([
            ("Name", "/app/key".into()),
            ("Value", "x".into()),
            ("Type", "SecureString".into()),
            ("Overwrite", true.into()),
        ]);
        scene.admin.call(Service::Ssm, "PutParameter", parameters.with("KeyId", key)).unwrap();
        let filter = Tree::map([("Key", "Name".into()), ("Values", Tree::list(["/app/key"]))]);
        let described =
            call(&scene, "DescribeParameters", [("ParameterFilters", Tree::List(vec![filter]))]).unwrap();
        described.items("Parameters")[0].text("KeyId").unwrap().to_owned()
    };
    assert_eq!(put(Some("alias/ours")), "alias/ours");
    assert_eq!(put(None), "alias/aws/ssm");
}

#[test]
fn names_that_the_parameter_store_does_not_take_are_refused() {
    let scene = Scene::immediate();
    for name in ["/aws/x", "ssm-x", "a/b", "/a//b", "/a/", &"/a".repeat(16)] {
        let parameters = [("Name", name.into()), ("Value", "1".into()), ("Type", "String".into())];
        let error = call(&scene, "PutParameter", parameters).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{name}: {error}");
    }
}

#[test]
fn several_parameters_are_read_only_by_who_may_read_each() {
    let scene = Scene::immediate();
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameters",
        "Resource": "arn:aws:ssm:*:*:parameter/a"}]}"#;
    let (reader, _) = scene.user_with_policy("reader", policy);
    let read = |names: &[&str]| {
        let names = Tree::map([("Names", Tree::list(names.iter().copied()))]);
        reader.call(Service::Ssm, "GetParameters", names)
    };
    read(&["/a"]).unwrap();
    assert_eq!(read(&["/a", "/b"]).unwrap_err().kind, PortErrorKind::Denied);
}
