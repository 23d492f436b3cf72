//! `--metrics`, of every verb that measures a broker.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use loadgen::MetricsPage;

/// The target's own page of metrics.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Metrics {
    /// The target's own page of metrics, such as http://192.0.2.7:9100/metrics, also on https://: what its CPU, memory and open
    /// files are read from where its process is not on this machine, or not to be seen.
    #[arg(long = "metrics", value_name = "URL", value_hint = ValueHint::Url)]
    page: Option<MetricsPage>,
    /// A file with the CA that vouches for that page on https://, PEM. [default: the CAs that this machine trusts]
    #[arg(long = "metrics-ca", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    authority: Option<PathBuf>,
    /// A file whose first line is the token that the page wants (Authorization: Bearer). It is read again for every look.
    #[arg(long = "metrics-token-file", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    token: Option<PathBuf>,
}

impl Metrics {
    /// The page with what it takes to be read.
    ///
    /// # Errors
    ///
    /// A file that is of no use, in one line.
    pub(crate) fn page(&self) -> Result<Option<MetricsPage>, String> {
        complete("--metrics", self.page.as_ref(), self.authority.as_deref(), self.token.as_deref())
    }
}

/// The pages of two brokers that are compared. Neither gets what is meant for the other one: a token is a secret.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct MetricsOfSides {
    /// The page of metrics of the broker that is measured and given by its address, such as http://192.0.2.7:9100/metrics, also
    /// on https://; of BASE where both are. Its CPU, memory and open files are read from there.
    #[arg(long = "metrics", value_name = "URL", value_hint = ValueHint::Url)]
    page: Option<MetricsPage>,
    /// A file with the CA that vouches for that page on https://, PEM. [default: the CAs that this machine trusts]
    #[arg(long = "metrics-ca", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    authority: Option<PathBuf>,
    /// A file whose first line is the token that the page wants (Authorization: Bearer). It is read again for every look.
    #[arg(long = "metrics-token-file", value_name = "FILE", requires = "page", value_hint = ValueHint::FilePath)]
    token: Option<PathBuf>,
    /// The page of metrics of NEW.
    #[arg(long = "new-metrics", value_name = "URL", value_hint = ValueHint::Url)]
    new_page: Option<MetricsPage>,
    /// A file with the CA that vouches for the page of NEW, PEM.
    #[arg(long = "new-metrics-ca", value_name = "FILE", requires = "new_page", value_hint = ValueHint::FilePath)]
    new_authority: Option<PathBuf>,
    /// A file whose first line is the token that the page of NEW wants.
    #[arg(long = "new-metrics-token-file", value_name = "FILE", requires = "new_page", value_hint = ValueHint::FilePath)]
    new_token: Option<PathBuf>,
}

impl MetricsOfSides {
    /// What `--metrics` and `--new-metrics` name, with what it takes to be read.
    ///
    /// # Errors
    ///
    /// A file that is of no use, in one line.
    pub(crate) fn pages(&self) -> Result<[Option<MetricsPage>; 2], String> {
        Ok([
            complete("--metrics", self.page.as_ref(), self.authority.as_deref(), self.token.as_deref())?,
            complete(
                "--new-metrics",
                self.new_page.as_ref(),
                self.new_authority.as_deref(),
                self.new_token.as_deref(),
            )?,
        ])
    }
}

fn complete(
    flag: &str,
    page: Option<&MetricsPage>,
    authority: Option<&Path>,
    token: Option<&Path>,
) -> Result<Option<MetricsPage>, String> {
    let Some(mut page) = page.cloned() else { return Ok(None) };
    if let Some(file) = authority {
        page = page.vouched_for_by(file).map_err(|error| format!("{flag}-ca: {error}"))?;
    }
    if let Some(file) = token {
        page = page.with_token_of(file).map_err(|error| format!("{flag}-token-file: {error}"))?;
    }
    Ok(Some(page))
}
