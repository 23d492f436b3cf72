//! A relay between a case and a broker's WebSocket listener that lies to either of them.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{JoinHandle, JoinSet},
};
use transport::Endpoint;
use wire::Direction;

use super::{Frame, Frames, Head};

/// Something that passes a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The request of the client, or the answer of the server.
    Head(Head),
    /// A frame.
    Frame(Frame),
}

/// What becomes of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on as it is now.
    Pass,
    /// It does not.
    Drop,
    /// The connection ends on both sides, at once.
    Sever,
}

/// Looks at each piece, with the direction that it goes, may change it, and says what becomes of it.
pub type Lie = fn(Direction, &mut Piece) -> Fate;

/// A listener on a loopback port whose connections go on to the broker, as far as the lie lets them. Ends, with its
/// connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Relay {
    /// Listens for a broker that speaks WebSocket over TCP at `broker`.
    ///
    /// # Errors
    ///
    /// No port can be listened on.
    pub(crate) async fn start(broker: Endpoint, lie: Lie) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, listening: tokio::spawn(listen(listener, broker.into(), lie)) })
    }

    /// Where it listens: `broker`, but here.
    pub(crate) fn endpoint(&self, broker: &Endpoint) -> Endpoint {
        Endpoint { host: self.address.ip().to_string(), port: self.address.port(), ..broker.clone() }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, broker: Arc<Endpoint>, lie: Lie) {
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(relay(client, Arc::clone(&broker), lie));
                }
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// One connection. A side that ends ends the other direction's writer; a severed one ends both.
async fn relay(client: TcpStream, broker: Arc<Endpoint>, lie: Lie) -> io::Result<()> {
    let server = TcpStream::connect((broker.host.as_str(), broker.port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        carry(Direction::FromClient, from_client, to_server, lie),
        carry(Direction::FromServer, from_server, to_client, lie)
    )?;
    Ok(())
}

/// One direction of it.
///
/// # Errors
///
/// When a side is gone, or the lie severs.
async fn carry(from: Direction, mut reader: OwnedReadHalf, mut writer: OwnedWriteHalf, lie: Lie) -> io::Result<()> {
    let mut early = Vec::new();
    let head = loop {
        if reader.read_buf(&mut early).await? == 0 {
            writer.write_all(&early).await?;
            return writer.shutdown().await;
        }
        if let Some(head) = Head::take(&mut early).map_err(io::Error::other)? {
            break head;
        }
    };
    let opened = from == Direction::FromClient || head.status() == 101;
    put(from, Piece::Head(head), &mut writer, lie).await?;
    if !opened {
        writer.write_all(&early).await?;
        tokio::io::copy(&mut reader, &mut writer).await?;
        return writer.shutdown().await;
    }
    let mut frames = Frames::default();
    frames.push(&early);
    loop {
        while let Some(frame) = frames.take().map_err(|uncut| io::Error::other(uncut.0))? {
            put(from, Piece::Frame(frame), &mut writer, lie).await?;
        }
        early.clear();
        if reader.read_buf(&mut early).await? == 0 {
            return writer.shutdown().await;
        }
        frames.push(&early);
    }
}

async fn put(from: Direction, mut piece: Piece, writer: &mut OwnedWriteHalf, lie: Lie) -> io::Result<()> {
    match (lie(from, &mut piece), piece) {
        (Fate::Pass, Piece::Head(head)) => writer.write_all(&head.encode()).await,
        (Fate::Pass, Piece::Frame(frame)) => writer.write_all(&frame.encode()).await,
        (Fate::Drop, _) => Ok(()),
        (Fate::Sever, _) => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}
