//! Readers beside the writer: they see what was acknowledged, and do not hold up the log.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use regcred_core::access::Caller;
use regcred_core::ids::ProjectId;
use regcred_storage::DATABASE_FILE;

use crate::installation::{Installation, Running};

/// Readers that list a project over and over, some with pauses, and check that it has what was acknowledged before they
/// asked.
struct Reading {
    acknowledged: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<usize>>,
}

impl Reading {
    fn begin(running: &Arc<Running>, caller: &Caller, project: ProjectId) -> Self {
        let (acknowledged, ended) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        // Two of them never rest.
        let pauses = [None, None, Some(1), Some(7), Some(30)];
        let tasks = pauses.map(|pause| {
            let (acknowledged, ended) = (Arc::clone(&acknowledged), Arc::clone(&ended));
            let (running, principal) = (Arc::clone(running), caller.principal.clone());
            let caller = Caller {
                principal,
                request: caller.request.clone(),
            };
            tokio::spawn(async move {
                let mut reads = 0;
                while !ended.load(Ordering::Acquire) {
                    let before = acknowledged.load(Ordering::Acquire);
                    let listed = running.service.list_credentials(&caller, project).await;
                    let listed = listed.unwrap().len();
                    assert!(listed >= before, "{listed} of {before} are seen");
                    reads += 1;
                    match pause {
                        None => tokio::task::yield_now().await,
                        Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                    }
                }
                reads
            })
        });
        Self {
            acknowledged,
            ended,
            tasks: tasks.into(),
        }
    }

    async fn end(self) -> usize {
        self.ended.store(true, Ordering::Release);
        let mut reads = 0;
        for task in self.tasks {
            reads += task.await.unwrap();
        }
        reads
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sees_what_was_acknowledged_and_leaves_the_log_free_to_begin_anew() {
    let installation = Installation::new();
    let running = Arc::new(installation.open().unwrap());
    let admin = running.admin().await;
    let read = running.project(&admin, "read").await;
    let filled = running.project(&admin, "filled").await;
    let reading = Reading::begin(&running, &admin, read);
    let mut longest = 0;
    let log = installation
        .directory
        .path()
        .join(format!("{DATABASE_FILE}-wal"));
    for number in 0..WRITES {
        let username = format!("u{number}");
        if number % 20 == 0 {
            running.credentials(&admin, read, "h.x", &username).await;
            reading.acknowledged.fetch_add(1, Ordering::AcqRel);
        } else {
            running.credentials(&admin, filled, "h.x", &username).await;
        }
        longest = longest.max(fs::metadata(&log).unwrap().len());
    }
    assert!(reading.end().await > WRITES / 20, "something was read");
    // A write is a commit of its own here, of six pages at least. The log begins anew with a write during which nobody looks into
    // it, and of those who never rest there is not always one.
    let most = 5 * LONG;
    assert!(WRITES as u64 * 6 > most, "enough is written");
    assert!(longest < most * PAGE, "the log grew to {longest} bytes");
    // The directory is left to whoever opens it next, with all of the log folded into the database.
    let running = Arc::into_inner(running).unwrap();
    running.close().await;
    assert!(!log.exists(), "the log is left behind");
}

#[tokio::test]
async fn sees_after_a_moment_what_somebody_else_wrote() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "p").await;
    running.credentials(&admin, project, "h.x", "me").await;
    let seen = async || {
        let listed = running.service.list_credentials(&admin, project).await;
        listed.unwrap()[0].username.as_str().to_owned()
    };
    assert_eq!(seen().await, "me");
    let sql = "UPDATE docker_credentials SET username = 'you'";
    installation.database().execute(sql, []).unwrap();
    Installation::settle();
    assert_eq!(seen().await, "you");
    running.close().await;
}

const WRITES: usize = 4_000;
/// From so many pages on the log is folded into the database.
const LONG: u64 = 4_000;
const PAGE: u64 = 4_096 + 24;
