//! The proxy: a thin shell of input and output around [`Link`](crate::Link).

mod relay;
mod upstream;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use wire::Direction;

use crate::{Deed, Entry, Link, Manner, Rules, Shared, Time};
use relay::Relay;
use upstream::Stream;
pub use upstream::Upstream;

/// A listener on a loopback port that passes each connection on to a broker and lets rules at it. Ends, with its connections,
/// when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Shared,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port. Everything random follows from `seed` and the order in which connections come.
    ///
    /// Runs on the present tokio runtime, which needs time and input/output. Times of rules are kept to about a millisecond.
    ///
    /// # Errors
    ///
    /// No port can be listened on. A broker that cannot be reached is no error here: clients then are reset, and the log says why.
    pub async fn start(upstream: impl Into<Upstream>, rules: impl Into<Rules>, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let keeper = Keeper {
            upstream: upstream.into(),
            rules: rules.into(),
            seed,
            shared: shared.clone(),
            began: Instant::now(),
        };
        Ok(Self { address, shared, listening: tokio::spawn(Arc::new(keeper).listen(listener)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the rules did, in the order of happening; the first 4096 since it was last [taken](Self::take_log).
    #[must_use]
    pub fn log(&self) -> Vec<Entry> {
        self.shared.log()
    }

    /// As [`log`](Self::log), and forgets it. Also how many entries more there were.
    pub fn take_log(&self) -> (Vec<Entry>, u64) {
        self.shared.book().take()
    }

    /// What the connections share: state of the rules, who is there, ways to inject and to sever from outside.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Severs all connections; how many.
    pub fn sever_all(&self, manner: Manner) -> usize {
        let present = self.shared.connections();
        present.iter().filter(|connection| self.shared.sever(connection.number(), manner)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What every connection needs.
#[derive(Debug)]
struct Keeper {
    upstream: Upstream,
    rules: Rules,
    seed: u64,
    shared: Shared,
    began: Instant,
}

impl Keeper {
    async fn listen(self: Arc<Self>, listener: TcpListener) {
        // Dropped with this task, and the connections with it.
        let mut connections = JoinSet::new();
        for number in 1.. {
            let client = loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((client, _)) => break client,
                        // The connection was given up before it was accepted, or there are too many open files: go on either way.
                        Err(_) => tokio::task::yield_now().await,
                    },
                    Some(_ended) = connections.join_next() => {}
                }
            };
            connections.spawn(Arc::clone(&self).serve(number, client));
        }
    }

    async fn serve(self: Arc<Self>, number: u64, client: TcpStream) {
        // Each write is to leave as it is: packets that are sent apart arrive apart.
        let _unlikely = client.set_nodelay(true);
        let client = Stream::Tcp(client);
        match self.upstream.dial().await {
            Ok(server) => {
                let link = Link::new(number, self.seed, &self.rules, &self.shared, self.now());
                Relay::new(link, self.began, client, server).run(&self.shared).await;
            }
            Err(error) => {
                self.shared.book().add(|| Entry {
                    at: self.now(),
                    connection: number,
                    client: String::new(),
                    rule: String::new(),
                    deed: Deed::Unreached(error.to_string()),
                    direction: Direction::FromClient,
                    frame: String::new(),
                });
                client.reset();
            }
        }
    }

    fn now(&self) -> Time {
        Time::at(self.began.elapsed())
    }
}
