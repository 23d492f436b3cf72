//! The scenarios that come with Paddock, inside the program, so that `paddock run phase-1` works anywhere.

/// One scenario of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name to run it by, such as `phase-1`.
    pub name: &'static str,
    /// Its TOML text.
    pub text: &'static str,
}

/// Lists the files of the catalogue; a test compares the list with the folder.
macro_rules! entries {
    ($($name:literal),+ $(,)?) => {
        &[$( Entry { name: $name, text: include_str!(concat!("../catalogue/", $name, ".toml")) } ),+]
    };
}

/// Every scenario of the catalogue, smallest first.
#[must_use]
pub fn catalogue() -> &'static [Entry] {
    entries![
        "smoke",
        "thermalog",
        "paragon",
        "bad-link",
        "half-open",
        "reconnect-storm",
        "broker-freeze",
        "broker-restart",
        "offline-queue",
        "slow-consumer",
        "commands",
        "retained-flood",
        "gateway-backlog",
        "phase-1",
        "phase-1-day",
        "phase-2",
        "phase-2-day",
        "phase-3",
        "phase-3-day",
        "soak",
        "stretch"
    ]
}

impl Entry {
    /// Its scenario.
    #[must_use]
    pub fn scenario(&self) -> crate::Scenario {
        match crate::parse(self.name, self.text) {
            Ok(scenario) => scenario,
            Err(diagnostics) => unreachable!("the catalogue is tested: {diagnostics}"),
        }
    }
}
