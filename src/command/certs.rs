//! `paddock certs`: a CA and what it issues, as files.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    net::IpAddr,
    path::Path,
    process::ExitCode,
    time::{Instant, SystemTime},
};

use jiff::{Timestamp, tz::TimeZone};
use transport::certificates::{
    Authority, CertificateError, DeviceName, Flaw, Folder, HostName, Issued, KeyKind, Period, Profile,
};

use super::say;
use crate::{
    cli::{self, Certs},
    exit::Failure,
};

/// Where the CA is.
const AUTHORITY: &str = "ca";
/// Where the broker's certificate is.
const SERVER: &str = "server";

/// Makes what is asked for and not there yet, and says what it made and how it is used.
pub(crate) fn run(options: &Certs) -> Result<ExitCode, Failure> {
    let devices = devices(options)?;
    let work = Work {
        options,
        folder: Folder::new(&options.out, options.force),
        key: match options.key {
            cli::KeyKind::Rsa => KeyKind::Rsa,
            cli::KeyKind::Ecdsa => KeyKind::Ecdsa,
        },
        now: SystemTime::now(),
    };
    let (authority, mut said) = work.authority()?;
    let names = work.server(&authority, &mut said)?;
    work.devices(&authority, &devices, &mut said)?;
    if options.bad {
        work.bad(&authority, &devices, &mut said)?;
    }
    said.push_str(&usage(&options.out, &names, devices.first()));
    say(said)
}

/// One call of the command.
struct Work<'a> {
    options: &'a Certs,
    folder: Folder,
    key: KeyKind,
    now: SystemTime,
}

impl Work<'_> {
    /// The CA of this folder, made if it is not there, and a line about it.
    fn authority(&self) -> Result<(Authority, String), Failure> {
        let shown = self.folder.place(AUTHORITY).certificate;
        // Never replaced: all that it issued would be worthless.
        let careful = Folder::new(self.folder.path(), false);
        if let Some(authority) = careful.authority(AUTHORITY).map_err(failure)? {
            if authority.until() < self.now {
                let until = day(authority.until());
                let hint = "remove it and its key to make a new one";
                return Err(Failure::usage(format!("the CA in {} was valid until {until}: {hint}", shown.display())));
            }
            let line = line("kept", &shown, &authority_words(&authority));
            return Ok((authority, line));
        }
        if self.options.validity > self.options.ca_validity {
            return Err(Failure::usage("--validity is longer than --ca-validity: nothing may outlive its CA"));
        }
        let period = Period::starting(self.now, self.options.ca_validity);
        let authority =
            Authority::create(&self.options.ca_name, &self.options.subject, self.key, period).map_err(failure)?;
        let files = Issued { certificate: authority.certificate().to_owned(), key: authority.key() };
        careful.store(AUTHORITY, &files).map_err(failure)?;
        let line = line("made", &shown, &authority_words(&authority));
        Ok((authority, line))
    }

    /// The broker's certificate, and its names if it was made now.
    fn server(&self, authority: &Authority, said: &mut String) -> Result<Vec<HostName>, Failure> {
        let shown = self.folder.place(SERVER).certificate;
        if self.folder.keeps(SERVER).map_err(failure)? {
            if !self.options.server.is_empty() {
                let hint = "--force replaces it, with a new key";
                return Err(Failure::usage(format!("{} exists already: {hint}", shown.display())));
            }
            said.push_str(&line("kept", &shown, "the broker's"));
            return Ok(Vec::new());
        }
        let names = self.names();
        let words = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let until = self.issue(authority, &self.folder, SERVER, &Profile::Server(names.clone()))?;
        said.push_str(&line("made", &shown, &format!("{words}; until {until}")));
        Ok(names)
    }

    fn devices(&self, authority: &Authority, devices: &[DeviceName], said: &mut String) -> Result<(), Failure> {
        let folder = self.folder.inner("devices");
        let mut progress = Progress::new(devices.len());
        let (mut made, mut kept, mut last_day) = (0, 0, String::new());
        for name in devices {
            if folder.keeps(name.as_str()).map_err(failure)? {
                kept += 1;
            } else {
                last_day = self.issue(authority, &folder, name.as_str(), &Profile::Device(name.clone()))?;
                made += 1;
            }
            progress.tell(made + kept);
        }
        progress.end();
        for (what, count, more) in [("made", made, format!("; until {last_day}")), ("kept", kept, String::new())] {
            if count > 0 {
                let plural = if count == 1 { "device" } else { "devices" };
                said.push_str(&line(what, &folder.path().join("*.crt"), &format!("{count} {plural}{more}")));
            }
        }
        Ok(())
    }

    fn bad(&self, authority: &Authority, devices: &[DeviceName], said: &mut String) -> Result<(), Failure> {
        let folder = self.folder.inner("bad");
        let device = match devices.first() {
            Some(name) => name.clone(),
            None => "device".parse().map_err(failure)?,
        };
        for (role, profile) in [("server", Profile::Server(self.names())), ("device", Profile::Device(device))] {
            for flaw in Flaw::ALL {
                let name = format!("{role}-{}", flaw.name());
                let shown = folder.place(&name).certificate;
                if folder.keeps(&name).map_err(failure)? {
                    said.push_str(&line("kept", &shown, flaw.description()));
                    continue;
                }
                match authority.issue_bad(flaw, &profile, &self.options.subject, self.key, self.now) {
                    Ok(issued) => {
                        folder.store(&name, &issued).map_err(failure)?;
                        said.push_str(&line("made", &shown, flaw.description()));
                    }
                    Err(CertificateError::Inapplicable(why)) => said.push_str(&line("none", &shown, why)),
                    Err(error) => return Err(failure(error)),
                }
            }
        }
        Ok(())
    }

    /// Issues and stores; says the last day.
    fn issue(&self, authority: &Authority, folder: &Folder, name: &str, profile: &Profile) -> Result<String, Failure> {
        let period = Period::starting(self.now, self.options.validity);
        let issued = authority.issue(profile, &self.options.subject, self.key, period).map_err(|error| match error {
            CertificateError::OutlivesAuthority => Failure::usage(format!(
                "the CA is valid until {} only: give a shorter --validity, or remove {} and its key to make a new CA",
                day(authority.until()),
                self.folder.place(AUTHORITY).certificate.display()
            )),
            other => failure(other),
        })?;
        folder.store(name, &issued).map_err(failure)?;
        Ok(day(period.until))
    }

    fn names(&self) -> Vec<HostName> {
        if self.options.server.is_empty() {
            ["localhost", "127.0.0.1", "::1"].iter().filter_map(|name| name.parse().ok()).collect()
        } else {
            self.options.server.clone()
        }
    }
}

/// The devices that are asked for, each once, in order.
fn devices(options: &Certs) -> Result<Vec<DeviceName>, Failure> {
    let mut names = options.device.clone();
    if let Some(file) = &options.devices {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read the devices from {}: {error}", file.display())))?;
        let mut wrong = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.parse() {
                Ok(name) => names.push(name),
                Err(error) => wrong.push(format!("{}:{number}: {error}", file.display())),
            }
        }
        if !wrong.is_empty() {
            return Err(Failure::usage(wrong.join("\n")));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn line(what: &str, path: &Path, words: &str) -> String {
    format!("{what}  {:<36}  {words}\n", path.display().to_string())
}

fn authority_words(authority: &Authority) -> String {
    format!("the CA \"{}\"; until {}", authority.common_name().escape_debug(), day(authority.until()))
}

fn day(moment: SystemTime) -> String {
    // X.509 counts in UTC.
    let moment = Timestamp::try_from(moment).unwrap_or(Timestamp::MAX);
    moment.to_zoned(TimeZone::UTC).date().to_string()
}

/// Who gets which file, and an example to paste.
fn usage(folder: &Path, server: &[HostName], device: Option<&DeviceName>) -> String {
    let folder = folder.display();
    let host = server.iter().find_map(|name| match name {
        HostName::Dns(name) if name.starts_with('*') => None,
        HostName::Dns(name) => Some(name.clone()),
        HostName::Ip(IpAddr::V4(address)) => Some(address.to_string()),
        HostName::Ip(IpAddr::V6(address)) => Some(format!("[{address}]")),
    });
    let host = host.unwrap_or_else(|| "HOST".to_owned());
    let (asked, shown) = match device {
        Some(device) => (
            format!(", client_certificates = {{ ca = \"{folder}/ca.crt\" }}"),
            format!(" \\\n        --cert '{folder}/devices/{device}.crt' --key '{folder}/devices/{device}.key'"),
        ),
        None => Default::default(),
    };
    format!(
        "\nGive {folder}/ca.crt to every client, {folder}/server.crt and server.key to the broker, and each device its own \
         pair.\nKeep {folder}/ca.key to yourself: whoever has it can be any broker and any device.\n\n\
         A listener of the reference broker, in broker.toml in this folder:\n\n    \
         [[listeners]]\n    address = \"127.0.0.1:8883\"\n    \
         tls = {{ certificate = \"{folder}/server.crt\", key = \"{folder}/server.key\"{asked} }}\n\n\
         And how it is used:\n\n    \
         paddock broker --config broker.toml\n    \
         paddock simulate smoke --target mqtts://{host}:8883 --ca {folder}/ca.crt{shown}"
    )
}

fn failure(error: CertificateError) -> Failure {
    match error {
        CertificateError::Making(_) => Failure::internal(error),
        CertificateError::Exists(_) => Failure::usage(format!("{error} already: --force replaces it")),
        other => Failure::usage(other),
    }
}

/// How far it is, on a terminal, when it takes long: an RSA key may take a tenth of a second.
struct Progress {
    all: usize,
    told: Option<Instant>,
    started: Instant,
}

impl Progress {
    fn new(all: usize) -> Self {
        Self { all, told: None, started: Instant::now() }
    }

    fn tell(&mut self, done: usize) {
        let since = self.told.unwrap_or(self.started);
        if since.elapsed().as_secs() >= 1 && io::stderr().is_terminal() {
            self.told = Some(Instant::now());
            let _unread = write!(io::stderr(), "\r{done} of {} devices", self.all);
        }
    }

    fn end(&self) {
        if self.told.is_some() {
            let _unread = writeln!(io::stderr());
        }
    }
}
