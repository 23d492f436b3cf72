//! A broker in a process of its own, for tests that measure one: `broker-of-a-test broker.toml`. It says on standard output
//! where each listener can be reached, one a line, and ends with its standard input.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test reads what it says, and fails when it does")]

use std::{env, io, path::PathBuf};

use reference_broker::{Broker, Settings};

fn main() {
    let file = PathBuf::from(env::args_os().nth(1).expect("the configuration's path"));
    let settings = Settings::load(&file).unwrap_or_else(|error| panic!("{error}"));
    let _as_many_as_allowed = rlimit::increase_nofile_limit(u64::MAX);
    let broker = Broker::start(settings.bind().unwrap(), settings.config()).unwrap();
    for entrance in broker.handle().entrances() {
        println!("{}", entrance.address);
    }
    // Until whoever started it is gone.
    io::copy(&mut io::stdin(), &mut io::sink()).unwrap();
}
