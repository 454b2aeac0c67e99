use super::*;

const SECRET: &str = "s3cr/t v\"l+e=";

fn clean(text: &[u8], size: usize) -> String {
    let redactor = Redactor::new(&[SECRET.into()]).unwrap();
    let chunks: Vec<_> = text
        .chunks(size)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    let body = redactor.body(stream::iter(chunks).boxed_local());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let parts = runtime.block_on(body.collect::<Vec<_>>());
    let whole: Vec<u8> = parts.into_iter().flat_map(|part| part.unwrap().to_vec()).collect();
    String::from_utf8_lossy(&whole).into_owned()
}

fn passing(secret: &str) -> Passing {
    Passing {
        scan: Scan::new(),
        forms: Arc::new(Forms::new(&[secret.into()]).unwrap()),
        held: BytesMut::new(),
        released: 0,
        ended: false,
    }
}

/// The secret with each of its characters written by `write`.
fn each(write: impl Fn(u8) -> String) -> String {
    SECRET.bytes().map(write).collect()
}

#[test]
fn every_form_is_found_however_it_is_cut() {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
    let json = serde_json::to_string(SECRET).unwrap();
    let mut texts = vec![
        SECRET.to_owned(),
        json[1..json.len() - 1].replace('/', "\\/"),
        "s3cr%2Ft+v%22l%2Be%3D".into(),
        "s3cr%2ft%20v%22l%2be%3d".into(),
        "s3cr&#x2F;t v&quot;l&plus;e&equals;".into(),
        "s3cr&sol;t&#32v&#34;l&#43;e&#61;".into(),
        "s3cr/t=20v\"l+e=3D".into(),
        "s3c=\r\nr/t v\"l+e=3D".into(),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("\\u{byte:04X}")),
        each(|byte| format!("\\x{byte:02x}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("%u{byte:04x}")),
        each(|byte| format!("&#{byte};")),
        each(|byte| format!("&#x{byte:X};")),
        each(|byte| format!("={byte:02X}")),
        each(|byte| format!("%25{byte:02x}")),
        each(|byte| format!("%2525{byte:02x}")),
        each(|byte| format!("&amp;#{byte};")),
        each(|byte| format!("\\u0026#{byte};")),
        each(|byte| format!("\\\\u{byte:04x}")),
        hex::encode(SECRET),
        hex::encode_upper(SECRET),
        String::from_utf8(SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect()).unwrap(),
    ];
    for before in ["", "x", "xy", "user:"] {
        for digits in [
            BASE64_STANDARD.encode(format!("{before}{SECRET}!")),
            BASE64_URL_SAFE.encode(format!("{before}{SECRET}!")),
        ] {
            texts.push(digits.replace('/', "\\/"));
            texts.push(digits.replace('+', "%2B").replace('/', "%2f"));
            texts.push(digits.chars().flat_map(|digit| [digit, '\r', '\n']).collect());
            texts.push(digits);
        }
    }
    for text in texts {
        for size in [1, 2, 3, 7, 1000] {
            let result = clean(format!("before {text} after").as_bytes(), size);
            assert!(result.contains("[redacted]"), "{text} in chunks of {size}: {result}");
            assert!(result.starts_with("before ") && result.ends_with(" after"), "{result}");
            assert!(result.len() < 100, "{text} in chunks of {size}: {result}");
        }
    }
}

#[test]
fn other_text_goes_through_as_it_is() {
    for text in [
        "nothing of it: s3cr/t v\"l+e",
        "\\u00 %4 %zz &amp &#; && \\",
        "s3cr%2F",
        "{\"a\":\"\\u0041\\n\",\"b\":[1,2]}",
        "caf\u{e9} \u{1f600} &eacute; =C3=A9",
        "ss3cr/t vs3cr/t",
    ] {
        for size in [1, 2, 5, 1000] {
            assert_eq!(clean(text.as_bytes(), size), text, "in chunks of {size}");
        }
    }
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(clean(&bytes, 3), String::from_utf8_lossy(&bytes));
}

#[test]
fn nothing_is_held_back_that_begins_no_secret() {
    let mut state = passing(SECRET);
    assert_eq!(state.pass(Some("data: 1\n\n".into())).unwrap(), "data: 1\n\n");
    assert_eq!(state.pass(Some("data: s3cr".into())).unwrap(), "data: ");
    assert_eq!(state.pass(Some("ewdriver".into())).unwrap(), "s3crewdriver");
    assert_eq!(state.pass(None).unwrap(), "");
}

#[test]
fn a_chain_of_them_is_held_as_one() {
    let mut state = passing("a1b2c3d4e5f6g7ha");
    for _ in 0..60 {
        assert_eq!(state.pass(Some("a1b2c3d4e5f6g7h".repeat(1000).into())).unwrap(), "");
        assert!(state.scan.found.len() <= 1);
    }
    assert_eq!(state.pass(Some("a, and more".into())).unwrap(), "[redacted], and more");
}

#[test]
fn overlapping_secrets_are_taken_out_whole() {
    let redactor = Redactor::new(&["abcabcd".into(), "bcd-efg".into(), "cab".into()]).unwrap();
    assert_eq!(
        redactor.text("1 abcabcd-efg 2 abcab 3"),
        "1 [redacted] 2 ab[redacted] 3"
    );
    assert_eq!(redactor.text("abcabcabcd"), "ab[redacted]");
    assert!(Redactor::new(&[String::new()]).is_none());
}

#[test]
fn headers_are_cleaned() {
    let redactor = Redactor::new(&["token-1".into()]).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-echo", HeaderValue::from_static("Bearer token-1, token-1"));
    headers.insert(
        "location",
        HeaderValue::from_static("https://a.example/?t=%74oken%2D1&x=1"),
    );
    headers.insert("x-token-1", HeaderValue::from_static("1"));
    redactor.headers(&mut headers);
    assert_eq!(headers["x-echo"], "Bearer [redacted], [redacted]");
    assert_eq!(headers["location"], "https://a.example/?t=[redacted]&x=1");
    assert!(!headers.contains_key("x-token-1"));
}
