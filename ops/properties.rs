//! What holds for every header list, URL and body, not for those only that someone thought of. `make fuzz` tries many more.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence::SourceParallel;

use crate::coding::Coding;
use crate::decoder::PIECE;
use crate::fetch::{parse_method, parse_url};
use crate::{BodyError, head};

fn header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let name = "[!#$%&'*+.^_`|~0-9a-zA-Z-]{1,20}".prop_map(|name| name.parse().unwrap());
    let value = prop::collection::vec(prop_oneof![Just(b'\t'), 0x20_u8..=0x7e, 0x80_u8..=0xff], 0..40)
        .prop_map(|value| HeaderValue::from_bytes(&value).unwrap());
    (name, value)
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    prop::collection::vec(header(), 0..12).prop_map(|list| {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, value);
        }
        headers
    })
}

/// Text that is nearly a URL.
fn nearly_a_url() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "(https?|file|data|ext|ws|HTTP|ht\ttp)",
        Just("://".to_owned()),
        Just(":".to_owned()),
        Just("//".to_owned()),
        Just("\\".to_owned()),
        Just("@".to_owned()),
        Just("#".to_owned()),
        Just("?".to_owned()),
        "[a-z0-9.-]{0,12}",
        "(127\\.0\\.0\\.1|\\[::1\\]|0x7f\\.1|localhost|a\\.test)",
        ":[0-9]{0,6}",
        "%[0-9a-fA-F]{0,2}",
        "\\PC{0,4}",
        "[\\x00-\\x20]{0,2}",
    ];
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

fn coding() -> impl Strategy<Value = Coding> {
    prop_oneof![Just(Coding::Gzip), Just(Coding::Deflate), Just(Coding::Brotli)]
}

/// The pieces of a body, in chunks of this size.
fn run(
    bytes: &[u8],
    chunk: usize,
    code: impl FnOnce(crate::ByteStream) -> crate::ByteStream,
) -> Result<Vec<Bytes>, BodyError> {
    let chunks: Vec<_> = bytes
        .chunks(chunk.max(1))
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    let mut body = code(stream::iter(chunks).boxed_local());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        let mut pieces = Vec::new();
        while let Some(piece) = body.next().await {
            pieces.push(piece?);
        }
        Ok(pieces)
    })
}

/// What failed once is tried first, from `fixtures/fuzz/seeds`.
fn kept() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(SourceParallel("fixtures/fuzz/seeds"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(kept())]

    #[test]
    fn header_lists_survive_the_crossing(headers in headers()) {
        let crossed = head::split(head::join(&headers).as_bytes()).unwrap();
        prop_assert_eq!(crossed.len(), headers.len());
        for ((name, value), (crossed, read)) in headers.iter().zip(&crossed) {
            prop_assert_eq!(name, crossed);
            prop_assert_eq!(head::text(value), head::text(read));
        }
    }

    #[test]
    fn what_a_script_joins_holds_no_line(joined in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(headers) = head::split(&joined) {
            for (name, value) in &headers {
                prop_assert!(!name.as_str().contains(['\r', '\n', '\0', ':', ' ']));
                prop_assert!(!value.as_bytes().iter().any(|byte| b"\r\n\0".contains(byte)));
            }
        }
    }

    #[test]
    fn nothing_of_a_connection_crosses(mut headers in headers(), named in header(), te in header()) {
        headers.insert("connection", HeaderValue::from_str(named.0.as_str()).unwrap());
        headers.append(named.0.clone(), named.1);
        headers.append("te", te.1);
        head::strip_hop_by_hop(&mut headers);
        for gone in ["connection", "te", named.0.as_str()] {
            prop_assert!(!headers.contains_key(gone));
        }
    }

    #[test]
    fn only_plain_http_urls_leave(text in nearly_a_url()) {
        if let Ok(url) = parse_url(&text) {
            prop_assert!(matches!(url.scheme(), "http" | "https"));
            prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            prop_assert!(url.host_str().is_some_and(|host| !host.is_empty()));
            // Whoever reads it again reads the same.
            let again = deno_core::url::Url::parse(url.as_str()).unwrap();
            prop_assert_eq!(again.host_str(), url.host_str());
            prop_assert_eq!(again.as_str(), url.as_str());
            prop_assert!(url.as_str().parse::<http::Uri>().is_ok_and(|uri| uri.host() == url.host_str()));
        }
    }

    #[test]
    fn methods_are_tokens(text in "\\PC{0,12}") {
        if let Ok(method) = parse_method(&text) {
            prop_assert!(method.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!["CONNECT", "PRI", "TRACE", "TRACK"].contains(&method.as_str().to_ascii_uppercase().as_str()));
        }
    }

    #[test]
    fn bodies_survive_their_coding(
        coding in coding(),
        bytes in prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..5000),
        (first, second) in (1_usize..3000, 1_usize..3000),
    ) {
        let coded = run(&bytes, first, |body| coding.encode(body, None)).unwrap().concat();
        let pieces = run(&coded, second, |body| coding.decode(body, None)).unwrap();
        prop_assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        prop_assert_eq!(pieces.concat(), bytes);
    }

    #[test]
    fn broken_bodies_are_errors_or_bounded(
        coding in coding(),
        text in "[a-z ]{0,300}",
        (place, with) in (any::<prop::sample::Index>(), any::<u8>()),
        chunk in 1_usize..200,
    ) {
        let mut coded = run(text.as_bytes(), 100, |body| coding.encode(body, None)).unwrap().concat();
        if !coded.is_empty() {
            let place = place.index(coded.len());
            coded[place] ^= with;
        }
        if let Ok(pieces) = run(&coded, chunk, |body| coding.decode(body, None)) {
            prop_assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        }
    }

    #[test]
    fn noise_is_never_a_body_without_end(coding in coding(), noise in prop::collection::vec(any::<u8>(), 0..400), chunk in 1_usize..100) {
        if let Ok(pieces) = run(&noise, chunk, |body| coding.decode(body, None)) {
            prop_assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
        }
    }
}
