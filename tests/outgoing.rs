//! What leaves is what the policy sends: nothing is added but what was asked for, and lengths that are known are said.

use serde_json::Value;

use crate::harness::{Project, json, plain};

/// An agent that fetches by the code in its query, and a policy that tells what it saw of it in a header of the answer.
fn project(config: &str, policy: &str) -> (Project, crate::harness::partner::Partner) {
    let upstream = plain();
    let agent = format!(
        "import {{ env }} from 'cloudflare:workers';\n\
         const U = 'http://127.0.0.1:{}/x';\n\
         export default {{ async fetch(request, env, ctx) {{\n\
           const code = decodeURIComponent(new URL(request.url).search.slice(1));\n\
           return CASES[code](request, ctx);\n\
         }} }};\n\
         const CASES = {{\n{CASES}\n}};\n",
        upstream.address.port()
    );
    let project = Project::new(&[("agent.js", &agent), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        &format!("main = 'agent.js'\n[network]\nallow = ['local']\n{config}\n[outbound]\nmain = 'policy.js'\n"),
    );
    (project, upstream)
}

const CASES: &str = r"
  plain: () => fetch(U),
  marked: () => fetch(U, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x-request-id': 'mine', baggage: 'a=b' } }),
  id: (request, ctx) => new Response(ctx.requestId),
  string: () => fetch(U, { method: 'POST', body: 'text' }),
  params: () => fetch(U, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) }),
  buffer: () => fetch(U, { method: 'PUT', body: new Uint8Array(1000).buffer }),
  view: () => fetch(U, { method: 'PATCH', body: new DataView(new ArrayBuffer(10), 2, 5) }),
  blob: () => fetch(U, { method: 'POST', body: new Blob(['a', new Uint8Array(70000), 'b'], { type: 'text/x' }) }),
  slice: () => fetch(U, { method: 'POST', body: new Blob(['0123456789']).slice(2, 5) }),
  file: () => fetch(U, { method: 'POST', body: new File(['file'], 'a.txt') }),
  form: () => { const form = new FormData(); form.append('a', 'b'); form.append('f', new File(['file'], 'a.txt')); return fetch(U, { method: 'POST', body: form }); },
  request: () => { const form = new FormData(); form.append('a', 'b'); return fetch(new Request(new Request(U, { method: 'POST', body: form }), { headers: { 'x-a': '1' } })); },
  copy: () => { const request = new Request(U, { method: 'POST', body: new Blob(['blob']) }); const copy = request.clone(); return fetch(copy); },
  fixed: () => { const { readable, writable } = new FixedLengthStream(5); const writer = writable.getWriter(); writer.write(new TextEncoder().encode('fixed')); writer.close(); return fetch(U, { method: 'POST', body: readable }); },
  incoming: (request) => fetch(U, { method: 'POST', body: request.body }),
  none: () => fetch(U, { method: 'POST' }),
  put: () => fetch(U, { method: 'PUT', body: '' }),
  patch: () => fetch(U, { method: 'PATCH', body: new Blob([]) }),
  remove: () => fetch(U, { method: 'DELETE' }),
  stream: () => fetch(U, { method: 'POST', body: new ReadableStream({ start(c) { c.enqueue(new Uint8Array(3)); c.close(); } }) }),
";

const FORWARDS: &str = "export default { fetch: (request) => fetch(request) };";

fn header<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    seen["headers"][name].as_str()
}

#[test]
fn nothing_is_added() {
    // What a policy does with its request, and the headers that it sends.
    let tells = r"export default { async fetch(request, env, ctx) {
      const saw = [...request.headers].map(([name]) => name);
      const response = await fetch(request);
      return Response.json({ saw, upstream: await response.json(), id: ctx.requestId });
    } };";
    let (project, _upstream) = project("", tells);
    let server = project.serve(&[]);
    let seen = json(&server.get("/?plain").body);
    assert_eq!(seen["saw"], serde_json::json!([]), "{seen}");
    let names: Vec<_> = seen["upstream"]["headers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["host"], "{seen}");
    let seen = json(&server.curl("/?marked", &["-H", "x-request-id: req-9"]).body);
    assert_eq!(
        header(&seen["upstream"], "traceparent"),
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    );
    assert_eq!(header(&seen["upstream"], "x-request-id"), Some("mine"));
    assert_eq!(header(&seen["upstream"], "baggage"), Some("a=b"));
    // Agent and policy read the id that logs and records have.
    assert_eq!(seen["id"], "req-9");
    assert_eq!(server.curl("/?id", &["-H", "x-request-id: req-8"]).body, "req-8");
    assert_eq!(server.get("/?id").body.len(), 36);
}

#[test]
fn a_trace_is_propagated_where_the_owner_says_so() {
    let tells = r"export default { async fetch(request, env, ctx) {
      const saw = Object.fromEntries(request.headers);
      const response = await (env.API ?? globalThis).fetch(request);
      return Response.json({ saw, upstream: (await response.json()).headers });
    } };";
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ask = |config: &str, case: &str| {
        let (project, _upstream) = project(config, tells);
        let text = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
        if let Some(binding) = config.strip_prefix("# ") {
            let credential = format!(
                "credentials = [{{ binding = 'API', credential = 'api', {} }}]\n[credentials.api]\ntype = 'bearer'\nsecret = 'T'\nhosts = ['127.0.0.1']\n",
                binding.lines().next().unwrap()
            );
            project.write("workerd-lite.toml", &format!("{text}{credential}"));
            project.write(".dev.vars", "T=t\n");
        }
        let server = project.serve(&[]);
        json(
            &server
                .curl(
                    &format!("/?{case}"),
                    &["-H", "x-request-id: req-7", "-H", &format!("traceparent: {parent}")],
                )
                .body,
        )
    };
    let seen = ask("[trace]\npropagate = true", "plain");
    let traced = seen["saw"]["traceparent"].as_str().unwrap();
    assert!(traced.starts_with(&parent[..36]) && traced != parent, "{traced}");
    assert_eq!(seen["upstream"]["traceparent"], traced, "{seen}");
    assert_eq!(
        (&seen["saw"]["x-request-id"], &seen["upstream"]["x-request-id"]),
        (&"req-7".into(), &"req-7".into())
    );
    // The agent has a trace of its own.
    let seen = ask("[trace]\npropagate = true", "marked");
    assert_eq!(
        seen["upstream"]["traceparent"],
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert_eq!(seen["upstream"]["x-request-id"], "req-7");
    // One binding alone, and one that is left out.
    let seen = ask("# propagate_trace = true", "plain");
    assert_eq!(seen["saw"].get("traceparent"), None);
    assert!(
        seen["upstream"]["traceparent"]
            .as_str()
            .unwrap()
            .starts_with(&parent[..36]),
        "{seen}"
    );
    let seen = ask("# propagate_trace = false\n[trace]\npropagate = true", "plain");
    assert!(seen["saw"]["traceparent"].is_string(), "{seen}");
    assert_eq!(
        (
            seen["upstream"].get("traceparent"),
            seen["upstream"].get("x-request-id")
        ),
        (None, None)
    );
}

#[test]
fn a_length_that_is_known_is_sent() {
    let policies = [
        FORWARDS,
        "export default { fetch: (request) => fetch(new Request(request, { headers: { 'x-policy': '1' } })) };",
        "export default { fetch: (request) => fetch(request.url, { method: request.method, body: request.body }) };",
        "export default { async fetch(request) { const copy = request.clone(); await copy.arrayBuffer(); return fetch(request); } };",
    ];
    for policy in policies {
        let (project, _upstream) = project("", policy);
        let server = project.serve(&[]);
        for (case, length) in [
            ("string", Some("4")),
            ("params", Some("5")),
            ("buffer", Some("1000")),
            ("view", Some("5")),
            ("blob", Some("70002")),
            ("slice", Some("3")),
            ("file", Some("4")),
            ("copy", Some("4")),
            ("fixed", Some("5")),
            ("none", Some("0")),
            ("put", Some("0")),
            ("patch", Some("0")),
            ("remove", None),
        ] {
            let seen = json(&server.get(&format!("/?{case}")).body);
            assert_eq!(header(&seen, "content-length"), length, "{case}: {policy}\n{seen}");
            assert_eq!(header(&seen, "transfer-encoding"), None, "{case}: {policy}\n{seen}");
            let received = length.map_or(0, |length| length.parse::<u64>().unwrap());
            assert_eq!(seen["received"], received, "{case}: {policy}");
        }
        for case in ["form", "request"] {
            let seen = json(&server.get(&format!("/?{case}")).body);
            let length = header(&seen, "content-length").unwrap_or_else(|| panic!("{case}: {policy}\n{seen}"));
            assert_eq!(seen["received"].to_string(), length, "{case}: {policy}");
        }
        let seen = json(&server.curl("/?incoming", &["-d", "from the client"]).body);
        assert_eq!(header(&seen, "content-length"), Some("15"), "{policy}\n{seen}");
        // Of a stream nobody knows.
        let seen = json(&server.get("/?stream").body);
        assert_eq!(
            (header(&seen, "content-length"), header(&seen, "transfer-encoding")),
            (None, Some("chunked")),
            "{policy}\n{seen}"
        );
    }
}

#[test]
fn a_response_says_its_length() {
    let project = Project::new(&[(
        "worker.js",
        "export default { async fetch(request) { const form = new FormData(); form.append('a', 'b'); return { \
         '/blob': () => new Response(new Blob(['12345'])), \
         '/slice': () => new Response(new Blob(['12345']).slice(1, 3)), \
         '/params': () => new Response(new URLSearchParams('a=b')), \
         '/echo': () => new Response(request.body), \
         '/form': () => new Response(form), \
         }[new URL(request.url).pathname](); } };",
    )]);
    let server = project.serve(&["worker.js"]);
    for (path, length) in [("/blob", 5), ("/slice", 2), ("/params", 3)] {
        let answer = server.get(path);
        assert!(
            answer.headers.contains(&format!("content-length: {length}\r\n")),
            "{path}: {}",
            answer.headers
        );
    }
    let answer = server.curl("/echo", &["-d", "four"]);
    assert!(answer.headers.contains("content-length: 4\r\n"), "{}", answer.headers);
    let answer = server.get("/form");
    assert!(
        answer
            .headers
            .contains(&format!("content-length: {}\r\n", answer.body.len())),
        "{}",
        answer.headers
    );
}

#[test]
fn a_body_of_known_length_is_signed() {
    let policies = [
        "export default { fetch: (request, env) => env.S3.fetch(request) };",
        "export default { fetch: (request, env) => env.S3.fetch(new Request(request, { headers: { 'x-policy': '1' } })) };",
    ];
    for policy in policies {
        let (project, _upstream) = project("", policy);
        let config = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
        let credential = "credentials = [{ binding = 'S3', credential = 's3' }]\n[credentials.s3]\ntype = 'sigv4'\nsecret = 'T'\n\
                          access_key_id = 'AKIA'\nregion = 'eu-west-1'\nservice = 's3'\nhosts = ['127.0.0.1']\n";
        project.write("workerd-lite.toml", &format!("{config}{credential}"));
        project.write(".dev.vars", "T=t\n");
        let server = project.serve(&[]);
        let hash = |answer: &str| {
            json(answer)["headers"]["x-amz-content-sha256"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let known = [
            "string", "params", "blob", "file", "form", "request", "copy", "fixed", "none",
        ];
        for case in known {
            let hash = hash(&server.get(&format!("/?{case}")).body);
            assert!(hash.len() == 64, "{case}: {hash}: {policy}");
        }
        let sent = hash(&server.curl("/?incoming", &["-d", "abc"]).body);
        // Of the three letters, by `sha256sum`.
        assert_eq!(sent, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash(&server.get("/?stream").body), "UNSIGNED-PAYLOAD", "{policy}");
    }
}
