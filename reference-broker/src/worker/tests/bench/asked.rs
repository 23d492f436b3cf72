//! What the workers of the bench ask about access, as a driver would run it.

use std::task::{Context, Poll, Waker};

use super::super::super::{Answer, Question, QuestionId, Worker};

#[derive(Default)]
pub(super) struct Asked {
    pub(super) questions: Vec<(usize, Question)>,
    pub(super) answers: Vec<(usize, QuestionId, Answer)>,
}

impl Asked {
    /// Looks which open questions have an answer by now.
    pub(super) fn ask(&mut self, workers: &mut [Worker]) {
        for (index, worker) in workers.iter_mut().enumerate() {
            let (mut fresh, mut dropped) = (Vec::new(), Vec::new());
            worker.take_questions(&mut fresh, &mut dropped);
            self.questions.extend(fresh.into_iter().map(|question| (index, question)));
            self.questions.retain(|(of, question)| *of != index || !dropped.contains(&question.id));
        }
        let mut cx = Context::from_waker(Waker::noop());
        let answers = &mut self.answers;
        self.questions.retain_mut(|(worker, question)| match question.future.as_mut().poll(&mut cx) {
            Poll::Ready(answer) => {
                answers.push((*worker, question.id, answer));
                false
            }
            Poll::Pending => true,
        });
    }
}
