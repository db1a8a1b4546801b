//! SQLite databases, as the `sqlite3` of Python writes them.

use proptest::prelude::*;

use super::archives::tar;
use super::*;

/// A database, and its write-ahead log if it has one.
fn sqlite(program: &str, input: &[u8]) -> Vec<u8> {
    let program = format!(
        "
import sqlite3, tempfile
folder = tempfile.mkdtemp()
path = folder + '/x.db'
db = sqlite3.connect(path, isolation_level=None)
text = data.decode()
{program}
db.close()
out.write(open(path, 'rb').read())
import shutil
shutil.rmtree(folder)
"
    );
    python(&program, input)
}

#[test]
fn rows_are_lines_of_their_table() {
    let database = sqlite(
        "
db.execute('create table empty(x)')
db.execute('create table \"the keys\"(number integer primary key, name text not null, [access key] text, check (name > 1))')
for n in range(1, 2000): db.execute('insert into \"the keys\" values (?, ?, ?)', (n, 'name', text if n == 1234 else 'x'))
db.execute('create index i on \"the keys\"([access key])')
",
        id().as_bytes(),
    );
    let report = scanned(&database, Limits::default());
    assert_eq!(told(&report), ["file!the keys:1234"]);
    // The number of the row is in no column.
    assert_eq!(report.findings[0].excerpt, format!("name=name access key={}", id()));
}

#[test]
fn rows_that_are_in_many_pages_are_put_together() {
    for (page_size, encoding) in
        [(512, "UTF-8"), (4096, "UTF-8"), (65536, "UTF-8"), (1024, "UTF-16le"), (4096, "UTF-16be")]
    {
        // Wherever the seams of the pages are.
        for shift in [0, 7, 13] {
            let program = format!(
                "
db.execute('pragma page_size={page_size}')
db.execute('pragma encoding=\"{encoding}\"')
db.execute('create table t(a, b)')
db.execute('insert into t values (?, ?)', ('-' * {shift} + (text + ' ') * 500, 1))
"
            );
            let report = scanned(&sqlite(&program, id().as_bytes()), Limits::default());
            assert_eq!(report.findings.len(), 500, "{page_size} {encoding} {shift}");
            assert!(report.findings.iter().all(|finding| finding.path == "file!t"));
            assert_eq!(report.coverage.unread, []);
        }
    }
}

#[test]
fn rows_without_a_number_and_blobs_are_read() {
    let program = "
db.execute('create table t(a text, b blob, primary key (b)) without rowid')
db.execute('insert into t values (?, ?)', (text, b'x'))
db.execute('create table u(a blob)')
db.execute('insert into u values (?)', (b'{\"a\": \"' + data + b'\"}',))
";
    assert_eq!(told_of(&sqlite(program, id().as_bytes())), ["file!t:1", "file!u:1"]);
}

#[test]
fn what_was_deleted_is_found_while_it_is_there() {
    let Specimen { access_key_id: id, secret_access_key: secret, .. } = Specimen::from_seed(1);
    for delete in ["delete from t where a = 500", "drop table t", "delete from t"] {
        let program = format!(
            "
db.execute('pragma secure_delete=0')
db.execute('create table t(a, b, c, d)')
for n in range(1000): db.execute('insert into t values (?, ?, ?, ?)', (n, text[:20], text[20:], 'more') if n == 500 else (n, 'x', 'y' * 30, 'z'))
db.execute('{delete}')
"
        );
        let database = sqlite(&program, format!("{id}{secret}").as_bytes());
        let told = told_of(&database);
        assert_eq!(told.len(), 2, "{delete} {told:?}");
        assert!(told.iter().all(|told| told.starts_with("file:")), "{told:?}");
    }
}

#[test]
fn write_ahead_logs_are_read() {
    let program = "
db.execute('pragma journal_mode=wal')
db.execute('create table t(a, b)')
db.execute('insert into t values (?, ?)', (text, text))
db.execute('insert into t values (?, ?)', ('x', 'y'))
out.write(open(path + '-wal', 'rb').read())
out.flush()
os._exit(0)
";
    let log = sqlite(program, id().as_bytes());
    assert!(log.starts_with(&[0x37, 0x7F, 0x06]));
    let told = told_of(&log);
    assert_eq!(told.len(), 1, "one that is in many pages of the log is told once: {told:?}");
}

#[test]
fn names_that_are_longer_than_all_rows_are_bounded() {
    let program = r#"
name = "n" * 20_000
db.execute(f"CREATE TABLE t ({name} INTEGER)")
db.execute("CREATE TABLE u (b)")
db.executemany("INSERT INTO t VALUES (?)", [(1,)] * 2_000)
db.execute("INSERT INTO u VALUES (?)", [text])
"#;
    let limits = Limits { unpacked: 8 << 20, free: 1 << 20, ratio: 100, ..Limits::default() };
    let database = sqlite(program, id().as_bytes());
    let report = scanned(&database, limits);
    let told = told(&report);
    assert!(told[0].starts_with("file unpacks to more than the limit: more than "), "{told:?}");
    assert!(report.coverage.bytes <= (8 << 20) + (1 << 20), "{}", report.coverage.bytes);
    assert_eq!(told_of(&database), ["file!u:1"]);
}

#[test]
fn databases_in_archives_are_read() {
    let program = "
db.execute('create table t(a)')
db.execute('insert into t values (?)', (text * 3000,))
";
    let database = sqlite(program, format!("{} ", id()).as_bytes());
    assert_eq!(told_of(&tar(&[("a.db", &gzip(&database))])).len(), 3_000);
    // Too large to be held: page by page, and told.
    let large = [&database[..], &vec![0; 2 * PIECE]].concat();
    let report = scanned(&tar(&[("a.db", &large)]), Limits { held: PIECE, ..Limits::default() });
    assert!(!report.findings.is_empty());
    assert_eq!(
        report.coverage.unread[0].to_string(),
        "file!a.db unpacks to more than the limit: rows that are in several pages were not put together"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is changed in a database: it is read to an end.
    #[test]
    fn damage_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30), is_early: bool) {
        static DATABASE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let database = DATABASE.get_or_init(|| sqlite(
            "
db.execute('pragma page_size=512')
db.execute('create table t(a, b)')
for n in range(200): db.execute('insert into t values (?, ?)', ((text + ' ') * (n % 50), n))
",
            id().as_bytes(),
        ));
        let mut database = database.clone();
        for (at, value) in changes {
            let at = at.index(if is_early { 2_048 } else { database.len() });
            database[at] = value;
        }
        let scan = Scan::new(Options::default());
        scan.content(&Place::file(b"file"), &database);
        scan.stream(&Place::file(b"file"), &mut &database[..]);
        prop_assert!(scan.finish().coverage.bytes < 20 * database.len() as u64);
    }
}
