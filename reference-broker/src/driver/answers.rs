//! Runs the questions of a worker: futures of whoever decides about access.

use std::{
    collections::HashMap,
    task::{Context, Poll},
};

use protocol::Time;
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::worker::{Answer, Question, QuestionId, Worker};

/// The futures under way, each a task of the worker's runtime: one that panics fails alone.
#[derive(Debug, Default)]
pub(super) struct Answers {
    tasks: JoinSet<Answer>,
    questions: HashMap<Id, QuestionId>,
    handles: HashMap<QuestionId, AbortHandle>,
    fresh: Vec<Question>,
    dropped: Vec<QuestionId>,
}

impl Answers {
    /// Starts what `worker` asks, stops what it asks no longer, and tells it what came out. An answer may lead to further
    /// questions.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>, now: Time, worker: &mut Worker) {
        loop {
            worker.take_questions(&mut self.fresh, &mut self.dropped);
            for Question { id, future } in self.fresh.drain(..) {
                let handle = self.tasks.spawn(future);
                self.questions.insert(handle.id(), id);
                self.handles.insert(id, handle);
            }
            for id in self.dropped.drain(..) {
                if let Some(handle) = self.handles.remove(&id) {
                    handle.abort();
                }
            }
            let (task, answer) = match self.tasks.poll_join_next_with_id(cx) {
                Poll::Ready(Some(Ok((task, answer)))) => (task, Some(answer)),
                Poll::Ready(Some(Err(error))) => {
                    if error.is_panic() {
                        tracing::error!("a decision about access panicked; what it was about is refused");
                    }
                    (error.id(), None)
                }
                Poll::Ready(None) | Poll::Pending => return,
            };
            if let Some(question) = self.questions.remove(&task) {
                self.handles.remove(&question);
                worker.decided(now, question, answer);
            }
        }
    }
}
