//! What gives a [`Worker`] a thread, sockets, a clock and mailboxes. It decides nothing about MQTT.
//!
//! One turn of a worker: take mail, read from every connection that is ready, act on deadlines, encode what connections
//! have to send, post mail, write once per connection.

mod accept;
mod answers;
mod hub;
mod mailbox;
mod sockets;

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Instant,
};

pub(crate) use hub::Hub;
use protocol::Time;
use tokio::{
    runtime::Builder,
    task::unconstrained,
    time::{Sleep, sleep_until},
};
use transport::{Acceptor, Pump};

use self::{answers::Answers, sockets::Sockets};
use crate::{
    Bind,
    mail::Mail,
    routing::WorkerId,
    worker::{ConnectionId, Worker},
};

/// How many steps of handshakes the runtime takes before it looks at the worker and the sockets again.
const HANDSHAKES_AT_ONCE: u32 = 4;

/// How one worker ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// Whether every connection was told and flushed in time.
    pub(crate) graceful: bool,
    /// Connections that were cut off.
    pub(crate) connections: usize,
    /// Messages that its sessions had not sent.
    pub(crate) queued: usize,
    /// Messages that its sessions had sent and nobody had acknowledged.
    pub(crate) unacknowledged: usize,
}

/// One worker at work.
struct Driver {
    worker: Worker,
    id: WorkerId,
    hub: Arc<Hub>,
    pump: Pump,
    /// What this worker accepts on, each with the number of its listener.
    acceptors: Vec<(usize, Acceptor)>,
    sockets: Sockets,
    answers: Answers,
    mail: Vec<Mail>,
    dirty: Vec<ConnectionId>,
    /// Connections whose socket is behind: asked again each turn.
    behind: Vec<ConnectionId>,
    timer: Pin<Box<Sleep>>,
    timer_set_to: Option<Time>,
    /// When to accept again after it failed.
    accept_again: Option<Time>,
    /// How often the configuration was revised.
    revision: usize,
    /// How often clients were sent to another server.
    redirections: usize,
    /// When to stop whatever is left to flush.
    deadline: Option<Instant>,
}

/// Runs one worker on a thread of its own until the hub says stop and everything is flushed, or time is up.
pub(crate) fn spawn(id: WorkerId, hub: Arc<Hub>, binds: &[Bind]) -> io::Result<thread::JoinHandle<Ended>> {
    // Handshakes cost up to a millisecond at a time: connections that speak already wait for a few of them at most.
    let runtime = Builder::new_current_thread().enable_all().event_interval(HANDSHAKES_AT_ONCE).build()?;
    let acceptors = {
        let _entered = runtime.enter();
        let mine = |bind: &Bind| bind.acceptors.is_none_or(|acceptors| id.index() < acceptors.max(1));
        let start = |(door, bind): (usize, &Bind)| Ok((door, bind.listener.try_clone()?.start()?));
        binds.iter().enumerate().filter(|(_, bind)| mine(bind)).map(start).collect::<io::Result<_>>()?
    };
    thread::Builder::new().name(format!("broker-{}", id.0)).spawn(move || {
        runtime.block_on(async move {
            let mut driver = Driver {
                worker: Worker::new(id, hub.shared.clone()),
                id,
                hub,
                pump: Pump::new(),
                acceptors,
                sockets: Sockets::default(),
                answers: Answers::default(),
                mail: Vec::new(),
                dirty: Vec::new(),
                behind: Vec::new(),
                timer: Box::pin(sleep_until(tokio::time::Instant::now())),
                timer_set_to: None,
                accept_again: None,
                revision: 0,
                redirections: 0,
                deadline: None,
            };
            driver.hub.worker_runs();
            // A turn bounds itself; tokio's budget would cut it short in the middle of the reads.
            unconstrained(poll_fn(|cx| driver.turn(cx))).await
        })
    })
}

impl Driver {
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let now = self.hub.now();
        self.take_mail(cx, now);
        if self.hub.is_stopping() && self.deadline.is_none() {
            self.acceptors.clear();
            self.worker.drain(now);
            self.deadline = Some(Instant::now() + self.hub.shutdown_within());
        }
        // A worker that says no last word must not keep the others from telling their clients.
        if self.worker.is_draining() && self.drain_until().is_some_and(|until| Instant::now() >= until) {
            self.worker.shut_down(now);
        }
        let revision = self.hub.revision();
        if self.revision != revision {
            self.revision = revision;
            self.worker.adopt(self.hub.current());
        }
        let redirections = self.hub.redirections();
        if self.redirections != redirections {
            self.redirections = redirections;
            self.worker.send_away(now);
        }
        // Whoever cannot get rid of its mail takes in nothing that would make more.
        let congested = self.hub.is_congested(&mut self.worker, self.id);
        if !congested && !self.worker.is_draining() {
            self.worker.resume(now);
            self.read(cx, now);
            self.accept(cx, now);
            self.worker.handle_timeout(now);
            self.worker.adopt_policy(now);
            self.answers.turn(cx, now, &mut self.worker);
        }
        self.encode(now);
        let posted = self.hub.post(cx, &mut self.worker, self.id);
        self.pump.flush(cx);
        self.worker.note_unsent(self.pump.unsent_in_all());
        if !congested && !posted {
            self.hub.shared.tallies[self.id.index()].mail_held_up.increment();
        }
        if self.worker.has_dirty() || (posted && (congested || self.worker.has_stalled())) {
            cx.waker().wake_by_ref();
        }
        self.set_timer(cx, posted);
        match self.deadline {
            Some(_) if self.pump.is_empty() && posted && !self.worker.is_draining() => Poll::Ready(self.ended(true)),
            Some(deadline) if Instant::now() >= deadline => Poll::Ready(self.ended(false)),
            _ => Poll::Pending,
        }
    }

    /// When to wait no longer for the other workers: half of the time is for the clients.
    fn drain_until(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline - self.hub.shutdown_within() / 2)
    }

    fn ended(&self, graceful: bool) -> Ended {
        let scale = self.hub.shared.scale(self.id);
        Ended { graceful, connections: self.pump.len(), queued: scale.waiting(), unacknowledged: scale.in_flight() }
    }

    fn take_mail(&mut self, cx: &Context<'_>, now: Time) {
        self.hub.take(cx, self.id, &mut self.mail);
        for mail in self.mail.drain(..) {
            self.worker.mail(now, mail);
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Time) {
        while let Some(event) = self.pump.next(cx) {
            match event {
                transport::Event::Received(key, bytes) => {
                    if let Some(id) = self.sockets.id(key) {
                        // Not in the next turn but now: the rest of this one might read much more of it.
                        if !self.worker.received(now, id, bytes) && self.sockets.set_reading(id, false) {
                            self.pump.pause(key);
                        }
                    }
                }
                transport::Event::Closed(key, end) => {
                    if let Some((id, door)) = self.sockets.remove(key) {
                        if let Err(error) = &end
                            && error.kind() == io::ErrorKind::InvalidData
                        {
                            self.worker.carrier_violated(now, id, error);
                        }
                        self.worker.transport_closed(now, id);
                        self.hub.connection_closed(door);
                    }
                }
            }
            if self.worker.take_pressed() {
                // The pump wakes nobody for what it was not asked about.
                cx.waker().wake_by_ref();
                break;
            }
        }
    }

    /// Moves what connections have to send into the pump.
    fn encode(&mut self, now: Time) {
        self.worker.take_dirty(&mut self.dirty);
        self.dirty.append(&mut self.behind);
        for id in self.dirty.drain(..) {
            let Some(key) = self.sockets.key(id) else { continue };
            let unsent = self.pump.unsent(key);
            if unsent >= self.worker.outbound_bytes() {
                self.behind.push(id);
            }
            let Some(out) = self.pump.out(key) else { continue };
            match self.worker.transmit(now, id, unsent, out) {
                crate::worker::After::Open { reads } => {
                    if self.sockets.set_reading(id, reads) {
                        if reads { self.pump.resume(key) } else { self.pump.pause(key) }
                    }
                }
                crate::worker::After::Close => {
                    if let Some((_, door)) = self.sockets.remove(key) {
                        self.hub.connection_closed(door);
                    }
                    self.pump.close(key);
                }
            }
        }
    }

    /// Deadlines of the worker wait, as all that makes mail, until its mail has `posted`; whoever makes room wakes it. While
    /// it drains nobody acts on them, so they wake nobody.
    fn set_timer(&mut self, cx: &mut Context<'_>, posted: bool) {
        let stop = if self.worker.is_draining() { self.drain_until() } else { self.deadline };
        let stop = stop.map(|instant| self.hub.time(instant));
        let worker = self.worker.poll_timeout().filter(|_| posted && !self.worker.is_draining());
        let Some(due) = [worker, self.accept_again, stop].into_iter().flatten().min() else {
            return;
        };
        if self.timer_set_to != Some(due) {
            self.timer_set_to = Some(due);
            self.timer.as_mut().reset(self.hub.instant(due).into());
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            self.timer_set_to = None;
            cx.waker().wake_by_ref();
        }
    }
}
