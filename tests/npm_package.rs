//! The npm packages, made of the program under test, installed from their tarballs and run by `npx`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::harness::{Project, peers};

/// The two tarballs, workerd-lite and the platform's.
fn pack(folder: &Path) -> Vec<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/npm/pack");
    let output = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_workerd-lite"))
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut tarballs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    tarballs.sort();
    assert_eq!(tarballs.len(), 2, "{tarballs:?}");
    tarballs
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("WORKERD_LITE_CACHE_DIR", "")
        .env("npm_config_offline", "true")
        .env("npm_config_update_notifier", "false")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code(), text)
}

#[test]
fn npx_runs_the_program_of_the_platforms_package() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || !peers::has("npm", "apt-get install npm") {
        return;
    }
    let project = Project::new(&[("package.json", "{ \"private\": true }")]);
    let tarballs = pack(&project.path().join("tarballs"));
    let folder = project.path();
    let paths: Vec<&str> = tarballs.iter().map(|path| path.to_str().unwrap()).collect();
    let mut install = vec!["install", "--offline", "--no-audit", "--no-fund"];
    install.extend(&paths);
    let (code, said) = run(folder, "npm", &install);
    assert_eq!(code, Some(0), "{said}");

    let version = concat!("workerd-lite ", env!("CARGO_PKG_VERSION"));
    let (code, said) = run(folder, "npx", &["workerd-lite", "--version"]);
    assert!(code == Some(0) && said.starts_with(version), "{said}");
    let (code, said) = run(folder, "npx", &["workerd-lite", "init", "x"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&folder.join("x"), "npx", &["workerd-lite", "test"]);
    assert!(code == Some(0) && said.ends_with("2 passed, 0 failed\n"), "{said}");
    // Exit codes are the program's.
    assert_eq!(run(&folder.join("x"), "npx", &["workerd-lite", "check"]).0, Some(0));
    assert_eq!(run(folder, "npx", &["workerd-lite", "check", "none.js"]).0, Some(1));
    assert_eq!(run(folder, "npx", &["workerd-lite", "nonsense"]).0, Some(2));

    let launcher = folder.join("node_modules/.bin/workerd-lite");
    signals(&folder.join("x"), &launcher);
    imports(folder);

    // Without the platform's package.
    std::fs::remove_dir_all(folder.join("node_modules/@workerd-lite")).unwrap();
    let (code, said) = run(folder, launcher.to_str().unwrap(), &["--version"]);
    assert!(
        code == Some(1) && said.contains("@workerd-lite/linux-x64") && said.contains("--omit=optional"),
        "{said}"
    );
    assert!(!said.contains("    at "), "{said}");
}

/// What is sent to the launcher reaches the server, which ends as it does without one.
fn signals(project: &Path, launcher: &Path) {
    for signal in ["TERM", "INT"] {
        let mut child = Command::new(launcher)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(project)
            .env("WORKERD_LITE_CACHE_DIR", "")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.split_once("http://").map(|(_, address)| address.trim().to_owned()))
            .unwrap();
        assert!(std::net::TcpStream::connect(&address).is_ok());
        let kill = |signal: &str| {
            let sent = Command::new("kill")
                .args(["-s", signal, &child.id().to_string()])
                .status();
            assert!(sent.unwrap().success());
        };
        // A reload is no end.
        kill("HUP");
        std::thread::sleep(Duration::from_millis(300));
        assert!(std::net::TcpStream::connect(&address).is_ok());
        kill(signal);
        let rest = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}: {rest}");
        assert!(std::net::TcpStream::connect(&address).is_err(), "{signal}: {rest}");
    }
}

fn imports(folder: &Path) {
    let program = "node_modules/@workerd-lite/linux-x64/bin/workerd-lite";
    for script in [
        "console.log(require('workerd-lite').default, require('workerd-lite').version)",
        "import('workerd-lite').then(({ default: path, version }) => console.log(path, version))",
    ] {
        let (code, said) = run(folder, "node", &["-e", script]);
        let wanted = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        assert!(code == Some(0) && said.ends_with(&wanted), "{said}");
    }
}
