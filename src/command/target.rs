//! Which broker a verb talks to, and as whom.

use std::{
    env, fs,
    net::IpAddr,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use loadgen::RunId;
use protocol::Utf8String;
use scenarios::{
    Scenario,
    model::{Address, Engine, Password, Version},
};
use simulator::{Credentials, Target};
use targets::Descriptor;
use transport::{ClientTls, ClientTlsFiles, Endpoint, Scheme, Sources};

use super::identities;
use crate::{
    cli::{self, Job, Overrides},
    exit::Failure,
};

/// The scenario of a job, with what the command line replaces, when this version can run it.
pub(crate) fn scenario(job: &Job) -> Result<Scenario, Failure> {
    load(&job.scenario, &job.overrides)
}

/// A scenario by its file or name, with what the command line replaces, when this version can run it.
pub(crate) fn load(named: &str, overrides: &Overrides) -> Result<Scenario, Failure> {
    let mut scenario = scenarios::load(named).map_err(Failure::usage)?;
    override_scenario(&mut scenario, overrides)?;
    refuse_unsupported(named, &scenario)?;
    Ok(scenario)
}

/// Applies what the command line replaces.
fn override_scenario(scenario: &mut Scenario, overrides: &Overrides) -> Result<(), Failure> {
    if let Some(text) = &overrides.duration {
        let hold = scenarios::model::parse_duration(text)
            .map_err(|error| Failure::usage(format!("--duration {text}: {error}")))?;
        if hold.is_zero() {
            return Err(Failure::usage("--duration 0s: a run needs some time; say 30s or 5m"));
        }
        scenario.set_hold(hold);
    }
    if let Some(seed) = overrides.seed {
        scenario.seed = seed;
    }
    if let Some(engine) = overrides.engine {
        for group in &mut scenario.devices {
            group.engine = match engine {
                cli::Engine::Native => Engine::Native,
                cli::Engine::Rumqttc => Engine::Rumqttc,
            };
        }
    }
    Ok(())
}

/// Says plainly what the scenario asks for and this version does not do.
fn refuse_unsupported(name: &str, scenario: &Scenario) -> Result<(), Failure> {
    let missing: Vec<String> =
        scenario.unsupported().iter().map(|missing| format!("{name}: {}: {}", missing.path, missing.message)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::usage(missing.join("\n"))) }
}

/// The reference broker, where a broker is named.
pub(crate) const EMBEDDED: &str = "embedded";

/// A broker as it is named.
pub(crate) enum Named {
    /// The reference broker, started for the purpose.
    Embedded,
    /// One that a descriptor tells about, such as `mosquitto`.
    Described(Box<Descriptor>),
    /// One that somebody else runs.
    At(Endpoint),
}

/// The broker that the command line or else the scenario names.
pub(crate) fn named(options: &cli::Target, scenario: &Scenario) -> Result<Named, Failure> {
    let named = broker(options, scenario)?;
    // Before a folder is made or a broker is started.
    let endpoint = if let Named::At(endpoint) = &named { Some(endpoint) } else { None };
    sources(options, endpoint, scenario)?;
    Ok(named)
}

fn broker(options: &cli::Target, scenario: &Scenario) -> Result<Named, Failure> {
    match (&options.target, scenario.brokers.as_slice()) {
        (Some(name), _) if name == EMBEDDED => Ok(Named::Embedded),
        (Some(name), _) if is_descriptor(name) => {
            let descriptor = Descriptor::load(name).map_err(|error| Failure::usage(format!("--target: {error}")))?;
            Ok(Named::Described(Box::new(descriptor)))
        }
        (Some(url), _) => url.parse().map(Named::At).map_err(|error| Failure::usage(format!("--target: {error}"))),
        (None, [broker]) => match &broker.address {
            Address::Embedded => Ok(Named::Embedded),
            Address::Url(url) => url
                .to_string()
                .parse()
                .map(Named::At)
                .map_err(|error| Failure::usage(format!("brokers.{}.url: {error}", broker.name))),
        },
        (None, brokers) => Err(Failure::usage(format!(
            "the scenario names {} brokers and a run drives one: name it with --target",
            brokers.len()
        ))),
    }
}

/// The broker that one word names: [`EMBEDDED`], a descriptor, a URL; `None` when it is none of these.
pub(crate) fn named_by(word: &str) -> Result<Option<Named>, Failure> {
    match word {
        EMBEDDED => Ok(Some(Named::Embedded)),
        name if is_descriptor(name) => {
            let descriptor = Descriptor::load(name).map_err(Failure::usage)?;
            Ok(Some(Named::Described(Box::new(descriptor))))
        }
        url if url.contains("://") || url.starts_with("unix:") => url
            .parse()
            .map(|endpoint| Some(Named::At(endpoint)))
            .map_err(|error| Failure::usage(format!("the broker's URL: {error}"))),
        _ => Ok(None),
    }
}

/// Whether it names a descriptor: a shipped one, or a file. A host needs no port, so that any other word may be one.
fn is_descriptor(name: &str) -> bool {
    targets::shipped().iter().any(|shipped| shipped.name == name)
        || (!name.contains("://") && Path::new(name).extension().is_some_and(|ending| ending == "toml"))
}

/// How clients of this run reach `endpoint`.
pub(crate) fn reached(mut endpoint: Endpoint, options: &cli::Target, scenario: &Scenario) -> Result<Target, Failure> {
    let broker = &scenario.brokers[0];
    let credentials = credentials(options, &mut endpoint, scenario)?;
    let tls = tls(options, &endpoint, scenario)?;
    let identities = tls.as_ref().map(|tls| identities::of(options, tls, scenario)).transpose()?.flatten();
    let sources = sources(options, Some(&endpoint), scenario)?;
    Ok(Target {
        tls,
        identities,
        sources,
        credentials,
        version: None,
        connect_timeout: broker.connect_timeout,
        ..Target::new(endpoint)
    })
}

/// The addresses to connect from, if they can reach the broker, as far as it is known where it is.
fn sources(
    options: &cli::Target,
    endpoint: Option<&Endpoint>,
    scenario: &Scenario,
) -> Result<Option<Sources>, Failure> {
    let Some(sources) = &options.access.source else { return Ok(None) };
    if scenario.devices.iter().any(|group| group.engine == Engine::Rumqttc) {
        return Err(Failure::usage("--source is for the native engine: rumqttc cannot choose its address"));
    }
    let Some(endpoint) = endpoint else { return Ok(Some(sources.clone())) };
    if endpoint.scheme == Scheme::Unix {
        return Err(Failure::usage(format!(
            "--source is for brokers that have an IP address, and the target is {endpoint}"
        )));
    }
    if let Ok(host) = endpoint.host.parse::<IpAddr>()
        && let Some(other) = sources.addresses().iter().find(|source| source.is_ipv4() != host.is_ipv4())
    {
        let kinds =
            if host.is_ipv4() { "IPv6, and the target has an IPv4" } else { "IPv4, and the target has an IPv6" };
        return Err(Failure::usage(format!("--source {other}: this is {kinds} address: {endpoint}")));
    }
    Ok(Some(sources.clone()))
}

/// How to trust the broker and what to show it; `None` where no TLS is spoken.
fn tls(options: &cli::Target, endpoint: &Endpoint, scenario: &Scenario) -> Result<Option<ClientTls>, Failure> {
    if !endpoint.scheme.is_tls() {
        let said = [
            ("--ca", !options.access.ca.is_empty()),
            ("--cert", options.access.cert.is_some()),
            ("--client-ca", !options.access.client_ca.is_empty()),
            ("--insecure", options.access.insecure),
        ];
        return match said.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                Err(Failure::usage(format!("{flag} is for mqtts:// and wss://, and the target is {endpoint}")))
            }
            None => Ok(None),
        };
    }
    let mut authorities = options.access.ca.clone();
    if authorities.is_empty() && !options.access.insecure && options.target.is_none() {
        authorities.extend(scenario.brokers[0].ca.clone());
    }
    let identity =
        options.access.cert.clone().zip(options.access.key.clone()).filter(|_| !identities::are_many(options));
    let tls = ClientTls::read(&ClientTlsFiles { authorities, identity, insecure: options.access.insecure })
        .map_err(|error| Failure::usage(format!("TLS: {error}")))?;
    if tls.is_insecure() {
        tracing::warn!("--insecure: whoever answers as {endpoint} is believed, whatever its certificate says");
    }
    Ok(Some(tls))
}

/// Where a Password may stand that no other user of the machine can read.
const PASSWORD_VARIABLE: &str = "PADDOCK_PASSWORD";

/// User name and password, from the command line, the URL, the environment (the password) or the scenario, in this order.
fn credentials(
    options: &cli::Target,
    endpoint: &mut Endpoint,
    scenario: &Scenario,
) -> Result<Option<Credentials>, Failure> {
    let stated = scenario.brokers[0].credentials.as_ref();
    let user =
        options.access.user.clone().or(endpoint.user.take()).or(stated.map(|credentials| credentials.user.clone()));
    let password = match (
        &options.access.password,
        &options.access.password_file,
        endpoint.password.take(),
        ambient_password()?,
    ) {
        (Some(password), _, _, _) => Some(password.clone()),
        (None, Some(file), _, _) => Some(first_line(file)?),
        (None, None, Some(password), _) => Some(password),
        // Set for a whole shell or CI job, it is also there for runs that need none.
        (None, None, None, Some(_)) if user.is_none() && is_embedded(options, scenario) => None,
        (None, None, None, Some(_)) if user.is_none() => {
            return Err(Failure::usage(format!("{PASSWORD_VARIABLE} is set, but no user: add --user, or unset it")));
        }
        (None, None, None, Some(password)) => Some(password),
        (None, None, None, None) => match stated.and_then(|credentials| credentials.password.as_ref()) {
            Some(Password::Text(password)) => Some(password.clone()),
            Some(Password::File(file)) => Some(first_line(file)?),
            None => None,
        },
    };
    match (user, password) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::usage("a password needs a user: add --user")),
        (Some(user), password) => {
            let user_name = Utf8String::new(user).map_err(|error| Failure::usage(format!("--user: {error}")))?;
            Ok(Some(Credentials { user_name, password: password.map(Into::into) }))
        }
    }
}

/// User name and password for a broker that no scenario names, from the command line, the URL or the environment (the
/// password).
pub(crate) fn user_and_password(
    options: &cli::Target,
    endpoint: &mut Endpoint,
) -> Result<Option<(String, String)>, Failure> {
    let user = options.access.user.clone().or(endpoint.user.take());
    let password = match (&options.access.password, &options.access.password_file, endpoint.password.take()) {
        (Some(password), ..) => Some(password.clone()),
        (None, Some(file), _) => Some(first_line(file)?),
        (None, None, Some(password)) => Some(password),
        (None, None, None) => ambient_password()?,
    };
    match (user, password) {
        (Some(user), password) => Ok(Some((user, password.unwrap_or_default()))),
        (None, Some(_)) => Err(Failure::usage("a password needs a user: add --user")),
        (None, None) => Ok(None),
    }
}

fn ambient_password() -> Result<Option<String>, Failure> {
    match env::var(PASSWORD_VARIABLE) {
        Ok(password) => Ok(Some(password).filter(|password| !password.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{PASSWORD_VARIABLE} is not UTF-8"))),
    }
}

fn is_embedded(options: &cli::Target, scenario: &Scenario) -> bool {
    match &options.target {
        Some(name) => name == EMBEDDED,
        None => matches!(scenario.brokers[0].address, Address::Embedded),
    }
}

fn first_line(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read the password from {}: {error}", file.display())))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Failure::usage(format!("the first line of {}, the password, is empty", file.display()))),
    }
}

/// The id of a run on a broker that others use.
pub(crate) fn unique_id(seed: u64) -> RunId {
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    RunId::unique(seed, moment)
}

/// What stands before the Client Identifiers of such a run.
pub(crate) fn client_prefix(run: RunId) -> Result<Utf8String, Failure> {
    Utf8String::new(format!("{run}-")).map_err(Failure::internal)
}

/// The versions that the scenario's clients speak, for reports.
pub(crate) fn versions(scenario: &Scenario) -> Vec<String> {
    let mut versions: Vec<Version> = scenario.devices.iter().map(|group| group.version).collect();
    versions.extend(scenario.brokers.iter().map(|broker| broker.version));
    versions.sort_unstable();
    versions.dedup();
    versions.iter().map(Version::to_string).collect()
}
