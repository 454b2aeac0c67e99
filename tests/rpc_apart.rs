//! Methods and requests of agents that work apart from the others for a while, and what these call: whatever crosses elsewhere crosses between threads.

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
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
let count = 0, ended = 0, kept = null;
class Shelf extends RpcTarget {
  #books = ["a"];
  add(book) { return this.#books.push(book); }
  get books() { return this.#books; }
  inner() { return new Shelf(); }
  async each(call) { const all = []; for (const book of this.#books) all.push(await call(book)); return all; }
}
const stream = (text) => new ReadableStream({ type: "bytes", async pull(c) { for (const part of text) { await 1; c.enqueue(new TextEncoder().encode(part)); } c.close(); } });
export class Own extends WorkerEntrypoint {
  who() { return [this.ctx.agent.name, this.ctx.agent.tenant, this.ctx.props.p]; }
  get property() { return { deep: [1, new Date(5)] }; }
  sum(a, b) { return a + b; }
  count() { return ++count; }
  fails() { throw new RangeError("of the other"); }
  gives() { return () => 1; }
  shelf() { return new Shelf(); }
  async calls(f, n) { const all = []; for (let i = 0; i < n; i++) all.push(await f(i)); return all; }
  async reads(readable) { return await new Response(readable).text(); }
  writes(text) { return stream(text); }
  large(n) { return new Uint8Array(n).fill(7); }
  async later(f) { const own = f.dup(); this.ctx.waitUntil(scheduler.wait(30).then(() => own("later"))); return "soon"; }
  async echoes(f) { return { f, g: (x) => f(x + 1) }; }
  answer() { return new Response(stream("body"), { headers: { "x-c": "d" } }); }
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
    gives: await why(async () => (await OTHER.gives())()),
    given: await why(() => OTHER.calls((i) => i * 2, 3)),
    shelf: await why(async () => { using shelf = await OTHER.shelf(); await shelf.add("b"); return [await shelf.books, await shelf.inner().books, await shelf.each((book) => book + "!")]; }),
    piped: await why(() => OTHER.shelf().inner().add("c")),
    streams: await why(async () => [await OTHER.reads(stream(["up ", "there"])), await new Response(await OTHER.writes("down")).text()]),
    large: await why(async () => (await OTHER.large(3 << 20)).length),
    later: await why(async () => { const heard = []; const first = await OTHER.later((text) => heard.push(text)); await scheduler.wait(150); return [first, heard]; }),
    echoes: await why(async () => { const { f, g } = await OTHER.echoes((x) => x * 10); return [await f(1), await g(1)]; }),
    answer: await why(async () => { const answer = await OTHER.answer(); return [answer.headers.get("x-c"), await answer.text()]; }),
    throws: await why(() => OTHER.calls(() => { throw new SyntaxError("of a callback"); }, 1)),
  };
  return Response.json(all);
} };
"#;

fn all(server: &Server, path: &str) -> serde_json::Value {
    json(&server.ok(path))
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
    let (from_caller, from_callee) = (all(&server, "/caller/all"), all(&server, "/callee/all"));
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
    assert_eq!(from_caller["given"], serde_json::json!([0, 2, 4]), "{from_caller}");
    assert_eq!(
        from_caller["streams"],
        serde_json::json!(["up there", "down"]),
        "{from_caller}"
    );
    assert_eq!(
        from_caller["later"],
        serde_json::json!(["soon", ["later"]]),
        "{from_caller}"
    );
    assert_eq!(bulkheads(&server), 0);

    // Its isolate is stopped: it works apart from now on, and is called there as before.
    assert_eq!(server.get("/callee/spin").status, 503);
    assert_eq!(all(&server, "/caller/all"), from_caller, "{}", server.log());
    assert_eq!(bulkheads(&server), 1);
    assert_eq!(all(&server, "/callee/all"), from_callee, "{}", server.log());
    // What ends it ends what it was called for, and nobody else.
    let looped = server.ok("/caller/loop");
    assert!(looped.contains("canceled"), "{looped}");
    assert_eq!(all(&server, "/caller/all"), from_caller, "{}", server.log());
    assert_eq!(server.ok("/neighbour/x"), "ok");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
