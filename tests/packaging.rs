//! What packages hold: each file is there, the unit is hardened, and its server works within the unit's limits.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::certs::Certs;
use crate::harness::nginx::Nginx;
use crate::harness::{Project, peers};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn each_file_of_debians_package_is_there_or_is_made() {
    let project = Project::new(&[]);
    let made = project.path().join("target/packaging");
    let output = Command::new(repository().join("runtime/packaging/make-assets"))
        .arg(env!("CARGO_BIN_EXE_workerd-lite"))
        .arg(&made)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = std::fs::read_to_string(repository().join("runtime/Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let mut installed = Vec::new();
    for asset in deb["assets"].as_array().unwrap() {
        let [from, to, _] = [0, 1, 2].map(|index| asset[index].as_str().unwrap());
        installed.push(format!(
            "/{to}{}",
            from.rsplit('/')
                .next()
                .filter(|_| to.ends_with('/'))
                .unwrap_or_default()
        ));
        let pattern = match from.strip_prefix("../target/packaging/") {
            Some(name) => made.join(name),
            None if from.starts_with("target/release/") => continue,
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join(from),
        };
        let folder = pattern.parent().unwrap();
        let name = pattern.file_name().unwrap().to_str().unwrap();
        let (start, end) = name.split_once('*').unwrap_or((name, ""));
        let found = std::fs::read_dir(folder).unwrap().any(|entry| {
            let entry = entry.unwrap().file_name().into_string().unwrap();
            entry.starts_with(start) && entry.ends_with(end)
        });
        assert!(found, "{from}");
    }
    for file in deb["conf-files"].as_array().unwrap() {
        assert!(installed.iter().any(|path| path == file.as_str().unwrap()), "{file}");
    }
    // The unit's paths are the package's.
    let unit = std::fs::read_to_string(repository().join("runtime/packaging/workerd-lite.service")).unwrap();
    for path in [
        "/usr/bin/workerd-lite",
        "/etc/workerd-lite/workerd-lite.toml",
        "/etc/workerd-lite/secrets.env",
    ] {
        assert!(
            unit.contains(path) && installed.iter().any(|installed| installed == path),
            "{path}"
        );
    }
}

#[test]
fn the_packages_configuration_is_good_and_its_folders_are_the_units() {
    let packaging = repository().join("runtime/packaging");
    let text = std::fs::read_to_string(packaging.join("etc/workerd-lite.toml")).unwrap();
    let unit = std::fs::read_to_string(packaging.join("workerd-lite.service")).unwrap();
    for (folder, setting) in [
        ("/var/lib/workerd-lite", "StateDirectory"),
        ("/var/log/workerd-lite", "LogsDirectory"),
    ] {
        assert!(
            text.contains(folder) && unit.contains(&format!("{setting}=workerd-lite")),
            "{folder}"
        );
    }
    let project = Project::new(&[]);
    let here = project.path().display().to_string();
    project.write(
        "workerd-lite.toml",
        &text.replace("/var/lib", &here).replace("/var/log/workerd-lite", &here),
    );
    for name in ["agent.js", "outbound.js"] {
        std::fs::copy(repository().join("fixtures/init").join(name), project.path().join(name)).unwrap();
    }
    let secrets = std::fs::read_to_string(packaging.join("etc/secrets.env")).unwrap();
    let secrets = secrets
        .lines()
        .filter_map(|line| line.split_once('=').filter(|_| !line.starts_with('#')));
    let output = project.command(&["check"]).envs(secrets).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_unit_exposes_less_than_2() {
    if !peers::has("systemd-analyze", "apt-get install systemd") {
        return;
    }
    let output = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager", "--threshold=20"])
        .arg(repository().join("runtime/packaging/workerd-lite.service"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("exposure level"), "{told}");
}

/// What a list of names allows, groups resolved as systemd does.
fn resolved(names: &[String]) -> Vec<String> {
    let group = |name: &String| -> Vec<String> {
        let output = Command::new("systemd-analyze")
            .args(["syscall-filter", "--no-pager", name])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .skip(1)
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect()
    };
    let (groups, mut calls): (Vec<String>, Vec<String>) = names.iter().cloned().partition(|name| name.starts_with('@'));
    for name in &groups {
        calls.extend(resolved(&group(name)));
    }
    calls
}

/// The unit's filter, as a list of names.
fn allowed(unit: &str) -> Vec<String> {
    // systemd allows these to every unit with a list.
    let mut allowed = resolved(&["@default".to_owned()]);
    for line in unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let (deny, names) = line.strip_prefix('~').map_or((false, line), |names| (true, names));
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        let names = resolved(&names);
        if deny {
            allowed.retain(|name| !names.contains(name));
        } else {
            allowed.extend(names);
        }
    }
    allowed
}

#[test]
fn the_units_filter_lets_every_system_call_of_a_server_pass() {
    if !peers::has("systemd-analyze", "apt-get install systemd") || !peers::has("strace", "apt-get install strace") {
        return;
    }
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch(request) { if (request.url.endsWith('/loop')) for (;;); const r = await fetch('http://api.test/'); return new Response(String(r.status)); } };",
        ),
        ("outbound.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'outbound.js'\n[audit]\nfile = 'audit.ndjson'\n[limits]\ncpu_ms = 20\n",
        ),
    ]);
    let calls = project.path().join("calls");
    let mut server = Command::new("strace")
        .args(["-f", "-qq", "-c", "-o"])
        .arg(&calls)
        .arg(env!("CARGO_BIN_EXE_workerd-lite"))
        .args(["serve", "--listen", "127.0.0.1:0", "--threads", "2"])
        .current_dir(project.path())
        .env("WORKERD_LITE_CACHE_DIR", project.path().join("cache"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(server.stderr.take().unwrap()));
    let address = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("http://").map(|(_, address)| address.trim().to_owned()));
    let address = address.unwrap();
    let rest = std::thread::spawn(move || lines.for_each(drop));
    let mut client = crate::harness::http::Client::new(&address, "agent.test");
    for path in ["/", "/loop", "/", "/loop", "/"] {
        let _ = client.get(path);
    }
    // To the server, and not to strace.
    let strace = server.id();
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    let ended = Command::new("kill").args(children.split_whitespace()).status();
    assert!(ended.unwrap().success());
    server.wait().unwrap();
    rest.join().unwrap();
    let table = std::fs::read_to_string(calls).unwrap();
    let used: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .filter(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                && *name != "total"
                && *name != "syscall"
        })
        .collect();
    assert!(used.contains(&"epoll_wait") && used.len() > 30, "{table}");
    let unit = std::fs::read_to_string(repository().join("runtime/packaging/workerd-lite.service")).unwrap();
    let allowed = allowed(&unit);
    let refused: Vec<&&str> = used
        .iter()
        .filter(|name| !allowed.iter().any(|allowed| allowed == *name))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn deploy_mds_nginx_passes_requests_over_tls() {
    if !peers::has("curl", "apt-get install curl") {
        return;
    }
    let page = std::fs::read_to_string(repository().join("docs/deploy.md")).unwrap();
    let (_, block) = page.split_once("```nginx\n").unwrap();
    let (block, _) = block.split_once("\n```").unwrap();
    let project = Project::new(&[
        ("workerd-lite.toml", "forwarded = [\"127.0.0.1/32\"]\n"),
        (
            "agent.js",
            "export default { async fetch(request) {\n  const body = await request.text();\n  \
         return Response.json({ host: request.headers.get('host'), of: request.headers.get('x-forwarded-for'), scheme: request.headers.get('x-forwarded-proto'), length: body.length });\n} };",
        ),
    ]);
    let certs = Certs::make(&project.path().join("certs"));
    let server = project.serve(&["agent.js"]);
    let block = block
        .replace("127.0.0.1:8787", server.address.trim_start_matches("http://"))
        .replace("443 ssl", "127.0.0.1:PORT ssl")
        .replace("*.agents.example.com", "partner.localhost")
        .replace("/etc/ssl/agents.pem", certs.path("server.pem").to_str().unwrap())
        .replace("/etc/ssl/agents.key", certs.path("server.key").to_str().unwrap());
    let Some(nginx) = Nginx::start(&project.path().join("nginx"), &block) else {
        return;
    };
    let body = "x".repeat(3 << 20);
    project.write("body", &body);
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--data-binary",
            "@body",
            "--cacert",
        ])
        .arg(certs.path("ca.pem"))
        .arg(format!("https://partner.localhost:{}/", nginx.port))
        .current_dir(project.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wanted = json!({ "host": "partner.localhost", "of": "127.0.0.1", "scheme": "https", "length": body.len() });
    assert_eq!(crate::harness::json(&said), wanted);
}
