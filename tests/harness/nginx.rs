//! nginx as an upstream that verifies client certificates.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::peers;

/// A running nginx.
pub struct Nginx {
    child: Child,
    pub port: u16,
}

impl Nginx {
    /// Starts it with what its `http` block holds; `PORT` is replaced by a free one.
    pub fn start(folder: &Path, http: &str) -> Option<Self> {
        if !peers::has("nginx", "apt-get install nginx-light") {
            return None;
        }
        std::fs::create_dir_all(folder).unwrap();
        let port = super::free_port();
        let at = folder.display();
        let paths =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {at}/{name};"));
        let paths = paths.join("\n");
        let block = http.replace("PORT", &port.to_string());
        Some(Self::run(
            folder,
            port,
            "",
            &format!("http {{\naccess_log off;\n{paths}{block}\n}}"),
        ))
    }

    /// The same with what its `stream` block holds, by this module.
    pub fn start_stream(folder: &Path, module: &str, stream: &str) -> Option<Self> {
        if !peers::has("nginx", "apt-get install nginx-light") {
            return None;
        }
        std::fs::create_dir_all(folder).unwrap();
        let port = super::free_port();
        let block = stream.replace("PORT", &port.to_string());
        let load = format!("load_module {module};\n");
        Some(Self::run(folder, port, &load, &format!("stream {{\n{block}\n}}")))
    }

    fn run(folder: &Path, port: u16, load: &str, blocks: &str) -> Self {
        let at = folder.display();
        let config = format!(
            "{load}daemon off; master_process off; pid {at}/pid; error_log stderr notice;\nevents {{}}\n{blocks}\n"
        );
        std::fs::write(folder.join("nginx.conf"), config).unwrap();
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut child = Command::new("nginx")
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-p")
            .arg(folder)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < Duration::from_secs(10),
                "nginx did not start: {}",
                std::fs::read_to_string(folder.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, port }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
