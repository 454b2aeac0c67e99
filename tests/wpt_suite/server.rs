//! The server of web-platform-tests (`tools/wptserve`): HTTP, HTTPS and WebSockets, with the handlers that tests have beside them.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::harness::free_port;

/// Names below `localhost` are this machine to everybody.
const HOST: &str = "wpt.localhost";
const OTHER_HOST: &str = "other.localhost";
/// Python has to start a process for each port.
const START: Duration = Duration::from_mins(1);

pub struct Server {
    child: Child,
    /// Configuration, and the certificates that it makes.
    folder: tempfile::TempDir,
    ports: Vec<u16>,
    pub http: u16,
    pub https: u16,
}

impl Server {
    pub fn start(source: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<u16> = (0..9).map(|_| free_port()).collect();
        let (http, https) = (ports[0], ports[2]);
        let config = serde_json::json!({
            "browser_host": HOST,
            "alternate_hosts": { "alt": OTHER_HOST },
            "server_host": "127.0.0.1",
            "check_subdomains": false,
            "ports": {
                "http": [http, ports[1]],
                "https": [https, ports[3]],
                "ws": [ports[4]],
                "wss": [ports[5]],
                "h2": [ports[6]],
                "http-local": [],
                "http-public": [],
                "https-local": [],
                "https-public": [],
                "http-private": [ports[7]],
                "https-private": [ports[8]],
                "webtransport-h3": [],
            },
            "logging": { "level": "warning", "suppress_handler_traceback": true },
            "ssl": { "type": "openssl", "openssl": { "base_path": folder.path().join("certificates") } },
        });
        std::fs::create_dir(folder.path().join("certificates")).unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("python3")
            .arg("-B")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wpt/suite/serve.py"))
            .arg("--config")
            .arg(path)
            .current_dir(source)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let server = Self {
            child,
            folder,
            ports,
            http,
            https,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let began = Instant::now();
        while self.get("/common/blank.html").is_none() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(
                began.elapsed() < START,
                "web-platform-tests' server does not start:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Where a file is to a browser, or what is relative to it.
    pub fn origin(&self, file: &str) -> String {
        if file.contains(".https.") {
            format!("https://{HOST}:{}/", self.https)
        } else {
            format!("http://{HOST}:{}/", self.http)
        }
    }

    /// A text without the ports of this time.
    pub fn without_ports(&self, text: &str) -> String {
        let without = |text: String, port: &u16| text.replace(&format!(":{port}"), "");
        self.ports.iter().fold(text.to_owned(), without)
    }

    /// What upstreams of it are verified by.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("certificates/cacert.pem")
    }

    /// A file as it serves it, its variables replaced.
    pub fn get(&self, path: &str) -> Option<String> {
        let output = Command::new("curl")
            .args(["--fail", "--silent", "--max-time", "10", "--header"])
            .arg(format!("Host: {HOST}:{}", self.http))
            .arg(format!("http://127.0.0.1:{}{path}", self.http))
            .output()
            .unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has processes of its own.
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}
