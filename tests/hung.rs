//! What nothing can go on with any longer fails soon, whatever else its isolate has to do; what something may still go on with does not.

use std::time::{Duration, Instant};

use crate::harness::{Project, Server, free_port, records};

/// Far below the limits by the clock, which are 30 s and more.
const SOON: Duration = Duration::from_secs(12);

const WORDS: &str = "had hung and would never generate a response";

fn soon<T>(what: &str, ask: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let answer = ask();
    assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
    answer
}

/// Status by curl, whether the body came to its end, and what came of it.
fn cut(server: &Server, path: &str) -> (bool, String) {
    let out = std::process::Command::new("curl")
        .args([
            "-sS",
            "-N",
            "--max-time",
            "20",
            &format!("http://{}{path}", server.address),
        ])
        .output()
        .unwrap();
    (
        out.status.code() == Some(0),
        String::from_utf8_lossy(&out.stdout).into_owned(),
    )
}

#[test]
fn a_body_that_nothing_can_write_fails() {
    let agent = r#"
        const kept = new Set();
        const bytes = (text) => new TextEncoder().encode(text);
        const never = () => new Promise(() => {});
        const bodies = {
          "/pull": () => new ReadableStream({ pull: never }),
          "/begun": () => new ReadableStream({ start(controller) { controller.enqueue(bytes("begun")); } }),
          "/bytes": () => new ReadableStream({ type: "bytes", pull: never }),
          "/transform": () => { const { readable, writable } = new TransformStream(); writable.getWriter().write(bytes("one")); return readable; },
          "/identity": () => { const { readable, writable } = new IdentityTransformStream(); writable.getWriter().write(bytes("one")); return readable; },
          "/fixed": () => { const { readable, writable } = new FixedLengthStream(100); writable.getWriter().write(bytes("one")); return readable; },
          "/generator": () => ReadableStream.from((async function* () { yield bytes("one"); await never(); })()),
          "/tee": () => new ReadableStream({ pull: never }).tee()[0],
          "/piped": () => new ReadableStream({ pull: never }).pipeThrough(new TransformStream()),
          "/waits": () => new ReadableStream({ async start(controller) { await scheduler.wait(2500); controller.enqueue(bytes("waited")); controller.close(); } }),
          "/held": () => new ReadableStream({ start(controller) { kept.add(controller); } }),
          "/left": () => new ReadableStream({ start(controller) { kept.add(controller); }, cancel() { console.log("the reader left"); } }),
        };
        export default { async fetch(request) {
          const { pathname } = new URL(request.url);
          if (pathname === "/tells") {
            for (const controller of kept) { controller.enqueue(bytes("told")); controller.close(); }
            return new Response("ok");
          }
          if (pathname === "/busy") { await scheduler.wait(6000); return new Response("busy"); }
          return new Response(bodies[pathname]());
        } };"#;
    let project = Project::new(&[("worker.js", agent)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let hung = [
        "/pull",
        "/begun",
        "/bytes",
        "/transform",
        "/identity",
        "/fixed",
        "/generator",
        "/tee",
        "/piped",
    ];
    for path in hung {
        let (whole, _) = soon(path, || cut(&server, path));
        assert!(!whole, "{path} looked whole");
    }
    server.logged("the body is never finished");
    // Also where the isolate waits for something else meanwhile.
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| server.get("/busy").body);
        std::thread::sleep(Duration::from_millis(200));
        let (whole, came) = cut(&server, "/begun");
        assert!(!whole && came == "begun" && !busy.is_finished(), "{whole} {came}");
        busy.join().unwrap();
    });
    // What can still be written is waited for.
    std::thread::scope(|scope| {
        let held = scope.spawn(|| cut(&server, "/held"));
        let waits = scope.spawn(|| cut(&server, "/waits"));
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(server.get("/tells").body, "ok");
        assert_eq!(held.join().unwrap(), (true, "told".into()));
        assert_eq!(waits.join().unwrap(), (true, "waited".into()));
    });
    let leaves = server.raw(b"GET /left HTTP/1.1\r\nhost: a\r\n\r\n");
    std::thread::sleep(Duration::from_secs(3));
    drop(leaves);
    server.logged("the reader left");
}

#[test]
fn a_handler_is_ended_though_its_isolate_has_something_to_do() {
    let agent = r#"
        export default { async fetch(request) {
          if (new URL(request.url).pathname === "/busy") { await scheduler.wait(6000); return new Response("busy"); }
          await new Promise(() => {});
        } };"#;
    let project = Project::new(&[("worker.js", agent)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| server.get("/busy").body);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(server.get("/hung").status, 500);
        assert!(!busy.is_finished());
        assert_eq!(busy.join().unwrap(), "busy");
    });
    server.logged(WORDS);
}

#[test]
fn a_call_that_nothing_can_answer_fails() {
    let agent = r#"
        import { RpcTarget } from "cloudflare:workers";
        export default { async fetch(request, env) {
          const name = new URL(request.url).pathname.slice(1);
          try {
            if (name === "property") return Response.json(await env.TOOLS.property);
            if (name === "stub") {
              using counter = await env.TOOLS.counter();
              const hung = await counter.hung().catch((error) => error.message);
              return Response.json([hung.includes("hung"), await counter.add(1)]);
            }
            if (name === "deferred") {
              using deferred = await env.TOOLS.deferred();
              const waits = deferred.waits();
              await scheduler.wait(2500);
              await deferred.settle(7);
              return Response.json(await waits);
            }
            if (name === "pipelined") return Response.json(await env.TOOLS.nested().add(1));
            if (name === "twice") return Response.json(await env.TOOLS.nested().counter().property);
            if (name === "back") return Response.json(await env.TOOLS.calls(() => new Promise(() => {})));
            if (name === "stream") return new Response(await env.TOOLS.stream());
            return Response.json(await env.TOOLS[name]());
          } catch (error) { return new Response(`${error.name}: ${error.message}`); }
        } };"#;
    let policy = r#"
        import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
        const never = () => new Promise(() => {});
        class Counter extends RpcTarget {
          #count = 0;
          hung() { return never(); }
          add(more) { return this.#count += more; }
        }
        class Deferred extends RpcTarget {
          #settle;
          waits() { return new Promise((resolve) => { this.#settle = resolve; }); }
          settle(value) { this.#settle(value); }
        }
        export class Tools extends WorkerEntrypoint {
          async hung() { await never(); }
          async nested() { await never(); return new Counter(); }
          get property() { return never(); }
          counter() { return new Counter(); }
          deferred() { return new Deferred(); }
          calls(back) { return back(); }
          stream() { return new ReadableStream({ type: "bytes", pull: never }); }
          fine() { return "fine"; }
        }
        export default { fetch: (request) => fetch(request) };"#;
    let config = "threads = 1\n[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'scout'\nmain = 'agent.js'\n\
        [[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n";
    let project = Project::new(&[
        ("workerd-lite.toml", config),
        ("agent.js", agent),
        ("policy.js", policy),
    ]);
    let server = project.serve(&[]);
    for name in ["hung", "property", "back", "pipelined", "twice"] {
        let said = soon(name, || server.get(&format!("/{name}")).body);
        assert!(said.contains(WORDS), "{name}: {said}");
    }
    let (whole, _) = soon("stream", || cut(&server, "/stream"));
    assert!(!whole);
    assert_eq!(soon("stub", || server.get("/stub").body), "[true,1]");
    assert_eq!(server.get("/deferred").body, "7");
    assert_eq!(server.get("/fine").body, "\"fine\"");
}

#[test]
fn a_scheduled_event_that_nothing_can_end_fails() {
    let worker =
        "export default { fetch: () => new Response('ok'), async scheduled() { await new Promise(() => {}); } };";
    let config = r#"{ "name": "w", "main": "worker.js", "triggers": { "crons": ["* * * * *"] } }"#;
    let project = Project::new(&[("worker.js", worker), ("wrangler.json", config)]);
    let server = project.serve(&["--dev"]);
    let answer = soon("scheduled", || server.get("/cdn-cgi/handler/scheduled?cron=*+*+*+*+*"));
    assert!(
        answer.status >= 500 && answer.body.contains(WORDS),
        "{} {}",
        answer.status,
        answer.body
    );
}

#[test]
fn an_event_ends_whose_promises_nothing_can_settle() {
    let agent = r#"
        const kept = [];
        const never = () => new Promise(() => {});
        const left = {
          "/plain": () => never(),
          "/async": async () => { await never(); },
          "/thenable": () => ({ then() {} }),
          "/several": () => Promise.all([scheduler.wait(10), never()]),
          "/kept": () => new Promise((resolve) => kept.push(resolve)),
          "/waits": async () => { await scheduler.wait(2500); console.log("waited"); },
          "/fine": async () => { await null; },
        };
        export default { async fetch(request, env, ctx) {
          const { pathname } = new URL(request.url);
          if (pathname === "/tells") { for (const resolve of kept) resolve(); return new Response("told"); }
          if (pathname === "/busy") { await scheduler.wait(4000); return new Response("busy"); }
          ctx.waitUntil(left[pathname]());
          return new Response("ok");
        } };"#;
    let project = Project::new(&[("worker.js", agent)]);
    let port = free_port();
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'worker.js'\nthreads = 1\n[limits]\nwait_until = '20s'\n[admin]\nlisten = '127.0.0.1:{port}'\n"
        ),
    );
    let server = project.serve(&[]);
    // Events that are open: of the agent, and not of the policy, which has none here.
    let open = || {
        let out = std::process::Command::new("curl")
            .args(["-sS", "-m", "5", &format!("http://127.0.0.1:{port}/metrics")])
            .output()
            .unwrap();
        let metrics = String::from_utf8(out.stdout).unwrap();
        let counts = metrics
            .lines()
            .filter(|line| line.contains("events_open{") && line.contains("role=\"agent\""));
        counts
            .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
            .sum::<usize>()
    };
    let told = || server.log().matches("a waitUntil() promise hung").count();
    let becomes = |what: &str, count: usize| {
        let began = Instant::now();
        while open() != count {
            assert!(began.elapsed() < SOON, "{what}: {} open: {}", open(), server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    for (number, path) in ["/plain", "/async", "/thenable", "/several"].into_iter().enumerate() {
        assert_eq!(server.get(path).body, "ok");
        becomes(path, 0);
        // The log is read on a thread of its own.
        let began = Instant::now();
        while told() <= number && began.elapsed() < SOON {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(told(), number + 1, "{path}");
    }
    // Also beside an event that has something to do.
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| server.get("/busy").body);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(server.get("/async").body, "ok");
        becomes("/busy", 1);
        assert!(!busy.is_finished());
        busy.join().unwrap();
    });
    // What can still be settled is waited for.
    assert_eq!(server.get("/kept").body, "ok");
    assert_eq!(server.get("/waits").body, "ok");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(open(), 2);
    server.logged("waited");
    becomes("/waits", 1);
    assert_eq!(server.get("/tells").body, "told");
    becomes("/kept", 0);
    for _ in 0..50 {
        assert_eq!(server.get("/fine").body, "ok");
    }
    becomes("/fine", 0);
    assert_eq!(told(), 5);
}

#[test]
fn a_connection_whose_handler_nothing_can_resume_is_refused_or_broken() {
    let agent = r#"
        import { connect } from "cloudflare:sockets";
        export default { async fetch(request) {
          const name = new URL(request.url).pathname.slice(1);
          const socket = connect(`${name}.test:5432`);
          try {
            await socket.opened;
            const writer = socket.writable.getWriter();
            await writer.write("hello");
            const { value, done } = await socket.readable.getReader().read();
            return new Response(done ? "ended" : new TextDecoder().decode(value));
          } catch (error) { return new Response(`${error.name}: ${error.message}`); }
        } };"#;
    let policy = r#"
        const never = () => new Promise(() => {});
        export default {
          fetch: () => new Response("no", { status: 403 }),
          async connect(socket) {
            const { localAddress } = await socket.opened;
            if (localAddress === "asked.test:5432") await never();
            if (localAddress === "taken.test:5432") { socket.readable; await never(); }
            if (localAddress === "read.test:5432") { await socket.readable.getReader().read(); await never(); }
            if (localAddress === "late.test:5432") {
              const { value } = await socket.readable.getReader().read();
              await scheduler.wait(2500);
              await socket.writable.getWriter().write(value);
              await never();
            }
          },
        };"#;
    let project = Project::new(&[("agent.js", agent), ("policy.js", policy)]);
    let config = "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n[audit]\nfile = 'audit.ndjson'\n";
    project.write("workerd-lite.toml", config);
    let server = project.serve(&[]);
    for name in ["asked", "taken", "read"] {
        let said = soon(name, || server.get(&format!("/{name}")).body);
        assert!(
            said.starts_with("TypeError: ") || said.starts_with("Error: "),
            "{name}: {said}"
        );
    }
    server.logged(WORDS);
    assert_eq!(server.get("/late").body, "hello");
    let verdicts: Vec<_> = records(&project, 4)
        .iter()
        .map(|record| record["verdict"].clone())
        .collect();
    assert_eq!(verdicts[0], "deny", "{verdicts:?}");
}
