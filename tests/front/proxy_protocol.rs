//! The PROXY protocol: who says whose connection it is, and who is not believed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::AGENT;
use crate::harness::nginx::Nginx;
use crate::harness::{Project, Server, json, peers};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2: TCP over IPv4 from 203.0.113.9, with these TLVs.
fn header(tlvs: &[u8]) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    header.extend([0x21, 0x11]);
    header.extend(u16::try_from(12 + tlvs.len()).unwrap().to_be_bytes());
    header.extend([203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 0, 80]);
    header.extend(tlvs);
    header
}

fn project(lines: &str) -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        (
            "workerd-lite.toml",
            &format!("main = 'agent.js'\nthreads = 1\n{lines}\n"),
        ),
    ])
}

fn exchange(server: &Server, header: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a.example\r\nx-forwarded-for: 9.9.9.9\r\nconnection: close\r\n\r\n";
    let _ = stream.write_all(&[header, request].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

/// The client that an agent sees.
fn client(answer: &str) -> serde_json::Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, "null"));
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    json(body)["headers"]["cf-connecting-ip"].clone()
}

#[test]
fn a_proxy_says_whose_connection_it_is() {
    let project = project("proxy_protocol = ['127.0.0.1/32']");
    let server = project.serve(&[]);
    let tlvs = [&[0x20, 0, 3, 1, 2, 3][..], &[4, 0, 0], &[0xee, 0, 2, 0, 0]].concat();
    for header in [
        header(&[]),
        header(&tlvs),
        header(&[4, 0xff, 0xff, 1]),
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\r\n".to_vec(),
    ] {
        assert_eq!(client(&exchange(&server, &header).0), "203.0.113.9", "{header:?}");
    }
    let six = b"PROXY TCP6 2001:db8::7 2001:db8::1 4660 80\r\n";
    assert_eq!(client(&exchange(&server, six).0), "2001:db8::7");
    let local = [SIGNATURE, &[0x20, 0, 0, 0]].concat();
    assert_eq!(client(&exchange(&server, &local).0), "127.0.0.1");
    assert_eq!(
        client(&exchange(&server, b"PROXY UNKNOWN\r\n").0),
        serde_json::Value::Null
    );
    let unix = [SIGNATURE, &[0x21, 0x31, 0, 216], &[0; 216]].concat();
    assert_eq!(client(&exchange(&server, &unix).0), serde_json::Value::Null);
}

#[test]
fn what_is_malformed_ends_the_connection() {
    let project = project("proxy_protocol = ['127.0.0.1/32']\n[timeouts]\nhead = '1s'");
    let server = project.serve(&[]);
    let mut long = SIGNATURE.to_vec();
    long.extend([0x21, 0x11, 0xff, 0xff]);
    long.resize(70_000, 0);
    for header in [
        &b""[..],
        b"PROXY TCP4 203.0.113.9\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\n",
        &[b"PROXY TCP4 ", &[b'1'; 200][..]].concat(),
        &[SIGNATURE, &[0x11, 0x11, 0, 0]].concat(),
        &[SIGNATURE, &[0x21, 0x11, 0, 4, 1, 2, 3, 4]].concat(),
        &long,
    ] {
        let (answer, took) = exchange(&server, header);
        assert_eq!(answer, "", "{header:?}");
        assert!(took < Duration::from_secs(5));
    }
    // Half of one, and nothing more.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(&header(&[])[..20]).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let began = Instant::now();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or_default(), 0);
    assert!(began.elapsed() > Duration::from_millis(700) && began.elapsed() < Duration::from_secs(6));
    assert_eq!(client(&exchange(&server, &header(&[])).0), "203.0.113.9");
}

#[test]
fn nobody_else_says_so() {
    let project = project("proxy_protocol = ['192.0.2.0/24', 'unix']\nforwarded = ['203.0.113.0/24']");
    let server = project.serve(&[]);
    for header in [header(&[]), b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\r\n".to_vec()] {
        let (answer, _) = exchange(&server, &header);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    assert_eq!(client(&exchange(&server, b"").0), "127.0.0.1");
    let report = self::project("proxy_protocol = ['proxy.example']").refused(&[]);
    assert!(
        report.contains("proxy_protocol") && report.contains("127.0.0.1/32"),
        "{report}"
    );
}

#[test]
fn proxies_behind_the_proxy_are_believed_by_the_address_that_it_tells() {
    let project = project("proxy_protocol = ['127.0.0.1/32']\nforwarded = ['203.0.113.0/24']");
    let server = project.serve(&[]);
    assert_eq!(client(&exchange(&server, &header(&[])).0), "9.9.9.9");
    let other = b"PROXY TCP4 198.51.100.1 192.0.2.1 4660 80\r\n";
    assert_eq!(client(&exchange(&server, other).0), "198.51.100.1");
}

#[test]
fn tls_is_spoken_behind_it() {
    let (project, certs) = super::project("proxy_protocol = ['127.0.0.1/32']", "");
    let server = project.serve(&[]);
    let seen = super::curl(&server, &certs, "/", &["--haproxy-protocol", "--http2"]).unwrap();
    assert_eq!(seen["headers"]["cf-connecting-ip"], "127.0.0.1");
    assert_eq!(seen["cf"]["httpProtocol"], "HTTP/2");
    assert!(super::curl(&server, &certs, "/", &[]).is_err());
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    if !std::path::Path::new(module).is_file() {
        peers::skip("nginx's stream module", "apt-get install libnginx-mod-stream");
        return;
    }
    let stream = format!(
        "server {{ listen 127.0.0.1:PORT; proxy_pass {}; proxy_protocol on; }}",
        server.address
    );
    let Some(nginx) = Nginx::start_stream(&project.path().join("nginx"), module, &stream) else {
        return;
    };
    let output = std::process::Command::new("curl")
        .args(["-sS", "--cacert"])
        .arg(certs.path("ca.pem"))
        .arg(format!("https://127.0.0.1:{}/through", nginx.port))
        .output()
        .unwrap();
    let seen = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(seen["headers"]["cf-connecting-ip"], "127.0.0.1");
    assert!(seen["url"].as_str().unwrap().starts_with("https://127.0.0.1"), "{seen}");
}
