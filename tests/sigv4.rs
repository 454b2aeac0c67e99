//! AWS Signature Version 4 of odd requests, verified by two implementations that are not ours, of what arrived on the wire.

use std::fmt::Write as _;

use crate::harness::peers::{self, Service};
use crate::harness::{Project, Server, json};

/// Asks for what `target` says, by the binding that is named.
const AGENT: &str = r#"
export default { fetch(request) {
  const query = new URL(request.url).searchParams;
  const headers = { "x-binding": query.get("binding"), ...JSON.parse(query.get("headers") ?? "{}") };
  return fetch("http://127.0.0.1:PORT" + query.get("target"), { method: request.method, headers, body: request.body });
} };
"#;

const POLICY: &str = r#"
export default { async fetch(request, env) {
  const sent = new Request(request);
  const binding = sent.headers.get("x-binding");
  sent.headers.delete("x-binding");
  try { return await env[binding].fetch(sent); } catch (error) { return new Response(JSON.stringify({ error: String(error) })); }
} };
"#;

fn serve(port: u64) -> (Project, Server) {
    let project = Project::new(&[
        ("agent.js", &AGENT.replace("PORT", &port.to_string())),
        ("policy.js", POLICY),
        (
            ".dev.vars",
            "KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCY\nSESSION=session/+=token\n",
        ),
    ]);
    let credential = |name: &str, service: &str, more: &str| {
        format!(
            "[credentials.{name}]\ntype = 'sigv4'\naccess_key_id = 'AKID'\nsecret = 'KEY'\nregion = 'eu-central-1'\n\
             service = '{service}'\nhosts = ['127.0.0.1']\n{more}\n"
        )
    };
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [\
             {{ binding = 'S3', credential = 's3' }}, {{ binding = 'API', credential = 'api' }}, {{ binding = 'TEMPORARY', credential = 'temporary' }}]\n{}{}{}",
            credential("s3", "s3", ""),
            credential("api", "execute-api", ""),
            credential("temporary", "s3", "session_token = 'SESSION'"),
        ),
    );
    let server = project.serve(&["--threads", "1"]);
    (project, server)
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        let _ = write!(all, "%{byte:02X}");
        all
    })
}

fn ask(server: &Server, binding: &str, target: &str, headers: &str, arguments: &[&str]) -> serde_json::Value {
    let path = format!(
        "/?binding={binding}&target={}&headers={}",
        encoded(target),
        encoded(headers)
    );
    json(&server.curl(&path, arguments).body)
}

const TARGETS: [&str; 26] = [
    "/",
    "/bucket/plain",
    "/bucket/a b",
    "/bucket/a%20b",
    "/bucket/(a)='b'!*",
    "/bucket/a+b",
    "/bucket/a%2Bb",
    "/bucket/a:b@c,d;e&f$g",
    "/bucket/~tilde-_.",
    "/bucket/caf\u{e9}/\u{1f980}",
    "/bucket/caf%c3%a9",
    "/bucket/[x]|^`{}\"<>",
    "/bucket/100%25",
    "/bucket/100%",
    "/bucket/a%25b",
    "/bucket/a/./b/../c",
    "/bucket/?list-type=2&prefix=a/b&delimiter=/",
    "/bucket/x?acl",
    "/bucket/x?uploads=&partNumber=2",
    "/bucket/x?b=2&a=1&B=3&a-b=4&aa=5",
    "/bucket/x?q=a+b&r=a%20b&s=a%2Bb",
    "/bucket/x?q=(a)*'!~:@$,;",
    "/bucket/x?q=caf\u{e9}&%C3%A9=1",
    "/bucket/x?a=b=c&d==",
    "/bucket/x?&&a=1&&",
    "/bucket/x?response-content-disposition=attachment; filename=\"a b.txt\"",
];

#[test]
fn odd_paths_and_queries_are_signed_as_others_do() {
    let Some(folder) = peers::npm() else { return };
    let verifier = Service::start(
        &folder,
        "sigv4.mjs",
        &["AKID", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "session/+=token"],
    );
    let (_project, server) = serve(verifier.port());
    for binding in ["S3", "API", "TEMPORARY"] {
        for target in TARGETS {
            let said = ask(&server, binding, target, "{}", &[]);
            assert!(
                said["smithy"] == true && said["aws4"] == true,
                "{binding} {target}: {said:#}"
            );
        }
    }
    // S3 names objects with slashes that are no separators.
    for target in ["/bucket//a//b/", "/bucket/a%2Fb", "/bucket/a/%2e%2e/b"] {
        for binding in ["S3", "TEMPORARY"] {
            let said = ask(&server, binding, target, "{}", &[]);
            assert!(
                said["smithy"] == true && said["aws4"] == true,
                "{binding} {target}: {said:#}"
            );
        }
    }
    for target in ["/a//b", "/a/b//", "/a%2Fb"] {
        let said = ask(&server, "API", target, "{}", &[]);
        assert!(said["smithy"] == true && said["aws4"] == true, "API {target}: {said:#}");
    }
    // No URL can write this name but so: `aws4` decodes it, as S3 does.
    let said = ask(&server, "S3", "/bucket/a%2F..%2Fb", "{}", &[]);
    assert!(said["aws4"] == true && said["url"] == "/bucket/a%2F..%2Fb", "{said:#}");
    // A parameter that comes twice: `aws4` takes the first alone for S3, AWS's own text says all.
    for binding in ["S3", "API"] {
        let said = ask(&server, binding, "/x?b=2&a=2&a=1&a=&b=1", "{}", &[]);
        assert_eq!(said["smithy"], true, "{binding}: {said:#}");
    }
}

#[test]
fn headers_and_bodies_are_signed_as_others_do() {
    let Some(folder) = peers::npm() else { return };
    let verifier = Service::start(
        &folder,
        "sigv4.mjs",
        &["AKID", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "session/+=token"],
    );
    let (_project, server) = serve(verifier.port());
    let headers = [
        r#"{"x-amz-meta-note":"  two  spaces   and more  "}"#,
        r#"{"x-amz-meta-note":"a\tb \t c"}"#,
        r#"{"x-amz-acl":"private","x-amz-meta-b":"2","x-amz-meta-a":"1","content-type":"text/plain;  charset=utf-8"}"#,
        r#"{"x-amz-meta-empty":""}"#,
        // What the script says of itself is replaced.
        r#"{"authorization":"AWS4-HMAC-SHA256 mine","x-amz-date":"20200101T000000Z","x-amz-security-token":"mine","x-amz-content-sha256":"mine"}"#,
    ];
    for binding in ["S3", "API", "TEMPORARY"] {
        for headers in headers {
            let said = ask(&server, binding, "/bucket/x", headers, &[]);
            assert!(
                said["smithy"] == true && said["aws4"] == true,
                "{binding} {headers}: {said:#}"
            );
            assert_eq!(said["token"].is_string(), binding == "TEMPORARY");
        }
        let streamed = [
            "-X",
            "PUT",
            "-H",
            "Transfer-Encoding: chunked",
            "-H",
            "Content-Type:",
            "-d",
            "some body",
        ];
        let said = ask(&server, binding, "/bucket/(x)", "{}", &streamed);
        assert!(said["smithy"] == true && said["aws4"] == true, "{binding}: {said:#}");
        assert_eq!(said["stated"], "UNSIGNED-PAYLOAD");
    }
}
