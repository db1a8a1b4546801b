use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use jiff::Timestamp;
use rotakey_core::rotate::{ChainHash, Entry, Event, Note, Subject};
use rotakey_engine::conformance::store::{self as conformance, Harness, Place};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row};
use tempfile::TempDir;

use super::*;

struct Files;

#[async_trait]
impl Harness for Files {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(FilePlace(tempfile::tempdir().unwrap()))
    }
}

struct FilePlace(TempDir);

#[async_trait]
impl Place for FilePlace {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.0.path().join("rotations.db")).await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract_of_stores() {
    conformance::check_all(&Files).await;
}

#[tokio::test]
async fn a_new_store_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/rotakey/rotations.db");
    let store = SqliteStore::open(&path).await.unwrap();
    append(&store, &rotation(1), 1).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["rotations.db", "rotations.db-shm", "rotations.db-wal"], "and no temporary file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_may_make_the_store_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rotations.db");
    let opened = join_all((0..8_u8).map(|number| {
        let path = path.clone();
        tokio::spawn(async move {
            let store = SqliteStore::open(&path).await.unwrap();
            append_as(&store, &rotation(number), number, 1).await.unwrap();
        })
    }));
    opened.await.into_iter().for_each(|result| result.unwrap());
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.rotations().await.unwrap().len(), 8, "no rotation went to a store that was replaced");
}

#[tokio::test]
async fn a_record_can_be_neither_changed_nor_deleted_nor_put_in_between() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    append(&store, &rotation(1), 3).await.unwrap();
    let before = store.load(&rotation(1)).await.unwrap();
    for (statement, expected) in [
        ("UPDATE record SET body = ''", "a record is never changed"),
        ("DELETE FROM record WHERE version = 3", "a record is never deleted"),
        ("INSERT INTO record SELECT rotation, 5, body, hash FROM record LIMIT 1", "follows the one before"),
        (
            "INSERT OR REPLACE INTO record SELECT rotation, 2, 'x', hash FROM record LIMIT 1",
            "follows the one before",
        ),
        ("DELETE FROM rotation", "a rotation is never deleted"),
        ("UPDATE rotation SET user_name = 'x'", "nothing else about it changes"),
        ("INSERT INTO record VALUES ('r-unknown', 1, '', '')", "the rotation is closed"),
    ] {
        let error = sqlx::raw_sql(statement).execute(&store.pool).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{statement}: {error}");
    }
    assert_eq!(store.load(&rotation(1)).await.unwrap(), before);
}

#[tokio::test]
async fn a_closed_rotation_is_not_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    append(&store, &rotation(1), 1).await.unwrap();
    sqlx::raw_sql("UPDATE rotation SET open = 0, due = NULL").execute(&store.pool).await.unwrap();
    for statement in [
        "UPDATE rotation SET open = 1, due = 0",
        "INSERT INTO record SELECT rotation, 2, body, hash FROM record",
    ] {
        assert!(sqlx::raw_sql(statement).execute(&store.pool).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn a_record_changed_behind_our_back_is_found_by_its_hash() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    append(&store, &rotation(1), 3).await.unwrap();
    let forge = "DROP TRIGGER record_is_never_changed;
        UPDATE record SET body = replace(body, 'delivered', 'published') WHERE version = 2;";
    sqlx::raw_sql(forge).execute(&store.pool).await.unwrap();
    let broken = Entry::open_all(&rotation(1), &store.load(&rotation(1)).await.unwrap()).unwrap_err();
    assert_eq!((broken.rotation, broken.version), (rotation(1), 2));
}

#[tokio::test]
async fn a_store_of_a_newer_rotakey_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rotations.db");
    let store = SqliteStore::open(&path).await.unwrap();
    append(&store, &rotation(1), 1).await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&store.pool).await.unwrap();
    store.close().await;
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    let location = path.display().to_string();
    assert_eq!(error, StoreError::Newer { location, found: 99, known: KIND.schema.version() });
    assert!(error.to_string().contains("written by a newer rotakey"), "{error}");
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[tokio::test]
async fn a_foreign_file_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("other.db");
    let options = SqliteConnectOptions::new().filename(&other).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE song (name TEXT)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let text = directory.path().join("text");
    fs::write(
        &text,
        "aws_access_key_id = and so on, long enough to be taken for a page of a database\n".repeat(99),
    )
    .unwrap();
    let empty = directory.path().join("empty");
    fs::write(&empty, "").unwrap();
    for (path, expected) in [
        (other, "the SQLite database of another program"),
        (text, "not an SQLite database"),
        (empty, "the file is empty"),
        (directory.path().to_owned(), "not a regular file"),
    ] {
        let before = fs::read(&path).ok();
        let error = SqliteStore::open(&path).await.unwrap_err();
        let StoreError::Foreign { message, .. } = &error else { panic!("{path:?}: {error:?}") };
        assert!(message.contains(expected), "{error}");
        assert!(fs::read(&path).ok() == before, "{path:?} was changed");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rotations.db");
    let store = SqliteStore::open(&path).await.unwrap();
    append(&store, &rotation(1), 2).await.unwrap();
    let before = store.load(&rotation(1)).await.unwrap();
    // What SQLite says of a full disk it also says of a full database.
    sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&store.pool).await.unwrap();
    let full = append_as(&store, &rotation(2), 2, 400).await;
    assert_eq!(full, Err(StoreError::Full { location: path.display().to_string() }));
    assert_eq!(store.load(&rotation(1)).await.unwrap(), before);
    assert_eq!(store.load(&rotation(2)).await.unwrap(), [], "all records of an append, or none");
    assert_eq!(store.rotations().await.unwrap().len(), 1);

    sqlx::raw_sql("PRAGMA max_page_count = 100000").execute(&store.pool).await.unwrap();
    append_as(&store, &rotation(2), 2, 400).await.expect("with space again, the same append succeeds");
}

#[test]
fn a_read_only_disk_is_told_and_nothing_is_lost() {
    as_ordinary_user(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rotations.db");
        let location = path.display().to_string();
        let read_only = StoreError::ReadOnly { location };
        block_on(async {
            let store = SqliteStore::open(&path).await.unwrap();
            append(&store, &rotation(1), 2).await.unwrap();
            store.close().await;
        });
        let permit = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        let before = fs::read(&path).unwrap();

        permit(0o500);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let opened = block_on(async {
            match SqliteStore::open(&path).await {
                Ok(store) => append(&store, &rotation(1), 1).await,
                Err(error) => Err(error),
            }
        });
        let created = block_on(SqliteStore::open(&directory.path().join("a/new.db"))).map(drop);
        permit(0o700);

        assert_eq!(opened, Err(read_only));
        assert!(matches!(created, Err(StoreError::ReadOnly { .. })), "{created:?}");
        assert!(fs::read(&path).unwrap() == before, "the file was changed");
    });
}

#[tokio::test]
async fn a_store_of_the_first_rotakey_goes_on_where_it_stood() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rotations.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let first = Schema {
        application_id: KIND.schema.application_id,
        set_application_id: KIND.schema.set_application_id,
        migrations: &KIND.schema.migrations[..1],
    };
    first.create(&mut connection).await.unwrap();
    let kept = "INSERT INTO rotation VALUES
            (1, 'r-closed', '012345678901', 'ann', 'AIDACKCEVSQ6C2EXAM001', 1),
            (2, 'r-open', '012345678901', 'bob', 'AIDACKCEVSQ6C2EXAM002', 1);
        INSERT INTO record VALUES ('r-closed', 1, 'a', ''), ('r-open', 1, 'b', ''), ('r-open', 2, 'c', '');
        UPDATE rotation SET open = 0 WHERE id = 'r-closed';";
    sqlx::raw_sql(kept).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let store = SqliteStore::open(&path).await.unwrap();
    let due = Turn::Worker { due: Timestamp::UNIX_EPOCH };
    let listed = store.rotations().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|rotation| (rotation.id.as_str(), rotation.turn)).collect();
    assert_eq!(listed, [("r-closed", None), ("r-open", Some(due))]);
    let bodies: Vec<_> = store.load(&"r-open".parse().unwrap()).await.unwrap();
    assert_eq!(bodies.iter().map(|record| record.body.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    let now = Timestamp::from_second(1).unwrap();
    let accounts = ["012345678901".parse().unwrap()];
    let claim = Claim { accounts: &accounts, now, until: now, limit: 9 };
    let claimed = store.claim(claim).await.unwrap();
    assert_eq!(claimed.len(), 1, "whoever looks first finds it due: {claimed:?}");
    for (statement, expected) in [
        ("DELETE FROM record", "a record is never deleted"),
        ("UPDATE rotation SET user_name = 'x'", "nothing else about it changes"),
        ("UPDATE rotation SET due = 1 WHERE id = 'r-closed'", "a rotation closes once"),
        ("UPDATE rotation SET due = NULL WHERE id = 'r-open'", "CHECK constraint failed"),
        ("INSERT INTO record VALUES ('r-open', 2, 'd', '')", "follows the one before"),
    ] {
        let error = sqlx::raw_sql(statement).execute(&store.pool).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{statement}: {error}");
    }
}

#[tokio::test]
async fn what_is_due_is_found_without_reading_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    // The plan may depend on what SQLite has learned of the content.
    let fill = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3000)
        INSERT INTO rotation (id, account_id, user_name, user_id, open, due)
            SELECT 'r-' || n, '012345678901', 'user', 'AIDA' || n, n % 3 = 0, iif(n % 3 = 0, n, NULL) FROM number;
        UPDATE rotation SET asks = 1, due = NULL WHERE open = 1 AND ordinal % 30 = 0;";
    for prepare in ["", fill, "ANALYZE"] {
        sqlx::raw_sql(prepare).execute(&store.pool).await.unwrap();
        for query in [DUE, OUTLOOK, concat!(summaries!(), "WHERE open = 1 ORDER BY ordinal")] {
            let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")));
            let plan = plan.fetch_all(&store.pool).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            for line in plan.iter().filter(|line| line.contains(" rotation")) {
                let by = |index: &str| line.contains(&format!("INDEX {index}"));
                assert!(by("due_rotation") || by("asking_rotation") || by("open_rotation"), "{plan:#?}");
            }
            assert!(!plan.iter().any(|line| line.contains("TEMP B-TREE")), "sorts: {plan:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_to_be_written_at_the_same_time_is_committed_together() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let mut connection = store.pool.acquire().await.unwrap();
    connection.lock_handle().await.unwrap().set_commit_hook(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    // Nothing can be written until the connection is given back.
    let all = join_all((1..=20).map(|user| begin(&store, user, 1)));
    let (_, written) = tokio::join!(async { drop(connection) }, all);
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(store.rotations().await.unwrap().len(), 20);
    let commits = commits.load(Ordering::Relaxed);
    assert!((1..=2).contains(&commits), "{commits} commits for 20 writes");
}

#[tokio::test]
async fn a_write_that_fails_does_not_fail_those_that_it_was_to_be_committed_with() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("rotations.db")).await.unwrap();
    let connection = store.pool.acquire().await.unwrap();
    // The third begins with a second record, which the file itself refuses.
    let all = join_all((1..=5).map(|user| begin(&store, user, if user == 3 { 2 } else { 1 })));
    let (_, written) = tokio::join!(async { drop(connection) }, all);
    let failed: Vec<_> = written.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, false, false], "{written:?}");
    assert!(matches!(&written[2], Err(StoreError::Unavailable { .. })), "{written:?}");
    let kept = store.rotations().await.unwrap();
    assert_eq!(kept.iter().map(|rotation| rotation.version).collect::<Vec<_>>(), [1, 1, 1, 1]);
}

/// Begins a rotation with a record of that version.
async fn begin(store: &SqliteStore, user: u8, version: u64) -> Result<(), StoreError> {
    let id = rotation(user);
    let event = Event::Noted { note: Note::Delivered };
    let record = Record::seal(&id, version, Timestamp::UNIX_EPOCH, &event, &ChainHash::origin(&id));
    let append = Append {
        rotation: &id,
        subject: &subject(user),
        expected_version: 0,
        records: &[record],
        closes: false,
        turn: Turn::Worker { due: Timestamp::UNIX_EPOCH },
    };
    store.append(append).await
}

const CHILD_PATH: &str = "ROTAKEY_TEST_STORE";
const CHILDREN: usize = 4;
const APPENDS: usize = 15;

#[tokio::test]
async fn several_processes_append_to_one_log_without_losing_a_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rotations.db");
    let children: Vec<_> = (0..CHILDREN)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["rotations::sqlite::tests::append_as_a_process_of_its_own", "--exact", "--ignored"])
                .env(CHILD_PATH, &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = SqliteStore::open(&path).await.unwrap();
    let records = store.load(&rotation(1)).await.unwrap();
    assert_eq!(records.len(), CHILDREN * APPENDS);
    Entry::open_all(&rotation(1), &records).unwrap();
}

#[tokio::test]
#[ignore = "the child of several_processes_append_to_one_log_without_losing_a_record"]
async fn append_as_a_process_of_its_own() {
    let store = SqliteStore::open(Path::new(&std::env::var_os(CHILD_PATH).unwrap())).await.unwrap();
    let mut won = 0;
    while won < APPENDS {
        match append(&store, &rotation(1), 1).await {
            Ok(()) => won += 1,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Appends that many records at the end of the log.
async fn append(store: &SqliteStore, id: &RotationId, count: u64) -> Result<(), StoreError> {
    append_as(store, id, 1, count).await
}

async fn append_as(store: &SqliteStore, id: &RotationId, user: u8, count: u64) -> Result<(), StoreError> {
    let found = store.load(id).await?;
    let expected_version = found.len() as u64;
    let mut before = found.last().map_or_else(|| ChainHash::origin(id), |record| record.hash.clone());
    let records: Vec<_> = (expected_version + 1..=expected_version + count)
        .map(|version| {
            let event = Event::Noted { note: Note::Delivered };
            let record = Record::seal(id, version, Timestamp::UNIX_EPOCH, &event, &before);
            before = record.hash.clone();
            record
        })
        .collect();
    let append = Append {
        rotation: id,
        subject: &subject(user),
        expected_version,
        records: &records,
        closes: false,
        turn: Turn::Worker { due: Timestamp::UNIX_EPOCH },
    };
    store.append(append).await
}

fn subject(user: u8) -> Subject {
    Subject {
        account_id: "012345678901".parse().unwrap(),
        user_name: format!("user{user}").parse().unwrap(),
        user_id: format!("AIDACKCEVSQ6C2EXAM{user:03}").parse().unwrap(),
    }
}

fn rotation(number: u8) -> RotationId {
    format!("r-rotation{number}").parse().unwrap()
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs a test as a user whom permissions bind: as root, in a thread that has given root up.
fn as_ordinary_user(test: impl FnOnce() + Send + 'static) {
    const NOBODY: u32 = 65534;
    let test = std::thread::spawn(move || {
        if rustix::process::geteuid().is_root() {
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(NOBODY)).unwrap();
        }
        test();
    });
    test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
