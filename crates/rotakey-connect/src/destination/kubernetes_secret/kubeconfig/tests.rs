use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::destination::tests::block_on_io;

fn access(text: &str, context: Option<&str>) -> Result<Access, PortError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    fs::write(&path, text).unwrap();
    fs::write(directory.path().join("ca.pem"), "an authority").unwrap();
    fs::write(directory.path().join("token"), "from a file\n").unwrap();
    let plugin = directory.path().join("plugin");
    fs::write(
        &plugin,
        "#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":false'*) ;; *) exit 1;; esac\n\
         printf '{\"apiVersion\":\"x\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s-%s\"}}' \"$1\" \"$WHO\"\n",
    )
    .unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    block_on_io(Source::File(path).access(context))
}

fn config(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: one\n\
         contexts:\n- name: one\n  context: {{cluster: c, user: u}}\n- context:\n    cluster: c\n    user: other\n  name: two\n\
         clusters:\n- name: c\n  cluster:\n    server: https://10.0.0.1:6443\n{cluster}\n\
         users:\n- name: u\n  user:\n    {user}\n- name: other\n  user: {{token: second}}\n"
    )
}

fn token(text: &str, context: Option<&str>) -> String {
    access(text, context).unwrap().token.unwrap().expose().to_owned()
}

#[test]
fn the_context_says_which_cluster_and_which_user() {
    let text = config("    certificate-authority: ca.pem", "token: first");
    let one = access(&text, None).unwrap();
    assert_eq!(one.server, "https://10.0.0.1:6443");
    assert_eq!(one.authorities.unwrap(), b"an authority");
    assert_eq!(token(&text, None), "first");
    assert_eq!(token(&text, Some("two")), "second");
    let error = access(&text, Some("three")).err().unwrap();
    assert!(error.message.contains("it has no context \"three\""), "{error}");
}

#[test]
fn a_user_is_a_token_a_file_a_certificate_or_a_plugin() {
    assert_eq!(token(&config("", "tokenFile: token"), None), "from a file");
    let exec = "exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: ./plugin\n      args: [arg]\n      env: [{name: WHO, value: me}]";
    assert_eq!(token(&config("", exec), None), "arg-me");
    let certificate = "client-certificate-data: YQ==\n    client-key-data: Yg==";
    assert_eq!(&access(&config("", certificate), None).unwrap().identity.unwrap()[..], b"a\nb");
}

#[test]
fn what_would_send_secrets_to_a_stranger_is_refused_and_no_token_is_repeated() {
    for (cluster, user, expected) in [
        ("    insecure-skip-tls-verify: true", "token: hunter2", "verified servers only"),
        ("    tls-server-name: x", "token: hunter2", "does not know tls-server-name"),
        ("    proxy-url: http://x", "token: hunter2", "does not know proxy-url"),
        ("", "client-key-data: aHVudGVyMg==", "without its key"),
        ("", "client-key-data: hunter2!", "not base64"),
        ("", "{username: a, password: hunter2}", "of the past"),
        ("", "token: [hunter2", "no kubeconfig"),
        ("", "token: [hunter2]", "is not whole"),
    ] {
        let error = access(&config(cluster, user), None).err().unwrap();
        assert!(error.message.contains(expected), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn what_is_configured_comes_before_the_environment_and_that_before_the_pod() {
    let chosen = |configured: Option<&str>, variables: &[(&str, &str)], there: &[&str]| {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Source::choose(
            configured.map(Path::new),
            |name| variables.get(name).map(|value| (*value).to_owned()),
            |path| there.iter().any(|there| Path::new(there) == path),
        )
    };
    let file = |path: &str| Some(Source::File(path.into()));
    let all = [("KUBECONFIG", "/a:/b"), ("HOME", "/h"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(chosen(Some("/x"), &all, &["/b"]), file("/x"));
    assert_eq!(chosen(None, &all, &["/b"]), file("/b"));
    assert_eq!(chosen(None, &all[1..], &["/h/.kube/config"]), file("/h/.kube/config"));
    assert_eq!(chosen(None, &all[1..], &[]), Some(Source::Pod { server: "https://10.0.0.1:443".to_owned() }));
    let six = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "6443")];
    assert_eq!(chosen(None, &six, &[]), Some(Source::Pod { server: "https://[fd00::1]:6443".to_owned() }));
    assert_eq!(chosen(None, &[], &[]), None);
}
