//! The sandbox of agents' processes: a program enters it and tries what an exploit would. The attempts are data
//! (`fixtures/boundary/*.toml`); those that harm nobody are made outside of it as well, where they must come to something else.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use workerd_lite::boundary::sandbox::{self, Layer};

use crate::harness::peers::skip;

/// What ends a process for a call that the filter does not forgive.
const SIGSYS: i32 = 31;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/boundary")
}

fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/escape");
    assert!(program.is_file(), "the example `escape` is not built");
    program
}

/// What the example `escape`, which cargo builds with the tests, wrote to its link, and how it ended.
fn outcome(arguments: &[&str]) -> (String, ExitStatus) {
    // A descriptor is left open, by mistake as it were.
    outcome_by(&["/bin/sh", "-c", "exec 7</etc/passwd; exec \"$0\" \"$@\""], arguments)
}

/// The same, started by this command.
fn outcome_by(starter: &[&str], arguments: &[&str]) -> (String, ExitStatus) {
    let (mut link, theirs) = UnixStream::pair().unwrap();
    link.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let child = Command::new(starter[0])
        .args(&starter[1..])
        .arg(program())
        .args(arguments)
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    link.read_to_string(&mut said).unwrap();
    let output = child.wait_with_output().unwrap();
    if !output.status.success() && output.status.signal().is_none() {
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    (said, output.status)
}

#[derive(serde::Deserialize)]
struct Attempts {
    attempt: Vec<Attempt>,
}

#[derive(serde::Deserialize)]
struct Attempt {
    name: String,
    inside: String,
    /// Where the processor has no memory protection keys.
    without_keys: Option<String>,
    /// In the process that holds keys.
    holding_keys: Option<String>,
    outside: Option<String>,
}

fn has_protection_keys() -> bool {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    processor.split_whitespace().any(|flag| flag == "ospke")
}

/// What differs between what was expected of an attempt and what came.
fn made(file: &Path, attempt: &Attempt) -> Vec<String> {
    let mut wrong = Vec::new();
    let path = file.to_str().unwrap();
    let mut expect = |place: &str, expected: &str| {
        let (said, status) = outcome(&["try", path, &attempt.name, place]);
        let came = match status.signal() {
            Some(SIGSYS) if said.is_empty() => "dies".to_owned(),
            Some(signal) => format!("signal {signal} {said}"),
            None => said,
        };
        if came != expected {
            wrong.push(format!(
                "{}: {}: {place}: {came}, not {expected}",
                file.display(),
                attempt.name
            ));
        }
    };
    let without_keys = attempt.without_keys.as_ref().filter(|_| !has_protection_keys());
    expect("inside", without_keys.unwrap_or(&attempt.inside));
    expect("holding-keys", attempt.holding_keys.as_ref().unwrap_or(&attempt.inside));
    if let Some(outside) = &attempt.outside {
        expect("outside", outside);
    }
    wrong
}

/// Whether all layers are to be had on this machine. What the program finds missing is asked of the kernel by other means.
fn complete() -> bool {
    let layers = Layer::ALL.map(Layer::name);
    let (said, status) = outcome(&[&["report"][..], &layers].concat());
    assert!(status.success(), "{said}");
    if said.contains("missing: []") {
        return true;
    }
    for (layer, offered) in [("Namespaces", offers_namespaces()), ("Landlock", offers_landlock())] {
        assert!(
            !(offered && said.contains(&format!("({layer},"))),
            "the kernel has {layer}, and we do not use it: {said}"
        );
    }
    assert!(!said.contains("(Seccomp,"), "every kernel has seccomp: {said}");
    skip("a layer of the sandbox", &said);
    false
}

fn offers_namespaces() -> bool {
    let unshare = Command::new("unshare").args(["-Umnpi", "--fork", "true"]).status();
    unshare.is_ok_and(|status| status.success())
}

fn offers_landlock() -> bool {
    // The version of Landlock, by the attempt that asks for it.
    let file = fixtures().join("undo.toml");
    outcome(&["try", file.to_str().unwrap(), "landlock_create_ruleset", "outside"]).0 == "ok"
}

#[test]
fn nothing_that_an_exploit_tries_comes_to_anything() {
    if !complete() {
        return;
    }
    let mut attempts = Vec::new();
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let list: Attempts = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            attempts.extend(list.attempt.into_iter().map(|attempt| (path.clone(), attempt)));
        }
    }
    assert!(attempts.len() >= 60, "{} attempts", attempts.len());
    let next = AtomicUsize::new(0);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut wrong = Vec::new();
            while let Some((file, attempt)) = attempts.get(next.fetch_add(1, Ordering::Relaxed)) {
                wrong.extend(made(file, attempt));
            }
            wrong
        };
        let threads = [scope.spawn(work), scope.spawn(work)];
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a kernel gives no user namespace: made by one that is allowed none.
#[test]
fn a_layer_that_the_kernel_refuses_is_named_and_may_be_gone_without() {
    if !complete() {
        return;
    }
    let script = "echo 0 >/proc/sys/user/max_user_namespaces; exec \"$0\" \"$@\"";
    let without = |arguments: &[&str]| outcome_by(&["unshare", "-Ur", "/bin/sh", "-c", script], arguments);
    let (said, status) = without(&["report"]);
    assert!(!status.success(), "{said}");
    assert!(said.contains("namespaces of its own to an ordinary user"), "{said}");
    assert!(
        said.contains("set `[isolation] allow_missing = [\"namespaces\"]`"),
        "{said}"
    );
    let (said, status) = without(&["report", "namespaces"]);
    assert!(status.success(), "{said}");
    assert!(
        said.contains("in_force: [Landlock, Seccomp], missing: [(Namespaces,"),
        "{said}"
    );
}

/// Whether a process is there, and no zombie.
fn lives(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn ends(process: u32) -> bool {
    let began = std::time::Instant::now();
    while lives(process) && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    !lives(process)
}

fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
}

/// What the kernel says of a process that is in it; and that neither outlives who watches it.
#[test]
fn the_process_is_what_it_is_said_to_be_and_ends_with_its_watcher_and_its_parent() {
    if !complete() {
        return;
    }
    let (mut link, theirs) = UnixStream::pair().unwrap();
    link.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut watcher = Command::new(program())
        .arg("wait")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    link.read_exact(&mut [0; 2]).unwrap();
    let inside = sandbox::process_inside(watcher.id()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{inside}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}: {status}")).trim().to_owned()
    };
    for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(name), "0000000000000000", "{name}");
    }
    assert_eq!(
        (field("NoNewPrivs:"), field("Seccomp:")),
        ("1".to_owned(), "2".to_owned())
    );
    assert!(field("NSpid:").ends_with("\t1"), "{status}");
    for name in ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"] {
        let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/{name}")).unwrap();
        assert_ne!(of(&inside.to_string()), of("self"), "{name}");
    }
    let folder = std::fs::read_dir(format!("/proc/{inside}/root/")).unwrap();
    assert_eq!(folder.count(), 0);
    let open = std::fs::read_dir(format!("/proc/{inside}/fd")).unwrap();
    let open: Vec<_> = open
        .map(|entry| std::fs::read_link(entry.unwrap().path()).unwrap())
        .collect();
    let others = open
        .iter()
        .filter(|path| !path.to_string_lossy().starts_with("socket:"));
    assert!(
        open.len() == 3 && others.into_iter().all(|path| path == Path::new("/dev/null")),
        "{open:?}"
    );
    kill(watcher.id());
    watcher.wait().unwrap();
    assert!(ends(inside), "it outlives its watcher");
    // Started by a process that is killed itself.
    let (mut link, theirs) = UnixStream::pair().unwrap();
    link.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut parent = Command::new("/bin/sh")
        .args(["-c", "exec 3<&0; \"$0\" wait <&3 & wait"])
        .arg(program())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    link.read_exact(&mut [0; 2]).unwrap();
    let watcher = sandbox::process_inside(parent.id()).unwrap();
    let inside = sandbox::process_inside(watcher).unwrap();
    kill(parent.id());
    parent.wait().unwrap();
    assert!(ends(inside) && ends(watcher), "it outlives its parent");
}

#[test]
fn a_script_runs_in_the_sandbox() {
    if !complete() {
        return;
    }
    let agent = fixtures().join("agent.js");
    let (said, status) = outcome(&["serve", agent.to_str().unwrap()]);
    assert!(status.success(), "{status}: {said}");
    let expected = "wasm 1000000, gc 49995 20, crypto 256, gzip true, RangeError, TypeError";
    assert!(said.starts_with("200 OK jit ") && said.ends_with(expected), "{said}");
}
