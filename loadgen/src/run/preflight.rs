//! What this machine allows, against what the deployment plan asks of one that carries the farm (its list of system
//! limits). Settings are read from `/proc/sys` and never changed; what a container hides is said to be not readable.

use std::{fs, path::Path};

use reports::observation::Preflight;

/// A kernel setting and what the plan wants of it.
struct Setting {
    /// As `sysctl` calls it.
    name: &'static str,
    wanted: Wanted,
    why: &'static str,
}

enum Wanted {
    /// One number, so large or larger.
    AtLeast(u64),
    /// Two numbers, a range that covers this one.
    Range(u64, u64),
    /// Three numbers (smallest, usual, largest), each so large or larger.
    Sizes([u64; 3]),
}

const SETTINGS: [Setting; 10] = [
    Setting {
        name: "fs.file-max",
        wanted: Wanted::AtLeast(2_097_152),
        why: "Every connection is an open file; this bounds those of all processes together.",
    },
    Setting {
        name: "net.core.somaxconn",
        wanted: Wanted::AtLeast(65_535),
        why: "Connections that wait to be accepted; beyond it a reconnect storm is turned away.",
    },
    Setting {
        name: "net.ipv4.tcp_max_syn_backlog",
        wanted: Wanted::AtLeast(65_535),
        why: "Connections half open; beyond it first packets are dropped and come again a second later.",
    },
    Setting {
        name: "net.ipv4.ip_local_port_range",
        wanted: Wanted::Range(1024, 65_535),
        why: "Each connection to one broker address takes a local port of this range.",
    },
    Setting {
        name: "net.core.rmem_default",
        wanted: Wanted::AtLeast(262_144),
        why: "Receive buffer of a socket that asks for none.",
    },
    Setting {
        name: "net.core.wmem_default",
        wanted: Wanted::AtLeast(262_144),
        why: "Send buffer of a socket that asks for none.",
    },
    Setting {
        name: "net.core.rmem_max",
        wanted: Wanted::AtLeast(16_777_216),
        why: "Largest receive buffer that a broker may ask for.",
    },
    Setting {
        name: "net.core.wmem_max",
        wanted: Wanted::AtLeast(16_777_216),
        why: "Largest send buffer that a broker may ask for.",
    },
    Setting {
        name: "net.ipv4.tcp_rmem",
        wanted: Wanted::Sizes([4096, 4096, 16_777_216]),
        why: "How far TCP lets a receive buffer grow: a burst that finds no room waits at the sender.",
    },
    Setting {
        name: "net.ipv4.tcp_wmem",
        wanted: Wanted::Sizes([4096, 4096, 16_777_216]),
        why: "How far TCP lets a send buffer grow: a slow subscriber fills it first, then the broker's queue.",
    },
];

/// The settings of this machine.
pub(super) fn settings() -> Vec<Preflight> {
    below(Path::new("/proc/sys"))
}

fn below(root: &Path) -> Vec<Preflight> {
    let read = |setting: &Setting| fs::read_to_string(root.join(setting.name.replace('.', "/"))).ok();
    SETTINGS.iter().map(|setting| setting.judge(read(setting).as_deref())).collect()
}

impl Setting {
    fn judge(&self, found: Option<&str>) -> Preflight {
        let numbers: Option<Vec<u64>> =
            found.and_then(|text| text.split_whitespace().map(|word| word.parse().ok()).collect());
        let numbers = numbers.filter(|numbers| !numbers.is_empty());
        let observed = numbers.as_ref().map(|numbers| joined(numbers));
        Preflight {
            name: self.name.to_owned(),
            observed: observed.unwrap_or_else(|| "not readable".to_owned()),
            wanted: self.wanted.to_string(),
            ok: numbers.and_then(|numbers| self.wanted.holds(&numbers)),
            why: self.why.to_owned(),
            how: format!("sysctl -w {}=\"{}\"", self.name, self.wanted.value()),
        }
    }
}

impl Wanted {
    /// `None` when the kernel tells something of another shape.
    fn holds(&self, found: &[u64]) -> Option<bool> {
        match (self, found) {
            (Self::AtLeast(least), [found]) => Some(found >= least),
            (Self::Range(low, high), [from, to]) => Some(from <= low && to >= high),
            (Self::Sizes(least), [_, _, _]) => Some(found.iter().zip(least).all(|(found, least)| found >= least)),
            _ => None,
        }
    }

    fn value(&self) -> String {
        match self {
            Self::AtLeast(least) => least.to_string(),
            Self::Range(low, high) => joined(&[*low, *high]),
            Self::Sizes(sizes) => joined(sizes),
        }
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(_) | Self::Sizes(_) => write!(f, "at least {}", self.value()),
            Self::Range(low, high) => write!(f, "{low} to {high}"),
        }
    }
}

fn joined(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, found: Option<&str>) -> Preflight {
        SETTINGS.iter().find(|setting| setting.name == name).expect("a setting").judge(found)
    }

    #[test]
    fn a_setting_is_as_wanted_from_the_wanted_value_on() {
        let of = |name, found| judged(name, Some(found)).ok;
        assert_eq!(of("net.core.somaxconn", "65535\n"), Some(true));
        assert_eq!(of("net.core.somaxconn", "65534\n"), Some(false));
        // The kernel's word for "no limit".
        assert_eq!(of("fs.file-max", "9223372036854775807\n"), Some(true));
        assert_eq!(of("net.ipv4.ip_local_port_range", "1024\t65535\n"), Some(true));
        assert_eq!(of("net.ipv4.ip_local_port_range", "32768\t60999\n"), Some(false));
        assert_eq!(of("net.ipv4.tcp_rmem", "4096\t131072\t6291456\n"), Some(false));
        assert_eq!(of("net.ipv4.tcp_rmem", "4096\t131072\t33554432\n"), Some(true));
    }

    #[test]
    fn what_is_not_there_is_not_readable_and_no_failure() {
        let checks = below(Path::new("/dev/null"));
        assert_eq!(checks.len(), SETTINGS.len());
        for check in &checks {
            assert_eq!((check.ok, check.observed.as_str()), (None, "not readable"), "{}", check.name);
        }
        for strange in ["", "many", "1 2 3 4", "-1"] {
            assert_eq!(judged("net.core.somaxconn", Some(strange)).ok, None, "{strange:?}");
        }
    }

    #[test]
    fn each_says_why_and_how() {
        let check = judged("net.ipv4.tcp_wmem", Some("1 2 3"));
        assert_eq!(check.how, "sysctl -w net.ipv4.tcp_wmem=\"4096 4096 16777216\"");
        assert_eq!((check.observed.as_str(), check.wanted.as_str()), ("1 2 3", "at least 4096 4096 16777216"));
        assert!(SETTINGS.iter().all(|setting| setting.why.ends_with('.')));
    }
}
