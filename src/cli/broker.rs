//! `paddock broker`.

use std::{net::SocketAddr, num::NonZeroU16, path::PathBuf};

use clap::{Args, Subcommand, ValueHint};
use transport::Address;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Broker {
    #[command(subcommand)]
    pub(crate) verb: Option<BrokerVerb>,
    #[command(flatten)]
    pub(crate) start: Start,
}

/// How to start it.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The configuration, TOML (see `paddock broker example`).
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["listen", "monitor", "workers"])]
    pub(crate) config: Option<PathBuf>,
    /// Without a configuration: where to listen for MQTT, over TCP or as unix:/path/of/the.sock; port 0 picks a free one,
    /// which is printed.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:1883", value_parser = address)]
    pub(crate) listen: Address,
    /// Without a configuration: let everybody in who can reach an address that is not of this machine alone.
    #[arg(long, conflicts_with = "config")]
    pub(crate) allow_anonymous: bool,
    /// Without a configuration: serve metrics (/metrics) and health (/health/live, /health/ready) over HTTP there. Whoever
    /// reaches it may read them.
    #[arg(long, value_name = "ADDR:PORT", value_parser = socket_address)]
    pub(crate) monitor: Option<SocketAddr>,
    /// Without a configuration: worker threads. [default: half the cores, at least 1]
    #[arg(long)]
    pub(crate) workers: Option<NonZeroU16>,
    /// End when stdin ends: for programs that start a broker and must not leave it behind.
    #[arg(long, hide = true)]
    pub(crate) exit_with_parent: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BrokerVerb {
    /// Check a configuration and say everything that is wrong with it (exit code 2). Nothing is started.
    Check {
        /// The configuration.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Print what would be in effect, with the defaults and what the environment adds; secrets are redacted.
        #[arg(long)]
        show: bool,
    },
    /// Print a configuration that explains every setting and shows its default, to start one's own from.
    Example,
    /// Print the JSON schema of the configuration, for editors.
    Schema,
    /// Read a password, from the terminal or the first line of stdin, and print its hash for the configuration: an argon2id
    /// hash for access.users.password_hash.
    HashPassword {
        /// Print a credential of SCRAM-SHA-256 instead, for access.users.scram_password_hash.
        #[arg(long)]
        scram: bool,
    },
}

fn address(text: &str) -> Result<Address, String> {
    if text.starts_with("unix:") {
        text.parse().map_err(|_| ADDRESS.into())
    } else {
        socket_address(text).map(Address::Tcp)
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let by_name = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    by_name.as_deref().unwrap_or(text).parse().map_err(|_| ADDRESS.into())
}

const ADDRESS: &str = "an IP address and a port are wanted, such as 127.0.0.1:1883, 0.0.0.0:1883 or [::1]:1883";
