//! `serve --dev`: its page, in a real browser, and what a browser reads where a handler failed.

use std::path::Path;

use crate::harness::partner::Partner;
use crate::harness::{Project, Server, json, peers, plain};

fn serve(partner: &Partner) -> (Project, Server) {
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
fn page(server: &Server) -> String {
    server.logged("a page shows what happens: ");
    let log = server.log();
    let (_, after) = log.split_once("a page shows what happens: ").unwrap();
    after.lines().next().unwrap().to_owned()
}

#[test]
fn the_page_shows_what_happens() {
    let Some(folder) = peers::npm() else { return };
    if !peers::has("chromium", "apt-get install chromium") {
        return;
    }
    let partner = plain();
    let (_project, server) = serve(&partner);
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dev-page.png");
    let agent = format!("http://{}", server.address);
    let output = peers::node(
        &folder,
        "page.mjs",
        &["chromium", &page(&server), &agent, &picture.display().to_string()],
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!text.contains("s3cret"), "{text}");
    let told = json(&text);
    let upstream = format!("GET http://{}", partner.address);
    assert_eq!(
        told["rows"],
        serde_json::json!([
            ["client", "agent", format!("GET {agent}/throws"), "failed", "500"],
            ["client", "agent", format!("GET {agent}/denied"), "", "403"],
            [
                "egress",
                "agent",
                format!("{upstream}/denied?token=***"),
                "deny \u{b7} policy",
                "403"
            ],
            ["client", "agent", format!("GET {agent}/ok"), "", "200"],
            [
                "egress",
                "agent",
                format!("{upstream}/ok?token=***"),
                "allow \u{b7} policy",
                "200"
            ],
        ])
    );
    assert_eq!(
        told["details"],
        serde_json::json!([
            "+ accept: application/json\n+ authorization: \u{2022}\u{2022}\u{2022}\n- x-drop: \u{2022}\u{2022}\u{2022}\n"
        ])
    );
    let error = told["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with("Error: <img src=x") && error.contains("[agent.ts:6:"),
        "{error}"
    );
    let copied = told["copied"].as_str().unwrap();
    assert!(
        copied.contains("t.outbound(\"agent\")") && copied.contains("403"),
        "{copied}"
    );
    assert_eq!((&told["bars"], &told["filtered"]), (&5.into(), &2.into()));
    assert_eq!(
        (&told["injected"], &told["logged"]),
        (&true.into(), &serde_json::json!([]))
    );
    assert!(std::fs::metadata(&picture).unwrap().len() > 10_000);
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
    for path in ["/dev", "/dev/page.js", "/dev/page.css", "/dev/events"] {
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
