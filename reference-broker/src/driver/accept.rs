//! New connections of one worker.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use protocol::Time;
use transport::{AcceptError, HandshakeError};

use super::Driver;
use crate::{Origin, counters::Tally};

/// How many connections one turn accepts from each listener at most.
const ACCEPTS_PER_TURN: usize = 16;
/// How long a failed accept keeps quiet.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Driver {
    pub(super) fn accept(&mut self, cx: &mut Context<'_>, now: Time) {
        if self.accept_again.is_some_and(|at| now < at) {
            return;
        }
        self.accept_again = None;
        let tally = &self.hub.shared.tallies[self.id.index()];
        'listeners: for (door, acceptor) in &mut self.acceptors {
            for _ in 0..ACCEPTS_PER_TURN {
                let Poll::Ready(accepted) = acceptor.poll_accept(cx) else { continue 'listeners };
                match accepted {
                    Ok((stream, peer)) => {
                        let Some(entrance) = self.hub.connection_opened(*door) else {
                            tally.connections_refused.increment();
                            continue;
                        };
                        let id = self.worker.opened(now, Origin { entrance: entrance.clone(), peer });
                        self.sockets.insert(self.pump.insert(stream), id, *door);
                    }
                    Err(AcceptError::Handshake { peer, error }) => {
                        count(tally, &error);
                        self.worker.log_not_ready(now, &self.hub.entrance(*door).name, peer, &error);
                    }
                    Err(error @ AcceptError::Listener(_)) => {
                        tracing::warn!(%error, "a later try follows");
                        // Out of descriptors, most likely: a later turn asks again.
                        self.accept_again = Some(now.after(ACCEPT_PAUSE));
                        return;
                    }
                }
            }
            cx.waker().wake_by_ref();
        }
    }
}

fn count(tally: &Tally, error: &HandshakeError) {
    let counter = match error {
        HandshakeError::TimedOut => &tally.handshakes_timed_out,
        HandshakeError::Evicted => &tally.handshakes_evicted,
        HandshakeError::Abandoned(_) => &tally.handshakes_abandoned,
        HandshakeError::Proxy(_) => &tally.handshakes_without_proxy,
        HandshakeError::Certificate(_) => &tally.handshakes_without_certificate,
        HandshakeError::Tls(_) | HandshakeError::Internal => &tally.handshakes_without_tls,
        HandshakeError::Upgrade(_) => &tally.handshakes_without_websocket,
    };
    counter.increment();
}
