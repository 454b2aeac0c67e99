//! The whole path: client, agent, outbound worker, mTLS upstream, and back.

use crate::harness::{CONFIG, Mtls, Project};

#[test]
fn a_credential_and_a_certificate_are_added_after_the_agent() {
    let mtls = Mtls::standard();
    let server = mtls.serve();
    let answer = server.get("/anything?x=1");
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(seen["certificate"], "CN=scout agent");
    assert_eq!(seen["headers"]["authorization"], "Bearer canary-5f1d");
    assert_eq!(seen["path"], "/anything?x=1");
    assert_eq!(seen["version"], "HTTP/2.0");
}

#[test]
fn the_outbound_worker_sees_the_agents_request_and_who_calls() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch: () => fetch('https://user.example:8443/a/b?c=%20d', \
             { method: 'PUT', headers: { 'X-One': '1', Host: 'evil.example', Connection: 'x-one' }, body: 'text' }) }",
        ),
        (
            "outbound.js",
            "export default { async fetch(request, env, ctx) { return Response.json({ url: request.url, \
             method: request.method, headers: [...request.headers], body: await request.text(), \
             redirect: request.redirect, agent: ctx.agent, frozen: Object.isFrozen(ctx.agent), props: ctx.props, vars: env.TENANT }); } }",
        ),
        (
            "wrangler.jsonc",
            "{ \"name\": \"scout\", \"main\": \"agent.js\" /* a comment */, }",
        ),
        (
            "workerd-lite.toml",
            "[outbound]\nmain = 'outbound.js'\nvars = { TENANT = 'acme' }\nprops = { plan = 'free' }\n",
        ),
    ]);
    let server = project.serve(&[]);
    let mut seen: serde_json::Value = serde_json::from_str(&server.get("/").body).unwrap();
    // What the host adds differs from one request to the next.
    let agent = seen["agent"].as_object_mut().unwrap();
    assert_eq!(agent.remove("instance").unwrap().as_str().unwrap().len(), 32);
    assert_eq!(agent.remove("codeSha256").unwrap().as_str().unwrap().len(), 64);
    let expected = serde_json::json!({
        "url": "https://user.example:8443/a/b?c=%20d", "method": "PUT", "body": "text", "redirect": "manual",
        // X-One went because Connection named it; Host because the URL says it.
        "headers": [["content-length", "4"], ["content-type", "text/plain;charset=UTF-8"]],
        "agent": { "name": "scout" }, "frozen": true, "props": { "plan": "free" }, "vars": "acme",
    });
    assert_eq!(seen, expected);
}

#[test]
fn the_policys_own_fetch_bears_no_certificate() {
    let policy = "export default { fetch: (request) => fetch(request) };";
    let config = CONFIG.replace("allow = [\"local\"]", "allow = [\"local\"]\nca = [\"certs/ca.pem\"]");
    let mtls = Mtls::new("server", &config, policy);
    let server = mtls.serve();
    let answer = server.get("/anything");
    assert_eq!(answer.status, 599, "{}", answer.body);
    server.logged("the outbound worker failed");
    assert_eq!(mtls.partner.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[test]
fn a_redirect_is_judged_again() {
    let policy = r#"
        export default { fetch(request, env) {
          if (new URL(request.url).hostname !== "partner.localhost") return new Response("denied", { status: 403 });
          return env.PARTNER.fetch(request);
        } };"#;
    let mtls = Mtls::new("server", CONFIG, policy);
    let server = mtls.serve();
    let answer = server.get("/redirect?https://elsewhere.example/");
    assert_eq!((answer.status, answer.body.as_str()), (403, "denied"));
    let back = mtls.partner.url("https", "/after");
    assert!(server.get(&format!("/redirect?{back}")).body.contains("\"/after\""));
}

#[test]
fn without_an_outbound_worker_every_fetch_is_denied() {
    let project = Project::new(&[(
        "agent.js",
        "export default { async fetch() { try { await fetch('http://a.example/'); return new Response('out'); } \
         catch (error) { return new Response(`${error.name}: ${error.message}`); } } }",
    )]);
    let server = project.serve(&["agent.js"]);
    let body = server.get("/").body;
    assert!(
        body.starts_with("TypeError: ") && body.contains("--outbound FILE"),
        "{body}"
    );
}

#[test]
fn a_class_is_a_handler_too() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default class { fetch(request) { return fetch(request.url); } }",
        ),
        (
            "outbound.js",
            "export default class { constructor(ctx, env) { this.ctx = ctx; } fetch() { return new Response(this.ctx.agent.name); } }",
        ),
    ]);
    let server = project.serve(&["agent.js", "--outbound", "outbound.js"]);
    assert_eq!(server.get("/").body, "agent");
}

#[test]
fn a_secret_is_nowhere_in_the_agents_view() {
    let mtls = Mtls::standard();
    let agent = r#"
        const found = [];
        function walk(value, path, seen) {
          if (typeof value === "string") { if (value.includes("canary")) found.push(path); return; }
          if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
          seen.add(value);
          for (const key of Reflect.ownKeys(value)) {
            if (typeof key === "string" && key.includes("canary")) found.push(path);
            let member;
            try { member = value[key]; } catch (error) { member = String(error?.stack); }
            walk(member, `${path}.${String(key)}`, seen);
          }
          walk(Object.getPrototypeOf(value), `${path}.__proto__`, seen);
        }
        export default { async fetch(request, env, ctx) {
          const response = await fetch("https://partner.localhost:PORT/download/0");
          const failed = await fetch("https://127.0.0.1:1/").catch((error) => error);
          const seen = new Set();
          if (new URL(request.url).pathname === "/walk") {
            walk(globalThis, "globalThis", seen);
            for (const [name, value] of Object.entries({ request, env, ctx, response, failed })) walk(value, name, seen);
          }
          walk([...response.headers].join() + response.url + String(failed) + failed.stack, "text", seen);
          return new Response(found.join() || "nothing");
        } };"#;
    mtls.project.write(
        "agent.js",
        &agent.replace("PORT", &mtls.partner.address.port().to_string()),
    );
    // A walk passes through all of Node's modules, and evaluates them.
    let config = std::fs::read_to_string(mtls.project.path().join("workerd-lite.toml")).unwrap();
    mtls.project
        .write("workerd-lite.toml", &format!("{config}\n[limits]\ncpu_ms = 2000\n"));
    let server = mtls.serve();
    assert_eq!(server.get("/walk").body, "nothing");
    // 10,000 more, over few connections; every hundredth walks everything again.
    let plain = format!("http://{}/?[1-1250]", server.address);
    let walks = format!("http://{}/walk?[1-100]", server.address);
    let answers = |url: &str| {
        let output = std::process::Command::new("curl")
            .args(["-sS", "-w", "\n"])
            .arg(url)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| *line == "nothing").count()
    };
    assert_eq!((0..8).map(|_| answers(&plain)).sum::<usize>(), 10_000);
    assert_eq!(answers(&walks), 100);
    assert!(!server.log().contains("canary"));
}
