//! `[[listen]]`: several addresses, with TLS and without.

use std::process::Command;

use super::{AGENT, curl};
use crate::harness::certs::Certs;
use crate::harness::{Project, free_port, json};

fn project(listen: &str) -> (Project, Certs) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        (
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\n{listen}\n[tls]\ncert = 'certs/server.pem'\nkey = 'certs/server.key'\n"
            ),
        ),
    ]);
    let certs = Certs::make(&project.path().join("certs"));
    (project, certs)
}

fn plain(arguments: &[&str]) -> Option<serde_json::Value> {
    let output = Command::new("curl")
        .args(["-s", "-f", "--max-time", "10"])
        .args(arguments)
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| json(&String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn each_address_speaks_what_it_is_said_to() {
    let (tls, bare) = (free_port(), free_port());
    let (project, certs) = project(&format!(
        "[[listen]]\naddress = '127.0.0.1:{tls}'\n[[listen]]\naddress = '127.0.0.1:{bare}'\ntls = false\n[[listen]]\naddress = 'unix:http.sock'\n"
    ));
    let server = project.serve_as(&[]);
    // The last of the lines that say where.
    server.logged("http.sock");
    let places = server.places();
    assert_eq!(
        places[..2],
        [format!("https://127.0.0.1:{tls}"), format!("http://127.0.0.1:{bare}")]
    );
    assert!(places[2].starts_with("unix:"), "{places:?}");
    let check = || {
        let url = format!("http://127.0.0.1:{bare}/x");
        let seen = plain(&[&url]).unwrap();
        assert_eq!(
            (&seen["url"], &seen["cf"]),
            (&url.as_str().into(), &serde_json::Value::Null)
        );
        let socket = project.path().join("http.sock");
        let seen = plain(&["--unix-socket", socket.to_str().unwrap(), "http://localhost/y"]).unwrap();
        assert_eq!(seen["url"], "http://localhost/y");
        let seen = curl(&server, &certs, "/z", &[]).unwrap();
        assert_eq!(seen["url"], format!("https://127.0.0.1:{tls}/z"));
        assert_eq!(plain(&[&format!("http://127.0.0.1:{tls}/")]), None);
        assert_eq!(plain(&["-k", &format!("https://127.0.0.1:{bare}/")]), None);
    };
    check();
    // Another process on the same sockets speaks the same.
    server.replace_worker();
    check();
}

#[test]
fn an_address_that_is_to_speak_tls_has_a_certificate() {
    let cases = [
        (
            "[[listen]]\naddress = '127.0.0.1:0'\ntls = true\n",
            "there is no certificate",
        ),
        (
            "[[listen]]\naddress = 'unix:x.sock'\ntls = true\n",
            "TLS is not spoken over a socket that is a file",
        ),
        ("[[listen]]\naddress = '127.0.0.1:0'\nssl = true\n", "expected"),
        ("[[listen]]\naddress = 'nowhere'\n", "can not be listened on"),
    ];
    for (listen, words) in cases {
        let project = Project::new(&[
            ("agent.js", AGENT),
            ("workerd-lite.toml", &format!("main = 'agent.js'\n{listen}")),
        ]);
        let (status, _, said) = project.run(&["serve"]);
        let said = said.replace("\n  \u{2502} ", " ");
        assert_eq!(status, Some(1), "{listen}: {said}");
        assert!(said.contains(words), "{listen}: {said}");
    }
}
