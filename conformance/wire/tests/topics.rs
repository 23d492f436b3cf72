//! The naive matcher and the rules of section 4.7.

use wire::{
    Version::*,
    topic::{Shared, is_filter, is_name, matches, shared},
};

/// The examples of sections 4.7.1 and 4.7.2 of both standards, and what they imply.
#[test]
fn filters_match_as_the_standard_says() {
    let table: [(&str, &[&str], &[&str]); 15] = [
        ("sport/tennis/player1/#", &["sport/tennis/player1", "sport/tennis/player1/ranking"], &["sport/tennis"]),
        ("sport/tennis/player1/#", &["sport/tennis/player1/score/wimbledon"], &["sport/tennis/player11"]),
        ("sport/#", &["sport", "sport/", "sport//"], &["sports", "Sport"]),
        ("#", &["a", "/", "a/b", "/a", "a$", "a/$b"], &["$", "$SYS", "$SYS/a"]),
        ("sport/tennis/+", &["sport/tennis/player1", "sport/tennis/"], &["sport/tennis", "sport/tennis/a/b"]),
        ("sport/+", &["sport/"], &["sport", "sport/a/b"]),
        ("+", &["finance", "a b"], &["/finance", "finance/", "$SYS"]),
        ("+/+", &["/finance", "/", "a/b"], &["finance", "$SYS/a"]),
        ("/+", &["/finance", "/"], &["finance", "/a/b"]),
        ("+/monitor/Clients", &["a/monitor/Clients"], &["$SYS/monitor/Clients"]),
        ("$SYS/#", &["$SYS", "$SYS/a/b"], &["a/$SYS"]),
        ("$SYS/monitor/+", &["$SYS/monitor/Clients"], &["$SYS/monitor"]),
        ("+/b/#", &["a/b", "/b/c"], &["a/c", "b"]),
        ("a", &["a"], &["A", "a/", "/a", "\u{e1}", "a\u{301}"]),
        ("$share/g/+/b", &["a/b"], &["$share/g/a/b", "$x/b"]),
    ];
    for (filter, yes, no) in table {
        for name in yes {
            assert!(matches(filter, name), "{filter} matches {name}");
        }
        for name in no {
            assert!(!matches(filter, name), "{filter} does not match {name}");
        }
    }
}

#[test]
fn shared_filters_have_a_name_and_a_filter() {
    assert_eq!(shared("$share/g/a/+"), Some(Shared { name: "g", filter: "a/+" }));
    assert_eq!(shared("$share/g//"), Some(Shared { name: "g", filter: "/" }));
    for filter in ["$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$shared/g/a", "a"] {
        assert_eq!(shared(filter), None, "{filter}");
    }
}

/// All texts of up to four of these characters, judged by the words of section 4.7.1 instead of by levels.
#[test]
fn wildcards_stand_where_they_may() {
    for text in texts(4) {
        let at = |index: usize| text.as_bytes().get(index).copied();
        let alone =
            |index: usize| (index == 0 || at(index - 1) == Some(b'/')) && at(index + 1).is_none_or(|next| next == b'/');
        let hashes = text.match_indices('#').all(|(index, _)| alone(index) && index + 1 == text.len());
        let pluses = text.match_indices('+').all(|(index, _)| alone(index));
        assert_eq!(is_filter(V3_1_1, &text), !text.is_empty() && hashes && pluses, "{text:?}");
        assert_eq!(is_name(&text), !text.is_empty() && !text.contains(['#', '+']), "{text:?}");
        if is_name(&text) {
            assert!(matches(&text, &text), "{text:?} matches itself");
            assert_eq!(matches("#", &text), !text.starts_with('$'), "# and {text:?}");
        }
    }
}

fn texts(longest: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut start = 0;
    for _ in 0..longest {
        let end = texts.len();
        for index in start..end {
            for character in ['a', '/', '+', '#', '$'] {
                texts.push(format!("{}{character}", texts[index]));
            }
        }
        start = end;
    }
    texts
}

#[test]
fn shared_filters_exist_in_5_0_only() {
    for filter in ["$share//a", "$share/g", "$share/g/"] {
        assert!(is_filter(V3_1_1, filter) && !is_filter(V5, filter), "{filter}");
    }
    assert!(is_filter(V5, "$share/g/a/#") && is_filter(V5, "$share") && is_filter(V5, "$SYS/#"));
}
