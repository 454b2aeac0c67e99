//! Rules on both sides of the policy, judged in Rust.

use std::sync::atomic::Ordering;

use crate::harness::{Project, plain};

const AGENT: &str = r#"
export default { async fetch(request) {
  const url = new URL(request.url);
  const response = await fetch(decodeURIComponent(url.search.slice(1)), { method: request.method });
  return new Response(`${response.status} ${response.headers.get("content-type")} ${await response.text()}`);
} };
"#;

fn project(config: &str, policy: &str) -> Project {
    let head = "[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n";
    Project::new(&[
        ("agent.js", AGENT),
        ("policy.js", policy),
        ("workerd-lite.toml", &format!("{head}{config}")),
    ])
}

/// Answers by itself, so that what gets there is seen without a network.
const ANSWERS: &str =
    "export default { fetch: (request) => new Response(`policy saw ${request.method} ${request.url}`) };";

#[test]
fn what_an_agent_may_ask_for() {
    let server = project(
        r#"[[agents]]
name = "scout"
main = "agent.js"
[[agents.egress]]
name = "repos"
hosts = ["api.github.com", "*.acme.example", "**.deep.example", "bücher.example", "10.0.0.1:8080"]
methods = ["GET", "POST"]
paths = ["/repos/acme/*", "/users/:id"]
[[agents.egress]]
hosts = ["open.example"]
"#,
        ANSWERS,
    )
    .serve(&[]);
    let ask = |method: &str, url: &str| server.curl(&format!("/?{url}"), &["-X", method]).body;
    for (method, url) in [
        ("GET", "https://api.github.com/repos/acme/site"),
        ("POST", "https://API.GitHub.com./repos/acme/site?x=../../y"),
        ("GET", "https://a.acme.example:8443/users/7"),
        ("GET", "https://a.b.deep.example/users/7"),
        ("GET", "https://xn--bcher-kva.example/users/7"),
        ("GET", "http://0x0a000001:8080/users/7"),
        ("DELETE", "http://open.example/anything%252fat%2e%2eall"),
    ] {
        let body = ask(method, url);
        assert!(
            body.starts_with(&format!("200 text/plain;charset=UTF-8 policy saw {method}")),
            "{url}: {body}"
        );
    }
    for (method, url, rule) in [
        ("PUT", "https://api.github.com/repos/acme/site", "repos"),
        ("GET", "https://api.github.com/repos/evil/site", "repos"),
        ("GET", "https://api.github.com/repos/acme/%252e%252e/x", "repos"),
        ("GET", "https://api.github.com/repos/acme%252fx", "repos"),
        ("GET", "https://api.github.com/repos/acme/..%255cx", "repos"),
        (
            "GET",
            "https://api.github.com.evil.example/repos/acme/x",
            "agents.scout.egress",
        ),
        (
            "GET",
            "https://evil.example/?https://api.github.com/repos/acme/x",
            "agents.scout.egress",
        ),
        ("GET", "https://api.github.com@evil.example/repos/acme/x", ""),
        ("GET", "https://evil.example%23.acme.example/users/7", ""),
        ("GET", "https://a.b.acme.example/users/7", "agents.scout.egress"),
        ("GET", "https://deep.example/users/7", "agents.scout.egress"),
        ("GET", "http://10.0.0.1/users/7", "agents.scout.egress"),
    ] {
        let body = ask(method, url);
        assert!(!body.contains("policy saw"), "{url}: {body}");
        if !rule.is_empty() {
            let (head, problem) = body.split_at(body.find('{').unwrap());
            assert_eq!(head, "403 application/problem+json ", "{url}");
            let problem: serde_json::Value = serde_json::from_str(problem).unwrap();
            assert_eq!(
                (&problem["rule"], &problem["status"]),
                (&rule.into(), &403.into()),
                "{url}"
            );
            for field in ["type", "title", "detail", "remedy"] {
                assert!(problem[field].is_string(), "{url}: {problem}");
            }
        }
    }
}

#[test]
fn an_empty_list_means_nothing_and_none_means_the_policy_decides() {
    for (list, expected) in [("egress = []\n", "403 "), ("", "200 ")] {
        let config = format!("[[agents]]\nname = 'a'\nmain = 'agent.js'\n{list}");
        let server = project(&config, ANSWERS).serve(&[]);
        let body = server.get("/?http://a.example/").body;
        assert!(body.starts_with(expected), "{body}");
    }
}

#[test]
fn what_the_policy_may_reach() {
    let upstream = plain();
    let port = upstream.address.port();
    let policy = "export default { async fetch(request) { \
                  if (new URL(request.url).hostname === 'confused.example') return fetch('http://127.0.0.1:PORT/secret/x'); \
                  return fetch(request); } };"
        .replace("PORT", &port.to_string());
    let config = format!(
        "[[outbound.egress]]\nname = 'local'\nhosts = ['127.0.0.1:{port}']\nmethods = ['GET']\npaths = ['/ok', '/redirect']\n\
         [[agents]]\nname = 'a'\nmain = 'agent.js'\n"
    );
    let server = project(&config, &policy).serve(&[]);
    let ask = |url: &str| server.get(&format!("/?{url}")).body;
    assert!(ask(&format!("http://127.0.0.1:{port}/ok")).starts_with("200 "));
    let touched = upstream.requests.load(Ordering::SeqCst);
    for url in [
        format!("http://127.0.0.1:{port}/other"),
        format!("http://localhost:{port}/ok"),
        "http://confused.example/".to_owned(),
    ] {
        let body = ask(&url);
        assert!(body.starts_with("403 application/problem+json"), "{url}: {body}");
    }
    assert_eq!(upstream.requests.load(Ordering::SeqCst), touched);
    // Each hop of a redirect is judged.
    let body = ask(&format!(
        "http://127.0.0.1:{port}/redirect%3Fhttp://127.0.0.1:{port}/after"
    ));
    assert!(
        body.starts_with("403 ") && body.contains("\"rule\":\"local\""),
        "{body}"
    );
}

#[test]
fn a_rule_that_audits_warns_at_the_start_and_lets_pass() {
    let server = project(
        "[[agents]]\nname = 'a'\nmain = 'agent.js'\n[[agents.egress]]\nname = 'soon'\nhosts = ['**']\nmethods = ['GET']\n\
         mode = 'audit'\n[audit]\n",
        ANSWERS,
    )
    .serve(&[]);
    server.logged("the rule soon only audits");
    let body = server.curl("/?http://a.example/", &["-X", "PUT"]).body;
    assert!(body.contains("policy saw PUT"), "{body}");
    server.logged("audited: would be denied for its method");
}

/// A rule that lets pass what the network's rules deny, and what it takes for these to be silent.
#[test]
fn a_rule_for_what_no_request_reaches_is_told() {
    let told = |allow: &str, hosts: &str| {
        let config = format!(
            "main = 'agent.js'\n[network]\nallow = [{allow}]\n[outbound]\nmain = 'policy.js'\n[[outbound.egress]]\nname = 'r'\nhosts = [{hosts}]\n"
        );
        let project = Project::new(&[
            ("agent.js", AGENT),
            ("policy.js", ANSWERS),
            ("workerd-lite.toml", &config),
        ]);
        let (code, out, err) = project.run(&["check"]);
        assert_eq!(code, Some(0), "{out}{err}");
        format!("{out}{err}").matches("and no request reaches it").count()
    };
    for (allow, hosts, count) in [
        (
            "'public'",
            "'127.0.0.1', '[::1]:8080', '169.254.169.254', 'localhost', 'a.localhost', '10.0.0.1:80'",
            6,
        ),
        ("'local'", "'127.0.0.1', '[::1]', 'localhost'", 0),
        ("'10.0.0.0/8'", "'10.1.2.3', '8.8.8.8'", 1),
        ("'private'", "'169.254.169.254'", 1),
        ("'169.254.169.254/32'", "'169.254.169.254'", 0),
        ("'public'", "'8.8.8.8', 'a.example', '*.localhost', '**'", 0),
    ] {
        assert_eq!(told(allow, hosts), count, "{allow}: {hosts}");
    }
}

/// What would deny everything, or allow it, while it reads as something else.
#[test]
fn what_reads_as_another_rule_is_refused() {
    let cases = [
        ("hosts = ['a.example']\nmethods = []", "would limit nothing"),
        ("hosts = ['a.example']\npaths = []", "would limit nothing"),
        ("hosts = ['a.example']\nprotocols = []", "would limit nothing"),
        ("hosts = ['a.example']\nports = []", "would limit nothing"),
        ("hosts = []", "at least one host"),
        ("hosts = ['!a.example']", "no host pattern"),
        ("hosts = ['~a']", "no host pattern"),
        ("hosts = ['*.$a.example']", "no host pattern"),
        ("hosts = ['a.example?x']", "no host pattern"),
        ("hosts = ['a.example#x']", "no host pattern"),
        ("hosts = ['*.1.2.3.4']", "no host pattern"),
        ("hosts = ['a.example:0']", "no host pattern"),
        ("hosts = ['a.example:+443']", "no host pattern"),
        ("hosts = ['a.example']\nmethods = ['ANY']", "without `methods`"),
        ("hosts = ['a.example']\nmethods = ['ALL']", "without `methods`"),
        ("hosts = ['a.example']\npaths = ['/a%2Fb']", "fits no pattern"),
        ("hosts = ['a.example']\npaths = ['/%252e']", "fits no pattern"),
        ("hosts = ['a.example']\npaths = ['/a/../b']", "without `.` and `..`"),
        ("hosts = ['a.example']\npaths = ['/./a']", "without `.` and `..`"),
        ("hosts = ['a.example']\npaths = ['/{a,b}']", "(one|other)"),
    ];
    for (rule, words) in cases {
        for table in ["agents.egress", "outbound.egress"] {
            let agents = "[[agents]]\nname = 'a'\nmain = 'agent.js'\n";
            let report = project(&format!("{agents}[[{table}]]\n{rule}\n"), ANSWERS).refused(&[]);
            assert!(
                report.replace("\n  │ ", " ").contains(words),
                "{table}: {rule}: {report}"
            );
        }
    }
    for table in [
        "[certificates.c]\ncert = 'c.pem'\nkey = 'k.pem'\nhosts = []",
        "[certificates.c]\ncert = 'c.pem'\nkey = 'k.pem'\nca = []",
        "[tls]\ncert = 'c.pem'\nkey = 'k.pem'\nclient_ca = []",
        "[credentials.c]\ntype = 'bearer'\nsecret = 'S'\nhosts = ['a.example']\nmethods = []",
        "[credentials.c]\ntype = 'bearer'\nsecret = 'S'\nhosts = ['a.example']\npaths = []",
    ] {
        let report = project(&format!("{table}\n"), ANSWERS).refused(&["agent.js"]);
        assert!(
            report.replace("\n  │ ", " ").contains("would limit nothing"),
            "{table}: {report}"
        );
    }
    for rule in [
        "hosts = ['a_b.example', '-a.example', 'B\u{fc}cher.example', '*.1.example', '[::1]:443', '127.0.0.1', 'a.example.']",
        "hosts = ['*']\npaths = ['/{a}?', '/(a|b)', '/v1.2/*', '/...', '/a\\\\.b']\nmethods = ['QUERY']",
    ] {
        let project = project(&format!("[[outbound.egress]]\n{}\n", rule.replace('\'', "\"")), ANSWERS);
        drop(project.serve(&["agent.js"]));
    }
}

/// `deny` wins over the same word of `allow`: whoever writes both has a network that reaches nothing.
#[test]
fn an_address_that_is_allowed_and_denied_is_told() {
    for (network, told) in [
        ("allow = ['public']\ndeny = ['public']", true),
        ("allow = ['public', '10.0.0.0/8']\ndeny = ['10.0.0.0/8']", true),
        ("allow = ['public']\ndeny = ['10.0.0.0/8']", false),
    ] {
        let config = format!("main = 'agent.js'\n[network]\n{network}\n[outbound]\nmain = 'policy.js'\n");
        let project = Project::new(&[
            ("agent.js", AGENT),
            ("policy.js", ANSWERS),
            ("workerd-lite.toml", &config),
        ]);
        let (code, out, err) = project.run(&["check"]);
        let text = format!("{out}{err}");
        assert!(
            code == Some(0) && text.contains("[network] allows and denies") == told,
            "{network}: {text}"
        );
    }
}
