use super::*;
use crate::git::repository::Repository;
use crate::git::testing::Sandbox;

fn history() -> Sandbox {
    let sandbox = Sandbox::repository(&[]);
    sandbox.commit("one");
    sandbox.commit("two");
    sandbox.git(&["checkout", "--quiet", "-b", "topic/x"]);
    sandbox.commit("three");
    sandbox.git(&["checkout", "--quiet", "main"]);
    sandbox.commit("four");
    sandbox.git(&["merge", "--quiet", "--no-ff", "-m", "five", "topic/x"]);
    sandbox.git(&["tag", "-a", "-m", "x", "v1"]);
    sandbox.git(&["tag", "-a", "-m", "x", "v1-again", "v1"]);
    sandbox.git(&["update-ref", "refs/remotes/origin/main", "main~1"]);
    sandbox.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    sandbox.commit("six");
    sandbox
}

fn ask(sandbox: &Sandbox, name: &str) -> Result<ObjectId, RevisionError> {
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    resolve(name, &References::read(&repository).unwrap(), &mut sandbox.objects())
}

#[test]
fn names_mean_what_they_mean_to_git() {
    let sandbox = history();
    let id = sandbox.line(&["rev-parse", "HEAD~2"]);
    let described = sandbox.line(&["describe"]);
    assert!(described.contains("-g"));
    for name in [
        "HEAD",
        "@",
        "@~1",
        "main",
        "heads/main",
        "refs/heads/main",
        "topic/x",
        "v1",
        "v1-again",
        "v1^{}",
        "v1^{commit}",
        "HEAD~2",
        "HEAD^",
        "HEAD^^",
        "HEAD^1^2",
        "HEAD~^2~1",
        "HEAD~0",
        "HEAD^0",
        "v1^0",
        "v1~1",
        "origin",
        "origin/main",
        &id,
        &id[..7],
        &id[..10].to_uppercase(),
        &described,
        "main~3",
    ] {
        let says = sandbox.line(&["rev-parse", &format!("{name}^{{commit}}")]);
        assert_eq!(ask(&sandbox, name).unwrap().to_string(), says, "{name}");
    }
}

#[test]
fn what_leads_nowhere_or_is_not_understood_is_told() {
    let sandbox = history();
    sandbox.write("file", "a file");
    sandbox.commit("seven");
    let blob = sandbox.line(&["rev-parse", "HEAD:file"]);
    for (name, expected) in [
        ("nothing", "Unknown"),
        ("", "Unknown"),
        ("abc", "Unknown"),
        (&"0".repeat(40), "Unknown"),
        ("HEAD~99", "NoSuchParent"),
        ("HEAD^3", "NoSuchParent"),
        ("HEAD~99999999999", "NoSuchParent"),
        ("main@{upstream}", "Unsupported"),
        ("@{1}", "Unsupported"),
        ("HEAD^{/six}", "Unsupported"),
        ("HEAD^{tree}", "Unsupported"),
        ("HEAD^{", "Unsupported"),
        ("a..b", "Unsupported"),
        (":/six", "Unsupported"),
        ("HEAD:file", "Unsupported"),
        ("HEAD~1é", "Unsupported"),
        ("HEAD^{}\u{301}", "Unsupported"),
        (&blob, "NotACommit"),
    ] {
        let error = ask(&sandbox, name).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{name}: {error:?}");
    }
}

#[test]
fn of_several_objects_the_only_commit_is_meant() {
    let sandbox = history();
    let mut objects = sandbox.objects();
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    let references = References::read(&repository).unwrap();
    // Blobs until one of them begins as a commit does.
    let commit = sandbox.line(&["rev-parse", "HEAD"]);
    let found = (0..1_000_000_u32).find(|number| {
        use sha1::Digest as _;
        let content = number.to_string();
        let blob = format!("blob {}\0{content}", content.len());
        data_encoding::HEXLOWER.encode(&sha1::Sha1::digest(blob)).starts_with(&commit[..4])
    });
    let content = found.unwrap().to_string();
    sandbox.git_with(&["hash-object", "-w", "--stdin"], content.as_bytes());
    assert_eq!(objects.find_prefix(&commit[..4]).len(), 2);
    assert_eq!(resolve(&commit[..4], &references, &mut objects).unwrap().to_string(), commit);
}
