//! Proxies that are believed say who asks, by which scheme and for which host. Nobody else does.

use crate::harness::{Project, Server, json};

const AGENT: &str = "export default { async fetch(request, env) { \
    if (new URL(request.url).pathname === '/out') await fetch('http://out.example/').catch(() => {}); \
    return Response.json({ name: env.NAME, url: request.url, headers: Object.fromEntries(request.headers) }); } };";

const CONFIG: &str = "threads = 1\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n\
    [[agents]]\nname = 'a'\nmain = 'agent.js'\nmatch = ['a.example']\nvars = { NAME = 'a' }\n\
    [[agents]]\nname = 'b'\nmain = 'agent.js'\nmatch = ['b.example', '127.0.0.1']\nvars = { NAME = 'b' }\n";

fn project(forwarded: &str) -> Project {
    Project::new(&[
        ("agent.js", AGENT),
        (
            "policy.js",
            "export default { fetch: () => new Response('no', { status: 403 }) };",
        ),
        ("workerd-lite.toml", &format!("{forwarded}\n{CONFIG}")),
    ])
}

fn ask(server: &Server, path: &str, fields: &[&str], version: &str) -> serde_json::Value {
    let mut arguments = vec![version];
    for field in fields {
        arguments.extend(["-H", field]);
    }
    let answer = server.curl(path, &arguments);
    if answer.status == 200 {
        json(&answer.body)
    } else {
        answer.status.into()
    }
}

#[test]
fn a_proxy_that_is_believed_decides_client_scheme_and_host() {
    let project = project("forwarded = ['127.0.0.1/32', '10.0.0.0/8']");
    let server = project.serve(&[]);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for fields in [
            &[
                "x-forwarded-for: 9.9.9.9, 203.0.113.9, 10.0.0.1",
                "x-forwarded-proto: https",
                "x-forwarded-host: a.example",
            ][..],
            &[
                "forwarded: for=9.9.9.9;host=b.example, for=203.0.113.9;proto=https;host=a.example;by=_p",
                "forwarded: for=10.0.0.1",
            ],
            &[
                "x-forwarded-for: 203.0.113.9",
                "x-forwarded-for: 10.1.2.3",
                "x-forwarded-proto: http, https",
                "x-forwarded-host: b.example, a.example",
            ],
        ] {
            let seen = ask(&server, "/x?y", fields, version);
            let headers = &seen["headers"];
            assert_eq!(
                (&seen["name"], &seen["url"]),
                (&"a".into(), &"https://a.example/x?y".into()),
                "{fields:?}"
            );
            for name in ["cf-connecting-ip", "x-forwarded-for", "x-real-ip"] {
                assert_eq!(headers[name], "203.0.113.9", "{fields:?}");
            }
            assert_eq!(headers["x-forwarded-proto"], "https");
            assert_eq!(headers["x-forwarded-host"], "a.example");
            assert_eq!(headers["forwarded"], serde_json::Value::Null);
        }
        let seen = ask(
            &server,
            "/",
            &[
                "x-forwarded-for: [2001:db8::7]:4711",
                "x-real-ip: 9.9.9.9",
                "cf-connecting-ip: 9.9.9.9",
            ],
            version,
        );
        assert_eq!(
            (&seen["name"], &seen["headers"]["cf-connecting-ip"]),
            (&"b".into(), &"2001:db8::7".into())
        );
        assert_eq!(seen["headers"]["x-real-ip"], "2001:db8::7");
        let hidden = ask(&server, "/", &["forwarded: for=_hidden"], version);
        assert_eq!(hidden["headers"]["cf-connecting-ip"], serde_json::Value::Null);
        for fields in [
            &["x-forwarded-for: 9.9.9.9, x y"][..],
            &["x-forwarded-proto: gopher"],
            &["x-forwarded-host: a.example/x"],
            &["forwarded: for=\"9.9.9.9, for=1.1.1.1"],
            &["forwarded: for=1.1.1.1;host=a.example", "x-forwarded-for: 1.1.1.1"],
        ] {
            assert_eq!(ask(&server, "/", fields, version), 400, "{fields:?}");
        }
    }
    ask(&server, "/out", &["x-forwarded-for: 203.0.113.9"], "--http1.1");
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    assert_eq!(json(audit.lines().last().unwrap())["client"], "203.0.113.9");
}

#[test]
fn nobody_else_is_believed() {
    for forwarded in ["", "forwarded = ['192.0.2.0/24', 'unix', '::1']"] {
        let project = project(forwarded);
        let server = project.serve(&[]);
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let seen = ask(
                &server,
                "/out",
                &[
                    "x-forwarded-for: 192.0.2.1",
                    "x-forwarded-host: a.example",
                    "x-forwarded-server: a.example",
                    "x-forwarded-proto: https",
                    "x-forwarded-port: 443",
                    "forwarded: for=192.0.2.1;host=a.example;proto=https",
                    "x-real-ip: 192.0.2.1",
                    "true-client-ip: 192.0.2.1",
                    "cf-connecting-ip: 192.0.2.1",
                    "x-original-host: a.example",
                    "x-other: kept",
                ],
                version,
            );
            assert_eq!(seen["name"], "b");
            assert_eq!(seen["url"], format!("http://{}/out", server.address));
            let text = seen["headers"].to_string();
            assert!(
                !text.contains("192.0.2.1") && !text.contains("a.example") && !text.contains("https"),
                "{text}"
            );
            assert_eq!(
                (&seen["headers"]["x-other"], &seen["headers"]["cf-connecting-ip"]),
                (&"kept".into(), &"127.0.0.1".into())
            );
        }
        let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
        assert_eq!(json(audit.lines().last().unwrap())["client"], "127.0.0.1");
    }
    let report = Project::new(&[
        ("agent.js", AGENT),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nforwarded = ['proxy.example']\n",
        ),
    ])
    .refused(&[]);
    assert!(
        report.contains("forwarded") && report.contains("127.0.0.1/32"),
        "{report}"
    );
}
