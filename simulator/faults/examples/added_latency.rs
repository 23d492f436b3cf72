//! What an empty proxy adds to a round trip: PINGREQ and PINGRESP over loopback, directly and through it.
//!
//! `cargo run --release -p faults --example added_latency`

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use faults::{Proxy, Rules};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ROUNDS: usize = 20_000;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "its output")]
async fn main() -> io::Result<()> {
    let broker = TcpListener::bind("127.0.0.1:0").await?;
    let address = broker.local_addr()?;
    // The answering side has a thread of its own, as a broker has; the proxy shares the asking side's, as in a run.
    let broker = broker.into_std()?;
    std::thread::spawn(move || -> io::Result<()> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(answer(broker))
    });
    let proxy = Proxy::start(address, Rules::none(), 1).await?;
    for _ in 0..3 {
        let direct = round_trips(address).await?;
        let proxied = round_trips(proxy.address()).await?;
        let at = |times: &[Duration], share: usize| times[ROUNDS * share / 100];
        println!(
            "median: direct {:.1?}, proxied {:.1?}, added {:.1?}; p99: direct {:.1?}, proxied {:.1?}",
            at(&direct, 50),
            at(&proxied, 50),
            at(&proxied, 50).saturating_sub(at(&direct, 50)),
            at(&direct, 99),
            at(&proxied, 99),
        );
    }
    Ok(())
}

/// The times of many round trips, sorted.
async fn round_trips(address: SocketAddr) -> io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        stream.write_all(&[0xc0, 0]).await?;
        stream.read_exact(&mut [0; 2]).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

async fn answer(broker: std::net::TcpListener) -> io::Result<()> {
    let broker = TcpListener::from_std(broker)?;
    loop {
        let (mut stream, _) = broker.accept().await?;
        stream.set_nodelay(true)?;
        let mut asked = [0; 2];
        while stream.read_exact(&mut asked).await.is_ok() {
            stream.write_all(&[0xd0, 0]).await?;
        }
    }
}
