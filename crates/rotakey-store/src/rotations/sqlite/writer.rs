//! Commits what is to be written at the same time together.
//!
//! A commit costs a sync to disk, which takes longer than all else. While one is under way, what others want to write
//! gathers, and the next commit takes all of it: ten rotations that are driven at a time cost as many syncs as one.

use std::path::{Path, PathBuf};

use rotakey_engine::store::{RotationSummary, StoreError};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::write::{Write, Written};
use crate::error::{of_sqlite, shown};

/// How many writes one commit takes at most, so that other processes do not wait for longer than they will.
const AT_ONCE: usize = 256;

/// The way to the one task that writes. The task ends with the last of these.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    path: PathBuf,
    jobs: mpsc::UnboundedSender<Job>,
}

/// A write, and who waits for it.
struct Job {
    write: Write,
    told: oneshot::Sender<Written>,
}

impl Writer {
    /// Starts the task.
    pub(super) fn start(path: &Path, pool: &SqlitePool) -> Self {
        let (jobs, mut queue) = mpsc::unbounded_channel();
        let (path, pool) = (path.to_owned(), pool.clone());
        let writer = Self { path: path.clone(), jobs };
        tokio::spawn(async move {
            let mut gathered = Vec::new();
            while queue.recv_many(&mut gathered, AT_ONCE).await > 0 {
                commit(&path, &pool, std::mem::take(&mut gathered)).await;
            }
        });
        writer
    }

    /// Writes, and waits until that is on disk. If the future is dropped, it may be written or not.
    pub(super) async fn write(&self, write: Write) -> Result<Vec<RotationSummary>, StoreError> {
        let (told, answer) = oneshot::channel();
        let closed = || StoreError::Unavailable {
            location: shown(&self.path),
            message: "the store was closed".to_owned(),
        };
        self.jobs.send(Job { write, told }).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// Commits all of it, and only then tells. If that fails, each is tried for itself, so that nobody's write fails
/// because of another one.
async fn commit(path: &Path, pool: &SqlitePool, jobs: Vec<Job>) {
    match write_all(pool, &jobs).await {
        // Whoever does not wait any more need not be told.
        Ok(written) => jobs.into_iter().zip(written).for_each(|(job, written)| {
            let _gone = job.told.send(written);
        }),
        Err(error) if jobs.len() == 1 => jobs.into_iter().for_each(|job| {
            let _gone = job.told.send(Err(of_sqlite(path, &error)));
        }),
        Err(_) => {
            for job in jobs {
                Box::pin(commit(path, pool, vec![job])).await;
            }
        }
    }
}

/// All of it, but for what is refused, in one transaction. Gives up the connection if that fails: on an error such as a
/// full disk SQLite ends the transaction by itself, which sqlx does not learn of, and would refuse to begin another one.
async fn write_all(pool: &SqlitePool, jobs: &[Job]) -> Result<Vec<Written>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let written = in_one_transaction(&mut connection, jobs).await;
    if written.is_err() {
        connection.close_on_drop();
    }
    written
}

async fn in_one_transaction(
    connection: &mut SqliteConnection,
    jobs: &[Job],
) -> Result<Vec<Written>, sqlx::Error> {
    // Immediate: what is compared here is still so when the records are written.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut all = Vec::with_capacity(jobs.len());
    for job in jobs {
        let mut savepoint = transaction.begin().await?;
        let written = job.write.run(&mut savepoint).await?;
        match &written {
            Ok(_) => savepoint.commit().await?,
            Err(_) => savepoint.rollback().await?,
        }
        all.push(written);
    }
    transaction.commit().await?;
    Ok(all)
}
