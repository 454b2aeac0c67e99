//! Secrets that an upstream says back, as data of `fixtures/bypass/redaction.toml`: none comes through, however it is written and
//! wherever the body is cut.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

use crate::harness::Project;
use crate::harness::raw::{Next, Raw};

const SECRET: &str = "canary/5f1d+\"pass=";

#[derive(serde::Deserialize)]
struct Cases {
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(serde::Deserialize, Clone)]
struct Case {
    name: String,
    write: String,
    #[serde(rename = "type", default)]
    media_type: String,
    #[serde(default)]
    head: String,
    status: Option<String>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    body_only: bool,
}

fn each(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn write(how: &str) -> Vec<u8> {
    let base64 = BASE64_STANDARD.encode(SECRET);
    let json = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        text[1..text.len() - 1].to_owned()
    };
    let text = match how {
        "plain" => SECRET.to_owned(),
        "json" => json(SECRET),
        "json-slash" => json(SECRET).replace('/', "\\/"),
        "json-u" => each(SECRET, |byte| format!("\\u{byte:04x}")),
        "json-U" => each(SECRET, |byte| format!("\\u{byte:04X}")),
        "json-json" => json(&each(SECRET, |byte| format!("\\u{byte:04x}"))),
        "js-x" => each(SECRET, |byte| format!("\\x{byte:02x}")),
        "percent-lower" => each(SECRET, |byte| format!("%{byte:02x}")),
        "percent-upper" => each(SECRET, |byte| format!("%{byte:02X}")),
        "percent-percent" => each(SECRET, |byte| format!("%25{byte:02x}")),
        "form" => SECRET
            .replace('/', "%2F")
            .replace('+', "%2B")
            .replace('"', "%22")
            .replace('=', "%3D"),
        "html-decimal" => each(SECRET, |byte| format!("&#{byte};")),
        "html-hex" => each(SECRET, |byte| format!("&#x{byte:02X};")),
        "html-named" => SECRET
            .replace('/', "&sol;")
            .replace('+', "&plus;")
            .replace('"', "&quot;")
            .replace('=', "&equals;"),
        "json-html" => json(&SECRET.replace('"', "&quot;").replace('/', "&#47;")).replace('&', "\\u0026"),
        "quoted-printable" => format!("{}=\r\n{}", &SECRET[..4], &SECRET[4..].replace('=', "=3D")),
        "base64" => base64,
        "base64-1" => BASE64_STANDARD.encode(format!("x{SECRET}yz")),
        "base64-2" => BASE64_STANDARD.encode(format!("xx{SECRET}yz")),
        "base64url" => BASE64_URL_SAFE.encode(SECRET),
        "base64url-1" => BASE64_URL_SAFE.encode(format!("x{SECRET}yz")),
        "base64-lines" => each(&base64, |byte| format!("{}\r\n", char::from(byte))),
        "json-base64" => base64.replace('/', "\\/"),
        "percent-base64" => base64.replace('+', "%2b").replace('/', "%2F"),
        "hex" => hex::encode(SECRET),
        "utf-16" => return SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        other => panic!("{other}"),
    };
    text.into_bytes()
}

/// An answer whose body comes in chunks of so many bytes.
fn answer(case: &Case, size: usize) -> Vec<u8> {
    let said = write(&case.write);
    let mut answer = format!(
        "HTTP/1.1 {}\r\ncontent-type: {}\r\n{}transfer-encoding: chunked\r\n",
        case.status.as_deref().unwrap_or("200 OK"),
        case.media_type,
        case.head
    )
    .into_bytes();
    if !case.body_only {
        for name in ["location", "x-echo"] {
            let line = String::from_utf8_lossy(&said).replace(['\r', '\n'], "");
            answer.extend_from_slice(format!("{name}: https://a.test/?x={line}&y\r\n").as_bytes());
        }
    }
    answer.extend_from_slice(b"\r\n");
    let body = [b"before ", &*said, b" after"].concat();
    for chunk in body.chunks(size) {
        answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

#[test]
fn no_secret_comes_back_however_it_is_written() {
    let Cases { cases } = toml::from_str(include_str!("../fixtures/bypass/redaction.toml")).unwrap();
    let said = cases.clone();
    let upstream = Raw::start(None, move |seen| {
        let mut parts = seen.path().trim_start_matches('/').split('/');
        let mut next = || parts.next().unwrap().parse::<usize>().unwrap();
        (answer(&said[next()], next()), Next::Keep)
    });
    let project = Project::new(&[(
        "policy.js",
        "export default { fetch: (request, env) => env.UP.fetch(request) };",
    )]);
    project.write(".dev.vars", &format!("TOKEN='{SECRET}'\n"));
    project.write(
        "agent.js",
        &format!(
            "export default {{ async fetch(request) {{
              try {{
                const headers = {{ range: 'bytes=0-3,4-9', 'if-range': 'x', 'accept-encoding': 'gzip' }};
                const response = await fetch('http://{}' + new URL(request.url).pathname, {{ headers, redirect: 'manual' }});
                const text = Array.from(new Uint8Array(await response.arrayBuffer()), (byte) => String.fromCharCode(byte)).join('');
                return new Response(JSON.stringify([...response.headers].flat()) + '\\n' + text);
              }} catch (error) {{ return new Response(String(error), {{ status: 599 }}); }}
            }} }};",
            upstream.address
        ),
    );
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nthreads = 1\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n\
         credentials = [{ binding = 'UP', credential = 'up' }]\n[credentials.up]\ntype = 'bearer'\nsecret = 'TOKEN'\n\
         hosts = ['127.0.0.1']\nredact = 'body'\n",
    );
    let server = project.serve(&[]);
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for size in [1, 2, 5, 1000] {
            let answer = server.get(&format!("/{number}/{size}"));
            let (head, body) = answer.body.split_once('\n').unwrap_or(("", &answer.body));
            if case.refused {
                if answer.status != 599 && answer.status < 500 {
                    wrong.push(format!("{} by {size}: {} {}", case.name, answer.status, answer.body));
                }
                continue;
            }
            let clean = |text: &str| text.contains("[redacted]") && text.len() < 400;
            if !clean(body) || !body.starts_with("before ") || !body.ends_with(" after") {
                wrong.push(format!("{} by {size}: {body}", case.name));
            }
            let said = String::from_utf8_lossy(&write(&case.write)).into_owned();
            if !case.body_only && (head.matches("[redacted]").count() != 2 || head.contains(&said)) {
                wrong.push(format!("{} by {size}, headers: {head}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for seen in upstream.seen() {
        let head = seen.head.to_ascii_lowercase();
        assert!(head.contains("authorization: bearer canary"), "{head}");
        assert!(!head.contains("range:") && !head.contains("gzip"), "{head}");
    }
}
