//! What is thrown elsewhere, as whoever called reads it, and events that end themselves.

use crate::harness::{Project, Server, json};

/// An agent that another calls, and whose policy fails as well.
fn serve(callee: &str, caller: &str) -> Server {
    let project = Project::new(&[
        ("callee.js", callee),
        ("caller.js", caller),
        (
            "policy.js",
            r#"import { WorkerEntrypoint } from "cloudflare:workers";
            export class Tools extends WorkerEntrypoint { fail() { throw Object.assign(new TypeError("no", { cause: "inside" }), { secret: 1 }); } }
            export default { fetch: () => new Response("") };"#,
        ),
        (
            "workerd-lite.toml",
            "threads = 1\n[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'caller'\ntenant = 'acme'\nmain = 'caller.js'\nmatch = ['/']\n\
             services = [{ binding = 'CALLEE', service = 'callee', entrypoint = 'Named' }, { binding = 'TOOLS', service = 'outbound', entrypoint = 'Tools' }]\n\
             [[agents]]\nname = 'callee'\ntenant = 'acme'\nmain = 'callee.js'\nmatch = ['/callee']\n",
        ),
    ]);
    project.serve(&[])
}

const CALLEE: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
class Own extends Error { name = "Own"; extra = { a: [1] }; }
export class Named extends WorkerEntrypoint {
  fail(kind) {
    if (kind === "type") throw new TypeError("t");
    if (kind === "own") throw new Own("o");
    if (kind === "cause") throw new Error("c", { cause: new RangeError("inner") });
    if (kind === "several") throw new AggregateError([new Error("one")], "all");
    if (kind === "plain") throw { a: 1 };
    if (kind === "text") throw "said";
    if (kind === "function") throw Object.assign(new Error("f"), { f() {} });
    if (kind === "dom") throw new DOMException("d", "AbortError");
    if (kind === "large") throw Object.assign(new Error("l"), { large: "x".repeat(1e5) });
    if (kind === "forged") throw Object.assign(new Error("m"), { remote: "mine", retryable: true });
  }
  end(why) { this.ctx.abort(why); return "went on"; }
  later() { const { ctx } = this; return { end() { ctx.abort(new RangeError("later")); }, go: () => "on" }; }
  same(value) { return value; }
}
export default { fetch: () => new Response("") };"#;

const CALLER: &str = r#"
const told = async (run) => { try { return await run(); } catch (error) { return [error.constructor.name, String(error.name), error.message, error.remote, error.cause?.message ?? error.cause, error.extra ?? error.errors?.[0]?.message ?? error.a ?? error.f ?? error.large ?? error.retryable ?? error.secret]; } };
export default { async fetch(request, { CALLEE, TOOLS }) {
  const kinds = ["type", "own", "cause", "several", "plain", "text", "function", "dom", "large", "forged"];
  const thrown = []; for (const kind of kinds) thrown.push(await told(() => CALLEE.fail(kind)));
  const later = await CALLEE.later();
  const blob = await CALLEE.same(new Blob(["ab", "c"], { type: "a/b" }).slice(1, 3, "c/d"));
  const failed = await CALLEE.same(Response.error());
  const locked = new ReadableStream({ type: "bytes" }); locked.getReader();
  return Response.json({
    thrown, policy: await told(() => TOOLS.fail()),
    ends: [await told(() => CALLEE.end("why")), await told(() => CALLEE.end(new TypeError("t"))), await told(() => CALLEE.end())],
    later: [await told(() => later.end()), (await told(() => later.go()))[0]],
    blob: [blob.constructor.name, blob.type, await blob.text()], failed: [failed.type, failed.status],
    file: (await told(() => CALLEE.same(new File(["a"], "n")))).slice(0, 2), locked: await told(() => CALLEE.same(locked)), symbol: (await told(() => CALLEE.same(Symbol("s"))))[2],
    words: [String(CALLEE), String(CALLEE.a), Object.prototype.toString.call(CALLEE.fail), CALLEE.hasOwnProperty("fail"), typeof CALLEE, CALLEE.constructor.name],
  });
} };"#;

#[test]
fn what_was_thrown_elsewhere_says_so() {
    let server = serve(CALLEE, CALLER);
    let told = json(&server.get("/").body);
    let undefined = serde_json::Value::Null;
    assert_eq!(
        told["thrown"],
        serde_json::json!([
            ["TypeError", "TypeError", "t", true, undefined, undefined],
            ["Error", "Own", "o", true, undefined, { "a": [1] }],
            ["Error", "Error", "c", true, "inner", undefined],
            ["AggregateError", "AggregateError", "all", true, undefined, "one"],
            ["Object", "undefined", undefined, true, undefined, 1],
            ["Error", "Error", "said", true, undefined, undefined],
            // What can not be written takes the rest along.
            ["Error", "Error", "f", true, undefined, undefined],
            ["DOMException", "AbortError", "d", true, undefined, undefined],
            ["Error", "Error", "l", true, undefined, undefined],
            ["Error", "Error", "m", true, undefined, true],
        ]),
        "{}",
        server.log()
    );
    // A policy's says its name and message, and nothing else.
    assert_eq!(
        told["policy"],
        serde_json::json!(["TypeError", "TypeError", "no", true, undefined, undefined])
    );
}

#[test]
fn events_end_themselves() {
    let server = serve(CALLEE, CALLER);
    let told = json(&server.get("/").body);
    let ended = "Worker execution was aborted due to call to ctx.abort().";
    assert_eq!(told["ends"][0][2], "why", "{told} {}", server.log());
    let begins = |value: &serde_json::Value| value.as_array().unwrap()[..3].to_vec();
    assert_eq!(begins(&told["ends"][1]), ["TypeError", "TypeError", "t"], "{told}");
    assert_eq!(told["ends"][2][2], ended, "{told}");
    assert_eq!(
        begins(&told["later"][0]),
        ["RangeError", "RangeError", "later"],
        "{told}"
    );
    assert_eq!(told["later"][1], "Error", "{told}");
}

#[test]
fn values_of_the_platform_cross() {
    let server = serve(CALLEE, CALLER);
    let told = json(&server.get("/").body);
    assert_eq!(
        told["blob"],
        serde_json::json!(["Blob", "c/d", "bc"]),
        "{}",
        server.log()
    );
    assert_eq!(told["failed"], serde_json::json!(["error", 0]));
    assert_eq!(told["file"], serde_json::json!(["DOMException", "DataCloneError"]));
    assert_eq!(told["locked"][2], "The ReadableStream has been locked to a reader.");
    assert_eq!(told["symbol"], "Symbol(s) could not be cloned.");
    assert_eq!(
        told["words"],
        serde_json::json!([
            "[object Fetcher]",
            "[object JsRpcProperty]",
            "[object JsRpcProperty]",
            false,
            "object",
            "Fetcher"
        ])
    );
}
