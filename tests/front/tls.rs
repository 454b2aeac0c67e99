//! TLS for clients: versions, protocols, rotation, and what speaks something else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{curl, project};
use crate::harness::certs::Certs;
use crate::harness::nginx::Nginx;
use crate::harness::{Project, Server};

/// Sends bytes, and gives what comes back until the end, and after how long that is.
fn exchange(server: &Server, bytes: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

/// The serial number of the certificate that is shown.
fn shown(server: &Server) -> String {
    let script = format!(
        "openssl s_client -connect {} </dev/null 2>/dev/null | openssl x509 -noout -serial",
        server.address
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn serial(certs: &Certs, name: &str) -> String {
    super::openssl(&["x509", "-noout", "-serial"], &certs.path(name))
}

#[test]
fn clients_ask_over_either_version_and_protocol() {
    let (project, certs) = project("", "");
    let server = project.serve(&[]);
    assert_eq!(server.places(), [format!("https://{}", server.address)]);
    for (version, most, told) in [("--tlsv1.2", "1.2", "TLSv1.2"), ("--tlsv1.3", "1.3", "TLSv1.3")] {
        for (protocol, expected) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")] {
            let seen = curl(
                &server,
                &certs,
                "/x?y",
                &[version, "--tls-max", most, protocol, "-d", "sent"],
            )
            .unwrap();
            assert_eq!(seen["url"], format!("https://{}/x?y", server.address));
            assert_eq!((&seen["method"], &seen["body"]), (&"POST".into(), &"sent".into()));
            assert_eq!(seen["headers"]["cf-connecting-ip"], "127.0.0.1");
            let cf = &seen["cf"];
            assert_eq!(
                (&cf["tlsVersion"], &cf["httpProtocol"]),
                (&told.into(), &expected.into())
            );
            assert!(cf["tlsCipher"].as_str().unwrap().contains("AES"), "{cf}");
            let none = &cf["tlsClientAuth"];
            assert_eq!(
                (&none["certPresented"], &none["certVerified"], &none["certSubjectDN"]),
                (&"0".into(), &"NONE".into(), &"".into())
            );
        }
    }
    assert!(curl(&server, &certs, "/", &["--tlsv1.0", "--tls-max", "1.1"]).is_err());
}

#[test]
fn what_speaks_no_tls_is_told_so() {
    let (project, certs) = project("[admin]\nlisten = 'unix:admin.sock'", "");
    let server = project.serve(&[]);
    let (answer, took) = exchange(&server, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("TLS is spoken here"),
        "{answer}"
    );
    assert!(took < Duration::from_secs(5));
    let (answer, _) = exchange(&server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    for bytes in [
        &b"\x80\x2e\x01\x03\x01"[..],
        b"\0\0\0\0\0\0",
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\xff\xff\xff\xff\xff",
    ] {
        let (answer, took) = exchange(&server, bytes);
        assert!(!answer.contains("HTTP") && took < Duration::from_secs(5), "{answer}");
    }
    curl(&server, &certs, "/", &[]).unwrap();
    let socket = project.path().join("admin.sock");
    let metrics = Command::new("curl")
        .args([
            "-s",
            "--unix-socket",
            socket.to_str().unwrap(),
            "http://localhost/metrics",
        ])
        .output()
        .unwrap();
    let metrics = String::from_utf8(metrics.stdout).unwrap();
    assert!(
        metrics.contains("workerd_lite_tls_handshakes_total{result=\"success\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("workerd_lite_tls_handshakes_total{result=\"failure\"} 6\n"),
        "{metrics}"
    );
}

#[test]
fn a_handshake_has_its_time() {
    let (project, certs) = project("[timeouts]\nhead = '1s'", "");
    let mut server = project.serve(&[]);
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let (answer, took) = exchange(&server, bytes);
        assert!(answer.is_empty(), "{answer}");
        assert!(
            took > Duration::from_millis(800) && took < Duration::from_secs(6),
            "{took:?}"
        );
    }
    curl(&server, &certs, "/", &[]).unwrap();
    let _open: Vec<_> = (0..20).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(5)), Some(0), "{}", server.log());
}

#[test]
fn a_certificate_is_exchanged_while_it_serves() {
    let (project, certs) = project("", "");
    let server = project.serve(&[]);
    assert_eq!(shown(&server), serial(&certs, "server.pem"));
    let mut kept = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &server.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ask = |last: bool| {
        let end = if last { "connection: close\r\n" } else { "" };
        let request = format!("GET / HTTP/1.1\r\nhost: a.example\r\n{end}\r\n");
        kept.stdin.as_mut().unwrap().write_all(request.as_bytes()).unwrap();
    };
    ask(false);
    let copy = |name: &str| {
        for end in ["pem", "key"] {
            let to = certs.path(&format!("server.{end}"));
            std::fs::copy(certs.path(&format!("{name}.{end}")), to).unwrap();
        }
    };
    copy("other");
    server.logged("tls: changed on disk and taken over");
    assert_eq!(shown(&server), serial(&certs, "other.pem"));
    std::fs::copy(certs.path("agent.pem"), certs.path("server.pem")).unwrap();
    server.logged("tls: changed on disk but is not good, the old one stays");
    server.logged("is not the private key of the certificate");
    assert_eq!(shown(&server), serial(&certs, "other.pem"));
    copy("agent");
    let start = Instant::now();
    while shown(&server) != serial(&certs, "agent.pem") {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", server.log());
    }
    // The connection that stood before all of that.
    ask(true);
    let mut answered = String::new();
    kept.stdout.take().unwrap().read_to_string(&mut answered).unwrap();
    kept.wait().unwrap();
    assert_eq!(answered.matches("HTTP/1.1 200 OK").count(), 2, "{answered}");
    // A reload of the project does not lose them either.
    server.signal("HUP");
    server.logged("the project was loaded anew");
    curl(&server, &certs, "/", &[]).unwrap();
}

#[test]
fn what_can_not_be_used_is_refused_at_the_start() {
    let rows = [
        ("cert = 'certs/none.pem'\nkey = 'certs/server.key'", "none.pem"),
        (
            "cert = 'certs/server.key'\nkey = 'certs/server.key'",
            "where a certificate is expected",
        ),
        (
            "cert = 'certs/server.pem'\nkey = 'certs/agent.key'",
            "is not the private key of the certificate",
        ),
        ("cert = 'certs/server.pem'", "key"),
        (
            "cert = 'certs/server.pem'\nkey = 'certs/server.key'\nclient_auth = 'required'",
            "client_ca",
        ),
        (
            "cert = 'certs/server.pem'\nkey = 'certs/server.key'\nclient_auth = 'none'\nclient_ca = ['certs/ca.pem']",
            "nobody is asked",
        ),
        (
            "cert = 'certs/server.pem'\nkey = 'certs/server.key'\nclient_ca = ['certs/ca.key']",
            "where a certificate is expected",
        ),
        (
            "cert = 'certs/server.pem'\nkey = 'certs/server.key'\nclient_auth = 'maybe'",
            "maybe",
        ),
        (
            "cert = 'certs/server.pem'\nkey = 'pkcs11:object=front'",
            "no module is named",
        ),
    ];
    for (tls, expected) in rows {
        let project = Project::new(&[
            ("agent.js", super::AGENT),
            ("workerd-lite.toml", &format!("main = 'agent.js'\n[tls]\n{tls}\n")),
        ]);
        Certs::make(&project.path().join("certs"));
        let report = project.refused(&[]);
        assert!(
            report.contains(expected) && report.contains("workerd-lite.toml:"),
            "{tls}: {report}"
        );
    }
}

#[test]
fn nginx_asks_over_tls() {
    let (project, certs) = project("forwarded = ['127.0.0.1/32']", "client_ca = ['certs/ca.pem']");
    let server = project.serve(&[]);
    let at = |name: &str| certs.path(name).display().to_string();
    let http = format!(
        "server {{ listen 127.0.0.1:PORT; location / {{ proxy_pass https://{}; proxy_ssl_verify on; proxy_ssl_name localhost; \
         proxy_ssl_trusted_certificate {}; proxy_ssl_certificate {}; proxy_ssl_certificate_key {}; proxy_http_version 1.1; \
         proxy_set_header X-Forwarded-For 203.0.113.9; proxy_set_header X-Forwarded-Proto http; }} }}",
        server.address,
        at("ca.pem"),
        at("agent.pem"),
        at("agent.key"),
    );
    let Some(nginx) = Nginx::start(&project.path().join("nginx"), &http) else {
        return;
    };
    let output = Command::new("curl")
        .args(["-s", &format!("http://127.0.0.1:{}/a", nginx.port)])
        .output()
        .unwrap();
    let seen = crate::harness::json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(seen["headers"]["cf-connecting-ip"], "203.0.113.9");
    assert!(seen["url"].as_str().unwrap().starts_with("http://"), "{seen}");
    assert_eq!(seen["cf"]["tlsClientAuth"]["certSubjectDN"], "CN=scout agent");
}

#[test]
fn sockets_that_are_files_stay_plain() {
    let (project, certs) = project(
        "listen = ['127.0.0.1:0', 'unix:http.sock']",
        "client_ca = ['certs/ca.pem']",
    );
    let server = project.serve_as(&[]);
    server.logged("http.sock");
    let socket = project.path().join("http.sock");
    let output = Command::new("curl")
        .args(["-s", "--unix-socket", socket.to_str().unwrap(), "http://a.example/"])
        .output()
        .unwrap();
    let seen = crate::harness::json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        (&seen["url"], &seen["cf"]),
        (&"http://a.example/".into(), &serde_json::Value::Null)
    );
    assert!(
        curl(&server, &certs, "/", &[]).is_err(),
        "a certificate is needed there"
    );
}

#[test]
fn a_websocket_is_opened_over_tls() {
    let (project, certs) = project("", "");
    project.write(
        "agent.js",
        "export default { fetch() { const [client, server] = Object.values(new WebSocketPair()); server.accept(); \
         server.send('over TLS'); server.close(1000); return new Response(null, { status: 101, webSocket: client }); } };",
    );
    let server = project.serve(&[]);
    let mut peer = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-CAfile"])
        .arg(certs.path("ca.pem"))
        .args(["-connect", &server.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let handshake = "GET / HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let stdin = peer.stdin.as_mut().unwrap();
    stdin.write_all(handshake.as_bytes()).unwrap();
    let (mut seen, mut read) = (Vec::new(), [0; 1024]);
    let out = peer.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&seen).contains("over TLS") {
        let count = out.read(&mut read).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&read[..count]);
    }
    let seen = String::from_utf8_lossy(&seen).to_ascii_lowercase();
    assert!(
        seen.starts_with("http/1.1 101 ") && seen.contains("s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{seen}"
    );
    let _ = peer.kill();
    let _ = peer.wait();
}
