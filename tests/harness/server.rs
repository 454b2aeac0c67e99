//! The program as a child process, in a folder of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{isolation, program};

/// Files of a project, in a folder that goes when this does.
pub struct Project {
    pub folder: tempfile::TempDir,
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a module of WebAssembly, given as text.
    pub fn write_wasm(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), wat::parse_str(text).unwrap()).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The command, in the folder. `serve` listens on a free port.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("RUST_LOG")
            .env_remove("CLOUDFLARE_ENV")
            .env("WORKERD_LITE_CACHE_DIR", "")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a `serve` that fails, and gives what it wrote.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend_from_slice(arguments);
        let output = self.command(&all).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        // Long messages are wrapped.
        text.replace("\n  \u{2502} ", " ")
    }

    /// Runs a command to its end. Gives its exit code, and what it wrote to standard output and standard error.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }

    /// Starts a server and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_with(arguments, &[])
    }

    pub fn serve_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
        self.isolate();
        let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
        all.extend_from_slice(arguments);
        let mut command = self.command(&all);
        command.envs(environment.iter().copied());
        Self::start(command)
    }

    /// Puts its agents where this run of the suite wants them, if the project does not say it itself.
    fn isolate(&self) {
        const FILE: &str = "workerd-lite.toml";
        let text = std::fs::read_to_string(self.path().join(FILE)).unwrap_or_default();
        if !isolation().is_empty() && !text.contains("isolation") {
            self.write(FILE, &format!("{text}\n{}", isolation()));
        }
    }

    /// The same, with at most so many open files.
    pub fn serve_with_files(&self, files: u32) -> Server {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &format!("ulimit -n {files}; exec \"$0\" serve --listen 127.0.0.1:0"),
            ])
            .arg(program())
            .current_dir(self.path())
            .env("WORKERD_LITE_CACHE_DIR", "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Self::start(command)
    }

    /// Starts a server that listens where it says itself.
    pub fn serve_as(&self, arguments: &[&str]) -> Server {
        let mut all = vec!["serve"];
        all.extend_from_slice(arguments);
        Self::start(self.command(&all))
    }

    /// The same, by any command.
    pub fn start(command: Command) -> Server {
        Self::start_within(command, Duration::from_secs(20))
    }

    /// The same, where there is much to read.
    pub fn start_within(mut command: Command, limit: Duration) -> Server {
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let written = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                if line.contains("STOP READING") {
                    // The pipe stays open, and fills.
                    std::thread::sleep(Duration::from_mins(10));
                }
                if line.contains("HANG UP") {
                    return;
                }
                if let Some((_, address)) = line.split_once("listening on ") {
                    let address: String = address.chars().take_while(|c| *c != '"').collect();
                    let address = ["http://", "https://"]
                        .iter()
                        .find_map(|scheme| address.strip_prefix(scheme))
                        .unwrap_or(&address)
                        .to_owned();
                    let _ = found.send(address);
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = address
            .recv_timeout(limit)
            .unwrap_or_else(|_| panic!("the server did not start: {}", log.lock().unwrap()));
        Server { child, address, log }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Server {
    /// Runs a command that serves.
    pub fn of(command: Command) -> Self {
        Project::start(command)
    }

    /// Asks by curl, with further arguments.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Answer {
        let output = Command::new("curl")
            .args(["-sS", "-i", "--max-time", "20"])
            .args(arguments)
            .arg(format!("http://{}{path}", self.address))
            .output()
            .expect("curl is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut text = text.as_str();
        while text.starts_with("HTTP/1.1 100") {
            text = text.split_once("\r\n\r\n").unwrap().1;
        }
        let (headers, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        Answer {
            status: headers
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .unwrap_or(0),
            headers: headers.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    /// The body of the answer to a GET, which must be 200.
    pub fn ok(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {} {}", answer.body, self.log());
        answer.body
    }

    pub fn get(&self, path: &str) -> Answer {
        self.curl(path, &[])
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds this.
    pub fn logged(&self, text: &str) {
        self.logged_within(text, Duration::from_secs(10));
    }

    pub fn logged_within(&self, text: &str, limit: Duration) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(start.elapsed() < limit, "never logged {text:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process that was started.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All places where it says that it listens.
    pub fn places(&self) -> Vec<String> {
        // The line is read a moment before it is kept.
        self.logged("listening on ");
        let log = self.log();
        let places = log.lines().filter_map(|line| line.split_once("listening on "));
        places.map(|(_, place)| place.to_owned()).collect()
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end. Gives the exit code.
    pub fn wait(&mut self, limit: Duration) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// The processes that run workers, the latest last: those before it finish what they have.
    pub fn processes(&self) -> Vec<u32> {
        let supervisor = self.child.id();
        let children = format!("/proc/{supervisor}/task/{supervisor}/children");
        std::fs::read_to_string(children)
            .unwrap()
            .split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    }

    /// Kills the process that runs workers, and gives which it was.
    pub fn kill_worker(&self) -> u32 {
        let killed = self.worker();
        let status = Command::new("kill").args(["-KILL", &killed.to_string()]).status();
        assert!(status.unwrap().success());
        killed
    }

    /// Kills it, and waits for the one that takes its place.
    pub fn replace_worker(&self) {
        let killed = self.kill_worker();
        let start = Instant::now();
        while self.worker() == killed {
            assert!(start.elapsed() < Duration::from_secs(10), "{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The process that runs workers: the child of the one that was started, which keeps the socket.
    pub fn worker(&self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(id) = self.processes().pop() {
                return id;
            }
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "no worker process: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What it writes to standard output, which nobody reads else.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().unwrap()
    }

    /// The CPU time that its process has used.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.worker())).unwrap();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// How many files and sockets the server holds open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.worker()))
            .unwrap()
            .count()
    }

    /// Waits until no more files are open than before. One idle connection to the upstream may have come or gone, and a process that is ready
    /// for the next tenant.
    pub fn back_to(&self, before: usize, after_what: &str) {
        const OF_A_PROCESS: usize = 12;
        let start = Instant::now();
        let more = if isolation().is_empty() { 1 } else { 1 + OF_A_PROCESS };
        while self.open_files() > before + more {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "after {after_what}: {} files, {before} before",
                self.open_files()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Resident memory, in MiB. `VmHWM` is its peak.
    pub fn memory(&self, field: &str) -> usize {
        let start = Instant::now();
        loop {
            // A process that is being replaced has none.
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.worker())).unwrap_or_default();
            if let Some(line) = status.lines().find(|line| line.starts_with(field)) {
                let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
                return kib / 1024;
            }
            assert!(start.elapsed() < Duration::from_secs(5), "no {field}: {}", self.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.worker()))
            .unwrap()
            .count()
    }

    /// A connection of its own, for what curl would not send.
    pub fn raw(&self, bytes: &[u8]) -> std::net::TcpStream {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
