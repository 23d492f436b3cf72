//! What tests of the command share: the broker as a child process, other programs under a deadline.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::ways::Way;

/// How long any program may take before the test counts as hung.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The `paddock` that belongs to this test run.
pub(crate) fn paddock() -> Command {
    Command::new(env!("CARGO_BIN_EXE_paddock"))
}

/// How `child` ends by itself.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("nobody has collected it");
    let deadline = Timespec::try_from(DEADLINE).expect("a minute");
    let mut events = [PollFd::new(&process, PollFlags::IN)];
    let count = retry_on_intr(|| poll(&mut events, Some(&deadline))).expect("its end can be awaited");
    assert_eq!(count, 1, "still running after {DEADLINE:?}");
    child.wait().expect("a child can be waited for")
}

/// A child process that does not outlive the test.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// Starts `command` and reads its stdout line by line. Its stderr goes to the test's.
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs what is missing"));
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line of stdout that `wanted` accepts.
    pub(crate) fn line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if wanted(&line) => return line,
                Ok(_) => {}
                Err(_) => panic!("no line with {what}"),
            }
        }
    }

    /// Everything else on stdout, after the program ended by itself with success.
    pub(crate) fn rest(mut self) -> Vec<String> {
        let mut rest = Vec::new();
        let end = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running; so far: {rest:?}"),
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        assert!(status.success(), "{status}: {rest:?}");
        rest
    }

    /// Sends a signal, such as INT.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    /// Looks again and again until `true_now`, for what the program does and never tells: a port that it opens, a line in a
    /// file. It looks at once after each line of stdout, and ends with the program's stdout.
    pub(crate) fn wait_until(&self, what: &str, true_now: impl Fn() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !true_now() {
            assert!(Instant::now() < end, "no {what} within {DEADLINE:?}");
            let line = self.lines.recv_timeout(Duration::from_millis(50));
            assert!(
                line != Err(mpsc::RecvTimeoutError::Disconnected) || true_now(),
                "it ended, and there was no {what}"
            );
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended by itself.
    pub(crate) fn end(mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// SIGKILL: the connection ends without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The reference broker as its users start it.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    running: Running,
}

impl Broker {
    pub(crate) fn start() -> Self {
        let running = Running::start(paddock().args(["broker", "--listen", "127.0.0.1:0"]));
        let line = running.line("the address", |line| line.starts_with("listening on "));
        let address = line.rsplit('/').next().and_then(|address| address.parse().ok());
        Self { address: address.unwrap_or_else(|| panic!("no address in {line:?}")), running }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.child.id()
    }

    pub(crate) fn url(&self) -> String {
        self.way().url()
    }

    /// How clients get there.
    pub(crate) fn way(&self) -> Way {
        Way::plain(self.address)
    }
}

/// What `paddock certs` made.
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// A CA and a server's certificate, and what `arguments` ask for.
    pub(crate) fn make(folder: &Path, arguments: &[&str]) -> Self {
        let made = output(paddock().args(["certs", "--key", "ecdsa"]).args(arguments).arg("--out").arg(folder));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { folder: folder.to_owned() }
    }

    /// The file of the CA.
    pub(crate) fn authority(&self) -> String {
        self.folder.join("ca.crt").display().to_string()
    }

    /// The files of a certificate and its key.
    pub(crate) fn pair(&self, name: &str) -> (String, String) {
        let file = |end: &str| self.folder.join(format!("{name}.{end}")).display().to_string();
        (file("crt"), file("key"))
    }
}

/// Runs `command` to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    output_within(DEADLINE, command)
}

/// Runs `command` to its end, which must come in this time.
pub(crate) fn output_within(deadline: Duration, command: &mut Command) -> Output {
    let name = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; tests/run installs what is missing"));
    let mut stdout = child.stdout.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    let (sender, done) = mpsc::channel();
    let killer = {
        let pid = child.id();
        thread::spawn(move || {
            if done.recv_timeout(deadline) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _gone = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
        })
    };
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| text)
    });
    let mut text = Vec::new();
    stdout.read_to_end(&mut text).expect("a pipe can be read");
    let status = child.wait().expect("a child can be waited for");
    let _stopped = sender.send(());
    killer.join().expect("the killer ends");
    let stderr = errors.join().expect("the reader ends").expect("a pipe can be read");
    Output { status, stdout: text, stderr }
}
