//! `paddock broker`: the reference broker in the foreground.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use reference_broker::{Config, serve};
use tokio::io::AsyncReadExt;
use transport::{Listener, Options};

use super::interrupt::Interrupt;
use crate::{cli::Broker, exit::Failure};

/// Listens, says where on stdout, and serves until Ctrl-C, SIGTERM or (if asked) the end of stdin.
pub(crate) fn run(options: &Broker) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(serve_until_told(options))
}

async fn serve_until_told(options: &Broker) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
    // Each connection takes a file descriptor; the broker reads the limit when it starts.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!("the limit of open files stays as it is: {error}");
    }
    let listener =
        Listener::bind(options.listen, Options::default()).map_err(|error| cannot_listen(options, &error))?;
    let address = listener.address().clone();
    let mut config = Config::default();
    if let Some(workers) = options.workers {
        config.workers = workers.get().into();
    }
    // The first line is for programs too: a launcher waits for it and reads the address.
    writeln!(io::stdout(), "listening on mqtt://{address}").map_err(Failure::internal)?;
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
    serve(vec![listener.into()], config, told).await.map_err(Failure::internal)?;
    Ok(ExitCode::SUCCESS)
}

/// Completes when nobody holds the other end of stdin any more.
async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 64];
    while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
}

fn cannot_listen(options: &Broker, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program has the port: choose another with --listen, or port 0 for a free one"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        _ => "",
    };
    Failure::usage(format!("cannot listen on {}: {error}{hint}", options.listen))
}
