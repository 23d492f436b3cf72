//! `paddock compare`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use scenarios::model::Percentage;

use super::{Access, MetricsOfSides, Overrides};

/// Two sides, and how they are compared.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// What is compared with: recorded runs, that is a run folder, a folder of run folders, or several of them with commas
    /// between; or a broker to measure now: embedded, the name or file of a descriptor such as mosquitto, or a URL.
    #[arg(value_name = "BASE", value_hint = ValueHint::AnyPath)]
    pub(crate) base: String,
    /// What is judged, in the same ways.
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    pub(crate) new: String,
    /// The scenario to measure brokers with: a file, or a name of the catalogue. Its section `compare` says how to compare.
    #[arg(long, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: Option<String>,
    /// How many runs of each side to make, at least 3. [default: what the scenario says, or 5]
    #[arg(long, value_name = "COUNT", requires = "scenario", value_parser = clap::value_parser!(u32).range(3..=1000))]
    pub(crate) repeats: Option<u32>,
    /// The change for the worse that is tolerated, such as 5%. [default: what the scenario says, or 5%]
    #[arg(long, value_name = "SHARE")]
    pub(crate) max_regression: Option<Percentage>,
    /// The probability with which intervals hold the true change, such as 95%. [default: what the scenario says, or 95%]
    #[arg(long, value_name = "SHARE")]
    pub(crate) confidence: Option<Percentage>,
    /// The folder for comparison.json, report.html, junit.xml and the runs that are made. [default: runs/TIME-compare-SCENARIO when runs
    /// are made, or else no files]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// How brokers that are measured are talked to, both sides alike.
    #[command(flatten)]
    pub(crate) access: Access,
    #[command(flatten)]
    pub(crate) other: Other,
    #[command(flatten)]
    pub(crate) metrics: Box<MetricsOfSides>,
}

/// How the new side is talked to where it is not as the base.
#[derive(Debug, Args)]
pub(crate) struct Other {
    /// The User Name for the new side, where it is another one than --user.
    #[arg(long, value_name = "USER")]
    pub(crate) new_user: Option<String>,
    /// A file whose first line is the Password for the new side.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) new_password_file: Option<PathBuf>,
    /// A file with the CA that vouches for the new side, PEM, instead of --ca; may be given several times.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) new_ca: Vec<PathBuf>,
    /// A file with the certificate that every client shows the new side, PEM, instead of --cert.
    #[arg(long, value_name = "FILE", requires = "new_key", value_hint = ValueHint::FilePath)]
    pub(crate) new_cert: Option<PathBuf>,
    /// A file with the private key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "new_cert", value_hint = ValueHint::FilePath)]
    pub(crate) new_key: Option<PathBuf>,
}
