//! Queues of which most stay empty.

use std::{
    collections::{VecDeque, vec_deque},
    ops::Deref,
};

/// A queue that takes one word until something is put in, where a [`VecDeque`] takes four: a connection has half a dozen
/// of them, and most connections use none.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "a word instead of four while it is empty is what it is for")]
pub(crate) struct Queue<T>(Option<Box<VecDeque<T>>>);

/// An empty queue with room for more than this many entries gives its memory back.
const KEPT_WHEN_EMPTY: usize = 64;

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: 'static> Queue<T> {
    const EMPTY: &'static VecDeque<T> = &VecDeque::new();

    /// The queue, to put something in or to change what is there.
    pub(crate) fn edit(&mut self) -> &mut VecDeque<T> {
        self.0.get_or_insert_default()
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let popped = self.0.as_mut()?.pop_front();
        if self.is_empty() && self.capacity() > KEPT_WHEN_EMPTY {
            self.0 = None;
        }
        popped
    }
}

impl<T: 'static> Deref for Queue<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        self.0.as_deref().unwrap_or(Self::EMPTY)
    }
}

impl<T> IntoIterator for Queue<T> {
    type Item = T;
    type IntoIter = vec_deque::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|queue| *queue).unwrap_or_default().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_takes_a_word_and_a_long_one_gives_its_memory_back() {
        let mut queue = Queue::default();
        assert_eq!((size_of_val(&queue), queue.len(), queue.pop_front()), (size_of::<usize>(), 0, None));
        queue.edit().extend(0..100);
        assert_eq!(queue.len(), 100);
        assert!((0..100).all(|number| queue.pop_front() == Some(number)));
        assert!(queue.0.is_none());
        queue.edit().push_back(7);
        assert_eq!((queue.pop_front(), queue.pop_front(), queue.0.is_some()), (Some(7), None, true));
    }
}
