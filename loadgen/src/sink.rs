//! A null sink: what stands in for a broker when the generator's own ceiling is measured.
//!
//! It does as little as can be done while the same messages flow: it answers CONNECT, SUBSCRIBE, UNSUBSCRIBE, PUBLISH and
//! PINGREQ and hands each message to its subscribers by a table. It keeps no session and no retained message, sends nothing
//! again, and checks nothing: it is no broker. One thread, both versions, TCP.
//!
//! * [`serve`]: accepts and answers until it is dropped.
//! * `frames`: the few packets that it reads and writes.
//! * `routes`: who gets a topic; looked up once for each.

mod frames;
mod routes;

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};
use transport::{Acceptor, Event, Key, Listener, Pump};

use frames::Frame;
use routes::{Reader, Routes};

/// Bytes that receivers may leave unread, over all connections, before publishers wait.
const UNREAD: usize = 64 << 20;
/// A packet longer than this ends its connection.
const LONGEST: usize = 4 << 20;
/// How long accepting pauses after it failed: file descriptors may come free.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Accepts on `listener` and serves until it is dropped. With `limit` it takes only so many PUBLISH packets per second, evenly,
/// and leaves the rest unread: then it is a broker whose capacity is known.
///
/// Needs a current-thread tokio runtime with time and input/output.
///
/// # Errors
///
/// What the operating system says when it begins.
pub async fn serve(listener: Listener, limit: Option<f64>) -> io::Result<()> {
    let mut sink = Sink {
        acceptor: listener.start()?,
        pump: Pump::new(),
        peers: Vec::new(),
        routes: Routes::default(),
        paused: Vec::new(),
        pace: limit.map(Pace::new),
        accept_again: None,
    };
    unconstrained(poll_fn(|cx| sink.turn(cx))).await;
    Ok(())
}

struct Sink {
    acceptor: Acceptor,
    pump: Pump,
    /// By [`Key::index`].
    peers: Vec<Option<Peer>>,
    routes: Routes,
    /// Publishers that wait until receivers have read.
    paused: Vec<Key>,
    pace: Option<Pace>,
    accept_again: Option<Pin<Box<Sleep>>>,
}

struct Peer {
    key: Key,
    /// The beginning of a packet whose rest has not come.
    begun: Vec<u8>,
    v5: bool,
    last_id: u16,
}

impl Sink {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.as_mut().is_some_and(|pace| pace.poll_ready(cx).is_pending()) {
            return Poll::Pending;
        }
        self.accept(cx);
        while self.pace.as_ref().is_none_or(Pace::has_some) {
            match self.pump.next(cx) {
                None => break,
                Some(Event::Received(key, bytes)) => self.receive(key, bytes),
                Some(Event::Closed(key, _)) => self.forget(key),
            }
        }
        self.pump.flush(cx);
        if self.pump.unsent_in_all() < UNREAD / 2 {
            for key in self.paused.drain(..) {
                self.pump.resume(key);
            }
        }
        if self.pace.as_mut().is_some_and(|pace| pace.poll_ready(cx).is_ready() && pace.has_waited()) {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn accept(&mut self, cx: &mut Context<'_>) {
        if let Some(again) = &mut self.accept_again {
            if again.as_mut().poll(cx).is_pending() {
                return;
            }
            self.accept_again = None;
        }
        while let Poll::Ready(accepted) = self.acceptor.poll_accept(cx) {
            match accepted {
                Ok((stream, _)) => {
                    let key = self.pump.insert(stream);
                    if self.peers.len() <= key.index() {
                        self.peers.resize_with(key.index() + 1, || None);
                    }
                    self.peers[key.index()] = Some(Peer { key, begun: Vec::new(), v5: false, last_id: 0 });
                }
                Err(_) => {
                    let mut again = Box::pin(sleep_until(Instant::now() + ACCEPT_AGAIN));
                    if again.as_mut().poll(cx).is_pending() {
                        self.accept_again = Some(again);
                        return;
                    }
                }
            }
        }
    }

    fn receive(&mut self, key: Key, bytes: Bytes) {
        let Some(Some(peer)) = self.peers.get_mut(key.index()) else { return };
        let begun = std::mem::take(&mut peer.begun);
        let whole = if begun.is_empty() { bytes } else { [begun, bytes.to_vec()].concat().into() };
        let mut rest = &whole[..];
        loop {
            match frames::split(rest, LONGEST) {
                Ok(Some((frame, after))) => {
                    rest = after;
                    if !self.answer(key, frame) {
                        return self.end(key);
                    }
                }
                Ok(None) => break,
                Err(frames::Broken) => return self.end(key),
            }
        }
        if let Some(Some(peer)) = self.peers.get_mut(key.index()) {
            peer.begun = rest.to_vec();
        }
    }

    /// Whether the connection goes on.
    fn answer(&mut self, key: Key, frame: Frame<'_>) -> bool {
        let Some(Some(peer)) = self.peers.get_mut(key.index()) else { return false };
        let Some(out) = self.pump.out(key) else { return false };
        match frame {
            Frame::Connect { v5 } => {
                peer.v5 = v5;
                out.extend_from_slice(if v5 { &[0x20, 3, 0, 0, 0] } else { &[0x20, 2, 0, 0] });
            }
            Frame::Subscribe { id, body } => {
                let Some(asked) = frames::filters(body, peer.v5, true) else { return false };
                let granted: Vec<u8> = asked.iter().map(|(_, options)| options & 3).collect();
                frames::acknowledge(out, 0x90, id, peer.v5, &granted);
                let reader = Reader { key, v5: peer.v5 };
                asked.iter().for_each(|(filter, options)| self.routes.subscribe(reader, filter, options & 3));
            }
            Frame::Unsubscribe { id, body } => {
                let Some(gone) = frames::filters(body, peer.v5, false) else { return false };
                let reasons = if peer.v5 { vec![0; gone.len()] } else { Vec::new() };
                frames::acknowledge(out, 0xB0, id, peer.v5, &reasons);
                gone.iter().for_each(|(filter, _)| self.routes.unsubscribe(key, filter));
            }
            Frame::Publish { qos, topic, id, rest } => {
                let (v5, id) = (peer.v5, id.to_be_bytes());
                match qos {
                    0 => {}
                    1 => out.extend_from_slice(&[0x40, 2, id[0], id[1]]),
                    _ => out.extend_from_slice(&[0x50, 2, id[0], id[1]]),
                }
                if let Some(pace) = &mut self.pace {
                    pace.take();
                }
                self.forward(v5, qos, topic, rest);
                if self.pump.unsent_in_all() > UNREAD {
                    self.pump.pause(key);
                    self.paused.push(key);
                }
            }
            Frame::PubRec(id) => out.extend_from_slice(&[0x62, 2, id[0], id[1]]),
            Frame::PubRel(id) => out.extend_from_slice(&[0x70, 2, id[0], id[1]]),
            Frame::PingReq => out.extend_from_slice(&[0xD0, 0]),
            Frame::Acknowledged => {}
            Frame::Disconnect => return false,
        }
        true
    }

    fn forward(&mut self, from_v5: bool, qos: u8, topic: &[u8], rest: &[u8]) {
        let Some(body) = frames::Body::of(from_v5, topic, rest) else { return };
        for route in self.routes.of(topic) {
            let Some(Some(peer)) = self.peers.get_mut(route.reader.key.index()) else { continue };
            let Some(out) = self.pump.out(route.reader.key) else { continue };
            let qos = qos.min(route.qos);
            if qos > 0 {
                peer.last_id = peer.last_id.checked_add(1).unwrap_or(1);
            }
            body.write(out, qos, peer.last_id, route.reader.v5);
        }
    }

    fn end(&mut self, key: Key) {
        self.pump.close(key);
        self.forget(key);
    }

    fn forget(&mut self, key: Key) {
        if let Some(slot) = self.peers.get_mut(key.index())
            && slot.as_ref().is_some_and(|peer| peer.key == key)
        {
            *slot = None;
        }
        self.paused.retain(|paused| *paused != key);
        self.routes.forget(key);
    }
}

/// So many per second, evenly: a bucket that holds what a fiftieth of a second brings.
struct Pace {
    per_second: f64,
    left: f64,
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new(per_second: f64) -> Self {
        Self { per_second, left: 1.0, since: Instant::now(), timer: None }
    }

    fn has_some(&self) -> bool {
        self.left > 0.0
    }

    fn has_waited(&self) -> bool {
        self.timer.is_some()
    }

    fn take(&mut self) {
        self.left -= 1.0;
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        let gained = now.duration_since(self.since).as_secs_f64() * self.per_second;
        self.left = (self.left + gained).min((self.per_second / 50.0).max(1.0));
        self.since = now;
        if self.has_some() {
            self.timer = None;
            return Poll::Ready(());
        }
        let wait = Duration::from_secs_f64((1e-3 - self.left) / self.per_second);
        let mut timer = Box::pin(sleep_until(now + wait));
        let waiting = timer.as_mut().poll(cx);
        self.timer = Some(timer);
        waiting
    }
}
