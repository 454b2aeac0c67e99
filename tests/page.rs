//! `serve --dev`: its page, in a real browser, and what a browser reads where a handler failed.

use std::path::Path;

use serde_json::Value;

use crate::harness::certs::Certs;
use crate::harness::partner::{Partner, Tls};
use crate::harness::{Project, Server, anywhere, free_port, json, peers, plain, upstreams};

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
    let told = json(&text);
    copies_pass(&project, &told);
}

/// Each copied text is a file of its own that passes with the project's own agents and policy.
fn copies_pass(project: &Project, told: &Value) {
    let copies = told["copies"].as_array().unwrap();
    for (number, copy) in copies.iter().enumerate() {
        project.write(&format!("copied-{number}.test.js"), copy["text"].as_str().unwrap());
    }
    let (code, out, errors) = project.run(&["test"]);
    let failed = copies
        .iter()
        .enumerate()
        .filter(|(number, _)| out.contains(&format!("copied-{number}.test.js")));
    let failed: Vec<_> = failed
        .map(|(number, copy)| format!("copied-{number}: {}", copy["text"].as_str().unwrap()))
        .collect();
    assert_eq!(code, Some(0), "{out}\n{errors}\n{}", failed.join("\n"));
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
