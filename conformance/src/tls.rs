//! [`Mutant`](crate::Mutant)s in TLS: a listener in front of a correct broker that is wrong in one way.

use std::{
    future::poll_fn,
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use transport::{
    Acceptor, ClientTls, DialOptions, Endpoint, Listener, Options, Scheme, ServerTls, ServerTlsOptions, Stream,
    TlsVersions, certificates::Flaw, dial,
};

use crate::certificates::Certificates;

/// What is wrong with a TLS listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsLie {
    /// Its certificate.
    Certificate(Flaw),
    /// It speaks these versions only.
    Versions(TlsVersions),
    /// It loses what a client says first.
    LosesTheFirst,
    /// It takes the end of TLS for DISCONNECT.
    TakesEndForDisconnect,
    /// It closes without close_notify.
    EndsAbruptly,
    /// It is none: to whoever says something it says these bytes, and then waits.
    Says(&'static [u8]),
}

/// A listener on a loopback port whose connections go on to the broker. Ends, with its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    address: SocketAddr,
    trusted: ClientTls,
    listening: JoinHandle<()>,
    _folder: TempDir,
}

impl Front {
    /// Listens for the broker at `broker`, whose certificate `trusted` takes.
    ///
    /// # Errors
    ///
    /// No port can be listened on, or no certificate made.
    pub(crate) async fn start(broker: Endpoint, trusted: Option<ClientTls>, lie: TlsLie) -> io::Result<Self> {
        // What is above TLS goes through as it is.
        let broker = Endpoint { scheme: Scheme::Mqtts, ..broker };
        let folder = TempDir::with_prefix("paddock-conformance-tls-")?;
        let certificates = Certificates::new(folder.path())?;
        let flaw = match lie {
            TlsLie::Certificate(flaw) => Some(flaw),
            _ => None,
        };
        let stored = certificates.server(flaw)?;
        let (address, listening) = if let TlsLie::Says(bytes) = lie {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            (listener.local_addr()?, tokio::spawn(say(listener, bytes)))
        } else {
            let mut options = ServerTlsOptions::new(stored.certificate, stored.key);
            if let TlsLie::Versions(versions) = lie {
                options.versions = versions;
            }
            let tls = ServerTls::load(options).map_err(io::Error::other)?;
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listener = Listener::bind(any, Options { tls: Some(tls), ..Options::default() })?;
            let address = listener.address().to_string().parse().map_err(io::Error::other)?;
            let to = To { broker, options: DialOptions { tls: trusted, ..DialOptions::default() }, lie };
            (address, tokio::spawn(listen(listener.start()?, to)))
        };
        Ok(Self { address, trusted: certificates.trusted()?, listening, _folder: folder })
    }

    /// Where it listens: `broker`, but here.
    pub(crate) fn endpoint(&self, broker: &Endpoint) -> Endpoint {
        Endpoint { host: self.address.ip().to_string(), port: self.address.port(), ..broker.clone() }
    }

    /// How to trust it, as far as that is possible.
    pub(crate) fn trusted(&self) -> ClientTls {
        self.trusted.clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Where connections go on to.
#[derive(Clone, Debug)]
struct To {
    broker: Endpoint,
    options: DialOptions,
    lie: TlsLie,
}

async fn listen(mut acceptor: Acceptor, to: To) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        // One that fails in the handshake concerns only its client.
        if let Ok((client, _)) = poll_fn(|cx| acceptor.poll_accept(cx)).await {
            connections.spawn(to.clone().carry(client));
        }
    }
}

impl To {
    async fn carry(self, client: Stream) -> io::Result<()> {
        let broker = dial(&self.broker, &self.options).await.map_err(io::Error::other)?;
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_broker, mut to_broker) = tokio::io::split(broker);
        let up = async {
            if self.lie == TlsLie::LosesTheFirst {
                let _lost = from_client.read(&mut [0; 4096]).await?;
            }
            // However it ends: an end without close_notify is one.
            let _end = tokio::io::copy(&mut from_client, &mut to_broker).await;
            if self.lie == TlsLie::TakesEndForDisconnect {
                to_broker.write_all(&[0xe0, 0x00]).await?;
            }
            to_broker.shutdown().await
        };
        let down = async {
            tokio::io::copy(&mut from_broker, &mut to_client).await?;
            match self.lie {
                // Dropped as it is, with the socket below.
                TlsLie::EndsAbruptly => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => to_client.shutdown().await,
            }
        };
        tokio::try_join!(up, down).map(|_| ())
    }
}

async fn say(listener: TcpListener, bytes: &'static [u8]) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(say_to(client, bytes));
    }
}

async fn say_to(mut client: TcpStream, bytes: &'static [u8]) -> io::Result<()> {
    let _any = client.read(&mut [0; 4096]).await?;
    client.write_all(bytes).await?;
    while client.read(&mut [0; 4096]).await? > 0 {}
    Ok(())
}
