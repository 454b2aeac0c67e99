//! systemd gives sockets and hears how the service stands, through the supervisor, and scripts know nothing of it.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::certs::Certs;
use crate::harness::{Project, Server, anywhere, free_port, peers};

const AGENT: &str = "export default { fetch: (request, env) => new Response(`here ${JSON.stringify(env)} ${globalThis.process?.env?.NOTIFY_SOCKET}`) };";

fn project() -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        ("workerd-lite.toml", "main = 'agent.js'\nthreads = 1\n"),
    ])
}

/// Who stands in systemd's place.
struct Manager(UnixDatagram);

impl Manager {
    fn new(project: &Project) -> Self {
        let socket = UnixDatagram::bind(project.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self(socket)
    }

    /// Waits for a message that has all of these lines.
    fn hears(&self, lines: &[&str], server: &Server) -> String {
        let start = Instant::now();
        let mut heard = Vec::new();
        while start.elapsed() < Duration::from_secs(10) {
            let mut bytes = [0; 4096];
            let Ok(count) = self.0.recv(&mut bytes) else { continue };
            let message = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if lines
                .iter()
                .all(|line| message.lines().any(|found| found.starts_with(line)))
            {
                return message;
            }
            heard.push(message);
        }
        panic!("{lines:?}: {heard:?} {}", server.log());
    }
}

fn serve(project: &Project, watchdog: Option<&str>) -> Server {
    let mut command = project.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", project.path().join("notify"));
    if let Some(watchdog) = watchdog {
        command.env("WATCHDOG_USEC", watchdog);
    }
    Project::start(command)
}

#[test]
fn systemd_hears_how_the_service_stands() {
    let project = project();
    let manager = Manager::new(&project);
    let mut server = serve(&project, Some("400000"));
    manager.hears(&["READY=1", "STATUS=Serving 1 agent"], &server);
    // It lives, as often as is asked.
    let start = Instant::now();
    for _ in 0..4 {
        manager.hears(&["WATCHDOG=1"], &server);
    }
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());

    // Where it was reloaded and where it was not, the reload is over.
    for text in ["main = 'agent.js'\n", "main = 7\n"] {
        project.write("workerd-lite.toml", text);
        server.signal("HUP");
        let message = manager.hears(&["RELOADING=1", "MONOTONIC_USEC="], &server);
        let (_, time) = message.split_once("MONOTONIC_USEC=").unwrap();
        assert!(
            time.lines().next().unwrap().parse::<u64>().is_ok_and(|time| time > 0),
            "{message}"
        );
        manager.hears(&["READY=1"], &server);
    }
    project.write("workerd-lite.toml", "main = 'agent.js'\n");

    // Neither the worker process nor a script knows of it.
    let environment = std::fs::read(format!("/proc/{}/environ", server.worker())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(
        !environment.contains("NOTIFY") && !environment.contains("WATCHDOG"),
        "{environment}"
    );
    assert_eq!(server.get("/").body, "here {} undefined");

    // Another worker process is ready too, and the watchdog does not wait for it.
    server.kill_worker();
    manager.hears(&["STATUS=Replacing"], &server);
    manager.hears(&["READY=1"], &server);
    manager.hears(&["WATCHDOG=1"], &server);

    // One that answers nothing does not say that it lives.
    let stopped = server.worker();
    let signal = |name: &str| {
        assert!(
            Command::new("kill")
                .args([name, &stopped.to_string()])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(500));
    while manager.0.recv(&mut [0; 4096]).is_ok() {}
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        assert!(manager.0.recv(&mut [0; 4096]).is_err(), "it is said to live");
    }
    signal("-CONT");
    manager.hears(&["WATCHDOG=1"], &server);

    server.signal("TERM");
    manager.hears(&["STOPPING=1"], &server);
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0));
}

#[test]
fn without_systemd_and_with_one_that_is_gone_all_is_as_ever() {
    let project = project();
    // Nobody listens there.
    drop(UnixDatagram::bind(project.path().join("notify")).unwrap());
    let mut server = serve(&project, None);
    assert_eq!(server.get("/").status, 200);
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0));
}

/// Runs the program as systemd does, with these descriptors as 3 and what follows, in a shell that puts them there.
fn activated(project: &Project, descriptors: &[i32], names: &str, arguments: &str) -> Command {
    let count = descriptors.len();
    // Each in two steps: they may stand in each other's place. The shell chooses where each is kept meanwhile, which is
    // no place that another has.
    let mut script = String::new();
    for (index, from) in descriptors.iter().enumerate() {
        let _ = write!(script, "exec {{kept{index}}}<&{from}; ");
    }
    for index in 0..count {
        let _ = write!(script, "exec {}<&$kept{index}; exec {{kept{index}}}<&-; ", 3 + index);
    }
    let _ = write!(
        script,
        "export LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES='{names}'; exec \"$0\" serve {arguments}"
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_workerd-lite")])
        .current_dir(project.path())
        .env("WORKERD_LITE_CACHE_DIR", "")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn inherit(fd: &impl std::os::fd::AsFd) {
    rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::empty()).unwrap();
}

fn over(socket: &Path, url: &str) -> String {
    let output = Command::new("curl")
        .args([
            "-s",
            "-m",
            "10",
            "-w",
            "%{http_code}",
            "--unix-socket",
            socket.to_str().unwrap(),
            url,
        ])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn sockets_that_are_given_are_served_and_stay() {
    let project = project();
    let path = project.path().join("given.sock");
    let admin = project.path().join("admin.sock");
    let sockets = (
        TcpListener::bind(anywhere()).unwrap(),
        UnixListener::bind(&path).unwrap(),
        UnixListener::bind(&admin).unwrap(),
    );
    inherit(&sockets.0);
    inherit(&sockets.1);
    inherit(&sockets.2);
    let address = sockets.0.local_addr().unwrap().to_string();
    let descriptors = [sockets.0.as_raw_fd(), sockets.2.as_raw_fd(), sockets.1.as_raw_fd()];
    // What is configured is for servers that are given none.
    let mut server = Project::start(activated(
        &project,
        &descriptors,
        "http:admin:workerd-lite.socket",
        "--listen 127.0.0.1:1",
    ));
    assert_eq!(server.address, address);
    assert!(server.get("/").body.starts_with("here {}"));
    assert!(over(&path, "http://a/").starts_with("here"));
    assert_eq!(over(&admin, "http://localhost/healthz"), "ok\n200");
    assert_eq!(over(&path, "http://localhost/healthz").split(' ').next(), Some("here"));
    let environment = std::fs::read(format!("/proc/{}/environ", server.worker())).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("LISTEN_"));
    // The next process has them too, and each process has each of them once.
    server.replace_worker();
    assert!(server.get("/").body.starts_with("here {}"));
    assert_eq!(over(&admin, "http://localhost/healthz"), "ok\n200");
    for descriptor in 3..6 {
        let link = std::fs::read_link(format!("/proc/{}/fd/{descriptor}", server.worker()));
        let given = std::fs::read_link(format!("/proc/self/fd/{}", descriptors[descriptor - 3])).unwrap();
        assert!(
            link.is_ok_and(|link| link != given),
            "{descriptor} was inherited as it was"
        );
    }
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
    assert!(path.exists() && admin.exists(), "they are systemd's");
}

#[test]
fn a_socket_called_plain_speaks_no_tls() {
    let project = project();
    let certs = Certs::make(&project.path().join("certs"));
    let (secure, plain) = (
        TcpListener::bind(anywhere()).unwrap(),
        TcpListener::bind(anywhere()).unwrap(),
    );
    inherit(&secure);
    inherit(&plain);
    let written = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap_or_default();
    project.write(
        "workerd-lite.toml",
        &format!("{written}\n[tls]\ncert = 'certs/server.pem'\nkey = 'certs/server.key'\n"),
    );
    let descriptors = [secure.as_raw_fd(), plain.as_raw_fd()];
    let server = Project::start(activated(&project, &descriptors, "http:plain", ""));
    let ask = |scheme: &str, listener: &TcpListener| {
        let port = listener.local_addr().unwrap().port();
        let host = "partner.localhost";
        let output = Command::new("curl")
            .args([
                "-s",
                "-m",
                "10",
                "--resolve",
                &format!("{host}:{port}:127.0.0.1"),
                "--cacert",
            ])
            .arg(certs.path("ca.pem"))
            .arg(format!("{scheme}://{host}:{port}/"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(ask("https", &secure).starts_with("here"), "{}", server.log());
    assert!(ask("http", &plain).starts_with("here"), "{}", server.log());
    assert!(
        ask("http", &secure).contains("TLS is spoken here"),
        "{}",
        ask("http", &secure)
    );
    assert_eq!(ask("https", &plain), "");
}

#[test]
fn what_is_no_listening_socket_is_refused_and_anothers_are_left() {
    let project = project();
    let socket = UnixDatagram::unbound().unwrap();
    inherit(&socket);
    let output = activated(&project, &[socket.as_raw_fd()], "", "").output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1)
            && report.contains("a socket that was given")
            && report.contains("ListenStream"),
        "{report}"
    );

    let listener = TcpListener::bind(anywhere()).unwrap();
    inherit(&listener);
    let mut command = activated(&project, &[listener.as_raw_fd()], "", "--listen 127.0.0.1:0");
    // Of a process that is none of ours.
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy().replace("LISTEN_PID=$$", "LISTEN_PID=1"))
        .collect();
    let mut other = Command::new("bash");
    other
        .args(arguments)
        .current_dir(project.path())
        .env("WORKERD_LITE_CACHE_DIR", "")
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command.stdin(Stdio::null());
    let server = Project::start(other);
    assert_ne!(server.address, listener.local_addr().unwrap().to_string());
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn systemds_own_tool_activates_it() {
    let project = project();
    if Command::new("systemd-socket-activate")
        .arg("--version")
        .output()
        .is_err()
    {
        // The tests above do the same by hand.
        peers::skip("systemd-socket-activate", "apt-get install systemd");
        return;
    }
    let port = free_port();
    let mut command = Command::new("systemd-socket-activate");
    command
        .args([
            "-l",
            &format!("127.0.0.1:{port}"),
            "--fdname=http",
            "-E",
            "WORKERD_LITE_CACHE_DIR=",
            "-E",
            "PATH",
        ])
        .arg(env!("CARGO_BIN_EXE_workerd-lite"))
        .arg("serve")
        .current_dir(project.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // It starts the program with the first connection.
    let asking = std::thread::spawn(move || {
        let url = format!("http://127.0.0.1:{port}/");
        let output = Command::new("curl")
            .args([
                "-s",
                "-m",
                "20",
                "--retry",
                "20",
                "--retry-connrefused",
                "--retry-delay",
                "1",
                &url,
            ])
            .output();
        String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
    });
    let server = Project::start(command);
    assert!(asking.join().unwrap().starts_with("here {}"));
    assert_eq!(server.address, format!("127.0.0.1:{port}"));
}
