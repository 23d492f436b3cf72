//! `paddock broker`: the reference broker in the foreground.

use std::{
    fmt,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use reference_broker::{Broker, Config, Monitor, MonitorOptions, Report};
use tokio::io::AsyncReadExt;
use transport::{Listener, Options};

use super::interrupt::Interrupt;
use crate::{
    cli,
    exit::{Failure, INTERRUPTED},
};

/// Listens, says where on stdout, and serves until Ctrl-C, SIGTERM or (if asked) the end of stdin.
pub(crate) fn run(options: &cli::Broker) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let ended = runtime.block_on(serve_until_told(options));
    // A second signal does not wait for anything.
    runtime.shutdown_background();
    ended
}

async fn serve_until_told(options: &cli::Broker) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
    // Each connection takes a file descriptor; the broker reads the limit when it starts.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
    let listener =
        Listener::bind(options.listen, Options::default()).map_err(|error| cannot_listen(options.listen, &error))?;
    let address = listener.address().clone();
    let mut config = Config::default();
    if let Some(workers) = options.workers {
        config.workers = workers.get().into();
    }
    let broker = Broker::start(vec![listener.into()], config).map_err(Failure::internal)?;
    let monitor = options.monitor.map(|address| monitor(address, &broker)).transpose()?;
    // The first line is for programs too: a launcher waits for it and reads the address.
    writeln!(io::stdout(), "listening on mqtt://{address}").map_err(Failure::internal)?;
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
    told.await;
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

fn monitor(address: SocketAddr, broker: &Broker) -> Result<Monitor, Failure> {
    let options = MonitorOptions { address, ..MonitorOptions::default() };
    Monitor::start(options, broker.handle()).map_err(|error| cannot_listen(address, &error))
}

/// Completes when nobody holds the other end of stdin any more.
async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
}

fn cannot_listen(address: impl fmt::Display, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program has the port: choose another with --listen, or port 0 for a free one"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    };
    Failure::usage(format!("cannot listen on {address}: {error}{hint}"))
}
