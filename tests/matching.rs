//! Which agent a request is for: by host, by path, by both, or by a header; and none where that is not certain.

use std::fmt::Write as _;

use crate::harness::{Project, Server};

const AGENT: &str = "export default { fetch(request, env, ctx) { const { pathname } = new URL(request.url); \
    return new Response(`${env.NAME} ${pathname} ${request.headers.get('x-agent')}`); } };";

/// Agents by name, or by tenant and name, with what they match.
fn config(head: &str, agents: &[(&str, &str)]) -> String {
    let mut text = format!("{head}\nthreads = 1\n");
    for (name, matches) in agents {
        let (tenant, short) = name.split_once('/').unwrap_or(("", name));
        let tenant = if tenant.is_empty() {
            String::new()
        } else {
            format!("tenant = '{tenant}'\n")
        };
        let matches = if matches.is_empty() {
            String::new()
        } else {
            format!("match = {matches}\n")
        };
        let _ = write!(
            text,
            "[[agents]]\nname = '{short}'\n{tenant}main = 'agent.js'\n{matches}vars = {{ NAME = '{name}' }}\n"
        );
    }
    text
}

fn project(head: &str, agents: &[(&str, &str)]) -> Project {
    Project::new(&[("agent.js", AGENT), ("workerd-lite.toml", &config(head, agents))])
}

/// Who answers a request whose path is sent as it is.
fn who(server: &Server, host: &str, path: &str, fields: &[&str]) -> String {
    let host = format!("host: {host}");
    let mut arguments = vec!["--path-as-is", "-g", "-H", &host];
    for field in fields {
        arguments.extend(["-H", field]);
    }
    let answer = server.curl(path, &arguments);
    match answer.status {
        200 => answer.body.split(' ').next().unwrap().to_owned(),
        status => status.to_string(),
    }
}

#[test]
fn the_most_specific_pattern_decides_whatever_the_order() {
    let mut agents = [
        ("rest", "['*']"),
        ("below", "['/agents/scout/*']"),
        ("deeper", "['/agents/scout/inner/*', '/agents/scout/one']"),
        ("host", "['a.example']"),
        ("both", "['a.example/agents/scout/*']"),
        ("stars", "['*.example', '**.deep.example']"),
        ("port", "['a.example:81']"),
        ("words", "['/caf\u{e9}/*']"),
    ];
    let rows = [
        ("x.test", "/", "rest"),
        ("x.test", "/agents/scout", "rest"),
        ("x.test", "/agents/scout/", "below"),
        ("x.test", "/agents/scout/a/b?c=/agents/scout/inner/", "below"),
        ("x.test", "/agents/scout/inner", "below"),
        ("x.test", "/agents/scout/inner/", "deeper"),
        ("x.test", "/agents/scout/one", "deeper"),
        ("x.test", "/agents/scout/one/", "below"),
        ("x.test", "/agents/scouting/", "rest"),
        ("x.test", "/AGENTS/scout/", "rest"),
        ("x.test", "/caf%c3%a9/x", "words"),
        ("a.example", "/", "host"),
        ("A.Example.", "/agents/scout/x", "both"),
        ("a.example", "/agents/scout/inner/", "both"),
        ("a.example:81", "/agents/scout/", "port"),
        ("b.example", "/agents/scout/", "stars"),
        ("x.y.deep.example", "/agents/scout/", "stars"),
        ("deep.example", "/", "stars"),
    ];
    for _ in 0..2 {
        let project = project("", &agents);
        let server = project.serve(&[]);
        for (host, path, expected) in rows {
            assert_eq!(who(&server, host, path, &[]), expected, "{host}{path}");
        }
        // The path stays as it is.
        let answer = server.get("/agents/scout/a");
        assert_eq!(answer.body, "below /agents/scout/a null");
        agents.reverse();
    }
}

#[test]
fn a_path_that_may_be_anothers_is_nobodys() {
    let project = project(
        "",
        &[
            ("scout", "['/agents/scout/*']"),
            ("writer", "['/agents/writer/*']"),
            ("one", "['one.example/only/*']"),
        ],
    );
    let server = project.serve(&[]);
    for (path, expected) in [
        ("/agents/scout/x", "scout"),
        ("/agents/writer/", "writer"),
        // Whoever decodes what stays within it.
        ("/agents/scout/a%2fb", "scout"),
        ("/agents/scout/a//b", "scout"),
        ("/agents/scout/%61", "scout"),
        ("/agents/scout/a;b/c", "scout"),
        ("/agents/scout/%3Fa", "scout"),
    ] {
        assert_eq!(who(&server, "x.test", path, &[]), expected, "{path}");
    }
    for path in [
        "/agents/scout/../writer/x",
        "/agents/scout/%2e%2e/writer/x",
        "/agents/./scout/x",
        "/agents/scout/..%2fwriter/x",
        "/agents/scout/..%252fwriter/x",
        "/agents/scout/..%5cwriter/x",
        "/agents/scout/%252e%252e/writer/x",
        "/agents/scout/..;/writer/x",
        "/agents/scout//../../writer/x",
        "/agents/scout//../writer/x",
        "/agents/scout/..%2f..%2f",
        "/%61gents/scout/x",
        "//agents/scout/x",
        "/agents//scout/x",
        "/agents%2fscout/x",
        "/agents/%73cout/x",
        "/agents/scout;x/y",
        "/agents/scout/%00/x",
        "/agents/scout/%c0%ae%c0%ae/writer/x",
        "/agents/scout/%ef%bc%8e%ef%bc%8e/writer/x",
        "/agents/scout/%u002e%u002e/writer/x",
        "/agents/",
        "/",
    ] {
        assert_eq!(who(&server, "x.test", path, &[]), "404", "{path}");
    }
    // Absolute targets and HTTP/2 have the same paths.
    let absolute = server
        .raw(b"GET http://x.test/agents/scout/..%2fwriter/ HTTP/1.1\r\nhost: x.test\r\nconnection: close\r\n\r\n");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut &absolute, &mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    let http2 = ["--http2-prior-knowledge", "--path-as-is", "-H", "host: x.test"];
    assert_eq!(server.curl("/agents/scout/..%2fwriter/x", &http2).status, 404);
    assert!(server.curl("/agents/scout/x", &http2).body.starts_with("scout "));
}

#[test]
fn a_header_names_an_agent_where_its_owner_says_so() {
    let agents = [
        ("acme/scout", "['scout.example']"),
        ("globex/scout", ""),
        ("writer", "['/writer/*']"),
    ];
    let project = project("match_header = 'X-Agent'", &agents);
    let server = project.serve(&[]);
    for (fields, expected) in [
        (&["x-agent: acme/scout"][..], "acme/scout"),
        (&["x-agent: globex/scout"], "globex/scout"),
        (&["X-AGENT: writer"], "writer"),
        (&[], "404"),
        (&["x-agent: scout"], "404"),
        (&["x-agent: Writer"], "404"),
        (&["x-agent;"], "404"),
        (&["x-agent: writer", "x-agent: writer"], "404"),
        (&["x-agent: writer, writer"], "404"),
    ] {
        assert_eq!(who(&server, "x.test", "/", fields), expected, "{fields:?}");
    }
    assert_eq!(who(&server, "scout.example", "/", &[]), "acme/scout");
    assert_eq!(
        who(&server, "scout.example", "/writer/", &["x-agent: writer"]),
        "writer"
    );
    // It is for the server, and none of the agent's.
    assert_eq!(server.curl("/x", &["-H", "x-agent: writer"]).body, "writer /x null");

    // Proxies decide, where there are any.
    project.write(
        "workerd-lite.toml",
        &config("match_header = 'x-agent'\nforwarded = ['192.0.2.1']", &agents),
    );
    server.signal("HUP");
    server.logged("the project was loaded anew");
    assert_eq!(who(&server, "x.test", "/", &["x-agent: writer"]), "404");
    assert_eq!(who(&server, "scout.example", "/", &["x-agent: writer"]), "acme/scout");

    // Without the word of its owner it is a header like any other.
    project.write("workerd-lite.toml", &config("", &[("all", "")]));
    server.signal("HUP");
    let start = std::time::Instant::now();
    while server.curl("/x", &["-H", "x-agent: writer"]).body != "all /x writer" {
        assert!(start.elapsed().as_secs() < 10, "{}", server.log());
    }
}

#[test]
fn patterns_that_fit_the_same_are_refused_with_both_places() {
    let several = |one: &str, other: &str| config("", &[("first", one), ("second", other)]);
    for (text, words) in [
        (
            several("['a.example']", "['b.example', 'A.example.']"),
            &[
                "workerd-lite.toml:11",
                "\"first\"",
                "workerd-lite.toml:6",
                "matched twice",
            ][..],
        ),
        (
            several("['/x/*']", "['*/x/*']"),
            &["workerd-lite.toml:11", "workerd-lite.toml:6", "matched twice"],
        ),
        (
            several("['a.example', 'a.example/*']", "['b.example']"),
            &["workerd-lite.toml:6", "matched twice"],
        ),
        (
            several("['*.a.example']", "['b.*.example']"),
            &[
                "workerd-lite.toml:11",
                "workerd-lite.toml:6",
                "neither is more specific",
            ],
        ),
        (several("['a.example']", ""), &["has no hosts", "match"]),
        (
            several("['https://a.example/*']", "['b']"),
            &["without a scheme", "agents[0].match"],
        ),
        (several("['/a*']", "['b']"), &["at its end", "/scout/*"]),
        (several("['/a/../b']", "['b']"), &["dots"]),
        (
            config("match_header = 'host'", &[("a", "")]),
            &["match_header", "another meaning"],
        ),
        (
            config("match_header = 'x agent'", &[("a", "")]),
            &["match_header", "no name of a header"],
        ),
    ] {
        let project = Project::new(&[("agent.js", AGENT), ("workerd-lite.toml", &text)]);
        let report = project.refused(&[]);
        for word in words {
            assert!(report.contains(word), "{word}: {report}");
        }
    }
}
