//! One connection to PostgreSQL, used by one thread at a time.
//!
//! It brings a small runtime of its own, so that a thread that waits for an answer is the one that reads it. Each wait
//! has a bound: a server that does not answer in time is left alone, and the connection with it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use regcred_core::{Error, Result};
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::address::PostgresOptions;
use super::dialect::translated;
use super::error::{Trouble, told, whole};
use super::value::columns_of;
use crate::sql::{Database, Row, Value};
use crate::unit::Key;

/// A connection.
pub(super) struct Link {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    /// What is sent with the next statement that is waited for.
    later: RefCell<Vec<Later>>,
    /// How often it was used, and since when it has its plans.
    uses: Cell<u64>,
    planned: Cell<Instant>,
    /// Until when a statement may wait for its answer.
    deadline: Cell<Instant>,
    /// Why the last statement that failed did so.
    trouble: Cell<Option<Trouble>>,
    /// Whether an answer was waited for in vain.
    silent: Cell<bool>,
}

/// What is sent a little later.
enum Later {
    /// Statements that take nothing and give nothing.
    Text(String),
    Statement(Statement, Given),
}

/// What a statement is given.
pub(super) type Given = Vec<Box<dyn ToSql + Sync + Send>>;

impl Link {
    /// Connects, and makes the session ready.
    pub(super) fn open(options: &PostgresOptions, within: Duration) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::unavailable(format!("a runtime: {error}")))?;
        let connected = runtime.block_on(async {
            let connecting = async {
                let (client, connection) = options.connect().await?;
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(detail = whole(&error), "a connection ended");
                    }
                });
                let begun = client.batch_execute(SESSION).await;
                begun.map(|()| client).map_err(|error| whole(&error))
            };
            tokio::time::timeout(within, connecting).await
        });
        let client = match connected {
            Ok(Ok(client)) => client,
            Ok(Err(why)) => {
                runtime.shutdown_background();
                return Err(Error::unavailable(format!(
                    "PostgreSQL cannot be reached: {why}"
                )));
            }
            Err(_) => {
                runtime.shutdown_background();
                return Err(Error::unavailable(format!(
                    "PostgreSQL did not accept a connection within {within:?}"
                )));
            }
        };
        Ok(Self {
            runtime: Some(runtime),
            client,
            statements: RefCell::default(),
            later: RefCell::default(),
            uses: Cell::new(0),
            planned: Cell::new(Instant::now()),
            deadline: Cell::new(Instant::now() + within),
            trouble: Cell::new(None),
            silent: Cell::new(false),
        })
    }

    /// Bounds what comes next, all of it together.
    pub(super) fn allow(&self, time: Duration) {
        self.deadline.set(Instant::now() + time);
        self.trouble.set(None);
    }

    /// Plans anew what it has planned: often in the beginning, and then after a while. In a table that is all but empty one index
    /// is as good as another to PostgreSQL, and a plan that was made then may read all that a project has for each row of it.
    pub(super) fn use_again(&self) {
        let uses = self.uses.get() + 1;
        self.uses.set(uses);
        let begins = uses > 1 && uses.is_power_of_two();
        if begins || self.planned.get().elapsed() >= PLANS_LAST {
            self.planned.set(Instant::now());
            self.later
                .borrow_mut()
                .push(Later::Text(FORGET_PLANS.to_owned()));
        }
    }

    /// Whether an answer was waited for in vain: another connection would be no sooner.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.get()
    }

    /// Why a statement failed since the last time that this was asked.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.take()
    }

    /// Whether a statement failed and trying again is no help; it can still be asked why.
    pub(super) fn was_refused(&self) -> bool {
        self.trouble.get() == Some(Trouble::Refused)
    }

    /// Runs statements that take nothing and give nothing.
    pub(super) fn run(&self, sql: &str) -> Result<()> {
        self.wait(self.client.batch_execute(sql))
    }

    /// The same a little later: with the next that is waited for, which fails where this does.
    pub(super) fn put_text(&self, sql: String) {
        self.later.borrow_mut().push(Later::Text(sql));
    }

    /// Runs a statement a little later, as [`Database::put`] does.
    pub(super) fn put_given(&self, sql: &str, given: Given) -> Result<()> {
        let statement = self.prepared(sql)?;
        let mut later = self.later.borrow_mut();
        later.push(Later::Statement(statement, given));
        let full = later.len() >= MOST_LATER;
        drop(later);
        if full { self.flush() } else { Ok(()) }
    }

    /// Waits for what was put.
    pub(super) fn flush(&self) -> Result<()> {
        if self.later.borrow().is_empty() {
            return Ok(());
        }
        self.wait(async { Ok(()) })
    }

    /// Rolls back, with what was put and not sent.
    pub(super) fn roll_back(&self, sql: &str) -> Result<()> {
        self.later.borrow_mut().clear();
        self.run(sql)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for the server, as long as it is allowed. What was put is sent before.
    pub(super) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let Some(runtime) = &self.runtime else {
            return Err(Error::unavailable("the connection is closed"));
        };
        let later = self.later.take();
        let answer = async {
            if later.is_empty() {
                return answer.await;
            }
            let put = later.iter().map(|later| async move {
                match later {
                    Later::Text(sql) => self.client.batch_execute(sql).await,
                    Later::Statement(statement, given) => {
                        let given: Vec<&(dyn ToSql + Sync)> =
                            given.iter().map(|value| &**value as _).collect();
                        self.client.execute(statement, &given).await.map(drop)
                    }
                }
            });
            let (put, answer) = join(join_all(put), answer).await;
            put.into_iter().collect::<Result<Vec<_>, _>>()?;
            answer
        };
        let deadline = tokio::time::Instant::from_std(self.deadline.get());
        let answered = runtime.block_on(async { tokio::time::timeout_at(deadline, answer).await });
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let trouble = if self.client.is_closed() {
                    Trouble::Lost
                } else {
                    Trouble::of(&error)
                };
                self.trouble.set(Some(trouble));
                Err(told(&error))
            }
            Err(_) => {
                self.silent.set(true);
                self.trouble.set(Some(Trouble::Lost));
                Err(Error::unavailable("PostgreSQL did not answer in time"))
            }
        }
    }

    /// A statement, prepared once.
    pub(super) fn prepared(&self, sql: &str) -> Result<Statement> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let text = translated(sql);
        let statement = self.wait(self.client.prepare(&text))?;
        let known = statement.clone();
        self.statements.borrow_mut().insert(sql.to_owned(), known);
        Ok(statement)
    }
}

impl Database for Link {
    fn query(
        &self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&dyn Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let statement = self.prepared(sql)?;
        let given: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        for row in self.wait(self.client.query(&statement, &given))? {
            if each(&columns_of(&row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize> {
        let statement = self.prepared(sql)?;
        let given: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        let changed = self.wait(self.client.execute(&statement, &given))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn put(&self, sql: &str, params: &[Value<'_>]) -> Result<()> {
        let given = params
            .iter()
            .map(|value| Box::new(value.clone().into_owned()) as _);
        self.put_given(sql, given.collect())
    }

    fn begin_snapshot(&self) -> Result<bool> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .map(|()| true)
    }

    fn end_snapshot(&self) -> Result<()> {
        self.run("COMMIT")
    }

    fn lock(&self, keys: &[Key]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.run(&locking(keys))
    }

    fn notify(&self) -> Result<()> {
        self.run(&format!("NOTIFY {CHANNEL}"))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A runtime may be dropped by a task of another one only in this way.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The statement that takes locks until the end of the transaction, one after the other.
pub(super) fn locking(keys: &[Key]) -> String {
    let locks: Vec<_> = keys
        .iter()
        .map(|key| format!("pg_advisory_xact_lock({})", number(*key)))
        .collect();
    format!("SELECT {}", locks.join(", "))
}

/// The number of a lock. Two keys may have the same one, and then wait for each other without need. All replicas, of
/// whatever release, must agree on it.
fn number(key: Key) -> i64 {
    // The last eight bytes of an identifier are random.
    let random = |bytes: &[u8; 16]| {
        let mut last = [0; 8];
        last.copy_from_slice(&bytes[8..]);
        i64::from_be_bytes(last)
    };
    match key {
        Key::Admins => 0x7263_0001,
        Key::Tokens => 0x7263_0002,
        Key::User(id) => random(id.as_bytes()) ^ 0x1,
        Key::Project(id) => random(id.as_bytes()) ^ 0x2,
        Key::Use(id) => random(id.as_bytes()) ^ 0x3,
    }
}

/// On which replicas tell each other that tokens or rights were changed or something waits to be delivered.
pub(super) const CHANNEL: &str = "regcred";
const FORGET_PLANS: &str = "DISCARD PLANS";
/// So long a plan counts, where tables may have grown from next to nothing and the server did not count what is in them.
const PLANS_LAST: Duration = Duration::from_secs(5);
/// So few that they are sent in their order.
const MOST_LATER: usize = 16;
/// What every session is told. Whoever holds locks and says no more is ended by the server, so that others go on. A statement
/// is planned once: PostgreSQL would plan those that take arrays anew for each length, which costs more than to run them. A plan
/// that is made while a table is small must do when it has grown, so it goes by an index where there is one; and none is
/// compiled, which for a statement that is taken for dear costs milliseconds each time.
const SESSION: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off; \
                       SET statement_timeout = '15s'; SET lock_timeout = '10s'; \
                       SET idle_in_transaction_session_timeout = '5s'; SET client_connection_check_interval = '2s'; \
                       SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; \
                       SET tcp_user_timeout = '10s'";
