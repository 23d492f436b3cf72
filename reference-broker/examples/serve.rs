//! Serves MQTT for measurements: `serve [ADDRESS] [WORKERS]`.

use std::io;

use reference_broker::{Config, serve};
use transport::Listener;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:1883".into());
    let mut config = Config::default();
    if let Some(workers) = arguments.next().and_then(|workers| workers.parse().ok()) {
        config.workers = workers;
    }
    let listener = Listener::bind(address.parse().map_err(io::Error::other)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(serve(listener, config, std::future::pending())).map(|_| ())
}
