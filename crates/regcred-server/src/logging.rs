//! Diagnostic logs, to standard error: for people on a terminal, JSON otherwise.
//!
//! Writing never blocks a request: lines go through a bounded queue, and what does not fit is dropped.
//! No line holds a secret, a token or a body.

use std::io::{IsTerminal as _, stderr};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::settings::{LogFormat, SettingsError};

/// Starts logging; what still waits is written when the guard is dropped.
pub(crate) fn start(filter: &str, format: Option<LogFormat>) -> Result<WorkerGuard, SettingsError> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("--log {filter}: {error}"))?;
    let format = format.unwrap_or(if stderr().is_terminal() {
        LogFormat::Human
    } else {
        LogFormat::Json
    });
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(stderr());
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Human => lines.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    }
    .map_err(|error| format!("logging cannot be started: {error}"))?;
    Ok(guard)
}
