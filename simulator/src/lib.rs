//! Virtual farm devices and fleets.
//!
//! * [`farm`]: what the devices say and when. No sockets, no clock: `at` goes in, publications come out.

pub mod farm;
