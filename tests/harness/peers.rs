//! Independent implementations: what is missing is installed where that needs no rights, or the test is skipped with a
//! loud word. Under `CI=true` a skip is a failure.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub fn skip(what: &str, why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what} is needed under CI=true: {why}"
    );
    eprintln!("SKIPPED, because {what} is missing: {why}");
}

/// Whether a program is there.
pub fn has(program: &str, install: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file());
    if !found {
        skip(program, install);
    }
    found
}

/// The npm packages of `tests/peers`, installed below `target` once, with our scripts beside them.
pub fn npm() -> Option<PathBuf> {
    if !has("npm", "apt-get install npm") {
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    let wanted = std::fs::read(folder.join("package-lock.json")).unwrap();
    let installed = folder.join("installed.json");
    if std::fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Some(folder);
    }
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if !output.status.success() {
        skip("npm's registry", &String::from_utf8_lossy(&output.stderr));
        return None;
    }
    std::fs::write(installed, wanted).unwrap();
    Some(folder)
}

/// The packages bring a Node.js of their own, so that an older one of the system does not matter.
pub fn node_command(folder: &Path, script: &str, arguments: &[&str]) -> Command {
    let own = std::fs::read_dir(folder.join("node_modules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name().unwrap().to_string_lossy().starts_with("node-") && path.join("bin/node").is_file()
        });
    let mut command = Command::new(own.map_or("node".into(), |own| own.join("bin/node")));
    command.arg(script).args(arguments).current_dir(folder);
    command
}

/// Runs a script of `tests/peers` to its end.
pub fn node(folder: &Path, script: &str, arguments: &[&str]) -> Output {
    node_command(folder, script, arguments).output().unwrap()
}

/// A script of `tests/peers` that serves until this is dropped. Its first line says where, as JSON.
pub struct Service {
    child: Child,
    pub said: serde_json::Value,
}

impl Service {
    pub fn start(folder: &Path, script: &str, arguments: &[&str]) -> Self {
        let mut child = node_command(folder, script, arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            said: serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script} said {line:?}")),
        }
    }

    pub fn port(&self) -> u64 {
        self.said["port"].as_u64().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
