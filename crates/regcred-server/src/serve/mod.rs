//! `regcred serve`: from the settings to the last connection.

mod aside;
mod dev;

use std::sync::Arc;

use regcred_core::Clock as _;
use regcred_core::clock::SystemClock;
use regcred_core::verification::Watch;
use regcred_core::verification::schedule::DEFAULT_EVERY;
use regcred_registry::{Courier, Policy, Prover, SystemResolver, Webhook};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::alerts::Alerts;
use crate::app::{App, Backend};
use crate::door::Door;
use crate::graphql::{gateway_schema, platform_schema};
use crate::http::Answerer;
use crate::installation::Installation;
use crate::metrics::Metrics;
use crate::net::{Server, Tls};
use crate::settings::{ServeArgs, Settings, SettingsError, unknown_variables};
use crate::{logging, operator};
use aside::Aside;
use dev::Dev;

/// Serves until SIGTERM or SIGINT; the error is a sentence that says what to do.
pub fn serve(args: ServeArgs) -> Result<(), SettingsError> {
    let settings = args.resolve()?;
    let _flush = logging::start(&settings.log, settings.log_format)?;
    for name in unknown_variables() {
        tracing::warn!(
            name,
            "an environment variable begins with REGCRED_ but is no setting"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let done = runtime.block_on(run(settings));
    // A name that nobody resolves must not keep the program.
    runtime.shutdown_background();
    done
}

async fn run(mut settings: Settings) -> Result<(), SettingsError> {
    let started = SystemClock.now();
    // Before anything is made on disk: a port in use is found at once.
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; give another with --listen ADDR:PORT",
            settings.listen
        )
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let stop = stop_signal()?;
    let dev = if settings.dev {
        Some(Dev::new(&mut settings)?)
    } else {
        None
    };
    let Some(place) = settings.place.clone() else {
        return Err("no data directory is given".to_owned());
    };
    let installation = Installation::open(&place, &settings.kek, true, watch(&settings))?;
    let metrics =
        Metrics::new().map_err(|error| format!("the metrics cannot be set up: {error}"))?;
    let tls = settings.tls.clone().map(Tls::load).transpose()?;
    let url = format!(
        "{}://{address}",
        if tls.is_some() { "https" } else { "http" }
    );

    let policy = Policy::new(std::mem::take(&mut settings.registries), vec![address]);
    let prover = Prover::new(policy, Arc::new(SystemResolver));
    let backend = Arc::new(Backend::new(
        Arc::clone(&installation.service),
        prover,
        Alerts::new(metrics.clone()),
    ));
    let app = Arc::new(App {
        backend: Arc::clone(&backend),
        platform: Door::new(|validation| platform_schema(settings.platform, validation)),
        gateway: Door::new(gateway_schema),
        number: settings.platform,
        realm: settings.realm.clone(),
        metrics: metrics.clone(),
    });
    let server = Server {
        listener,
        tls,
        answerer: Answerer::new(app),
        metrics: metrics.clone(),
        max_connections: settings.max_connections,
    };
    if let Some(dev) = &dev {
        let made = dev.furnish(&backend).await?;
        dev.print(&made, &url, &settings);
    } else if !installation
        .store
        .anybody()
        .await
        .map_err(|error| operator::told(&error))?
    {
        tracing::warn!(
            "there is no user yet; run `regcred user create LOGIN --admin`, on a data directory while the service is stopped"
        );
    }
    let millis = u64::try_from(SystemClock.now().since(started).as_millis()).unwrap_or(u64::MAX);
    tracing::info!(url, database = %place, millis, version = env!("CARGO_PKG_VERSION"), "ready");

    let courier = Courier::new(vec![address], Arc::new(SystemResolver));
    let aside = Aside::start(settings, &backend, &metrics, courier);
    let stopping = aside.stopping();
    let stop = async move {
        stop.await;
        stopping.send_replace(true);
    };
    tokio::join!(server.run(stop), aside.finish());
    installation.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Completes at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, SettingsError> {
    let listen =
        |kind| signal(kind).map_err(|error| format!("signals cannot be listened to: {error}"));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, what is under way is finished");
    })
}

/// How credentials are watched.
fn watch(settings: &Settings) -> Watch {
    let targets = settings.webhooks.iter();
    Watch {
        every: settings.verify_every.unwrap_or(DEFAULT_EVERY),
        webhooks: targets.map(Webhook::target).cloned().collect(),
    }
}
