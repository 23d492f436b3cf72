//! Questions whose answer takes time, and the connections that wait for it.
//!
//! ```text
//!   packet ──▶ Decision::Later ──▶ Question ──▶ driver runs the future ──▶ decided(id, answer) ──▶ the packet goes on
//!                   │                                                                                 ▲
//!                   └──▶ the connection waits, later packets stay unread ─────── deadline: refused ───┘
//! ```

use std::{collections::HashMap, fmt, future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use foldhash::fast::RandomState;
use protocol::{Message, PacketType, QoS, Subscribe, Time, Token};

use super::{
    ConnectionId, Deadline, Worker,
    connect::Candidate,
    gate::{Judgement, Ruling},
    session::PendingWill,
};
use crate::{
    access::{Action, Identity, Key, Progress, Refusal, Verdict},
    message::detached,
    routing::Target,
    timers::Armed,
};

type Future = Pin<Box<dyn std::future::Future<Output = Answer> + Send>>;

/// Names a question of one worker; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QuestionId(u64);

/// A question for the driver: it runs the future and hands its output to [`Worker::decided`].
pub(crate) struct Question {
    pub(crate) id: QuestionId,
    pub(crate) future: Future,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Question").field(&self.id.0).finish()
    }
}

/// What a future came to.
#[derive(Debug)]
pub(crate) enum Answer {
    Authenticated(Result<Identity, Refusal>),
    Progressed(Progress),
    /// One for each thing that was asked.
    Judged(Vec<Verdict>),
}

/// A connection that waits for an answer: nothing more of it is looked at.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) question: QuestionId,
    pub(super) until: Time,
    pub(super) held: Held,
}

/// The packet that waits.
#[derive(Debug)]
pub(super) enum Held {
    /// A CONNECT, for its client to be authenticated.
    Connect(Box<Candidate>),
    /// A CONNECT, for its Will to be allowed.
    Admission(Box<Candidate>, Arc<Identity>),
    /// AUTH, or the CONNECT that begins such an exchange.
    Exchange(Token, Option<Box<Candidate>>),
    Publish {
        token: Option<Token>,
        message: Message,
        qos: QoS,
        retain: bool,
    },
    /// The verdicts that are known already are in their places.
    Subscribe(Token, Subscribe, Vec<Option<Verdict>>),
}

/// A Will whose connection is gone, while it is asked whether it may be published.
#[derive(Debug)]
pub(super) struct LastWords {
    pub(super) will: Box<PendingWill>,
    pub(super) publisher: Target,
    pub(super) identity: Arc<Identity>,
}

#[derive(Debug)]
enum Asker {
    Connection(ConnectionId),
    Will(LastWords),
    /// Nobody waits: the answer is for the next time.
    Nobody,
}

/// One open question.
#[derive(Debug)]
struct Open {
    by: Asker,
    /// What to remember the answers for.
    keys: Vec<Key>,
    /// Its deadline, unless a connection keeps that.
    armed: Armed,
}

/// All open questions of one worker.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: HashMap<QuestionId, Open, RandomState>,
    last: u64,
    /// Those that the driver has not taken yet.
    fresh: Vec<Question>,
    /// Those that nobody waits for any more.
    dropped: Vec<QuestionId>,
    /// What is asked about deliveries.
    receiving: Vec<Key>,
}

impl Questions {
    fn ask(&mut self, by: Asker, keys: Vec<Key>, future: Future) -> QuestionId {
        self.last += 1;
        let id = QuestionId(self.last);
        self.open.insert(id, Open { by, keys, armed: Armed::default() });
        self.fresh.push(Question { id, future });
        id
    }

    /// Nobody waits for the answer any more.
    fn drop(&mut self, id: QuestionId) -> Option<Open> {
        let open = self.take(id)?;
        self.dropped.push(id);
        Some(open)
    }

    fn take(&mut self, id: QuestionId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        if matches!(open.by, Asker::Nobody) {
            self.receiving.retain(|key| !open.keys.contains(key));
        }
        Some(open)
    }

    /// Finds out whether deliveries like the one that was just held back may pass. Without a place among all questions, or
    /// when it is asked already, the next such delivery tries again.
    pub(super) fn ask_for_the_next(&mut self, key: Key, future: Judgement) -> Option<QuestionId> {
        if self.receiving.len() >= RECEIVING || self.receiving.contains(&key) {
            return None;
        }
        self.receiving.push(key.clone());
        Some(self.ask(Asker::Nobody, vec![key], one(future)))
    }

    /// Drops what no connection waits for; the Wills among it.
    pub(super) fn drop_unconnected(&mut self) -> Vec<LastWords> {
        self.receiving.clear();
        let connected = |open: &Open| matches!(open.by, Asker::Connection(_));
        let gone: Vec<_> = self.open.extract_if(|_, open| !connected(open)).collect();
        self.dropped.extend(gone.iter().map(|(id, _)| *id));
        let words = |(_, open): (_, Open)| match open.by {
            Asker::Will(words) => Some(words),
            Asker::Connection(_) | Asker::Nobody => None,
        };
        gone.into_iter().filter_map(words).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_armed_for(&self, id: QuestionId, at: Time) -> bool {
        self.open.get(&id).is_some_and(|open| open.armed.is_for(at))
    }
}

impl Worker {
    /// Moves the questions that came up to `fresh`, and those that need no answer any more to `dropped`.
    pub(crate) fn take_questions(&mut self, fresh: &mut Vec<Question>, dropped: &mut Vec<QuestionId>) {
        fresh.append(&mut self.questions.fresh);
        dropped.append(&mut self.questions.dropped);
    }

    /// The answer to a question; `None` when its future failed.
    pub(crate) fn decided(&mut self, now: Time, question: QuestionId, answer: Option<Answer>) {
        let Some(open) = self.questions.take(question) else { return };
        if let Some(Answer::Judged(verdicts)) = &answer {
            for (key, verdict) in open.keys.into_iter().zip(verdicts) {
                self.gate.remember(now, key, *verdict);
            }
        }
        match open.by {
            Asker::Connection(id) => {
                if let Some(held) = self.release(now, id) {
                    self.go_on(now, id, held, answer);
                }
                self.attend(now, id);
            }
            Asker::Will(words) => self.will_judged(now, words, first(answer)),
            Asker::Nobody => {}
        }
        self.attend_rest(now);
    }

    /// Lets a connection wait for the answer to a question about one of its packets.
    pub(super) fn wait(&mut self, now: Time, id: ConnectionId, held: Held, keys: Vec<Key>, future: Future) {
        let until = now.after(self.gate.access.deadline);
        let busy = self.are_questions_full();
        let Some(connection) = self.connections.find_mut(id) else { return };
        if busy || connection.ended {
            self.tally().access_busy.increment();
            return self.go_on(now, id, held, None);
        }
        let question = self.questions.ask(Asker::Connection(id), keys, future);
        connection.waiting = Some(Box::new(Waiting { question, until, held }));
        self.tally().access_asked.increment();
    }

    fn are_questions_full(&self) -> bool {
        self.questions.len() >= (self.gate.access.open_questions / self.shared.workers()).max(1)
    }

    /// The connection is closing, so what it waits for does not matter any more.
    pub(super) fn stop_waiting(&mut self, id: ConnectionId) {
        let Some(waiting) = self.connections.find_mut(id).and_then(|connection| connection.waiting.take()) else {
            return;
        };
        self.questions.drop(waiting.question);
        if matches!(waiting.held, Held::Publish { .. }) {
            self.tally().dropped_denied.increment();
        }
    }

    /// The connection has waited as long as it may.
    pub(super) fn wait_no_longer(&mut self, now: Time, id: ConnectionId) {
        let Some(held) = self.release_unanswered(now, id) else { return };
        self.tally().access_late.increment();
        self.go_on(now, id, held, None);
    }

    fn release(&mut self, now: Time, id: ConnectionId) -> Option<Held> {
        let connection = self.connections.find_mut(id)?;
        let waiting = connection.waiting.take()?;
        if let Some(server) = connection.server_mut() {
            server.excuse_silence(now);
        }
        Some(waiting.held)
    }

    /// Takes back a packet whose question needs no answer any more.
    pub(super) fn release_unanswered(&mut self, now: Time, id: ConnectionId) -> Option<Held> {
        let question = self.connections.find(id)?.waiting.as_ref()?.question;
        self.questions.drop(question);
        self.release(now, id)
    }

    /// Goes on with a packet that waited; without an answer it is refused.
    fn go_on(&mut self, now: Time, id: ConnectionId, held: Held, answer: Option<Answer>) {
        match held {
            Held::Connect(candidate) => {
                let result = match answer {
                    Some(Answer::Authenticated(result)) => result,
                    _ => Err(Refusal::Failed),
                };
                self.authenticated(now, id, candidate, result);
            }
            Held::Admission(candidate, identity) => self.will_granted(now, id, candidate, identity, first(answer)),
            Held::Exchange(token, candidate) => {
                let progress = match answer {
                    Some(Answer::Progressed(progress)) => progress,
                    _ => Progress::Refused(Refusal::Failed),
                };
                self.progressed(now, id, token, candidate, progress);
            }
            Held::Publish { token, message, qos, retain } => {
                let verdict = first(answer).map_err(|refusal| refusal.reason(PacketType::PubAck));
                self.publish_if(now, id, token, message, qos, retain, verdict);
            }
            Held::Subscribe(token, subscribe, mut verdicts) => {
                let mut judged = match answer {
                    Some(Answer::Judged(judged)) => judged.into_iter(),
                    _ => Vec::new().into_iter(),
                };
                for open in verdicts.iter_mut().filter(|verdict| verdict.is_none()) {
                    *open = judged.next();
                }
                self.subscribe_if(now, id, token, &subscribe, &verdicts);
            }
        }
    }

    pub(super) fn ask_to_publish(
        &mut self,
        now: Time,
        id: ConnectionId,
        token: Option<Token>,
        message: Message,
        qos: QoS,
        retain: bool,
    ) {
        let identity = self.connections.find(id).and_then(|connection| connection.identity.clone());
        let action = Action::Publish { topic: &message.topic, qos, retain, will: false };
        let ruling = match &identity {
            Some(who) => self.gate.ask(now, &self.shared.tallies[self.id.index()], who, action),
            None => Ruling::Known(Err(Refusal::Failed)),
        };
        match ruling {
            Ruling::Known(verdict) => {
                let verdict = verdict.map_err(|refusal| refusal.reason(PacketType::PubAck));
                self.publish_if(now, id, token, message, qos, retain, verdict);
            }
            Ruling::Open(key, future) => {
                // It may wait for long, so it keeps no read buffer alive.
                let message = detached(&message);
                self.wait(now, id, Held::Publish { token, message, qos, retain }, vec![key], one(future));
            }
        }
    }

    /// A Will is due. What its client may publish may have changed since it connected.
    pub(super) fn ask_to_publish_will(
        &mut self,
        now: Time,
        will: Box<PendingWill>,
        publisher: Target,
        identity: Option<Arc<Identity>>,
    ) {
        let Some(identity) = identity else { return };
        let words = LastWords { will, publisher, identity };
        if !self.gate.asks_to_publish {
            return self.will_judged(now, words, Ok(()));
        }
        let PendingWill { message, qos, retain, .. } = &*words.will;
        let action = Action::Publish { topic: &message.topic, qos: *qos, retain: *retain, will: true };
        match self.gate.ask(now, &self.shared.tallies[self.id.index()], &words.identity, action) {
            Ruling::Known(verdict) => self.will_judged(now, words, verdict),
            Ruling::Open(..) if self.are_questions_full() => {
                self.tally().access_busy.increment();
                self.will_judged(now, words, Err(Refusal::Failed));
            }
            Ruling::Open(key, future) => {
                let question = self.questions.ask(Asker::Will(words), vec![key], one(future));
                self.tally().access_asked.increment();
                self.arm_question(now, question);
            }
        }
    }

    fn will_judged(&mut self, now: Time, words: LastWords, verdict: Verdict) {
        match verdict {
            Ok(()) => self.publish_allowed_will(now, *words.will, words.publisher, words.identity),
            Err(_) => self.tally().dropped_denied.increment(),
        }
    }

    pub(super) fn arm_question(&mut self, now: Time, question: QuestionId) {
        let until = now.after(self.gate.access.deadline);
        if let Some(open) = self.questions.open.get_mut(&question) {
            self.timers.arm(&mut open.armed, Deadline::Question(question), Some(until));
        }
    }

    pub(super) fn question_due(&mut self, now: Time, question: QuestionId, at: Time) {
        if self.questions.is_armed_for(question, at)
            && let Some(open) = self.questions.drop(question)
        {
            self.tally().access_late.increment();
            if let Asker::Will(words) = open.by {
                self.will_judged(now, words, Err(Refusal::Failed));
            }
        }
    }
}

/// How many questions about deliveries are open at once.
const RECEIVING: usize = 64;

/// The verdict on the one thing that was asked.
fn first(answer: Option<Answer>) -> Verdict {
    match answer {
        Some(Answer::Judged(verdicts)) => verdicts.into_iter().next().unwrap_or(Err(Refusal::Failed)),
        _ => Err(Refusal::Failed),
    }
}

/// The question behind one judgement.
pub(super) fn one(judgement: Judgement) -> Future {
    Box::pin(async move { Answer::Judged(vec![judgement.await]) })
}

/// The question behind several judgements, all under way at once.
pub(super) fn all(judgements: Vec<Judgement>) -> Future {
    let mut places: Vec<_> = judgements.into_iter().map(|judgement| (Some(judgement), Err(Refusal::Failed))).collect();
    Box::pin(poll_fn(move |cx| {
        let mut open = false;
        for (judgement, verdict) in &mut places {
            match judgement.as_mut().map(|judgement| judgement.as_mut().poll(cx)) {
                Some(Poll::Ready(judged)) => (*judgement, *verdict) = (None, judged),
                Some(Poll::Pending) => open = true,
                None => {}
            }
        }
        if open { Poll::Pending } else { Poll::Ready(Answer::Judged(places.iter().map(|(_, it)| *it).collect())) }
    }))
}
