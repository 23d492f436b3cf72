//! The `paddock` command: parse, run, exit.

mod cli;
mod command;
mod exit;
mod log;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let _flush = log::start(cli.verbose, cli.log_format);
    command::run(cli.verb).unwrap_or_else(exit::Failure::report)
}
