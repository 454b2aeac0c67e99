//! Where a server listens: names, all addresses, several at once, and sockets that are files.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Project, free_port};

const AGENT: &str = "export default { fetch: (request) => new Response(`here ${request.url} ${request.headers.get('cf-connecting-ip')}`) };";

fn project() -> Project {
    Project::new(&[("agent.js", AGENT)])
}

/// What curl gets, with the response's code.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["-s", "-m", "10", "-w", " %{http_code}"])
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn over(socket: &Path, url: &str) -> String {
    curl(&["--unix-socket", socket.to_str().unwrap(), url])
}

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn a_name_has_all_of_its_addresses() {
    let project = project();
    for (listen, four, six) in [
        ("localhost:0", true, true),
        (":0", true, true),
        ("[::]:0", true, true),
        ("0.0.0.0:0", true, false),
    ] {
        if listen == "[::]:0" && !has_ipv6() {
            continue;
        }
        let server = project.serve_as(&["agent.js", "--listen", listen]);
        let port = server.address.rsplit_once(':').unwrap().1.to_owned();
        assert_ne!(port, "0");
        assert!(
            server.places().iter().all(|place| place.ends_with(&format!(":{port}"))),
            "{:?}",
            server.places()
        );
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(
            curl(&[&url]).contains(&format!("here {url} 127.0.0.1 200")),
            four,
            "{listen}"
        );
        if has_ipv6() {
            let url = format!("http://[::1]:{port}/");
            assert_eq!(
                curl(&["-g", &url]).contains(&format!("here {url} ::1 200")),
                six,
                "{listen}"
            );
        }
    }
}

#[test]
fn a_port_goes_to_the_address_of_the_configuration() {
    let project = project();
    let port = free_port().to_string();
    let server = project.serve_as(&["agent.js", "--port", &port]);
    assert_eq!(server.address, format!("127.0.0.1:{port}"));
    drop(server);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nlisten = ['unix:x.sock', '127.0.0.2:9']\n",
    );
    let server = project.serve_as(&["--port", &port]);
    server.logged("127.0.0.2");
    assert_eq!(
        server.places(),
        ["unix:./x.sock".to_owned(), format!("http://127.0.0.2:{port}")]
    );
    drop(server);
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nlisten = ['127.0.0.1:9', '127.0.0.2:9']\n",
    );
    let (code, _, report) = project.run(&["serve", "--port", &port]);
    let report = report.replace("\n  \u{2502} ", " ");
    assert!(
        code == Some(1) && report.contains("--port does not say which"),
        "{report}"
    );
    let (code, _, report) = project.run(&["serve", "--port", &port, "--listen", ":0"]);
    assert!(code == Some(2) && report.contains("cannot be used with"), "{report}");
}

#[test]
fn several_places_are_listened_on_and_files_go_at_the_end() {
    let project = project();
    let (http, admin) = (project.path().join("http.sock"), project.path().join("admin.sock"));
    project.write(
        "workerd-lite.toml",
        "main = 'agent.js'\nthreads = 1\nlisten = ['127.0.0.1:0', 'unix:http.sock,mode=0660', '127.0.0.2:0']\n\
         forwarded = ['unix']\n[admin]\nlisten = ['unix:admin.sock', '127.0.0.1:0']\n",
    );
    let mut server = project.serve_as(&[]);
    server.logged("127.0.0.2");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&http), mode(&admin)), (0o660, 0o600));
    let places = server.places();
    assert_eq!(places.len(), 3, "{places:?}");
    for place in places.iter().filter(|place| place.starts_with("http://")) {
        assert!(curl(&[place]).contains("here"), "{place}");
    }
    assert_eq!(over(&http, "http://a.example/x"), "here http://a.example/x null 200");
    // Who may connect is trusted here.
    let path = http.to_str().unwrap();
    let forwarded = curl(&[
        "--unix-socket",
        path,
        "-H",
        "forwarded: for=203.0.113.9;proto=https",
        "http://a.example/",
    ]);
    assert_eq!(forwarded, "here https://a.example/ 203.0.113.9 200");
    let http2 = curl(&["--unix-socket", path, "--http2-prior-knowledge", "http://a.example/"]);
    assert_eq!(http2, "here http://a.example/ null 200");
    assert_eq!(over(&admin, "http://localhost/healthz"), "ok\n 200");
    assert!(over(&admin, "http://localhost/metrics").ends_with("200"));

    // A process that takes the place of another has the same sockets.
    server.replace_worker();
    assert_eq!(over(&http, "http://a.example/"), "here http://a.example/ null 200");
    assert_eq!(over(&admin, "http://localhost/healthz"), "ok\n 200");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
    assert!(!http.exists() && !admin.exists());
}

#[test]
fn a_file_is_replaced_only_where_nobody_answers() {
    let project = project();
    let path = project.path().join("x.sock");
    let arguments = ["serve", "agent.js", "--listen", "unix:x.sock"];
    let refused = |word: &str| {
        let (code, _, report) = project.run(&arguments);
        let report = report.replace("\n  \u{2502} ", " ");
        assert!(
            code == Some(1) && report.contains("cannot listen on unix:x.sock") && report.contains(word),
            "{word}: {report}"
        );
    };
    // Left behind by a server that was killed.
    drop(UnixListener::bind(&path).unwrap());
    let mut server = project.serve_as(&arguments[1..]);
    assert!(over(&path, "http://a/").ends_with("200"));
    refused("another server answers there");
    assert!(over(&path, "http://a/").ends_with("200"), "the other one was harmed");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0));
    assert!(!path.exists());

    std::fs::write(&path, "mine").unwrap();
    refused("it is no socket");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    std::fs::remove_file(&path).unwrap();
    let elsewhere = project.path().join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    refused("it is no socket");
    std::fs::remove_file(&path).unwrap();

    // A server that does not start leaves nothing behind.
    project.write("broken.js", "throw new Error('at its start'); export default {};");
    let (code, _, report) = project.run(&["serve", "broken.js", "--listen", "unix:x.sock"]);
    assert!(code == Some(1) && report.contains("at its start"), "{report}");
    assert!(!path.exists());

    // Of many that start at once one listens.
    let mut servers: Vec<_> = (0..4).map(|_| project.command(&arguments).spawn().unwrap()).collect();
    let start = Instant::now();
    while servers
        .iter_mut()
        .filter_map(|server| server.try_wait().unwrap())
        .count()
        < 3
    {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    while UnixStream::connect(&path).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(std::fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    for server in &mut servers {
        let _ = server.kill();
        let _ = server.wait();
    }
}

#[test]
fn what_can_not_be_listened_on_is_told() {
    let project = project();
    let server = project.serve(&["agent.js"]);
    let port = server.address.rsplit_once(':').unwrap().1;
    let long = format!("unix:/tmp/{}", "x".repeat(120));
    let (name, used) = (format!("localhost:{port}"), format!("127.0.0.1:{port}"));
    for (listen, words) in [
        (
            used.as_str(),
            &["in use by workerd-lite (process ", "--listen", "--port"][..],
        ),
        (&name, &["in use by workerd-lite"]),
        ("192.0.2.1:0", &["does not have the address 192.0.2.1", "ip address"]),
        ("nowhere.invalid:80", &["has no address"]),
        ("unix:/absent/x.sock", &["the folder /absent can not be read"]),
        (&long, &["107 bytes"]),
    ] {
        let (code, _, report) = project.run(&["serve", "agent.js", "--listen", listen]);
        let report = report.replace("\n  \u{2502} ", " ");
        assert_eq!(code, Some(1), "{report}");
        for word in words.iter().chain(&["cannot listen on"]) {
            assert!(report.contains(word), "{word}: {report}");
        }
    }
    for (listen, word) in [
        ("8787", "a port is missing"),
        ("localhost", "a port is missing"),
        ("::1:80", "brackets"),
        ("localhost:99999", "up to 65535"),
        ("unix:@x", "abstract"),
        ("unix:/x,mode=8", "octal"),
        ("/run/x.sock", "unix:/run"),
    ] {
        let (code, _, report) = project.run(&["serve", "agent.js", "--listen", listen]);
        assert!(code == Some(2) && report.contains(word), "{word}: {report}");
        project.write(
            "workerd-lite.toml",
            &format!("main = 'agent.js'\nlisten = '{listen}'\n"),
        );
        let (code, _, report) = project.run(&["check"]);
        let report = report.replace("\n  \u{2502} ", " ");
        assert!(
            code == Some(1) && report.contains(word) && report.contains("workerd-lite.toml:2"),
            "{word}: {report}"
        );
    }
}
