//! `serve --dev`: its page, in a real browser, and what a browser reads where a handler failed.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::certs::Certs;
use crate::harness::partner::{Partner, Tls};
use crate::harness::{
    Project, Server, anywhere, free_port, json as parsed, otherwise_in_processes, peers, plain, upstreams,
};

pub fn serve(partner: &Partner) -> (Project, Server) {
    let project = Project::new(&[
        (
            "policy.js",
            "export default { async fetch(request, env) {\n  if (request.url.includes('denied')) return new Response('no', { status: 403 });\n  \
             const headers = new Headers(request.headers);\n  headers.set('authorization', 'Bearer ' + env.TOKEN);\n  headers.delete('x-drop');\n  \
             headers.set('accept', 'application/json');\n  return fetch(new Request(request, { headers }));\n} };",
        ),
        (".dev.vars", "TOKEN=s3cret-of-the-policy\n"),
        (
            "workerd-lite.toml",
            "main = 'agent.ts'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\nsecrets = ['TOKEN']\n[admin]\nlisten = '127.0.0.1:0'\n",
        ),
    ]);
    project.write(
        "agent.ts",
        &format!(
            "type Unused = string;\n\nexport default {{\n  async fetch(request: Request): Promise<Response> {{\n    const {{ pathname }} = new URL(request.url);\n    \
             if (pathname === '/throws') throw new Error('<img src=x onerror=injected=1>');\n    \
             return fetch('http://{}' + pathname + '?token=q-s' + '3cret', {{ headers: {{ 'x-drop': '1' }} }});\n  }},\n}};\n",
            partner.address
        ),
    );
    let server = project.serve(&["--dev"]);
    (project, server)
}

/// The page's URL, as the log tells it.
pub fn page(server: &Server) -> String {
    server.logged("a page shows what happens: ");
    let log = server.log();
    let (_, after) = log.split_once("a page shows what happens: ").unwrap();
    after.lines().next().unwrap().to_owned()
}

/// A project with one way for each kind of line that the page can show, and its upstreams.
fn every_kind(folder: &Path) -> (Project, peers::Service) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/page");
    let upstream = peers::Service::start(folder, "page_upstream.mjs", &[]);
    let project = Project::new(&[(
        ".dev.vars",
        "TOKEN=s3cret-of-the-policy\nPARTNER_TOKEN=s3cret-of-the-partner\nCLIENT_SECRET=s3cret-of-the-client\n",
    )]);
    let certs = Certs::make(&project.path().join("certs"));
    let tls = Tls {
        folder: &certs.folder,
        certificate: "server",
    };
    let partner = upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap();
    for name in ["workerd-lite.toml", "scout.ts", "policy.js"] {
        let text = std::fs::read_to_string(fixtures.join(name)).unwrap();
        let text = text
            .replace("UPSTREAM", &upstream.port().to_string())
            .replace("DEAD", &free_port().to_string())
            .replace("MTLS/", &format!("{}/", partner.address.port()));
        project.write(name, &text);
    }
    (project, upstream)
}

/// What Chromium has seen of the page, with each kind of line.
#[test]
fn the_page_shows_each_kind_of_request_and_its_copies_pass_as_tests() {
    if otherwise_in_processes("the page shows their console lines without a request") {
        return;
    }
    let Some(folder) = peers::npm() else { return };
    if !peers::has("chromium", "apt-get install chromium") {
        return;
    }
    let (project, _upstream) = every_kind(&folder);
    let server = project.serve(&["--dev"]);
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&pictures).unwrap();
    let port = server.address.rsplit(':').next().unwrap();
    let (own, pictures) = (project.path().display().to_string(), pictures.display().to_string());
    let arguments = ["chromium", &page(&server), port, &own, &pictures];
    let output = peers::node(&folder, "page.mjs", &arguments);
    let (text, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{errors}\n{}", server.log());
    std::fs::write(Path::new(&pictures).join("told.json"), text.as_bytes()).unwrap();
    let told = parsed(&text);
    for (what, none) in [
        ("axe", json!({})),
        ("cut", json!({})),
        ("logged", json!([])),
        ("secret", Value::Null),
    ] {
        assert_eq!(told[what], none, "{what}");
    }
    assert_eq!(told["injected"], true);
    nothing_yet(&told, port);
    it_fills_in(&told);
    each_kind_is_shown(&told);
    it_is_found(&told);
    copies_pass(&project, &told);
}

/// Which agents answer where, and how to ask them.
fn nothing_yet(told: &Value, port: &str) {
    let curl = format!("curl http://scout.localhost:{port}/");
    assert_eq!(told["curl"], curl);
    let agents = told["empty"].as_array().unwrap();
    assert_eq!(agents.len(), 3);
    assert!(agents[0].as_str().unwrap().contains(&curl), "{agents:?}");
    assert!(agents[1].as_str().unwrap().contains("*.ruled.example"), "{agents:?}");
}

/// A request is there from its beginning, and its times are real ones: the upstream is silent for 300 ms, and speaks for 240.
fn it_fills_in(told: &Value) {
    let pending: Vec<_> = told["pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line[1])
        .collect();
    assert_eq!(pending, ["\u{2026}", "\u{2026}"]);
    assert_eq!(told["filled"], json!(["200", "200"]));
    let ms = |stage: &str| {
        let text = told["timing"][stage]
            .as_str()
            .unwrap_or_else(|| panic!("{stage}: {}", told["timing"]));
        let (number, unit) = text.split_once(' ').unwrap();
        number.parse::<f64>().unwrap() * if unit == "s" { 1000.0 } else { 1.0 }
    };
    assert!(
        ms("until the first byte") > 280.0 && ms("body") > 180.0,
        "{}",
        told["timing"]
    );
    assert!(ms("connect") > 0.0 && ms("policy") > 0.0 && ms("waiting for the policy") >= 0.0);
    assert!(ms("in all") >= ms("until the first byte") + ms("body"));
}

fn each_kind_is_shown(told: &Value) {
    let groups = told["groups"].as_array().unwrap();
    let group = |path: &str| {
        let is_it = |group: &&Value| group["lines"][0]["url"].as_str().unwrap().ends_with(path);
        groups
            .iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{path}: {groups:#?}"))
    };
    let judged = |path: &str| {
        let lines = group(path)["lines"].as_array().unwrap().iter().skip(1);
        let judged =
            lines.map(|line| format!("{} {} {}", line["verdict"], line["by"], line["status"]).replace('"', ""));
        judged.collect::<Vec<_>>()
    };
    for (path, lines) in [
        ("/allow?kind=***", &["allow policy 200"][..]),
        ("/rule", &["deny rule \u{b7} only what is covered 403"]),
        ("/policy?kind=***", &["deny policy 403"]),
        ("/answer?kind=***", &["answer policy 200"]),
        ("/outside?kind=***", &["deny credential \u{b7} partner 403"]),
        ("/mtls?kind=***", &["allow policy \u{b7} partner 200"]),
        ("/mtls-outside?kind=***", &["deny certificate \u{b7} partner 403"]),
        ("/address?kind=***", &["deny address none"]),
        ("/refused?kind=***", &["allow policy none"]),
        ("/policy-throws?kind=***", &["deny policy none"]),
        ("/policy-loop?kind=***", &["deny limit none"]),
        (
            "loose.localhost/json",
            &["audit rule \u{b7} agents.loose.egress[0] 200"],
        ),
        (
            "/several?kind=***",
            &["allow policy 200", "allow policy 200", "allow policy 404"],
        ),
        ("/combined?kind=***", &["allow policy 200", "allow policy 404"]),
        ("/hop?kind=***", &["allow policy 302", "allow policy 200"]),
        ("/alone?kind=***", &[]),
    ] {
        assert_eq!(judged(path), lines, "{path}");
    }
    let first = |path: &str, field: &str| group(path)["lines"][0][field].as_str().unwrap().to_owned();
    assert_eq!(first("/loop?kind=***", "by"), "limit \u{b7} cpu");
    assert_eq!(first("/never?kind=***", "by"), "limit \u{b7} wall");
    assert_eq!(first("nobody.example/x", "by"), "no agent");
    assert_eq!(first("nobody.example/x", "status"), "404");
    assert_eq!(first("/rule", "agent"), "acme/ruled");
    let errors = |path: &str| group(path)["errors"].to_string();
    let thrown = errors("/policy-throws?kind=***");
    assert!(
        thrown.contains("[policy.js:20:") && thrown.contains("no policy for this: [secret]"),
        "{thrown}"
    );
    let after = errors("/after?kind=***");
    assert!(
        after.contains("The policy failed: Error: after the upstream's answer") && after.contains("[policy.js:23:"),
        "{after}"
    );
    assert!(errors("/agent-throws?kind=***").contains("[scout.ts:20:"));
    assert!(errors("/loop?kind=***").contains("the agent was stopped"));
    let console = &group("/console?kind=***")["console"];
    assert_eq!(console[1], json!(["console warn", "scout", "a warning"]));
    assert_eq!(
        console[2],
        json!(["console error", "policy", "the policy's line [secret]"])
    );
    assert!(
        told["reload"].as_str().unwrap().contains("[policy.js:46:"),
        "{}",
        told["reload"]
    );
    assert!(
        told["brokenSays"].as_str().unwrap().contains("policy.js"),
        "{}",
        told["brokenSays"]
    );
    let dots = "\u{2022}\u{2022}\u{2022}";
    let diffs = told["diffs"].as_array().unwrap();
    let diff = format!("+ accept: application/json\n+ authorization: {dots}\n- x-drop: {dots}\n");
    assert!(diffs.contains(&json!(diff)), "{diffs:?}");
    let lines = groups.iter().flat_map(|group| group["lines"].as_array().unwrap());
    assert!(
        lines.clone().all(|line| line["copies"] == true),
        "{:?}",
        lines.filter(|line| line["copies"] == false).collect::<Vec<_>>()
    );
}

/// Filters, the keyboard, and a thousand requests.
fn it_is_found(told: &Value) {
    let shown = |filter: &str| told["filters"][filter][0].as_u64().unwrap();
    for (filter, count) in [("text", 1), ("words", 1), ("verdict", 1), ("status", 1), ("nothing", 0)] {
        assert_eq!(shown(filter), count, "{filter}: {}", told["filters"]);
    }
    assert!(
        told["filters"]["nothing"][1]
            .as_str()
            .unwrap()
            .starts_with("Nothing matches \u{201c}no such thing\u{201d}")
    );
    assert!(shown("all") > 20);
    assert_eq!(
        (&told["problem"], &told["arrow"], &told["entered"]),
        (&json!(true), &json!(true), &json!("false"))
    );
    assert_eq!(told["sticky"], 0);
    assert_eq!(told["times"][0], "Time (UTC)");
    assert!(
        told["times"][1].as_str().unwrap().contains("(UTC)"),
        "{}",
        told["times"]
    );
    let many = |what: &str| told["many"][what].as_f64().unwrap();
    assert!(many("shown") >= 1.0 && many("heap") < 150e6, "{}", told["many"]);
    assert!(many("scroll") < 500.0 && many("layout") < 500.0, "{}", told["many"]);
}

/// Each copied text is a file of its own that passes with the project's own agents and policy.
fn copies_pass(project: &Project, told: &Value) {
    let copies = told["copies"].as_array().unwrap().iter();
    // Several lines of one request give the same.
    let copies: BTreeSet<_> = copies.map(|copy| copy["text"].as_str().unwrap()).collect();
    assert!(copies.len() > 60, "{}", copies.len());
    for (number, text) in copies.iter().enumerate() {
        project.write(&format!("copied-{number}.test.js"), text);
    }
    let (code, out, errors) = project.run(&["test"]);
    assert_eq!(code, Some(0), "{out}\n{errors}");
    assert!(out.contains(&format!("{} passed", copies.len())), "{out}");
}

#[test]
fn the_page_is_for_this_machine() {
    let partner = plain();
    let (_project, server) = serve(&partner);
    let page = page(&server);
    let own = page.trim_end_matches("/dev").to_owned();
    let ask = |path: &str, headers: &[&str]| {
        let mut arguments = vec!["-sS", "-o", "/dev/null", "-m", "1", "-w", "%{http_code}"];
        for header in headers {
            arguments.extend(["-H", *header]);
        }
        let url = page.replace("/dev", path);
        let output = std::process::Command::new("curl")
            .args(arguments)
            .arg(url)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for path in ["/dev", "/dev/page.js", "/dev/theme.css", "/dev/events"] {
        assert_eq!(ask(path, &[]), "200");
        for headers in [
            &["Host: rebound.example"][..],
            &["Origin: https://evil.example"],
            &["Origin: null"],
            &["Sec-Fetch-Site: cross-site"],
            &["Sec-Fetch-Site: same-site"],
        ] {
            assert_eq!(ask(path, headers), "403", "{path} {headers:?}");
        }
    }
    assert_eq!(ask("/dev", &[&format!("Origin: {own}")]), "200");
    assert_eq!(ask("/dev/../etc", &[]), "404");
    assert_eq!(ask("/healthz", &["Host: rebound.example"]), "200");
}

#[test]
fn a_browser_reads_the_authors_line() {
    let partner = plain();
    let (_project, server) = serve(&partner);
    let answer = server.curl("/throws", &["-H", "Accept: text/html,*/*"]);
    assert_eq!(answer.status, 500);
    assert!(
        answer.headers.contains("text/html") && answer.headers.contains("default-src 'none'"),
        "{}",
        answer.headers
    );
    assert!(
        answer.body.contains("&lt;img src=x onerror=injected=1&gt;") && answer.body.contains("[agent.ts:6:"),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("<img"), "{}", answer.body);
    let answer = server.get("/throws");
    assert!(
        answer.headers.contains("text/plain") && answer.body.contains("throw new Error("),
        "{}",
        answer.body
    );
}
