//! One shell for a page, as its reader has one terminal, and the server that its reader started.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Where a command's output ends.
const END: &str = "\u{1}end of the command";

/// How long a command may take.
const TIME: Duration = Duration::from_secs(30);

pub struct Session {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    folder: PathBuf,
    /// The ports of the page, and those that are free here.
    ports: Vec<(&'static str, String)>,
    server: bool,
}

impl Session {
    /// In a folder with the repository's fixtures.
    pub fn start(folder: &Path, programs: &Path) -> Self {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(repository.join("fixtures"))
            .arg(folder)
            .status();
        assert!(copied.unwrap().success());
        // As it is on a terminal once it is through.
        std::fs::write(programs.join(".curlrc"), "silent\nshow-error\n").unwrap();
        let path = format!(
            "{}:{}:/usr/sbin:/sbin",
            programs.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut shell = Command::new("bash")
            .args(["--norc", "--noprofile", "-s"])
            .current_dir(folder)
            .env("PATH", path)
            .env("HOME", programs)
            .env("NO_COLOR", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("WORKERD_LITE_CACHE_DIR", programs.join("cache"))
            .env_remove("CLOUDFLARE_ENV")
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = shell.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(output);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                line.clear();
            }
        });
        let mut input = shell.stdin.take().unwrap();
        writeln!(input, "exec 2>&1").unwrap();
        Self {
            input,
            shell,
            lines,
            folder: folder.to_owned(),
            ports: ["8787", "9090"]
                .map(|port| (port, crate::harness::free_port().to_string()))
                .to_vec(),
            server: false,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// With the ports that are free here in the place of the page's.
    pub fn here(&self, text: &str) -> String {
        let replace = |text: String, (page, here): &(&str, String)| text.replace(page, here);
        self.ports.iter().fold(text.to_owned(), replace)
    }

    fn as_on_the_page(&self, text: &str) -> String {
        let replace = |text: String, (page, here): &(&str, String)| text.replace(here, page);
        self.ports.iter().fold(text.to_owned(), replace)
    }

    /// Runs a command. Gives its exit code and all that it wrote; of a server what it has logged until it listened.
    pub fn run(&mut self, command: &str) -> Result<(i32, String), String> {
        let command = self.here(command);
        if let Some(arguments) = server(&command) {
            return self.serve(&command, arguments);
        }
        self.run_as_is(&command)
    }

    fn run_as_is(&mut self, command: &str) -> Result<(i32, String), String> {
        // A command in the background keeps its output to itself, and none reads the shell's own input.
        writeln!(
            self.input,
            "{{ {command}\n}} </dev/null\nprintf '\\n%s %s\\n' '{END}' $?"
        )
        .map_err(|error| error.to_string())?;
        let start = Instant::now();
        let mut output = String::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(TIME.saturating_sub(start.elapsed())) else {
                return Err(format!(
                    "it did not end within {TIME:?}, or the shell did. Its output: {output}"
                ));
            };
            if let Some(code) = line.strip_prefix(END) {
                let code = code.trim().parse().map_err(|_| line.clone())?;
                return Ok((code, self.as_on_the_page(&output)));
            }
            output.push_str(&line);
        }
    }

    fn serve(&mut self, command: &str, arguments: &str) -> Result<(i32, String), String> {
        self.stop();
        let mut command = command.trim_end_matches('&').trim().to_owned();
        if !["--listen", "--port", "--config /"]
            .iter()
            .any(|flag| arguments.contains(flag))
        {
            let listen = format!("workerd-lite serve --listen 127.0.0.1:{}", self.ports[0].1);
            command = command.replacen("workerd-lite serve", &listen, 1);
        }
        let log = self.folder.join("server.log");
        let log = log.display();
        self.run_as_is(&format!(
            "rm -f '{log}'; {command} >'{log}' 2>&1 & server=$!; for i in $(seq 300); do grep -qs 'listening on' '{log}' && break; \
             kill -0 $server 2>/dev/null || break; sleep 0.05; done; kill -0 $server"
        ))
        .and_then(|(code, said)| {
            self.server = true;
            let told = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
            if code == 0 {
                Ok((0, self.as_on_the_page(&told)))
            } else {
                Err(format!("the server does not listen: {said}{told}"))
            }
        })
    }

    fn stop(&mut self) {
        if std::mem::take(&mut self.server) {
            let _ = self.run_as_is("kill $server; wait $server");
        }
    }
}

/// What follows `workerd-lite serve`, where that is what is run.
fn server(command: &str) -> Option<&str> {
    let (before, arguments) = command.split_once("workerd-lite serve")?;
    let assignments = before.split_whitespace().all(|word| word.contains('='));
    (assignments && !arguments.contains("--help") && !arguments.contains("| ")).then_some(arguments)
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop();
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
