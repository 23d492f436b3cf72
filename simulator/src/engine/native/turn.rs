//! One turn: input and output until something happened that ends it.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use protocol::Time;
use transport::{DialOptions, Event as PumpEvent};

use super::Native;
use crate::ClientEvent;

/// So many events of traffic end a turn that lingers.
const GATHERED: usize = 256;

/// What ends a turn before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    WithAnyEvent,
    /// With an event that is no traffic, or much traffic.
    WithNews,
}

impl Native {
    pub(super) async fn turn_till(&mut self, until: Time, ends: Ends) {
        let mut waited = false;
        poll_fn(|cx| {
            let turn = self.poll_turn(cx, until, ends);
            waited |= turn.is_pending();
            turn
        })
        .await;
        // The runtime learns of ready sockets only while this task is pending. A turn that merely had something to tell
        // may leave that to the next one, which most often waits anyway; so it goes while the owner keeps up.
        if waited {
            self.hurried = false;
        } else if self.hurried || self.clock.now() >= until {
            self.hurried = false;
            tokio::task::yield_now().await;
        } else {
            self.hurried = true;
        }
    }

    /// Whether events wait that end a turn.
    fn has_news(&mut self, ends: Ends) -> bool {
        if ends == Ends::WithAnyEvent {
            return !self.events.is_empty();
        }
        let mut fresh = self.events.range(self.traffic..);
        if fresh.all(|(_, event)| event.is_traffic()) {
            self.traffic = self.events.len();
        }
        self.traffic < self.events.len() || self.traffic >= GATHERED
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>, until: Time, ends: Ends) -> Poll<()> {
        loop {
            self.turned = self.clock.now();
            // Commands given since the last turn leave before anything is read.
            if !self.changed.is_empty() || self.pump.has_output() {
                self.write(cx);
            }
            if !self.dialing.is_idle() {
                self.dial(cx);
            }
            while let Some(event) = self.pump.next(cx) {
                match event {
                    PumpEvent::Received(connection, bytes) => self.received(connection, bytes),
                    PumpEvent::Closed(connection, cause) => self.transport_ended(connection, cause),
                }
            }
            self.fire_timers();
            self.write(cx);
            if self.has_news(ends) {
                return Poll::Ready(());
            }
            if !self.dialing.is_blocked() {
                continue;
            }
            let wake = self.timers.next().map_or(until, |timer| timer.min(until));
            if self.alarm.poll_until(cx, self.clock.instant(wake)).is_pending() {
                return Poll::Pending;
            }
            if wake == until {
                return Poll::Ready(());
            }
        }
    }

    /// Starts attempts whose turn has come, and takes the outcome of those that ended.
    fn dial(&mut self, cx: &mut Context<'_>) {
        let clients = &self.clients;
        self.dialing.start(|(key, attempt)| {
            let client = clients.find(key).filter(|client| client.attempt == attempt)?;
            let options = &client.options;
            let dial = DialOptions {
                tls: options.tls.clone(),
                connect_timeout: options.connect_timeout,
                source: options.source,
            };
            Some((options.endpoint.clone(), dial))
        });
        while let Poll::Ready(Some(((key, attempt), outcome))) = self.dialing.poll_next(cx) {
            let Some(client) = self.clients.find_mut(key).filter(|client| client.attempt == attempt) else {
                // Given up meanwhile: a stream is dropped, its turn goes on.
                self.dialing.release();
                continue;
            };
            match outcome {
                Ok(stream) => self.open(key, stream),
                Err(failure) => {
                    client.go_offline();
                    self.dialing.release();
                    self.report(key, ClientEvent::ConnectFailed(failure));
                }
            }
        }
    }
}
