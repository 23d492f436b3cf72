//! Which side has which page of metrics.

use loadgen::MetricsPage;
use targets::Reach;

use super::{measure, shown};
use crate::{cli, command::target::Named, exit::Failure};

/// The page of each side that is `measured`. What Paddock starts it watches itself, so that a page is of a broker given by its
/// address; `--metrics` without `--new-metrics` is of the only one.
///
/// # Errors
///
/// A page of no such broker, or a file that is of no use.
pub(super) fn of_sides(options: &cli::Compare, measured: [bool; 2]) -> Result<[Option<MetricsPage>; 2], Failure> {
    let [mut base, mut new] = options.metrics.pages().map_err(Failure::usage)?;
    let mut has_address = [false; 2];
    for (side, name) in [&options.base, &options.new].into_iter().enumerate() {
        has_address[side] = measured[side] && is_address(&measure::named(name)?);
    }
    if !has_address[0] && has_address[1] && new.is_none() {
        new = base.take();
    }
    for (flag, page, side, name) in [("--metrics", &base, 0, &options.base), ("--new-metrics", &new, 1, &options.new)] {
        if page.is_some() && !has_address[side] {
            let name = shown(name);
            return Err(Failure::usage(format!(
                "{flag} is for a broker that is measured and given by its address, not {name}"
            )));
        }
    }
    Ok([base, new])
}

fn is_address(named: &Named) -> bool {
    match named {
        Named::At(_) => true,
        Named::Embedded => false,
        Named::Described(descriptor) => matches!(descriptor.reach, Reach::Addresses { .. }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn pages(line: &str) -> Result<[Option<String>; 2], String> {
        let words = ["paddock", "compare", "--scenario", "smoke"].into_iter().chain(line.split(' '));
        let Verb::Compare(options) = Cli::parse_from(words).verb else { panic!("{line}") };
        let pages = of_sides(&options, [!options.base.starts_with("runs/"), true]);
        Ok(pages.map_err(|failure| failure.to_string())?.map(|page| page.map(|page| page.to_string())))
    }

    #[test]
    fn a_page_goes_to_the_broker_that_it_is_of() {
        let (a, b) = (Some("http://a/metrics".to_owned()), Some("http://b/metrics".to_owned()));
        let both = "mqtt://a.example mqtt://b.example --metrics http://a/metrics";
        assert_eq!(pages(both), Ok([a.clone(), None]), "what one broker uses is not what the other does");
        assert_eq!(pages(&format!("{both} --new-metrics http://b/metrics")), Ok([a.clone(), b.clone()]));
        assert_eq!(pages("embedded mqtt://b.example --metrics http://b/metrics"), Ok([None, b.clone()]));
        assert_eq!(pages("runs/x mqtt://b.example --metrics http://b/metrics"), Ok([None, b]));
        assert_eq!(pages("mqtt://a.example embedded --metrics http://a/metrics"), Ok([a, None]));
    }

    #[test]
    fn a_page_of_nobody_is_refused() {
        for (line, said) in [
            ("embedded mosquitto --metrics http://a/metrics", "--metrics is for a broker that is measured and given"),
            ("mqtt://u:secret@a.example embedded --new-metrics http://b/metrics", "--new-metrics is for a broker"),
            ("embedded mqtt://u:secret@b --metrics http://a/metrics --new-metrics http://b/metrics", "not embedded"),
            (
                "mqtt://a mqtt://b --new-metrics http://b/metrics --new-metrics-token-file nowhere",
                "--new-metrics-token-file: ",
            ),
        ] {
            let refused = pages(line).unwrap_err();
            assert!(refused.contains(said) && !refused.contains("secret"), "{line}: {refused}");
        }
    }
}
