//! The header of the PROXY protocol: reading it neither panics nor asks for a byte beyond it, and it is over where it says.
#![no_main]
#![allow(dead_code, reason = "the file is whole, and the target needs some of it")]

#[path = "../../transport/src/proxy.rs"]
mod proxy;

use libfuzzer_sys::fuzz_target;
use proxy::{Progress, Source};

/// A header of version 2 with the longest rest that is taken.
const LONGEST: usize = 16 + 2048;

fuzz_target!(|stream: &[u8]| {
    // As a connection is read: what is missing, and never more.
    let mut there = 0;
    let source = loop {
        match proxy::parse(&stream[..there]) {
            Ok(Progress::Needs(more)) => {
                assert!(more > 0, "it asks for nothing");
                there += more;
                assert!(there <= LONGEST, "{there} bytes of header");
                if there > stream.len() {
                    return;
                }
            }
            Ok(Progress::Complete(source)) => break source,
            Err(_) => {
                // What is wrong stays wrong, whatever follows.
                assert!(proxy::parse(stream).is_err());
                return;
            }
        }
    };
    // The same in one read, and not before its last byte.
    assert_eq!(proxy::parse(stream), Ok(Progress::Complete(source)));
    for shorter in 0..there {
        let progress = proxy::parse(&stream[..shorter]);
        assert!(
            matches!(progress, Ok(Progress::Needs(more)) if shorter + more <= there),
            "{progress:?} after {shorter} of {there} bytes"
        );
    }
    if let (Source::Address(address), true) = (source, stream[0] == b'P') {
        let line = std::str::from_utf8(&stream[..there]).expect("a line of version 1 is text");
        let word = line.split(' ').nth(2).expect("the source");
        assert_eq!(word.parse(), Ok(address.ip()));
    }
});
