//! Packages of npm that agents use, as npm installs them and without a bundler, each an agent of `fixtures/packages`: they ask services that stand in for
//! the real ones, through one policy, whose credentials the services insist on. What they answer is what they answer under Node.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Project, Server, json, peers};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/packages");

/// Agents that serve more than one path, each with a test of its own.
const SERVERS: [&str; 3] = ["express", "fastify", "mcp-server"];

/// The packages, installed below `target` once, with the workers beside them.
pub fn installed() -> Option<PathBuf> {
    if !peers::has("npm", "apt-get install npm") {
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let _ = std::fs::remove_dir_all(folder.join("workers"));
    let copied = Command::new("cp")
        .args(["-r", &format!("{FIXTURES}/."), "."])
        .current_dir(&folder)
        .status();
    assert!(copied.unwrap().success());
    let wanted = std::fs::read(folder.join("package-lock.json")).unwrap();
    let known = folder.join("installed.json");
    if std::fs::read(&known).is_ok_and(|installed| installed == wanted) {
        return Some(folder);
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if !output.status.success() {
        peers::skip("npm's registry", &String::from_utf8_lossy(&output.stderr));
        return None;
    }
    std::fs::write(known, wanted).unwrap();
    Some(folder)
}

/// Serves all agents. The services live as long as what comes with the server.
fn serve(folder: &Path) -> (Server, peers::Service) {
    let services = peers::Service::start(folder, "upstreams/server.mjs", &[]);
    let key = services.said["serviceKey"].to_string();
    let config = std::fs::read_to_string(folder.join("workerd-lite.toml")).unwrap();
    let config = config
        .replace("\"PORT\"", &format!("\"{}\"", services.port()))
        .replace("\"GOOGLE_KEY\"", &key);
    let names = config
        .lines()
        .filter_map(|line| line.strip_prefix("secret = \"")?.strip_suffix("_SECRET\""));
    let secrets: Vec<String> = names
        .map(|name| format!("{name}_SECRET=the-{}-secret\n", name.to_lowercase()))
        .collect();
    std::fs::write(folder.join(".dev.vars"), secrets.concat()).unwrap();
    std::fs::write(folder.join("served.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_workerd-lite"));
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--threads",
            "2",
            "--config",
            "served.toml",
        ])
        .current_dir(folder)
        .env("WORKERD_LITE_CACHE_DIR", folder.join("cache"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    (
        Project::start_within(command, std::time::Duration::from_mins(3)),
        services,
    )
}

fn ask(server: &Server, agent: &str, path: &str, arguments: &[&str]) -> (u16, String) {
    let host = format!("Host: {agent}.localhost");
    let mut all = vec!["-H", &host];
    all.extend_from_slice(arguments);
    let answer = server.curl(path, &all);
    (answer.status, answer.body)
}

#[test]
fn packages_do_what_they_do_under_node() {
    let Some(folder) = installed() else { return };
    let (server, _services) = serve(&folder);
    let answers = json(&std::fs::read_to_string(folder.join("answers.json")).unwrap());
    let mut names: Vec<String> = std::fs::read_dir(folder.join("workers"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !SERVERS.contains(&name.as_str()))
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for name in &names {
        let (status, body) = ask(&server, name, "/", &[]);
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        if status != 200 || answer != answers[name] {
            wrong.push(format!("{name}: {status} {body}\n  but not {}", answers[name]));
        }
    }
    served(&server, &mut wrong);
    assert!(names.len() > 30, "{names:?}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), server.log());
}

/// What the agents answer that are servers.
fn served(server: &Server, wrong: &mut Vec<String>) {
    let post = ["-H", "content-type: application/json", "-d", r#"{"a":1}"#];
    let call = |method: &str, parameters: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{parameters}}}"#)
    };
    let begin = call(
        "initialize",
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}"#,
    );
    let add = call("tools/call", r#"{"name":"add","arguments":{"a":40,"b":2}}"#);
    let rpc = |body| {
        [
            "-H",
            "content-type: application/json",
            "-H",
            "accept: application/json, text/event-stream",
            "-d",
            body,
        ]
    };
    let (begin, add) = (rpc(&begin), rpc(&add));
    let cases: [(&str, &str, &[&str], u16, &str); 15] = [
        (
            "express",
            "/users/7?q=x",
            &[],
            200,
            r#"{"id":"7","q":"x","host":"express.localhost""#,
        ),
        (
            "express",
            "/echo",
            &post,
            201,
            r#"{"sent":{"a":1},"upstream":"{\"a\":1}"}"#,
        ),
        ("express", "/streamed", &[], 200, "first second"),
        ("express", "/router", &[], 301, "/users/1"),
        ("express", "/fail", &[], 500, r#"{"error":"broken"}"#),
        ("express", "/none", &[], 404, "Cannot GET /none"),
        ("fastify", "/users/7?q=x", &[], 200, r#"{"id":7,"q":"x"}"#),
        (
            "fastify",
            "/echo",
            &post,
            201,
            r#"{"sent":{"a":1},"upstream":"{\"a\":1}"}"#,
        ),
        (
            "fastify",
            "/echo",
            &["-H", "content-type: application/json", "-d", "{}"],
            400,
            "must have required property",
        ),
        ("fastify", "/streamed", &[], 200, "first second"),
        ("fastify", "/part", &[], 200, r#"{"part":true}"#),
        ("fastify", "/fail", &[], 409, "broken"),
        ("mcp-server", "/", &begin, 200, r#""serverInfo":{"name":"adder""#),
        ("mcp-server", "/", &add, 200, "42 has 2 digits"),
        ("ai", "/chat", &[], 200, "data: "),
    ];
    for (agent, path, arguments, status, part) in cases {
        let (got, body) = ask(server, agent, path, arguments);
        if got != status || !body.contains(part) {
            wrong.push(format!("{agent} {path}: {got} {body}\n  but not {status} {part}"));
        }
    }
}
