//! A client that must notice nothing of what others do.

use protocol::QoS;

use super::bench::{Bench, PeerId, v5};

pub(super) struct Bystander {
    peer: PeerId,
    said: u32,
}

impl Bystander {
    pub(super) fn new(bench: &mut Bench, worker: usize) -> Self {
        let peer = bench.connect(worker, v5("bystander"));
        bench.subscribe(peer, "bystander", QoS::ExactlyOnce);
        Self { peer, said: 0 }
    }

    /// It hears what it says, at every QoS, and has lost nothing so far.
    pub(super) fn check(&mut self, bench: &mut Bench) {
        let mut expected = Vec::new();
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            self.said += 1;
            bench.publish(self.peer, "bystander", &self.said.to_string(), qos);
            expected.push(self.said.to_string());
        }
        bench.run();
        assert!(!bench.is_closed(self.peer), "the bystander was disconnected");
        assert_eq!(bench.payloads(self.peer), expected, "what the bystander heard");
    }
}
