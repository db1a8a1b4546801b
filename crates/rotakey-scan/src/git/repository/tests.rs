use super::*;
use crate::git::testing::Sandbox;

/// What git says of the repository that a folder is in.
fn check(sandbox: &Sandbox, folder: &str) -> Repository {
    let says = |name: &str| {
        let text = sandbox.git_in(folder, &["rev-parse", "--path-format=absolute", name]);
        path_of(trimmed(&text)).canonicalize().unwrap()
    };
    let found = Repository::discover(&sandbox.path().join(folder), &Environment::default()).unwrap();
    assert_eq!(found.git_dir.canonicalize().unwrap(), says("--git-dir"));
    assert_eq!(found.common_dir.canonicalize().unwrap(), says("--git-common-dir"));
    match sandbox.git_in(folder, &["rev-parse", "--is-bare-repository"]).as_slice() {
        b"true\n" => assert_eq!(found.work_tree, None),
        _ => assert_eq!(found.work_tree.as_ref().unwrap().canonicalize().unwrap(), says("--show-toplevel")),
    }
    found
}

#[test]
fn the_parts_are_where_git_says() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "--quiet", "plain"]);
    sandbox.git_in("plain", &["commit", "--quiet", "--allow-empty", "-m", "one"]);
    std::fs::create_dir_all(sandbox.path().join("plain/a/b")).unwrap();
    check(&sandbox, "plain");
    check(&sandbox, "plain/a/b");
    sandbox.git(&["clone", "--quiet", "--bare", "plain", "bare.git"]);
    check(&sandbox, "bare.git");
    sandbox.git_in("plain", &["worktree", "add", "--quiet", "../linked"]);
    let linked = check(&sandbox, "linked");
    assert!(linked.index_file.to_string_lossy().contains("worktrees"));
    sandbox.git_in("bare.git", &["worktree", "add", "--quiet", "../from-bare"]);
    check(&sandbox, "from-bare");
    sandbox.git_in("plain", &["submodule", "--quiet", "add", "../bare.git", "inner"]);
    check(&sandbox, "plain/inner");
    sandbox.git(&["init", "--quiet", "--separate-git-dir", "apart.git", "apart"]);
    check(&sandbox, "apart");
    sandbox.git_in("plain", &["config", "core.worktree", "../../elsewhere"]);
    std::fs::create_dir(sandbox.path().join("elsewhere")).unwrap();
    check(&sandbox, "plain");
}

#[test]
fn a_git_folder_itself_and_a_repository_given_by_name_are_opened() {
    let sandbox = Sandbox::repository(&[]);
    let inside = Repository::open(&sandbox.path().join(".git")).unwrap().unwrap();
    let outside = Repository::open(sandbox.path()).unwrap().unwrap();
    assert_eq!(inside, outside);
    std::fs::create_dir(sandbox.path().join("sub")).unwrap();
    assert_eq!(Repository::open(&sandbox.path().join("sub")).unwrap(), None);
}

#[test]
fn what_git_hands_to_a_hook_counts_more() {
    let sandbox = Sandbox::repository(&[]);
    let environment = Environment {
        git_dir: Some(".git".into()),
        index_file: Some(".git/next-index-1.lock".into()),
        object_directory: Some(".git/objects/incoming-x".into()),
        alternate_object_directories: vec![".git/objects".into()],
        ..Environment::default()
    };
    let found = Repository::discover(sandbox.path(), &environment).unwrap();
    assert_eq!(found.index_file, sandbox.path().join(".git/next-index-1.lock"));
    assert_eq!(found.object_directory, sandbox.path().join(".git/objects/incoming-x"));
    assert_eq!(found.alternate_object_directories, [sandbox.path().join(".git/objects")]);
    assert_eq!(found.work_tree, Some(sandbox.path().to_owned()));
}

#[test]
fn formats_are_recognised_and_unknown_extensions_refused() {
    let sandbox = Sandbox::repository(&["--object-format=sha256", "--ref-format=reftable"]);
    let found = Repository::open(sandbox.path()).unwrap().unwrap();
    assert_eq!((found.format, found.references), (ObjectFormat::Sha256, ReferenceStorage::Reftable));
    assert!(!found.partial);
    for (key, value, expected) in [
        ("extensions.warpdrive", "1", "extension `warpdrive`"),
        ("extensions.objectformat", "md5", "object format `md5`"),
        ("core.repositoryformatversion", "2", "version 2"),
    ] {
        let sandbox = Sandbox::repository(&["--object-format=sha256"]);
        sandbox.git(&["config", "--file", ".git/config", key, value]);
        let error = Repository::open(sandbox.path()).unwrap_err();
        assert!(matches!(&error, OpenError::Unsupported { what, .. } if what == expected), "{error}");
    }
}

#[test]
fn shallow_and_partial_clones_are_recognised() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "--quiet", "origin"]);
    sandbox.git_in("origin", &["config", "uploadpack.allowFilter", "true"]);
    sandbox.write("origin/a", "a");
    sandbox.git_in("origin", &["add", "."]);
    for message in ["one", "two", "three"] {
        sandbox.git_in("origin", &["commit", "--quiet", "--allow-empty", "-m", message]);
    }
    let url = format!("file://{}", sandbox.path().join("origin").display());
    sandbox.git(&["clone", "--quiet", "--depth=2", &url, "shallow"]);
    sandbox.git(&["clone", "--quiet", "--bare", "--filter=blob:none", &url, "partial"]);
    let found = Repository::open(&sandbox.path().join("shallow")).unwrap().unwrap();
    let boundary = sandbox.git_in("shallow", &["rev-parse", "HEAD~1"]);
    assert_eq!(found.shallow, HashSet::from([ObjectId::from_hex(trimmed(&boundary)).unwrap()]));
    assert!(!found.partial);
    assert!(Repository::open(&sandbox.path().join("partial")).unwrap().unwrap().partial);
}

#[test]
fn what_leads_nowhere_is_told() {
    let sandbox = Sandbox::new();
    let discovered = Repository::discover(sandbox.path(), &Environment::default());
    assert!(matches!(discovered, Err(OpenError::NotARepository { .. })), "{discovered:?}");
    sandbox.write(".git", "gitdir: nowhere\n");
    assert!(matches!(Repository::open(sandbox.path()), Err(OpenError::NotARepository { .. })));
    sandbox.write(".git", "nonsense");
    assert!(matches!(Repository::open(sandbox.path()), Err(OpenError::Damaged { .. })));
}
