//! Reaching the broker, a bounded number of clients at a time.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use tokio::task::JoinSet;
use transport::{DialError, DialOptions, Endpoint, Stream, dial};

use crate::{ClientKey, engine::ConnectFailure};

/// One attempt of one client to connect: the client and how many attempts it made before.
pub(super) type Attempt = (ClientKey, u32);

/// Attempts that wait for their turn, and those under way. An attempt holds its turn until the owner releases it, which
/// is when CONNACK came or will not come.
#[derive(Debug)]
pub(super) struct Dialing {
    limit: usize,
    running: usize,
    waiting: VecDeque<Attempt>,
    dials: JoinSet<(Attempt, Result<Stream, ConnectFailure>)>,
}

impl Dialing {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), running: 0, waiting: VecDeque::new(), dials: JoinSet::new() }
    }

    pub(super) fn queue(&mut self, attempt: Attempt) {
        self.waiting.push_back(attempt);
    }

    /// Starts attempts whose turn has come. `wanted` says where to and how long it may take, unless the attempt was
    /// given up.
    pub(super) fn start(&mut self, wanted: impl Fn(Attempt) -> Option<(Endpoint, DialOptions)>) {
        while self.running < self.limit
            && let Some(attempt) = self.waiting.pop_front()
        {
            let Some((endpoint, options)) = wanted(attempt) else { continue };
            self.running += 1;
            self.dials.spawn(async move { (attempt, dial(&endpoint, &options).await.map_err(failure)) });
        }
    }

    /// Gives the turn of an attempt to the next one.
    pub(super) fn release(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// Whether attempts wait that could start now.
    pub(super) fn is_blocked(&self) -> bool {
        self.waiting.is_empty() || self.running >= self.limit
    }

    /// Whether nobody waits to dial or dials.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.dials.is_empty()
    }

    /// An attempt that reached the broker or failed.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Attempt, Result<Stream, ConnectFailure>)>> {
        self.dials.poll_join_next(cx).map(|ended| {
            // A dial is never aborted and does not panic.
            ended.map(|outcome| outcome.expect("a dial ends by itself"))
        })
    }
}

fn failure(error: DialError) -> ConnectFailure {
    match error {
        DialError::Io(_, error) => ConnectFailure::Unreachable(error),
        DialError::Source(_, source, error) => ConnectFailure::Source(source, error),
        DialError::NoPort(_) => ConnectFailure::NoPort,
        DialError::TimedOut(..) => ConnectFailure::ConnectTimeout,
        DialError::Tls(_, failure) => ConnectFailure::Tls(failure),
        DialError::WebSocket(_, error) => ConnectFailure::WebSocket(error),
        DialError::NoTls(_) => ConnectFailure::NotReached("nothing says whom to trust".to_owned()),
    }
}
