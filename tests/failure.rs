//! Failures: each is told, none is told to the wrong side, and the server goes on.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::harness::{AGENT, CONFIG, Mtls, POLICY, Project};

const GENERIC: &str = "TypeError: fetch failed";

#[test]
fn a_script_that_cannot_start_says_where_and_why() {
    let project = Project::new(&[
        (
            "syntax.js",
            "export default {\n  fetch() {\n    return new Response(;\n  },\n};\n",
        ),
        (
            "import.js",
            "import x from './absent.js';\nexport default { fetch() {} };\n",
        ),
        ("remote.js", "import x from 'https://a.example/x.js';\n"),
        ("bare.js", "import { Hono } from 'hono';\n"),
        ("handler.js", "export default { fetched() {} };\n"),
        ("none.js", "addEventListener('error', () => {});\n"),
        ("throws.js", "const a = 1;\nnull.x;\nexport default { fetch() {} };\n"),
        (
            "waits.js",
            "await new Promise(() => {});\nexport default { fetch() {} };\n",
        ),
        ("early.js", "const a = 1;\nlet a = 2;\nexport default { fetch() {} };\n"),
    ]);
    let cases = [
        ("absent.js", &["absent.js", "can not be read"][..]),
        ("syntax.js", &["syntax.js:3:25", "Response(;", "not valid JavaScript"]),
        (
            "import.js",
            &["import.js:1:15", "./absent.js", "absent.js can not be imported"],
        ),
        ("remote.js", &["remote.js:1:15", "no code from the network"]),
        ("bare.js", &["bare.js:1:22", "npm install", "bundle"]),
        ("handler.js", &["handler.js has no fetch handler"]),
        ("none.js", &["none.js has no fetch handler", "addEventListener"]),
        ("throws.js", &["throws.js:2:", "TypeError"]),
        ("waits.js", &["Top-level await promise never resolved"]),
        ("early.js", &["early.js", "SyntaxError"]),
    ];
    for (script, expected) in cases {
        let report = project.refused(&[script]);
        for text in expected {
            assert!(report.contains(text), "{script}: {text:?} is not in\n{report}");
        }
    }
}

#[test]
fn a_handler_that_throws_tells_the_log_and_not_the_client() {
    let project = Project::new(&[(
        "worker.js",
        "function deep() { throw new Error('secret reason'); }\nexport default { fetch(request) {\n\
         const { pathname } = new URL(request.url);\nif (pathname === '/none') return 1;\n\
         if (pathname === '/odd') throw { get stack() { throw 1; }, toString: 5 };\nif (pathname === '/ok') return new Response('ok');\ndeep();\n} };",
    )]);
    let server = project.serve(&["worker.js"]);
    let answer = server.get("/");
    assert_eq!((answer.status, answer.body.as_str()), (500, "Internal Server Error\n"));
    server.logged("Error: secret reason");
    server.logged("at deep (worker.js:1:25)");
    assert_eq!(server.get("/none").status, 500);
    server.logged("did not return a Response");
    assert_eq!(server.get("/odd").status, 500);
    assert_eq!(server.get("/ok").body, "ok");
    drop(server);
    let server = project.serve(&["worker.js", "--dev"]);
    assert!(server.get("/").body.contains("secret reason"));
}

#[test]
fn a_client_that_leaves_cancels_everything() {
    let mtls = Mtls::new(
        "server",
        CONFIG,
        "export default { fetch(request, env) { request.signal.addEventListener('abort', () => console.log('policy aborted')); return env.PARTNER.fetch(request); } };",
    );
    let agent = AGENT.replace(
        "try {",
        "if (pathname === '/never') { request.signal.addEventListener('abort', () => console.log('agent aborted')); await new Promise(() => {}); } try {",
    );
    mtls.project.write(
        "agent.js",
        &agent.replace("PORT", &mtls.partner.address.port().to_string()),
    );
    mtls.project.write(
        "workerd-lite.toml",
        &CONFIG.replace("700ms", "30s").replace("2s", "30s"),
    );
    let server = mtls.serve();
    server.get("/anything");
    let before = server.open_files();
    let never = server.raw(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(300));
    drop(never);
    server.logged("agent aborted");
    let stalled = server.raw(b"GET /stall HTTP/1.1\r\nhost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(300));
    drop(stalled);
    server.logged("policy aborted");
    assert_eq!(server.get("/anything").status, 200);
    server.back_to(before, "clients that left");
}

#[test]
fn a_handler_that_nothing_can_resume_is_ended_at_once() {
    let agent = r#"
        let held, seen;
        export default { async fetch(request, env, ctx) {
          const { pathname } = new URL(request.url);
          const never = () => new Promise(() => {});
          switch (pathname) {
            case "/hung": await never(); break;
            case "/nested": await Promise.race([never(), (async () => { for await (const x of { [Symbol.asyncIterator]: () => ({ next: never }) }); })()]); break;
            case "/late": await scheduler.wait(100); await never(); break;
            case "/kept": globalThis.kept = [request, ctx]; await never(); break;
            case "/waits": ctx.waitUntil(scheduler.wait(400).then(() => console.log("waited"))); await never(); break;
            case "/held": await new Promise((resolve) => { held = resolve; }); return new Response("held");
            case "/free": held(); return new Response("freed");
            case "/timer": await scheduler.wait(1000); return new Response("timer");
            case "/signal": await new Promise((resolve) => request.signal.addEventListener("abort", resolve)); console.log("the client left"); break;
            case "/listens": seen = new EventTarget(); await new Promise((resolve) => seen.addEventListener("x", resolve)); return new Response("heard");
            case "/tells": seen.dispatchEvent(new Event("x")); return new Response("told");
          }
          return new Response("ok");
        } };"#;
    let project = Project::new(&[("worker.js", agent)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    for path in ["/hung", "/nested", "/late", "/kept", "/waits"] {
        let began = std::time::Instant::now();
        let answer = server.get(path);
        assert_eq!(
            (answer.status, &*answer.body),
            (500, "Internal Server Error\n"),
            "{path}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{path}: {:?}",
            began.elapsed()
        );
    }
    server.logged("had hung and would never generate a response");
    server.logged("waited");
    // What something may still resume goes on, however long nothing happens.
    std::thread::scope(|scope| {
        let waiting = ["/held", "/listens"].map(|path| {
            let server = &server;
            scope.spawn(move || server.get(path).body)
        });
        std::thread::sleep(Duration::from_millis(700));
        assert_eq!(server.get("/timer").body, "timer");
        assert_eq!(server.get("/free").body, "freed");
        assert_eq!(server.get("/tells").body, "told");
        assert_eq!(waiting.map(|waiting| waiting.join().unwrap()), ["held", "heard"]);
    });
    let leaves = server.raw(b"GET /signal HTTP/1.1\r\nhost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(500));
    drop(leaves);
    server.logged("the client left");
}

#[test]
fn an_agent_reads_why_its_own_body_failed() {
    let agent = r#"
        export default { async fetch(request) {
          const { pathname } = new URL(request.url);
          class Own extends Error { name = "Own"; }
          const bodies = {
            "/throws": () => new ReadableStream({ pull() { throw new Own("of the stream"); } }),
            "/later": () => new ReadableStream({ async pull(controller) {
              if (this.begun) { await scheduler.wait(50); throw new Own("of the stream"); }
              this.begun = true;
              controller.enqueue(new Uint8Array(10));
            } }),
            "/text": () => new ReadableStream({ start(controller) { controller.enqueue({}); controller.close(); } }),
            "/passed": () => request.body,
            "/fine": () => "fine",
          };
          try {
            return await fetch("http://upstream.test/", { method: "POST", body: bodies[pathname](), duplex: "half" });
          } catch (error) { return new Response(`${error.name}: ${error.message} ${error instanceof Own}`); }
        } };"#;
    let policy = "export default { async fetch(request) { \
        const body = await request.text(); if (body === 'fine') throw new Error('of the policy'); return new Response(body); } };";
    let project = Project::new(&[("agent.js", agent), ("policy.js", policy)]);
    let server = project.serve(&["agent.js", "--outbound", "policy.js"]);
    for path in ["/throws", "/later"] {
        assert_eq!(server.get(path).body, "Own: of the stream true", "{path}");
    }
    let text = server.get("/text").body;
    assert!(
        text.starts_with("TypeError: ") && !text.contains("outbound worker"),
        "{text}"
    );
    let other = server.get("/fine").body;
    assert_eq!(other, "TypeError: fetch failed false");
}

#[test]
fn a_policy_that_fails_tells_the_agent_nothing() {
    let policy = r#"
        export default { async fetch(request, env) {
          const { pathname } = new URL(request.url);
          if (pathname === "/throw") throw new Error("policy internals " + env.PARTNER_TOKEN);
          if (pathname === "/wrong") return { status: 200 };
          if (pathname === "/used") { const r = new Response("x"); await r.text(); return r; }
          if (pathname === "/hang") await scheduler.wait(60_000);
          if (pathname === "/hung") await new Promise(() => {});
          if (pathname === "/error") return Response.error();
          if (pathname === "/late") return new Response(new ReadableStream({ pull() { throw new Error("policy internals"); } }));
          return env.PARTNER.fetch(request);
        } };"#;
    let mtls = Mtls::new("server", CONFIG, policy);
    let server = mtls.serve();
    server.get("/anything");
    let before = server.open_files();
    for path in ["/throw", "/wrong", "/used", "/hang", "/hung", "/error"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (599, GENERIC), "{path}");
        server.back_to(before, path);
    }
    assert!(!server.get("/late").body.contains("internals"));
    server.back_to(before, "/late");
    server.logged("policy internals");
    server.logged("gave no response within 2s");
    server.logged("had hung and would never generate a response");
    assert_eq!(server.get("/anything").status, 200);
}

#[test]
fn an_upstream_that_fails_is_told_to_the_owner_only() {
    let mtls = Mtls::standard();
    let server = mtls.serve();
    server.get("/anything");
    let before = server.open_files();
    assert_eq!(server.get("/stall").body, GENERIC);
    server.logged("no response in time");
    server.back_to(before, "/stall");
    let cut = std::process::Command::new("curl")
        .args(["-sS", &format!("http://{}/cut", server.address)])
        .output()
        .unwrap();
    assert!(!cut.status.success(), "a cut body looked whole");
    server.back_to(before, "/cut");
    for (certificate, said) in [
        ("expired", "Expired"),
        ("other", "NotValidForName"),
        ("self-signed", "UnknownIssuer"),
    ] {
        let wrong = Mtls::new(certificate, CONFIG, POLICY);
        let server = wrong.serve();
        let before = server.open_files();
        assert_eq!(server.get("/").body, GENERIC, "{certificate}");
        server.back_to(before, certificate);
        let start = Instant::now();
        while !server.log().to_lowercase().contains("certificate") {
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "{certificate} {said}: {}",
                server.log()
            );
        }
    }
    let stranger = CONFIG
        .replace("agent.pem", "stranger.pem")
        .replace("agent.key", "stranger.key");
    let rejected = Mtls::new("server", &stranger, POLICY);
    assert_eq!(rejected.serve().get("/").body, GENERIC);
    mtls.project.write("agent.js", &AGENT.replace("PORT", "1"));
    assert_eq!(server.get("/anything").status, 200);
    server.back_to(before, "upstreams that failed");
    let refusing = mtls.serve();
    assert_eq!(refusing.get("/").body, GENERIC);
    refusing.logged("refused");
}

#[test]
fn bad_clients_get_an_answer_or_the_door() {
    let project = Project::new(&[(
        "worker.js",
        "export default { async fetch(request) { return new Response(await request.text().catch((e) => { console.log(e.message); return 'cut'; })); } };",
    )]);
    let server = project.serve(&["worker.js"]);
    let before = server.open_files();
    let reply = |bytes: &[u8]| {
        let mut stream = server.raw(bytes);
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    };
    assert!(reply(b"NONSENSE\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(reply(b"GET / HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(reply(b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\r\n").starts_with("HTTP/1.1 405"));
    let mut cut = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nfew");
    cut.flush().unwrap();
    drop(cut);
    assert_eq!(server.curl("/", &["-d", "whole"]).body, "whole");
    server.back_to(before, "bad clients");
}

#[test]
fn a_port_in_use_and_a_wrong_key_are_told_at_the_start() {
    let project = Project::new(&[("worker.js", "export default { fetch: () => new Response() };")]);
    let server = project.serve(&["worker.js"]);
    let output = project
        .command(&["serve", "worker.js", "--listen", &server.address])
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        report.contains("cannot listen on") && report.contains("--listen"),
        "{report}"
    );

    let mtls = Mtls::new("server", &CONFIG.replace("agent.key", "server.key"), POLICY);
    let report = mtls.project.refused(&["agent.js"]);
    assert!(report.contains("is not the private key"), "{report}");
}

#[test]
fn an_exception_that_is_reported_ends_nothing() {
    let project = Project::new(&[(
        "agent.js",
        "export default { async fetch(request) {
           if (request.url.endsWith('/report')) reportError(new Error('reported'));
           if (request.url.endsWith('/listener')) {
             const target = new EventTarget();
             target.addEventListener('x', () => { throw new Error('of a listener'); });
             target.dispatchEvent(new Event('x'));
           }
           if (request.url.endsWith('/timer')) setTimeout(() => { throw new Error('of a timer'); }, 1);
           await scheduler.wait(5);
           return new Response('goes on');
         } };",
    )]);
    let server = project.serve(&["agent.js"]);
    for (path, what) in [
        ("/report", "reported"),
        ("/listener", "of a listener"),
        ("/timer", "of a timer"),
    ] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "goes on"),
            "{path} {}",
            server.log()
        );
        server.logged(what);
    }
}

#[test]
fn a_start_that_fails_says_which_agent_and_by_whose_imports() {
    let project = Project::new(&[
        ("good/worker.js", "export default { fetch: () => new Response() };"),
        ("bad/worker.js", "import './lib/first.js';\nexport default {};"),
        ("bad/lib/first.js", "import './second.js';\n"),
        ("bad/lib/second.js", "export * from './gone.js';\n"),
        (
            "workerd-lite.toml",
            "[[agents]]\nname = 'good'\nmain = 'good/worker.js'\nmatch = ['good']\n[[agents]]\nname = 'worse'\nmain = 'bad/worker.js'\nmatch = ['bad']\n",
        ),
    ]);
    let report = project.refused(&[]);
    for text in ["bad/lib/second.js:1:15", "bad/worker.js \u{2192} bad/lib/first.js"] {
        assert!(report.contains(text), "{report}");
    }
    project.write("bad/lib/second.js", "\nthrow new Error('not today');\n");
    let report = project.refused(&[]);
    for text in [
        "the agent \"worse\" (bad/worker.js) failed to start: Error: not today",
        "bad/lib/second.js:2:7",
    ] {
        assert!(report.contains(text), "{report}");
    }
    project.write("bad/lib/second.js", "await Promise.reject(new Error('later'));\n");
    let report = project.refused(&[]);
    assert!(report.contains("failed to start: Error: later"), "{report}");
}

#[test]
fn a_require_that_finds_nothing_is_told_where_it_stands() {
    let project = Project::new(&[
        (
            "worker.js",
            "import old from 'old';\nexport default { fetch: () => new Response(old.a) };",
        ),
        (
            "node_modules/old/package.json",
            "{ \"name\": \"old\", \"main\": \"index.js\" }",
        ),
        (
            "node_modules/old/index.js",
            "'use strict';\n\nmodule.exports = { a: require('gone') };\n",
        ),
    ]);
    let report = project.refused(&["worker.js"]);
    assert!(report.contains("node_modules/old/index.js:3:23"), "{report}");
    assert!(report.contains("module.exports = { a: require('gone') };"), "{report}");
    assert!(
        !report.contains("workerdLite") && !report.contains("?commonjs"),
        "{report}"
    );
}

#[test]
fn a_fault_far_to_the_right_is_told() {
    let far = "let a; ".repeat(20_000);
    let good = "export default { fetch: () => new Response() };";
    let cases = [
        ("worker.js", format!("{good} {} let 1 = 2;", "a; ".repeat(40_000))),
        ("worker.ts", format!("{good} {} let 1 = 2;", "a; ".repeat(40_000))),
        (
            "worker.js",
            format!("{good} {{ {} }} throw new Error('far');", "1; ".repeat(40_000)),
        ),
        ("worker.js", format!("{good} import '{}';", "./gone".repeat(20_000))),
        ("worker.js", format!("/* {far} */ import './gone.js'; {good}")),
        (
            "wrangler.json",
            format!("{{ \"vars\": {{ \"A\": \"{far}\" }}, \"main\": 5 }}"),
        ),
        (
            "workerd-lite.toml",
            format!("threads = 'two' # {far}\nlimits = {{ \"{far}\" = 1 }}\n"),
        ),
    ];
    for (file, text) in cases {
        let project = Project::new(&[("worker.js", good), (file, &text)]);
        let script = if file == "worker.ts" { file } else { "worker.js" };
        let arguments: &[&str] = if file.starts_with('w') && file.contains("rangler") {
            &["check"]
        } else {
            &["check", script]
        };
        let (code, _, report) = project.run(arguments);
        assert_eq!(code, Some(1), "{file}: {}", &report[..report.floor_char_boundary(4000)]);
        assert!(report.contains(file) && !report.contains("panicked"), "{file}");
    }
}

#[test]
fn files_without_end_are_no_modules() {
    let project = Project::new(&[(
        "worker.js",
        "import x from './huge.txt';\nexport default { fetch: () => new Response(x) };",
    )]);
    let file = std::fs::File::create(project.path().join("huge.txt")).unwrap();
    file.set_len(3 << 30).unwrap();
    let report = project.refused(&["worker.js"]);
    assert!(
        report.contains("huge.txt can not be imported: it is larger than 64 MiB"),
        "{report}"
    );
    let names: Vec<String> = (0..5).map(|number| format!("part{number}.bin")).collect();
    let imports: Vec<String> = names.iter().map(|name| format!("import './{name}';")).collect();
    project.write("worker.js", &format!("{}export default {{}};", imports.concat()));
    for name in &names {
        std::fs::File::create(project.path().join(name))
            .unwrap()
            .set_len(60 << 20)
            .unwrap();
    }
    let report = project.refused(&["worker.js"]);
    assert!(report.contains("together larger than 256 MiB"), "{report}");
}
