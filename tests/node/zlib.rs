//! `node:zlib` beside Node's own, and its zstd beside the reference program.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::harness::{Project, json, peers};

const CONFIG: &str = "main = 'worker.js'\n[limits]\ncpu_ms = 30000\nstartup_cpu_ms = 10000\nbuffers_mb = 256\n";

#[test]
fn zlib_does_what_nodes_does() {
    let checks = include_str!("../../fixtures/node/zlib.js");
    let names = [
        "zlib",
        "buffer",
        "util",
        "stream",
        "stream/promises",
        "stream/consumers",
    ];
    let imports: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| format!("import * as m{index} from 'node:{name}';\n"))
        .collect();
    let imports = imports.concat();
    let table: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| format!("'{name}': m{index}"))
        .collect();
    let worker = format!(
        "{imports}import {{ run }} from './checks.mjs';\nconst modules = {{ {} }};\nexport default {{ async fetch() {{\n  const lines = [];\n  \
         await run((name) => modules[name], (name, value) => lines.push(`${{name}}: ${{value}}`));\n  return new Response(lines.join('\\n'));\n}} }};",
        table.join(", ")
    );
    let project = Project::new(&[
        ("checks.mjs", checks),
        ("worker.js", &worker),
        (
            "node.mjs",
            "import { run } from './checks.mjs';\nawait run((name) => import(`node:${name}`), (name, value) => console.log(`${name}: ${value}`));",
        ),
        ("workerd-lite.toml", CONFIG),
    ]);
    let server = project.serve(&[]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    let Some(folder) = peers::npm() else { return };
    let node = peers::node(&folder, project.path().join("node.mjs").to_str().unwrap(), &[]);
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let theirs = String::from_utf8(node.stdout).unwrap();
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (ours.body.trim().lines().collect(), theirs.trim().lines().collect());
    let different: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .map(|(ours, theirs)| format!("ours:   {ours}\nNode's: {theirs}"))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 200, "{}", ours.len());
}

fn zstd(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("zstd")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "zstd {arguments:?}");
    output.stdout
}

#[test]
fn zstd_does_what_node_22_documents() {
    let project = Project::new(&[
        ("worker.js", include_str!("../../fixtures/node/zstd.js")),
        ("workerd-lite.toml", CONFIG),
    ]);
    let server = project.serve(&[]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let expected: serde_json::Value = serde_json::from_str(include_str!("../../fixtures/node/zstd.json")).unwrap();
    let ours = json(&answer.body);
    let names = expected.as_object().unwrap().keys();
    let different: Vec<String> = names
        .filter(|name| ours[*name] != expected[*name])
        .map(|name| format!("{name}: {} is not {}", ours[name], expected[name]))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(ours.as_object().unwrap().len(), expected.as_object().unwrap().len());

    if !peers::has("zstd", "apt-get install zstd") {
        return;
    }
    let input = server.get("/input").body;
    for level in [1, 19] {
        let packed = server.get(&format!("/pack?level={level}")).body;
        let packed = BASE64_STANDARD.decode(packed).unwrap();
        assert_eq!(zstd(&["-dcq"], &packed), input.as_bytes(), "level {level}");
    }
    for level in ["-1", "-19", "--fast=3"] {
        let packed = zstd(&["-cq", level], input.as_bytes());
        let body = BASE64_STANDARD.encode(packed);
        let answer = server.curl("/unpack", &["--data-binary", &body]);
        assert_eq!(answer.body, "true", "zstd {level}");
    }
}
