//! The topic that a peer publishes to again and again.

use super::Reader;
use crate::TopicName;

/// A topic that needs neither be checked nor copied once more when the next PUBLISH has it too: most publishers have but one.
#[derive(Debug, Default)]
pub(crate) struct Familiar {
    topic: Option<TopicName>,
    /// How many topics in a row were other ones.
    strange: u8,
}

/// Longer topics are not remembered: each connection may hold one.
const LONGEST: usize = 128;
/// After so many others in a row another topic is remembered: whoever uses many pays for one copy in so many.
const PATIENCE: u8 = 4;

impl Familiar {
    /// The topic that `reader` stands before, if it is the familiar one.
    pub(crate) fn read(&mut self, reader: &mut Reader) -> Option<TopicName> {
        let topic = self.topic.as_ref().filter(|topic| reader.skip_text(topic.as_str()))?;
        self.strange = 0;
        Some(topic.clone())
    }

    /// A PUBLISH had the topic `strange` instead.
    pub(crate) fn meet(&mut self, strange: &TopicName) {
        self.strange += 1;
        if self.strange >= PATIENCE {
            self.strange = 0;
            self.topic = (strange.as_str().len() <= LONGEST).then(|| strange.detached());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn reader(text: &str) -> Reader {
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        Reader::new(Bytes::from([&length, text.as_bytes()].concat()), 0)
    }

    fn topic(text: &str) -> TopicName {
        TopicName::new(text).unwrap()
    }

    #[test]
    fn a_topic_is_familiar_after_a_while_and_until_others_take_its_place() {
        let mut familiar = Familiar::default();
        for _ in 0..PATIENCE {
            assert_eq!(familiar.read(&mut reader("a/b")), None);
            familiar.meet(&topic("a/b"));
        }
        assert_eq!(familiar.read(&mut reader("a/b")), Some(topic("a/b")));
        for strange in ["a/", "a/bc", "b/b", ""] {
            assert_eq!(familiar.read(&mut reader(strange)), None, "{strange}");
        }
        for number in 0..PATIENCE {
            familiar.meet(&topic(&number.to_string()));
        }
        assert_eq!(familiar.read(&mut reader("a/b")), None);
    }

    #[test]
    fn what_is_read_is_what_stood_there_and_no_more() {
        let mut familiar = Familiar { topic: Some(topic("a")), strange: 0 };
        let mut bytes = reader("a");
        assert_eq!(familiar.read(&mut bytes), Some(topic("a")));
        assert!(bytes.is_empty());
        // Cut short, and longer than what follows.
        assert_eq!(familiar.read(&mut Reader::new(Bytes::from_static(b"\0\x01"), 0)), None);
        assert_eq!(familiar.read(&mut Reader::new(Bytes::from_static(b"\0"), 0)), None);
    }

    #[test]
    fn a_long_topic_is_not_held() {
        let mut familiar = Familiar::default();
        for _ in 0..2 * PATIENCE {
            familiar.meet(&topic(&"a".repeat(LONGEST + 1)));
        }
        assert!(familiar.topic.is_none());
    }
}
