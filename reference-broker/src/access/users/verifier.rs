//! Verifies passwords beside the workers: few at a time, each address in its turn.
//!
//! A hash takes its time on purpose. It is computed on a blocking thread, never on a worker's; at most so many at a time, so
//! that a flood of CONNECTs leaves cores for the rest; and the addresses take turns, so that whoever floods waits behind
//! itself and not before everybody else.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use bytes::Bytes;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio::sync::oneshot;

use super::PasswordHash;

/// How many passwords that were right are remembered.
const REMEMBERED: usize = 10_000;
/// At each multiple of this many, those that were given up are cleared out of a queue.
const LONG: usize = 256;

/// See the module.
pub(super) struct Verifier {
    /// For names that have no password: takes as long as a real one, and never matches.
    decoy: PasswordHash,
    parallel: usize,
    remember: Duration,
    /// Of this process alone: what is remembered is worth nothing elsewhere.
    secret: [u8; 32],
    queues: Mutex<Queues>,
    right: Mutex<HashMap<[u8; 32], Instant>>,
}

#[derive(Default)]
struct Queues {
    running: usize,
    waiting: HashMap<Source, VecDeque<Job>>,
    /// Whose turn it is; each source that waits, once.
    turns: VecDeque<Source>,
}

/// Who waits together: an IPv4 address, or the network of an IPv6 address, of which a host has more than it can count.
type Source = Option<[u8; 8]>;

struct Job {
    hash: PasswordHash,
    password: Bytes,
    answer: oneshot::Sender<bool>,
}

impl Verifier {
    pub(super) fn new(decoy: PasswordHash, parallel: usize, remember: Duration) -> Self {
        let mut secret = [0; 32];
        OsRng.fill_bytes(&mut secret);
        let (queues, right) = Default::default();
        Self { decoy, parallel: parallel.max(1), remember, secret, queues, right }
    }

    /// Whether `password` is right for the user `name`, whose `hash` may be missing; `None` when that cannot be found out.
    pub(super) fn verify(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        name: &str,
        password: &Bytes,
        hash: Option<PasswordHash>,
    ) -> impl Future<Output = Option<bool>> + Send + use<> {
        let fingerprint = self.fingerprint(name, password);
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let password = Bytes::copy_from_slice(password);
        let this = self.clone();
        async move {
            if known && this.was_right(&fingerprint) {
                return Some(true);
            }
            let (sender, receiver) = oneshot::channel();
            this.put(source(address), Job { hash, password, answer: sender });
            let right = receiver.await.ok()? && known;
            if right {
                this.note_right(fingerprint);
            }
            Some(right)
        }
    }

    fn put(self: &Arc<Self>, source: Source, job: Job) {
        let mut queues = self.queues();
        let queue = queues.waiting.entry(source).or_default();
        if !queue.is_empty() && queue.len().is_multiple_of(LONG) {
            queue.retain(|job| !job.answer.is_closed());
        }
        queue.push_back(job);
        if queue.len() == 1 && !queues.turns.contains(&source) {
            queues.turns.push_back(source);
        }
        if queues.running < self.parallel {
            queues.running += 1;
            drop(queues);
            let this = self.clone();
            tokio::task::spawn_blocking(move || this.work());
        }
    }

    /// Verifies until nobody waits.
    fn work(&self) {
        while let Some(Job { hash, password, answer }) = self.take() {
            let _ = answer.send(hash.verify(&password));
        }
    }

    /// The next whose turn it is and who still waits.
    fn take(&self) -> Option<Job> {
        let mut queues = self.queues();
        while let Some(source) = queues.turns.pop_front() {
            let Some(queue) = queues.waiting.get_mut(&source) else { continue };
            let next = std::iter::from_fn(|| queue.pop_front()).find(|job| !job.answer.is_closed());
            if queue.is_empty() {
                queues.waiting.remove(&source);
            } else {
                queues.turns.push_back(source);
            }
            if next.is_some() {
                return next;
            }
        }
        queues.running -= 1;
        None
    }

    fn fingerprint(&self, name: &str, password: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(password);
        mac.finalize().into_bytes().into()
    }

    fn was_right(&self, fingerprint: &[u8; 32]) -> bool {
        self.right().get(fingerprint).is_some_and(|until| Instant::now() < *until)
    }

    fn note_right(&self, fingerprint: [u8; 32]) {
        if self.remember.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut right = self.right();
        if right.len() >= REMEMBERED {
            right.retain(|_, until| now < *until);
        }
        if right.len() < REMEMBERED {
            right.insert(fingerprint, now + self.remember);
        }
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn right(&self) -> MutexGuard<'_, HashMap<[u8; 32], Instant>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("parallel", &self.parallel).finish_non_exhaustive()
    }
}

fn source(address: Option<IpAddr>) -> Source {
    let mut source = [0; 8];
    match address? {
        IpAddr::V4(address) => source[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => source.copy_from_slice(&address.octets()[..8]),
    }
    Some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn verifier(remember: Duration) -> Arc<Verifier> {
        Arc::new(Verifier::new(CHEAP.parse().unwrap(), 1, remember))
    }

    fn job(password: &'static str) -> (Job, oneshot::Receiver<bool>) {
        let (answer, receiver) = oneshot::channel();
        (Job { hash: CHEAP.parse().unwrap(), password: password.into(), answer }, receiver)
    }

    #[test]
    fn a_flood_from_one_address_waits_behind_itself() {
        let verifier = verifier(Duration::ZERO);
        // Busy, so that nothing starts.
        verifier.queues().running = 1;
        let (flood, other) = (source(Some([192, 0, 2, 1].into())), source(Some([192, 0, 2, 2].into())));
        let mut receivers: Vec<_> = (0..100)
            .map(|_| {
                let (job, receiver) = job("wrong");
                verifier.put(flood, job);
                receiver
            })
            .collect();
        let (single, mut answer) = job("password");
        verifier.put(other, single);
        for _ in 0..2 {
            let Job { hash, password, answer } = verifier.take().unwrap();
            answer.send(hash.verify(&password)).unwrap();
        }
        assert_eq!(answer.try_recv(), Ok(true), "the second that was verified");
        // Those that nobody waits for any more cost nothing.
        receivers.truncate(2);
        assert!(verifier.take().is_some());
        assert!(verifier.take().is_none());
        assert_eq!(verifier.queues().running, 0);
        assert!(verifier.queues().waiting.is_empty() && verifier.queues().turns.is_empty());
    }

    #[test]
    fn those_who_give_up_do_not_pile_up() {
        let verifier = verifier(Duration::ZERO);
        verifier.queues().running = 1;
        for _ in 0..10_000 {
            verifier.put(None, job("wrong").0);
        }
        assert!(verifier.queues().waiting[&None].len() <= LONG);
    }

    #[tokio::test]
    async fn a_right_password_is_remembered_and_a_wrong_one_or_an_unknown_name_never() {
        for (remember, remembered) in [(Duration::from_secs(60), 1), (Duration::ZERO, 0)] {
            let verifier = verifier(remember);
            let hash: PasswordHash = CHEAP.parse().unwrap();
            let ask = |name, password: &'static str, hash| verifier.verify(None, name, &password.into(), hash);
            for _ in 0..2 {
                assert_eq!(ask("alice", "password", Some(hash.clone())).await, Some(true));
                assert_eq!(ask("alice", "wrong", Some(hash.clone())).await, Some(false));
                // The decoy's own password opens nothing.
                assert_eq!(ask("nobody", "password", None).await, Some(false));
            }
            assert_eq!(verifier.right().len(), remembered);
        }
    }
}
