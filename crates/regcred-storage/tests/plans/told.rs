//! What the server tells of its plans: notices, which the driver writes to the program's log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::Value;

/// The plan of a statement that ran.
pub(crate) struct Plan {
    /// The method of the store that was called then.
    pub(crate) method: &'static str,
    /// The text of the statement.
    pub(crate) text: String,
    /// The plan with what was counted while it ran, as `EXPLAIN (FORMAT JSON)` has it.
    pub(crate) root: Value,
}

/// What every session of a database is told to tell.
pub(crate) const SETTINGS: [&str; 8] = [
    "session_preload_libraries = auto_explain",
    "client_min_messages = notice",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_nested_statements = on",
    "auto_explain.log_level = notice",
    "auto_explain.log_format = json",
    "auto_explain.log_analyze = on",
    "auto_explain.log_buffers = on",
];

struct Collector {
    method: &'static str,
    plans: Vec<Plan>,
}

static TOLD: Mutex<Collector> = Mutex::new(Collector {
    method: BEFORE,
    plans: Vec::new(),
});

/// From here on the log is listened to.
pub(crate) fn listen() {
    log::set_logger(&Notices).unwrap();
    log::set_max_level(LevelFilter::Info);
}

/// What is told from now on is told of this method.
pub(crate) fn of(method: &'static str) {
    told().method = method;
}

/// All that was told since the last time.
pub(crate) fn take() -> Vec<Plan> {
    std::mem::take(&mut told().plans)
}

/// What is told outside of any method.
pub(crate) const BEFORE: &str = "(before)";

fn told() -> MutexGuard<'static, Collector> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Notices;

impl Log for Notices {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let message = record.args().to_string();
        let Some((_, plan)) = message.split_once("  plan:\n") else {
            return;
        };
        let mut plan: Value = serde_json::from_str(plan).unwrap();
        let text = plan["Query Text"].as_str().unwrap().to_owned();
        let root = plan["Plan"].take();
        let mut told = told();
        let method = told.method;
        told.plans.push(Plan { method, text, root });
    }

    fn flush(&self) {}
}
