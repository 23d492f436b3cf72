//! The header in literal bytes, at every split point.

use proptest::prelude::*;

use super::{Progress, ProxyError, SIGNATURE, Source, parse, read};

fn v1(line: &str) -> Vec<u8> {
    format!("{line}\r\n").into_bytes()
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[0x20 | command, family], &length, rest].concat()
}

fn address(text: &str) -> Source {
    Source::Address(text.parse().unwrap())
}

/// Every kind of header and what it says.
fn headers() -> Vec<(Vec<u8>, Source)> {
    let v4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xC3, 0x50, 0x07, 0x5B];
    let mut v6 = [0; 36];
    v6[..2].copy_from_slice(&[0x20, 0x01]);
    v6[15] = 9;
    v6[32..34].copy_from_slice(&[0x00, 0x50]);
    // An authority and an unknown TLV.
    let tlvs = [0x02, 0, 4, b'b', b'a', b'r', b'n', 0xE0, 0, 0];
    let longest =
        "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535";
    vec![
        (v1("PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883"), address("192.0.2.7:50000")),
        (v1("PROXY TCP4 1.1.1.1 1.1.1.1 0 1"), address("1.1.1.1:0")),
        (v1("PROXY TCP6 2001::9 ::1 80 1883"), address("[2001::9]:80")),
        (v1(longest), address("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")),
        (v1("PROXY UNKNOWN"), Source::Unknown),
        (v1("PROXY UNKNOWN whatever this is"), Source::Unknown),
        (v2(1, 0x11, &v4), address("192.0.2.7:50000")),
        (v2(1, 0x11, &[&v4[..], &tlvs].concat()), address("192.0.2.7:50000")),
        (v2(1, 0x21, &v6), address("[2001::9]:80")),
        (v2(1, 0x31, &[7; 216]), Source::Unknown),
        (v2(1, 0x12, &v4), Source::Unknown),
        (v2(1, 0x00, &[]), Source::Unknown),
        (v2(0, 0x00, &[]), Source::Proxy),
        (v2(0, 0x11, &[&v4[..], &tlvs].concat()), Source::Proxy),
    ]
}

#[test]
fn every_header_is_understood_and_at_every_split_asks_for_no_more_than_it_has() {
    for (header, source) in headers() {
        assert_eq!(parse(&header), Ok(Progress::Complete(source)), "{header:02x?}");
        for cut in 0..header.len() {
            match parse(&header[..cut]) {
                Ok(Progress::Needs(more)) => {
                    assert!((1..=header.len() - cut).contains(&more), "{more} at {cut} of {header:02x?}");
                }
                other => panic!("{other:?} at {cut} of {header:02x?}"),
            }
        }
    }
}

#[tokio::test]
async fn reading_leaves_what_follows_the_header() {
    for (header, source) in headers() {
        let wire = [&header[..], b"\x10\x0cCONNECT"].concat();
        let mut rest = &wire[..];
        assert_eq!(read(&mut rest).await.unwrap(), source);
        assert_eq!(rest, b"\x10\x0cCONNECT");
    }
}

#[tokio::test]
async fn a_header_that_ends_early_is_no_header() {
    for (header, _) in headers() {
        for cut in 0..header.len() {
            let error = read(&mut &header[..cut]).await.unwrap_err();
            assert!(matches!(error, ProxyError::Io(_)), "{error}");
        }
    }
}

#[test]
fn whatever_else_comes_first_is_refused_at_once() {
    let connect = [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 1, b'a'];
    assert!(parse(&connect[..1]).is_err());
    assert!(parse(&[0x16, 3, 1]).is_err(), "TLS");
    assert!(parse(b"GET /mqtt").is_err());
    assert!(parse(b"PROXI").is_err());
    for line in [
        "PROXY TCP4 192.0.2.7 198.51.100.1 50000",
        "PROXY TCP4 192.0.2.7 198.51.100.1 50000 1883 7",
        "PROXY TCP4  192.0.2.7 198.51.100.1 50000 1883",
        "PROXY TCP4 192.0.2.7 198.51.100.1 50000 65536",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +5 1883",
        "PROXY TCP4 192.0.2.7 198.51.100.1 050 1883",
        "PROXY TCP4 192.0.2.007 198.51.100.1 50 1883",
        "PROXY TCP4 ::1 198.51.100.1 50 1883",
        "PROXY TCP4 192.0.2.7 ::1 50 1883",
        "PROXY TCP6 192.0.2.7 ::1 50 1883",
        "PROXY UDP4 192.0.2.7 198.51.100.1 50 1883",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 50 1883",
    ] {
        assert!(parse(&v1(line)).is_err(), "{line}");
    }
    assert!(parse(&[b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 93]].concat()).is_err(), "108 bytes");
    let mut version_1 = v2(1, 0, &[]);
    version_1[12] = 0x11;
    assert!(parse(&version_1).is_err());
    assert!(parse(&v2(2, 0, &[])).is_err(), "no such command");
    assert!(parse(&v2(1, 0x41, &[0; 12])).is_err(), "no such family");
    assert!(parse(&v2(1, 0x13, &[0; 12])).is_err(), "no such protocol");
    assert!(parse(&v2(1, 0x11, &[0; 11])).is_err(), "too short for its addresses");
    assert!(parse(&v2(1, 0x11, &[0; 2049])[..16]).is_err(), "too long, seen from its head");
    assert!(parse(&v2(1, 0x11, &[0; 2048])).is_ok());
}

proptest! {
    #[test]
    fn arbitrary_bytes_neither_panic_nor_ask_for_more_than_a_header_may_have(
        kind in 0..3_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let begin: [&[u8]; 3] = [b"", b"PROXY TCP4 ", SIGNATURE];
        let bytes = [begin[kind], &bytes].concat();
        if let Ok(Progress::Needs(more)) = parse(&bytes) {
            prop_assert!(more > 0 && bytes.len() + more <= 16 + 2048);
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_wrong_however_much_of_it_is_there() {
    for padding in 90..=96 {
        let header = v1(&format!("PROXY UNKNOWN {}", "x".repeat(padding)));
        assert_eq!(parse(&header).is_ok(), header.len() <= 107, "{} bytes", header.len());
        let wrong = (0..=header.len()).map(|cut| parse(&header[..cut]).is_err());
        assert!(wrong.is_sorted(), "{} bytes", header.len());
    }
}
