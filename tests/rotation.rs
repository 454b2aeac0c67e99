//! What changes while the server runs, and that no request is lost by it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::certs::Certs;
use crate::harness::{CONFIG, Mtls, Project, Server, plain};

/// Asks all the time, over several connections, until `finish`.
struct Load {
    stop: Arc<AtomicBool>,
    good: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<Vec<String>>>,
}

impl Load {
    fn on(server: &Server, is_good: fn(&str) -> bool) -> Self {
        let (stop, good) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..4)
            .map(|_| {
                let (stop, good) = (Arc::clone(&stop), Arc::clone(&good));
                let url = format!("http://{}/?[1-25]", server.address);
                std::thread::spawn(move || {
                    let mut bad = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let output = Command::new("curl")
                            .args(["-sS", "--max-time", "10", "-w", "\n\u{1e}%{http_code}\n"])
                            .arg(&url)
                            .output()
                            .unwrap();
                        let text = String::from_utf8_lossy(&output.stdout).into_owned();
                        let answers: Vec<&str> = text.split_inclusive('\u{1e}').collect();
                        let lines = text.matches("\u{1e}200").count();
                        if lines != 25 || !answers[..25].iter().all(|answer| is_good(answer)) {
                            bad.push(format!("{text}{}", String::from_utf8_lossy(&output.stderr)));
                        }
                        good.fetch_add(lines, Ordering::SeqCst);
                    }
                    bad
                })
            })
            .collect();
        Self { stop, good, threads }
    }

    /// Waits until this many more were answered.
    fn more(&self, count: usize) {
        let (before, start) = (self.good.load(Ordering::SeqCst), Instant::now());
        while self.good.load(Ordering::SeqCst) < before + count {
            assert!(start.elapsed() < Duration::from_secs(20), "no request is answered");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn finish(self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            let bad = thread.join().unwrap();
            assert!(bad.is_empty(), "{}", bad[0]);
        }
    }
}

#[test]
fn a_project_is_loaded_anew_under_load() {
    let upstream = plain();
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n",
        ),
        (
            "agent.js",
            &format!(
                "export default {{ fetch: () => fetch('http://127.0.0.1:{}/') }};",
                upstream.address.port()
            ),
        ),
    ]);
    let policy = |version: &str| {
        format!(
            "export default {{ async fetch(request) {{ const response = await fetch(request); await response.body.cancel(); \
             return new Response('{version}'); }} }};"
        )
    };
    project.write("policy.js", &policy("v1"));
    let server = project.serve(&["--threads", "2"]);
    let load = Load::on(&server, |answer| answer.contains('v'));
    load.more(50);
    for version in 2..6 {
        project.write("policy.js", &policy(&format!("v{version}")));
        let before = server.log().matches("the project was loaded anew").count();
        server.signal("HUP");
        let start = Instant::now();
        while server.log().matches("the project was loaded anew").count() == before {
            assert!(start.elapsed() < Duration::from_secs(10), "{}", server.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(server.get("/").body, format!("v{version}"));
        load.more(50);
    }
    // What is broken is told, and the old one stays.
    let broken = [
        ("policy.js", "export default { fetch( };", "policy.js"),
        ("policy.js", "export default {};", "has no fetch() handler"),
        (
            "policy.js",
            "throw new Error('at the top'); export default {};",
            "at the top",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmian = 'policy.js'\n",
            "did you mean `main`?",
        ),
    ];
    for (file, text, why) in broken {
        let good = std::fs::read_to_string(project.path().join(file)).unwrap();
        project.write(file, text);
        server.signal("HUP");
        server.logged(why);
        assert_eq!(server.get("/").body, "v5");
        project.write(file, &good);
    }
    assert_eq!(
        server.log().matches("the old one stays").count(),
        broken.len(),
        "{}",
        server.log()
    );
    load.finish();
}

#[test]
fn an_old_request_ends_on_the_old_project() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch(request) { if (new URL(request.url).pathname === '/slow') \
             await new Promise((resolve) => setTimeout(resolve, 1500)); return fetch('http://a.example/'); } };",
        ),
        ("policy.js", "export default { fetch: () => new Response('old') };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    let server = project.serve(&["--threads", "1"]);
    let address = server.address.clone();
    let slow = std::thread::spawn(move || {
        Command::new("curl")
            .args(["-sS", &format!("http://{address}/slow")])
            .output()
            .unwrap()
            .stdout
    });
    std::thread::sleep(Duration::from_millis(300));
    project.write("policy.js", "export default { fetch: () => new Response('new') };");
    server.signal("HUP");
    server.logged("the project was loaded anew");
    assert_eq!(server.get("/").body, "new");
    assert_eq!(slow.join().unwrap(), b"old");
}

#[test]
fn certificates_and_secrets_are_taken_over_under_load() {
    let config = CONFIG.replace(
        "secrets = [\"PARTNER_TOKEN\"]\n",
        "credentials = [{ binding = \"UP\", credential = \"up\" }]\n",
    ) + "\n[credentials.up]\ntype = \"bearer\"\nfile = \"token\"\nhosts = [\"partner.localhost\"]\ncertificate = \"partner\"\n";
    let policy = "export default { fetch: (request, env) => env.UP.fetch(request) };";
    let mtls = Mtls::new("server", &config, policy);
    let (project, certs) = (&mtls.project, mtls.project.path().join("certs"));
    project.write("token", "one\n");
    let server = project.serve(&["agent.js", "--threads", "2"]);
    let load = Load::on(&server, |answer| {
        answer.contains("scout agent") || answer.contains("second agent")
    });
    load.more(50);
    let seen = |text: &str| {
        let start = Instant::now();
        while !server.get("/").body.contains(text) {
            assert!(start.elapsed() < Duration::from_secs(10), "{text}: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    seen("Bearer one");
    // As Kubernetes and most tools do: a new file in the place of the old one.
    project.write("token.new", "two");
    std::fs::rename(project.path().join("token.new"), project.path().join("token")).unwrap();
    seen("Bearer two");
    project.write("token", "");
    server.logged("token is empty");
    seen("Bearer two");
    project.write("token", "three");
    seen("Bearer three");

    // A certificate before its key: the pair does not match for a while, and the old one stays.
    let ca = (certs.join("ca.pem"), certs.join("ca.key"));
    let second = Certs::sign(&ca.0, &ca.1, "second agent");
    std::fs::write(certs.join("agent.pem"), &second.0).unwrap();
    server.logged("is not the private key of the certificate");
    assert!(server.get("/").body.contains("scout agent"));
    std::fs::write(certs.join("agent.key"), &second.1).unwrap();
    seen("second agent");
    // Garbage: the good one stays.
    std::fs::write(certs.join("agent.pem"), "garbage").unwrap();
    server.logged("the old one stays");
    load.more(50);
    assert!(server.get("/").body.contains("second agent"));
    load.finish();
}
