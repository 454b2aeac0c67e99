//! Content codings as upstreams apply them: read, and passed on.

use std::io::Write as _;

use crate::harness::raw::{Asker, By, Next, Raw, outcome};

const TEXT: &str = "coded, and coded again";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `TEXT` in Brotli.
fn brotli() -> Vec<u8> {
    // One meta-block that is not compressed (RFC 7932, section 9.2), and the empty last one.
    let length = u32::try_from(TEXT.len() - 1).unwrap();
    // WBITS 16 (0), ISLAST 0, MNIBBLES 4 (00), MLEN - 1 in 16 bits, ISUNCOMPRESSED 1.
    let bits = length << 4 | 1 << 20;
    let mut coded = bits.to_le_bytes()[..3].to_vec();
    coded.extend_from_slice(TEXT.as_bytes());
    coded.push(0x03);
    coded
}

fn upstream(lines: &str, body: &[u8], chunked: bool) -> Raw {
    let mut said = format!("HTTP/1.1 200 OK\r\n{lines}").into_bytes();
    if chunked {
        said.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for byte in body {
            said.extend_from_slice(&[b"1\r\n", &[*byte][..], b"\r\n"].concat());
        }
        said.extend_from_slice(b"0\r\n\r\n");
    } else {
        said.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        said.extend_from_slice(body);
    }
    Raw::says(&said, Next::Keep)
}

#[test]
fn bodies_are_decoded_as_they_were_coded() {
    let asker = Asker::new("");
    let text = TEXT.as_bytes();
    let twice = gzip(&gzip(text));
    // The header's lines, the body, and what is read; nothing where that is an error.
    let rows: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("content-encoding: gzip\r\n", gzip(text), Some(TEXT)),
        ("content-encoding: x-gzip\r\n", gzip(text), Some(TEXT)),
        ("Content-Encoding: GZIP\r\n", gzip(text), Some(TEXT)),
        ("content-encoding: br\r\n", brotli(), Some(TEXT)),
        ("content-encoding: deflate\r\n", zlib(text), Some(TEXT)),
        ("content-encoding: deflate\r\n", raw(text), Some(TEXT)),
        (
            "content-encoding: gzip\r\n",
            [gzip(text), vec![0; 100]].concat(),
            Some(TEXT),
        ),
        (
            "content-encoding: gzip\r\n",
            [gzip(&text[..5]), gzip(&text[5..]), vec![0; 3]].concat(),
            Some(TEXT),
        ),
        (
            "content-encoding: gzip\r\n",
            [gzip(text), b"xyz".to_vec()].concat(),
            None,
        ),
        ("content-encoding: gzip\r\n", gzip(text)[..20].to_vec(), None),
        ("content-encoding: gzip\r\n", Vec::new(), Some("")),
        ("content-encoding: deflate\r\n", Vec::new(), Some("")),
        ("content-encoding: br\r\n", Vec::new(), Some("")),
        ("content-encoding: identity\r\n", text.to_vec(), Some(TEXT)),
        ("content-encoding:\r\n", text.to_vec(), Some(TEXT)),
        ("content-encoding: gzip, identity\r\n", gzip(text), Some(TEXT)),
        ("content-encoding: gzip, gzip\r\n", twice.clone(), Some(TEXT)),
        (
            "content-encoding: gzip\r\ncontent-encoding: gzip\r\n",
            twice,
            Some(TEXT),
        ),
        ("content-encoding: deflate, gzip\r\n", gzip(&zlib(text)), Some(TEXT)),
        ("content-encoding: deflate,gzip\r\n", gzip(&raw(text)), Some(TEXT)),
        (
            "content-encoding: br\r\ncontent-encoding: gzip\r\n",
            gzip(&brotli()),
            Some(TEXT),
        ),
        (
            "content-encoding: br, deflate, gzip\r\n",
            gzip(&zlib(&brotli())),
            Some(TEXT),
        ),
        // In the other order than it says.
        ("content-encoding: gzip, deflate\r\n", gzip(&zlib(text)), None),
        // What nobody here knows stays as it is.
        ("content-encoding: unknown\r\n", text.to_vec(), Some(TEXT)),
        ("content-encoding: unknown, gzip\r\n", text.to_vec(), Some(TEXT)),
    ];
    for (lines, body, read) in rows {
        for chunked in [false, true] {
            let upstream = upstream(lines, &body, chunked);
            for by in [By::Agent, By::Policy] {
                let answer = asker.ask(by, &format!("http://{}/", upstream.address), "{}");
                match read {
                    Some(read) => assert_eq!(outcome(&answer), format!("200 {read}"), "{lines} by {by:?}"),
                    None => assert!(outcome(&answer).starts_with("TypeError"), "{lines} by {by:?}: {answer}"),
                }
            }
        }
    }
}

/// What only passes through keeps its bytes.
#[test]
fn what_passes_keeps_its_codings() {
    let project = crate::harness::Project::new(&[
        (
            "agent.js",
            "export default { fetch: (request) => fetch(new URL(request.url).searchParams.get('to')) };",
        ),
        ("outbound.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'outbound.js'\n[network]\nallow = ['local']\n",
        ),
    ]);
    let server = project.serve(&[]);
    for lines in [
        "content-encoding: gzip, gzip\r\n",
        "content-encoding: gzip\r\ncontent-encoding: gzip\r\n",
    ] {
        let coded = gzip(&gzip(TEXT.as_bytes()));
        let upstream = upstream(lines, &coded, false);
        let path = format!("/?to=http://{}/", upstream.address);
        let output = std::process::Command::new("curl")
            .args(["-sS", "-D", "-", &format!("http://{}{path}", server.address)])
            .output()
            .unwrap();
        let split = output.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&output.stdout[..split]).to_ascii_lowercase();
        assert_eq!(head.matches("gzip").count(), 2, "{head}");
        assert_eq!(output.stdout[split + 4..], coded, "{head}");
    }
}

/// A script's own response is encoded as it says, in the order in which it says it.
#[test]
fn a_response_is_encoded_as_it_says() {
    let project = crate::harness::Project::new(&[(
        "worker.js",
        "export default { fetch: (request) => new Response('text '.repeat(100), \
             { headers: { 'content-encoding': decodeURIComponent(new URL(request.url).search.slice(1)) } }) };",
    )]);
    let server = project.serve(&["worker.js"]);
    for coding in ["gzip", "deflate", "br", "deflate,%20gzip", "gzip,%20br", "identity"] {
        let answer = server.curl(&format!("/?{coding}"), &["--compressed"]);
        assert_eq!(answer.body, "text ".repeat(100), "{coding}: {}", answer.headers);
    }
}
