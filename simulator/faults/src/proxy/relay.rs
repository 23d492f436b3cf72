//! One connection's bytes, moved as its [`Link`] says.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use tokio::{
    sync::Notify,
    time::{Sleep, sleep_until},
};
use wire::Direction::{self, FromClient, FromServer};

use super::upstream::Stream;
use crate::{Link, Manner, Output, Shared, Time};

/// What one read takes at most.
const CHUNK: usize = 16 * 1024;
/// What is still read and thrown away of a side that was closed in order: unread bytes would turn the FIN into an RST.
const DREGS: usize = 1024 * 1024;

pub(super) struct Relay {
    link: Link,
    began: Instant,
    client: Side,
    server: Side,
    chunk: Box<[u8]>,
}

/// One side's stream, and what is being written to it.
struct Side {
    /// Gone once it was reset or broke.
    stream: Option<Stream>,
    out: Vec<u8>,
    written: usize,
    finishing: bool,
}

impl Relay {
    pub(super) fn new(link: Link, began: Instant, client: Stream, server: Stream) -> Self {
        let side = |stream| Side { stream: Some(stream), out: Vec::new(), written: 0, finishing: false };
        Self { link, began, client: side(client), server: side(server), chunk: vec![0; CHUNK].into() }
    }

    /// Runs until nothing can happen any more.
    pub(super) async fn run(mut self, shared: &Shared) {
        let posted = Arc::new(Notify::new());
        let bell = Arc::clone(&posted);
        shared.on_post(self.link.connection().number(), move || bell.notify_one());
        let mut post = pin!(posted.notified());
        let mut timer = pin!(sleep_until(self.began.into()));
        poll_fn(|cx| {
            loop {
                let now = Time::at(self.began.elapsed());
                self.link.handle_timeout(now);
                let moved = self.write(cx, now, FromClient) | self.write(cx, now, FromServer);
                let moved = self.read(cx, now, FromClient) | self.read(cx, now, FromServer) | moved;
                if self.link.is_over() && self.all_is_written(cx) {
                    self.client.drain(cx, &mut self.chunk);
                    self.server.drain(cx, &mut self.chunk);
                    return Poll::Ready(());
                }
                if moved {
                    continue;
                }
                let timed = self.link.poll_timeout(now).is_some_and(|next| self.is_time(cx, timer.as_mut(), next));
                if post.as_mut().poll(cx).is_ready() {
                    post.set(posted.notified());
                } else if !timed {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    fn is_time(&self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>, next: Time) -> bool {
        let deadline = self.began + next.since_the_beginning();
        if timer.deadline() != deadline.into() {
            timer.as_mut().reset(deadline.into());
        }
        timer.poll(cx).is_ready()
    }

    /// Writes what is due to the receiver of this direction; whether anything moved.
    fn write(&mut self, cx: &mut Context<'_>, now: Time, direction: Direction) -> bool {
        let side = match direction {
            FromClient => &mut self.server,
            FromServer => &mut self.client,
        };
        let mut moved = false;
        loop {
            if side.written == side.out.len() {
                side.out.clear();
                side.written = 0;
                match self.link.poll_output(now, direction, &mut side.out) {
                    Some(Output::Bytes) => {}
                    Some(Output::Close(Manner::Finish)) => side.finishing = true,
                    Some(Output::Close(Manner::Reset)) => {
                        if let Some(stream) = side.stream.take() {
                            stream.reset();
                        }
                    }
                    None => break,
                }
                moved = true;
            }
            match side.poll_write(cx) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => {
                    self.link.closed(now, direction.reverse(), Manner::Reset);
                    moved = true;
                }
                Poll::Pending => break,
            }
        }
        if side.finishing && side.poll_finish(cx) {
            side.finishing = false;
        }
        moved
    }

    /// Reads once from the sender of this direction; whether anything came.
    fn read(&mut self, cx: &mut Context<'_>, now: Time, from: Direction) -> bool {
        let side = match from {
            FromClient => &mut self.client,
            FromServer => &mut self.server,
        };
        let Some(stream) = side.stream.as_mut().filter(|_| self.link.reads(now, from)) else { return false };
        match stream.poll_read(cx, &mut self.chunk) {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.link.closed(now, from, Manner::Finish),
            Poll::Ready(Ok(read)) => self.link.receive(now, from, &self.chunk[..read]),
            Poll::Ready(Err(_)) => {
                side.abandon();
                self.link.closed(now, from, Manner::Reset);
            }
        }
        true
    }

    fn all_is_written(&mut self, cx: &mut Context<'_>) -> bool {
        [&mut self.client, &mut self.server]
            .into_iter()
            .all(|side| side.written == side.out.len() && (!side.finishing || side.poll_finish(cx)))
    }
}

impl Side {
    /// Writes what it can; false when the stream broke. Without a stream everything counts as written.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.written < self.out.len() {
            let Some(stream) = &mut self.stream else {
                self.written = self.out.len();
                break;
            };
            match stream.poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(written @ 1..)) => self.written += written,
                Poll::Ready(_) => {
                    self.abandon();
                    return Poll::Ready(false);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(true)
    }

    /// Whether the end of writing has been told, or nobody is there to hear it.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> bool {
        self.stream.as_mut().is_none_or(|stream| stream.poll_shutdown(cx).is_ready())
    }

    fn abandon(&mut self) {
        self.stream = None;
        self.out.clear();
        self.written = 0;
    }

    fn drain(&mut self, cx: &mut Context<'_>, chunk: &mut [u8]) {
        let Some(stream) = &mut self.stream else { return };
        let mut dregs = 0;
        while let Poll::Ready(Ok(read @ 1..)) = stream.poll_read(cx, chunk) {
            dregs += read;
            if dregs > DREGS {
                break;
            }
        }
    }
}
