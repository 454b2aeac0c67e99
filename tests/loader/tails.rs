//! Who is told of the events of loaded workers.

use super::{CONFIG, case, serve_with};

const OWN: &str = r#"
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
globalThis.told = [];
const plain = ({ eventTimestamp, wallTime, cpuTime, ...item }) => ({ ...item, when: Math.abs(Date.now() - eventTimestamp) < 60000, wallTime: typeof wallTime, cpuTime: typeof cpuTime, logs: item.logs.map(({ timestamp, ...line }) => line), exceptions: item.exceptions.map(({ timestamp, stack, ...rest }) => ({ ...rest, stack: stack.includes("main.js") })) });
export class Tail extends WorkerEntrypoint {
  async tail(events) {
    for (const item of events) told.push({ by: this.ctx.props.by, ...plain(item) });
    if (this.ctx.props.again) await this.env.LOADER.load({ compatibilityDate: "2026-08-04", mainModule: "main.js", modules: { "main.js": "export default { fetch: () => new Response('again') }" }, tails: [this.ctx.exports.Tail({ props: this.ctx.props })] }).getEntrypoint().fetch("http://in.example/");
  }
}
export const plainTail = { tail(events, env, ctx) { told.push({ by: "plain", loader: "LOADER" in env, n: events.length }); } };
export class Broken extends WorkerEntrypoint { tail() { throw new Error("of the tail worker"); } }
const item = async (work, n = 1) => { told.length = 0; await work().catch(() => {}); for (let i = 0; i < 100 && told.length < n; i++) await scheduler.wait(10); return told.slice(); };
"#;

const CASES: &str = r#"
async fetched({ LOADER }, ctx) {
  return item(async () => {
    const stub = LOADER.get("fetched", () => code(`export class Named { } ; export default { async fetch(r) { console.log("one", { two: 2 }); console.warn("three"); return new Response("ok", { status: 201 }) } }`, { tails: [ctx.exports.Tail({ props: { by: "first" } }), ctx.exports.plainTail] }));
    await stub.fetch("http://in.example/path?q", { method: "PUT", headers: { "x-a": "1", authorization: "Bearer hidden" } });
  }, 2);
},
async thrown({ LOADER }, ctx) { return item(() => LOADER.load(code(`export default { fetch() { throw new RangeError("too far") } }`, { tails: [ctx.exports.Tail()] })).fetch("http://in.example/")); },
async called({ LOADER }, ctx) { return item(() => LOADER.load(code(`import { WorkerEntrypoint } from "cloudflare:workers"; export class Named extends WorkerEntrypoint { hi() { console.error("in hi"); return 1; } }`, { tails: [ctx.exports.Tail()] })).getEntrypoint("Named").hi()); },
async looped({ LOADER }, ctx) { return item(() => LOADER.load(code(`export default { fetch() { console.log("before"); for (;;); } }`, { tails: [ctx.exports.Tail()], limits: { cpuMs: 50 } })).fetch("http://in.example/")); },
async bombed({ LOADER }, ctx) { return item(() => LOADER.load(code(`export default { fetch() { const a = []; for (;;) a.push(new Array(1000).fill(1.5)); } }`, { tails: [ctx.exports.Tail()], limits: { memoryMb: 16 } })).fetch("http://in.example/")); },
async flooded({ LOADER }, ctx) { const [one] = await item(() => LOADER.load(code(`export default { fetch() { for (let i = 0; i < 100; i++) console.log("x".repeat(10000)); return new Response("ok") } }`, { tails: [ctx.exports.Tail()] })).fetch("http://in.example/")); return { truncated: one.truncated, lines: one.logs.length }; },
async broken({ LOADER }, ctx) { return why(() => ask(LOADER.load(code(`export default { fetch: () => new Response("ok") }`, { tails: [ctx.exports.Broken()] })))); },
async again({ LOADER }, ctx) { const all = await item(() => LOADER.load(code(`export default { fetch: () => new Response("ok") }`, { tails: [ctx.exports.Tail({ props: { again: true } })] })).fetch("http://in.example/")); await scheduler.wait(100); return told.length; },
async chained({ LOADER }) {
  const tail = LOADER.get("tail", () => code(`let all = []; export default { tail(events) { all.push(...events); }, fetch: () => Response.json(all.map((e) => [e.scriptName, e.outcome])) }`));
  await tail.fetch("http://in.example/");
  await ask(LOADER.get("told", () => code(`export default { fetch: () => new Response("ok") }`, { tails: [tail.getEntrypoint()] })));
  await scheduler.wait(50);
  return (await tail.fetch("http://in.example/")).json();
},
"#;

#[test]
fn tail_workers_are_told() {
    let (_project, server) = serve_with(CONFIG, super::POLICY, OWN, CASES);
    let all = case(&server, "fetched");
    let first = all
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["by"] == "first")
        .unwrap();
    assert_eq!(
        *first,
        serde_json::json!({
            "by": "first", "scriptName": "scout/fetched", "entrypoint": "default", "outcome": "ok", "executionModel": "stateless", "truncated": false,
            "exceptions": [], "diagnosticsChannelEvents": [], "when": true, "wallTime": "number", "cpuTime": "number",
            "logs": [{ "level": "log", "message": ["one", { "two": 2 }] }, { "level": "warn", "message": ["three"] }],
            "event": { "request": { "method": "PUT", "url": "http://in.example/path?q", "headers": { "x-a": "1", "authorization": "REDACTED" } }, "response": { "status": 201 } },
        }),
        "{all}"
    );
    assert!(
        all.as_array()
            .unwrap()
            .contains(&serde_json::json!({ "by": "plain", "loader": true, "n": 1 })),
        "{all}"
    );
    let thrown = &case(&server, "thrown")[0];
    assert_eq!(thrown["outcome"], "exception");
    assert_eq!(
        thrown["exceptions"],
        serde_json::json!([{ "name": "RangeError", "message": "too far", "stack": true }])
    );
    let called = &case(&server, "called")[0];
    assert_eq!(
        (
            &called["event"]["rpcMethod"],
            &called["entrypoint"],
            &called["outcome"],
            &called["logs"][0]["level"]
        ),
        (&"hi".into(), &"Named".into(), &"ok".into(), &"error".into()),
        "{called}"
    );
    let looped = &case(&server, "looped")[0];
    assert_eq!(
        (&looped["outcome"], &looped["logs"][0]["message"][0]),
        (&"exceededCpu".into(), &"before".into()),
        "{looped}"
    );
    let bombed = &case(&server, "bombed")[0];
    assert_eq!(bombed["outcome"], "exceededMemory", "{bombed}");
    let flooded = case(&server, "flooded");
    assert_eq!(flooded["truncated"], true, "{flooded}");
    assert_eq!(case(&server, "broken"), "no error: ok");
    server.logged("of the tail worker");
    // Of what a tail worker does its own are told, and nobody of what those do.
    assert_eq!(case(&server, "again"), 2);
    assert_eq!(case(&server, "chained"), serde_json::json!([["scout/told", "ok"]]));
}

const TOLD: &str = r#"
threads = 1
[outbound]
main = "outbound.js"
[[agents]]
name = "scout"
tenant = "acme"
main = "worker.js"
match = ["/scout/*"]
tails = [{ service = "outbound", entrypoint = "Log" }, { service = "watcher" }]
[[agents]]
name = "bot"
tenant = "acme"
config = "bot/wrangler.jsonc"
match = ["/bot/*"]
[[agents]]
name = "watcher"
tenant = "acme"
main = "watcher.js"
match = ["/watcher"]
"#;

#[test]
fn tail_workers_of_agents_are_told() {
    let files = [
        ("workerd-lite.toml", TOLD),
        (
            "outbound.js",
            r#"import { WorkerEntrypoint } from "cloudflare:workers";
            export class Log extends WorkerEntrypoint { tail([item]) { console.log("told of", this.ctx.agent.name, item.outcome, item.logs[0]?.message.join(" ")); return fetch("http://127.0.0.1:9/"); } }
            export default { fetch: () => new Response("denied", { status: 403 }) };"#,
        ),
        (
            "worker.js",
            r#"export default { async fetch(request) { console.log("at", request.url); if (request.url.endsWith("throw")) throw new TypeError("thrown"); await fetch("http://up.example/"); return new Response("ok"); } };"#,
        ),
        ("bot/worker.js", "export default { fetch: () => new Response('bot') };"),
        (
            "bot/wrangler.jsonc",
            r#"{ "main": "worker.js", "compatibility_date": "2026-08-04", "tail_consumers": [{ "service": "watcher" }] }"#,
        ),
        (
            "watcher.js",
            "const all = []; export default { tail(events) { for (const { scriptName, outcome } of events) all.push([scriptName, outcome]); }, fetch: () => Response.json(all) };",
        ),
    ];
    let project = crate::harness::Project::new(&files);
    let server = project.serve(&[]);
    assert_eq!(server.get("/scout/a").body, "ok");
    assert_eq!(server.get("/scout/throw").status, 500);
    assert_eq!(server.get("/bot/x").body, "bot");
    server.logged("told of scout ok at http://");
    server.logged("told of scout exception at http://");
    let mut told = String::new();
    for _ in 0..100 {
        told = server.get("/watcher").body;
        if told.matches("scout").count() == 2 && told.contains("bot") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(told, r#"[["scout","ok"],["scout","exception"],["bot","ok"]]"#);
    for (service, why) in [
        ("nobody", "no other agent \"nobody\""),
        ("scout", "no other agent \"scout\""),
    ] {
        project.write(
            "workerd-lite.toml",
            &TOLD.replace("\"watcher\" }", &format!("\"{service}\" }}")),
        );
        let report = project.refused(&[]);
        assert!(
            report.contains(why) && report.contains("agents[0].tails[1].service"),
            "{report}"
        );
    }
}

const EVENTS: &str = r#"
threads = 1
[[agents]]
name = "scout"
tenant = "acme"
main = "scout.js"
match = ["127.0.0.1"]
tails = [{ service = "watcher", entrypoint = "Watches" }]
[[agents]]
name = "watcher"
tenant = "acme"
main = "watcher.js"
match = ["watcher.localhost"]
tails = [{ service = "second" }]
[[agents]]
name = "second"
tenant = "acme"
main = "second.js"
match = ["second.localhost"]
"#;

fn events_are_told_as_what_they_are(processes: &str) {
    let project = crate::harness::Project::new(&[
        ("workerd-lite.toml", &format!("{EVENTS}{processes}")),
        (
            "scout.js",
            "export default { fetch: () => new Response('ok'), async scheduled({ cron }) { console.log('ran', cron); if (cron === 'fails') throw new RangeError('of cron'); } };",
        ),
        (
            "watcher.js",
            r#"import { WorkerEntrypoint } from "cloudflare:workers";
            const all = [];
            const keep = (events) => { for (const { scriptName, entrypoint, outcome, event, logs } of events) all.push([scriptName, entrypoint, outcome, event, logs.map((line) => line.message)]); };
            export class Watches extends WorkerEntrypoint { tail(events) { console.log("watches"); keep(events); } }
            export default { fetch: () => Response.json(all), tail: keep };"#,
        ),
        (
            "second.js",
            "const all = []; export default { fetch: () => Response.json(all), tail(events) { for (const { scriptName, entrypoint, outcome, event, logs } of events) if (event.consumedEvents) all.push([scriptName, entrypoint, outcome, event, logs.map((line) => line.message)]); } };",
        ),
    ]);
    let server = project.serve(&["--dev"]);
    let scheduled = |query: &str| server.get(&format!("/cdn-cgi/handler/scheduled?{query}"));
    assert_eq!(scheduled("cron=*+*+*+*+*&time=1700000000123").status, 200);
    assert_eq!(scheduled("cron=fails&time=5").status, 500);
    let told = |host: &str, count: usize| {
        let mut told = serde_json::Value::Null;
        for _ in 0..100 {
            let (_, body) = crate::harness::http::Client::new(&server.address, host)
                .get("/")
                .unwrap();
            told = serde_json::from_str(&body).unwrap();
            if told.as_array().unwrap().len() >= count {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        told
    };
    assert_eq!(
        told("watcher.localhost", 2),
        serde_json::json!([
            ["scout", "default", "ok", { "cron": "* * * * *", "scheduledTime": 1_700_000_000_123_u64 }, [["ran", "* * * * *"]]],
            ["scout", "default", "exception", { "cron": "fails", "scheduledTime": 5 }, [["ran", "fails"]]],
        ])
    );
    let once = serde_json::json!(["watcher", "Watches", "ok", { "consumedEvents": [{ "scriptName": "scout" }] }, [["watches"]]]);
    assert_eq!(told("second.localhost", 2), serde_json::json!([once, once]));
}

#[test]
fn crons_and_tail_workers_are_told_of() {
    events_are_told_as_what_they_are("");
}

#[test]
fn crons_and_tail_workers_are_told_of_over_links() {
    events_are_told_as_what_they_are("[isolation]\nagents = \"process\"\n");
}
