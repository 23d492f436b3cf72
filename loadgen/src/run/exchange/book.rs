//! The account of the requests of one section and their answers.

use std::{collections::BTreeMap, time::Duration};

use reports::observation::RequestCounts;

use crate::RunId;

/// So many requests wait for an answer at most; the oldest then count as unanswered.
const PENDING: usize = 1 << 18;
/// So many answered requests are remembered, to know an answer that comes once more.
const REMEMBERED: usize = 1 << 12;
/// So many requests of each kind of fault are named.
const NAMED: usize = 1000;

/// Requests by stage, and those under way.
#[derive(Debug)]
pub(super) struct Book {
    /// An answer after this is late.
    timeout: Duration,
    stages: BTreeMap<usize, RequestCounts>,
    /// Requests without an answer, by number.
    pending: BTreeMap<u32, Request>,
    /// Who asked the latest requests with an answer, and in which stage.
    answered: BTreeMap<u32, (usize, usize)>,
    late: Vec<(Request, Duration)>,
    unanswered: Vec<Request>,
    not_sent: Vec<Request>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// From 0, over all requesters of the section.
    pub(super) number: u32,
    pub(super) intended: Duration,
    pub(super) stage: usize,
    /// Who asks, and who is asked: places in the owner's lists.
    pub(super) requester: usize,
    pub(super) asked: usize,
}

/// What an answer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// How long the whole way took, and the stage of the request.
    First { took: Duration, stage: usize },
    /// Once more.
    Again,
    /// Nobody asked that, or too long ago.
    Stray,
}

impl Book {
    pub(super) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            stages: BTreeMap::new(),
            pending: BTreeMap::new(),
            answered: BTreeMap::new(),
            late: Vec::new(),
            unanswered: Vec::new(),
            not_sent: Vec::new(),
        }
    }

    /// It was handed to its connection.
    pub(super) fn sent(&mut self, request: Request) {
        let counts = self.stages.entry(request.stage).or_default();
        counts.intended += 1;
        counts.sent += 1;
        self.pending.insert(request.number, request);
        if self.pending.len() > PENDING
            && let Some((_, oldest)) = self.pending.pop_first()
        {
            self.give_up(oldest);
        }
    }

    /// No connection took it.
    pub(super) fn not_sent(&mut self, request: Request) {
        let counts = self.stages.entry(request.stage).or_default();
        counts.intended += 1;
        counts.not_sent += 1;
        name(&mut self.not_sent, request);
    }

    /// `requester` got the answer to its request `number` at `at`.
    pub(super) fn answered(&mut self, requester: usize, number: u32, at: Duration) -> Answered {
        let Some(request) = self.pending.get(&number).copied().filter(|request| request.requester == requester) else {
            let Some((_, stage)) = self.answered.get(&number).filter(|(by, _)| *by == requester) else {
                return Answered::Stray;
            };
            self.stages.entry(*stage).or_default().repeated += 1;
            return Answered::Again;
        };
        self.pending.remove(&number);
        self.answered.insert(number, (requester, request.stage));
        if self.answered.len() > REMEMBERED {
            self.answered.pop_first();
        }
        let took = at.saturating_sub(request.intended);
        let late = took > self.timeout;
        let counts = self.stages.entry(request.stage).or_default();
        counts.answered += 1;
        counts.late += u64::from(late);
        if late {
            name(&mut self.late, (request, at));
        }
        Answered::First { took, stage: request.stage }
    }

    /// Whether no answer is awaited.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Closes the account: what was not answered by now never will be.
    pub(super) fn close(&mut self) -> Closed<'_> {
        for request in std::mem::take(&mut self.pending).into_values() {
            self.give_up(request);
        }
        Closed { stages: &self.stages, unanswered: &self.unanswered, late: &self.late, not_sent: &self.not_sent }
    }

    fn give_up(&mut self, request: Request) {
        self.stages.entry(request.stage).or_default().unanswered += 1;
        name(&mut self.unanswered, request);
    }
}

/// An account at its end. Of each fault the first are named.
#[derive(Debug)]
pub(super) struct Closed<'a> {
    pub(super) stages: &'a BTreeMap<usize, RequestCounts>,
    pub(super) unanswered: &'a [Request],
    /// With the arrival of the answer.
    pub(super) late: &'a [(Request, Duration)],
    pub(super) not_sent: &'a [Request],
}

fn name<T>(named: &mut Vec<T>, one: T) {
    if named.len() < NAMED {
        named.push(one);
    }
}

/// What a request is known by, in text: the run, the section, the number.
pub(super) fn correlation(run: RunId, section: usize, number: u32) -> String {
    format!("{run}-{section:x}-{number:x}")
}

/// The number of a request of `section` in this run; `None` for anything else.
pub(super) fn number(text: &[u8], run: RunId, section: usize) -> Option<u32> {
    let mut parts = std::str::from_utf8(text).ok()?.split('-');
    let (of, at, number) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = parts.next().is_none() && of == run.to_string() && usize::from_str_radix(at, 16).ok()? == section;
    fits.then(|| u32::from_str_radix(number, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn request(number: u32, requester: usize, stage: usize) -> Request {
        Request { number, intended: 10 * MILLI, stage, requester, asked: 5 }
    }

    #[test]
    fn every_request_is_answered_once_late_twice_or_never() {
        let mut book = Book::new(100 * MILLI);
        let [prompt, late, twice, never] = [(0, 0), (1, 0), (1, 0), (0, 1)];
        for (number, (requester, stage)) in (0..).zip([prompt, late, twice, never]) {
            book.sent(request(number, requester, stage));
        }
        book.not_sent(request(4, 0, 1));
        assert_eq!(book.answered(0, 0, 30 * MILLI), Answered::First { took: 20 * MILLI, stage: 0 });
        assert_eq!(book.answered(1, 1, 111 * MILLI), Answered::First { took: 101 * MILLI, stage: 0 });
        assert_eq!(book.answered(1, 2, 20 * MILLI), Answered::First { took: 10 * MILLI, stage: 0 });
        assert_eq!(book.answered(1, 2, 21 * MILLI), Answered::Again);
        assert_eq!(book.answered(1, 77, 20 * MILLI), Answered::Stray);
        assert_eq!(book.answered(1, 3, 20 * MILLI), Answered::Stray, "another asked that");
        assert!(!book.is_settled());
        let closed = book.close();
        let first = RequestCounts { intended: 3, sent: 3, answered: 3, late: 1, repeated: 1, ..Default::default() };
        let second = RequestCounts { intended: 2, sent: 1, not_sent: 1, unanswered: 1, ..Default::default() };
        assert_eq!((closed.stages[&0], closed.stages[&1]), (first, second));
        assert_eq!(closed.unanswered, [request(3, 0, 1)]);
        assert_eq!(closed.late, [(request(1, 1, 0), 111 * MILLI)]);
        assert_eq!(closed.not_sent, [request(4, 0, 1)]);
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_is_given_up() {
        let mut book = Book::new(MILLI);
        (0..PENDING as u32 + 3).for_each(|number| book.sent(request(number, 0, 0)));
        assert_eq!((book.pending.len(), book.stages[&0].unanswered), (PENDING, 3));
        assert_eq!(book.answered(0, 2, MILLI), Answered::Stray, "it was given up");
        assert_eq!(book.unanswered.iter().map(|request| request.number).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn only_the_numbers_of_this_run_and_section_are_read() {
        let run = RunId(0x2a);
        assert_eq!(number(correlation(run, 1, 0x1f).as_bytes(), run, 1), Some(0x1f));
        for text in ["", "0000002a-1", "0000002a-1-7-1", "0000002b-1-7", "0000002a-0-7", "0000002a-1-x", "0000002a-1-"]
        {
            assert_eq!(number(text.as_bytes(), run, 1), None, "{text}");
        }
    }
}
