//! Methods and requests of agents that work apart from the others for a while, and what these call: over threads, as over links, what is plain crosses.

use crate::harness::{Project, Server, json, otherwise_in_processes};

const CONFIG: &str = "
threads = 1
[limits]
cpu_ms = 200
[outbound]
main = 'policy.js'
[audit]
file = 'audit.ndjson'
[[agents]]
name = 'caller'
tenant = 'a'
main = 'agent.js'
match = ['/caller/*']
services = [{ binding = 'OTHER', service = 'callee', entrypoint = 'Own', props = { p = 1 } }, { binding = 'FEW', service = 'callee', entrypoint = 'Own', methods = ['who'] }]
[[agents]]
name = 'callee'
tenant = 'a'
main = 'agent.js'
match = ['/callee/*']
services = [{ binding = 'OTHER', service = 'caller', entrypoint = 'Own', props = { p = 2 } }]
[[agents]]
name = 'neighbour'
tenant = 'b'
main = 'agent.js'
match = ['/neighbour/*']
";

const AGENT: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
let count = 0, ended = 0;
export class Own extends WorkerEntrypoint {
  who() { return [this.ctx.agent.name, this.ctx.agent.tenant, this.ctx.props.p]; }
  get property() { return { deep: [1, new Date(5)] }; }
  sum(a, b) { return a + b; }
  count() { return ++count; }
  fails() { throw new RangeError("of the other"); }
  gives() { return () => 1; }
  loop() { for (;;); }
  waits() { this.ctx.waitUntil(scheduler.wait(20).then(() => ended++)); return "at once"; }
  ended() { return ended; }
  back() { return this.env.OTHER.back(); }
  async through() { return await this.env.OTHER.who(); }
  async fetch(request) { return new Response(`${request.method} ${request.url} ${await request.text()}`, { status: 201, headers: { "x-a": "b" } }); }
}
const why = async (work) => { try { return await work(); } catch (error) { return `${error.name}: ${error.message}`; } };
export default { async fetch(request, { OTHER, FEW }) {
  const name = new URL(request.url).pathname.split("/")[2];
  if (name === "loop") return Response.json(await why(() => OTHER.loop()));
  if (name === "spin") for (;;);
  if (name !== "all") return new Response("ok");
  const response = await OTHER.fetch("http://a.test/x", { method: "POST", body: new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("streamed")); c.close(); } }) });
  const all = {
    who: await why(() => OTHER.who()),
    property: await why(async () => (await OTHER.property.deep)[1].getTime()),
    sum: await why(async () => String(await OTHER.sum(1n, 2n))),
    fails: await why(() => OTHER.fails()),
    missing: await why(() => OTHER.missing()),
    few: await why(() => FEW?.sum(1, 2)),
    waits: await why(async () => { const first = await OTHER.waits(); await scheduler.wait(80); return [first, await OTHER.ended() > 0]; }),
    fetched: [response.status, response.headers.get("x-a"), await response.text()],
    back: (await why(() => OTHER.back())).slice(0, 200),
    through: await why(() => OTHER.through()),
    gives: await why(async () => typeof await OTHER.gives()),
    given: await why(async () => await OTHER.sum(() => 1, 2).then(() => "taken")),
  };
  return Response.json(all);
} };
"#;

fn plain(server: &Server, path: &str) -> serde_json::Value {
    let mut all = json(&server.ok(path));
    let fields = all.as_object_mut().unwrap();
    // These take more along.
    fields.remove("gives");
    fields.remove("given");
    all
}

fn bulkheads(server: &Server) -> usize {
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.worker())).unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("bulkhead-")).count()
}

#[test]
fn who_works_apart_is_called_and_calls() {
    if otherwise_in_processes("what they do there needs no bulkhead") {
        return;
    }
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", AGENT),
        ("policy.js", "export default { fetch: () => new Response('ok') };"),
    ]);
    let server = project.serve(&[]);
    let (from_caller, from_callee) = (plain(&server, "/caller/all"), plain(&server, "/callee/all"));
    assert_eq!(
        from_caller["who"],
        serde_json::json!(["caller", "a", 1]),
        "{from_caller}"
    );
    assert_eq!(
        from_callee["through"],
        serde_json::json!(["caller", "a", 1]),
        "{from_callee}"
    );
    assert!(from_caller["few"].as_str().unwrap().contains("sum"), "{from_caller}");
    assert_eq!(bulkheads(&server), 0);

    // Its isolate is stopped: it works apart from now on, and is called there as before.
    assert_eq!(server.get("/callee/spin").status, 503);
    assert_eq!(plain(&server, "/caller/all"), from_caller, "{}", server.log());
    assert_eq!(bulkheads(&server), 1);
    assert_eq!(plain(&server, "/callee/all"), from_callee, "{}", server.log());
    let all = json(&server.ok("/caller/all"));
    for name in ["gives", "given"] {
        let refused = all[name].as_str().unwrap();
        assert!(
            refused.starts_with("TypeError: ") && refused.contains("works apart"),
            "{all}"
        );
    }
    // What ends it ends what it was called for, and nobody else.
    let looped = server.ok("/caller/loop");
    assert!(looped.contains("canceled"), "{looped}");
    assert_eq!(plain(&server, "/caller/all"), from_caller, "{}", server.log());
    assert_eq!(server.ok("/neighbour/x"), "ok");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
