//! `paddock broker`: the reference broker in the foreground.

mod reload;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use reference_broker::{Broker, ListenError, Monitor, Reload, Report, Settings};
use tokio::io::AsyncReadExt;

use super::{
    interrupt::{Hangup, Interrupt},
    password, say,
};
use crate::{
    cli::{self, BrokerVerb, Start},
    exit::{Failure, INTERRUPTED},
    log,
};

/// Listens, says where on stdout, and serves until Ctrl-C, SIGTERM or (if asked) the end of stdin; or looks at a
/// configuration.
pub(crate) fn run(options: &cli::Broker) -> Result<ExitCode, Failure> {
    match &options.verb {
        None => serve(&options.start),
        Some(BrokerVerb::Check { file, show }) => {
            let settings = load(file)?;
            say(if *show { settings.show().trim_end().to_owned() } else { format!("{}: sound", file.display()) })
        }
        Some(BrokerVerb::Example) => say(Settings::example().trim_end()),
        Some(BrokerVerb::Schema) => say(format!("{:#}", Settings::schema())),
        Some(BrokerVerb::HashPassword { scram }) => password::hash(*scram),
    }
}

fn load(file: &Path) -> Result<Settings, Failure> {
    Settings::load(file).map_err(Failure::usage)
}

fn serve(options: &Start) -> Result<ExitCode, Failure> {
    let settings = settings(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let ended = runtime.block_on(serve_until_told(settings, options));
    // A second signal does not wait for anything.
    runtime.shutdown_background();
    ended
}

/// What the file says, or else the command line.
fn settings(options: &Start) -> Result<Settings, Failure> {
    if let Some(file) = &options.config {
        let settings = load(file)?;
        log::configure(settings.log());
        return Ok(settings);
    }
    if !options.listen.is_local() && !options.allow_anonymous {
        return Err(Failure::usage(format!(
            "without a configuration nobody is asked for a password, and others than this machine can reach {}: write a \
             configuration (`paddock broker example > broker.toml`, then --config broker.toml), or say --allow-anonymous",
            options.listen
        )));
    }
    let mut settings = Settings::listening_on(options.listen.clone(), options.allow_anonymous);
    if let Some(workers) = options.workers {
        settings.set_workers(workers.get());
    }
    if let Some(address) = options.monitor {
        settings.set_monitor(address);
    }
    Ok(settings)
}

async fn serve_until_told(settings: Settings, options: &Start) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let hangup = Hangup::listen().map_err(Failure::internal)?;
    // Each connection takes a file descriptor; the broker reads the limit when it starts.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
    let binds = settings.bind().map_err(Failure::usage)?;
    let broker = Broker::start(binds, settings.config()).map_err(Failure::internal)?;
    let monitor = monitor(&settings, &broker)?;
    // The first line is for programs too: a launcher waits for it and reads the address.
    for entrance in broker.handle().entrances() {
        writeln!(io::stdout(), "listening on {}", entrance.url).map_err(Failure::internal)?;
    }
    if let Some(monitor) = &monitor {
        writeln!(io::stdout(), "monitoring on http://{}", monitor.address()).map_err(Failure::internal)?;
    }
    let told = async {
        if options.exit_with_parent {
            tokio::select! {
                () = interrupt.received() => {}
                () = end_of_stdin() => {}
            }
        } else {
            interrupt.received().await;
        }
    };
    tokio::select! {
        () = told => {}
        () = reload::at_each(hangup, options.config.as_deref(), Reload::new(settings, broker.handle())) => {}
    }
    tokio::select! {
        report = broker.stop() => Ok(verdict(&report)),
        () = interrupt.received() => {
            tracing::warn!("ended at once by a second signal");
            Ok(INTERRUPTED.into())
        }
    }
}

/// Success when every client was told in time.
fn verdict(report: &Report) -> ExitCode {
    if report.graceful { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn monitor(settings: &Settings, broker: &Broker) -> Result<Option<Monitor>, Failure> {
    let Some(options) = settings.monitor() else { return Ok(None) };
    let started = Monitor::start(options, broker.handle());
    started.map(Some).map_err(|error| Failure::usage(ListenError { address: options.address.into(), error }))
}

/// Completes when nobody holds the other end of stdin any more.
pub(super) async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
}
