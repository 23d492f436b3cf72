//! `paddock null-sink`, which `paddock capacity --ceiling` starts: hidden, for it serves nobody else.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use targets::{Command, Target};
use transport::{Listener, Options};

use super::super::{broker::end_of_stdin, interrupt::Interrupt, under_test::Broker};
use crate::{
    cli::{self, NullSink},
    exit::Failure,
};

/// Starts this program's own null sink.
pub(super) async fn launch() -> Result<Broker, Failure> {
    let arguments = ["null-sink", "--exit-with-parent"].map(OsString::from).to_vec();
    let command = Command { arguments, ..Command::new(env::current_exe().map_err(Failure::internal)?) };
    Broker::launch(Target::Child(command), "null sink, child process").await
}

/// How a null sink is reached: plainly.
pub(super) fn options() -> cli::Target {
    cli::Target::default()
}

/// Serves until Ctrl-C, SIGTERM or (if asked) the end of stdin.
pub(crate) fn run(options: &NullSink) -> Result<ExitCode, Failure> {
    if options.messages_per_second.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
        return Err(Failure::usage("--messages-per-second is above 0"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let ended = runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!("the limit of open files stays as it is: {error}");
        }
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Options::default());
        let listener = listener.map_err(Failure::internal)?;
        writeln!(io::stdout(), "listening on {}", listener.url()).map_err(Failure::internal)?;
        tokio::select! {
            served = loadgen::sink::serve(listener, options.messages_per_second) => served.map_err(Failure::internal)?,
            () = interrupt.received() => {}
            () = end_of_stdin(), if options.exit_with_parent => {}
        }
        Ok(ExitCode::SUCCESS)
    });
    // A read of stdin may still be under way.
    runtime.shutdown_background();
    ended
}
