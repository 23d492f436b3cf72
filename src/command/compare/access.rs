//! How the sides are talked to that are measured.

use super::{measure, shown};
use crate::{
    cli::{self, Access},
    command::target::{EMBEDDED, Named},
    exit::Failure,
};

/// The target of each side, which names a broker where it is measured. Options go to the sides that can use them: users to every
/// broker but the reference broker, whom nobody else may reach, and TLS to addresses that speak it.
///
/// # Errors
///
/// When no side can use an option.
pub(super) fn of_sides(options: &cli::Compare, sides: [Option<&str>; 2]) -> Result<[cli::Target; 2], Failure> {
    let given = [options.access.clone(), of_new(options)];
    let mut targets = <[cli::Target; 2]>::default();
    let (mut speaks_tls, mut knows_users) = ([false; 2], [false; 2]);
    for side in [0, 1] {
        let Some(name) = sides[side] else { continue };
        (speaks_tls[side], knows_users[side]) = match measure::named(name)? {
            Named::Embedded => (false, false),
            Named::Described(_) => (false, true),
            Named::At(endpoint) => (endpoint.scheme.is_tls(), true),
        };
        targets[side] = cli::Target {
            target: (name != EMBEDDED).then(|| name.to_owned()),
            access: usable(given[side].clone(), speaks_tls[side], knows_users[side]),
        };
    }
    refuse_unused(options, speaks_tls, knows_users)?;
    Ok(targets)
}

/// What holds of the new side: its own where that was said.
fn of_new(options: &cli::Compare) -> Access {
    let (mut access, other) = (options.access.clone(), &options.other);
    if let Some(user) = &other.new_user {
        access.user = Some(user.clone());
    }
    if let Some(file) = &other.new_password_file {
        (access.password, access.password_file) = (None, Some(file.clone()));
    }
    if !other.new_ca.is_empty() {
        (access.ca, access.insecure) = (other.new_ca.clone(), false);
    }
    if other.new_cert.is_some() {
        (access.cert, access.key, access.client_ca) = (other.new_cert.clone(), other.new_key.clone(), Vec::new());
    }
    access
}

fn usable(access: Access, speaks_tls: bool, knows_users: bool) -> Access {
    let mut left = Access { source: access.source, ..Access::default() };
    if knows_users {
        (left.user, left.password, left.password_file) = (access.user, access.password, access.password_file);
    }
    if speaks_tls {
        (left.ca, left.cert, left.key, left.insecure) = (access.ca, access.cert, access.key, access.insecure);
        left.client_ca = access.client_ca;
    }
    left
}

fn refuse_unused(options: &cli::Compare, speaks_tls: [bool; 2], knows_users: [bool; 2]) -> Result<(), Failure> {
    let (access, other) = (&options.access, &options.other);
    let (tls, users) = (speaks_tls.contains(&true), knows_users.contains(&true));
    let both = |flag, given: bool, useful: bool, why| (given && !useful).then_some((flag, why));
    let (no_tls, no_user) = ("is for mqtts:// and wss://", "is for a broker that asks for users");
    let unused = [
        both("--user", access.user.is_some(), users, no_user),
        both("--password", access.password.is_some(), users, no_user),
        both("--password-file", access.password_file.is_some(), users, no_user),
        both("--ca", !access.ca.is_empty(), tls, no_tls),
        both("--cert", access.cert.is_some(), tls, no_tls),
        both("--client-ca", !access.client_ca.is_empty(), tls, no_tls),
        both("--insecure", access.insecure, tls, no_tls),
        both("--new-user", other.new_user.is_some(), knows_users[1], no_user),
        both("--new-password-file", other.new_password_file.is_some(), knows_users[1], no_user),
        both("--new-ca", !other.new_ca.is_empty(), speaks_tls[1], no_tls),
        both("--new-cert", other.new_cert.is_some(), speaks_tls[1], no_tls),
    ];
    match unused.into_iter().flatten().next() {
        None => Ok(()),
        Some((flag, why)) => {
            let sides = [shown(&options.base), shown(&options.new)];
            let whom = if flag.starts_with("--new") { sides[1].clone() } else { sides.join(" and ") };
            Err(Failure::usage(format!("{flag} {why}, and what is measured is {whom}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn reached(line: &str) -> Result<[cli::Target; 2], String> {
        let words = ["paddock", "compare", "--scenario", "smoke"].into_iter().chain(line.split(' '));
        let Verb::Compare(options) = Cli::parse_from(words).verb else { panic!("{line}") };
        of_sides(&options, [Some(&options.base), Some(&options.new)]).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn each_side_gets_what_it_can_use_and_the_new_one_its_own() {
        let [base, new] = reached("embedded mqtts://b.example --user u --password-file p --ca ca.crt").unwrap();
        assert_eq!((base.target, base.access.user, base.access.ca.len()), (None, None, 0));
        assert_eq!(new.target.as_deref(), Some("mqtts://b.example"));
        assert_eq!((new.access.user.as_deref(), new.access.ca.len()), (Some("u"), 1));
        assert!(new.access.password_file.is_some());

        let own = "--new-user v --new-password-file q --new-ca b.crt --new-cert c --new-key k";
        let [base, new] =
            reached(&format!("mqtts://a.example mqtts://b.example --user u --password x --insecure {own}")).unwrap();
        assert_eq!((base.access.user.as_deref(), base.access.password.as_deref()), (Some("u"), Some("x")));
        assert!(base.access.insecure && base.access.ca.is_empty() && base.access.cert.is_none());
        assert_eq!((new.access.user.as_deref(), new.access.password.as_deref()), (Some("v"), None));
        assert!(!new.access.insecure && new.access.ca.len() == 1 && new.access.key.is_some());

        let [base, new] = reached("mosquitto ws://b.example/mqtt --user u").unwrap();
        assert_eq!((base.target.as_deref(), base.access.user.as_deref()), (Some("mosquitto"), Some("u")));
        assert_eq!(new.access.user.as_deref(), Some("u"));
    }

    #[test]
    fn both_sides_are_reached_from_the_same_addresses_with_certificates_of_the_same_ca() {
        let line = "embedded mqtts://b.example --source 127.0.0.2-127.0.0.3 --client-ca ca.crt ca.key";
        let [base, new] = reached(line).unwrap();
        for access in [&base.access, &new.access] {
            assert_eq!(access.source.as_ref().map(|sources| sources.addresses().len()), Some(2));
        }
        assert_eq!((base.access.client_ca.len(), new.access.client_ca.len()), (0, 2));
        let [_, new] = reached(&format!("{line} --new-cert c --new-key k")).unwrap();
        assert!(new.access.client_ca.is_empty() && new.access.cert.is_some());
    }

    #[test]
    fn what_no_side_can_use_is_refused() {
        for (line, said) in [
            (
                "embedded mqtt://u:secret@b.example --ca ca.crt",
                "--ca is for mqtts:// and wss://, and what is measured is",
            ),
            ("embedded embedded --client-ca ca.crt ca.key", "--client-ca is for mqtts:// and wss://"),
            ("embedded embedded --user u", "--user is for a broker that asks for users"),
            ("mqtts://a.example mqtt://b.example --new-ca ca.crt", "--new-ca is for mqtts://"),
        ] {
            let refused = reached(line).unwrap_err();
            assert!(refused.contains(said) && !refused.contains("secret"), "{line}: {refused}");
        }
    }
}
