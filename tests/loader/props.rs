//! Stubs in the props of a loaded worker's entrypoint.

use serde_json::json;

use super::{CONFIG, POLICY, case, serve_with};

const OWN: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export class Greeter extends WorkerEntrypoint {
  greet(name) { return `${this.ctx.props.greeting}, ${name}!`; }
  fetch(request) { return new Response(`${this.ctx.props.greeting} ${new URL(request.url).pathname}`); }
}
"#;

const CASES: &str = r#"
async given({ LOADER }, ctx) {
  const hi = ctx.exports.Greeter({ props: { greeting: "Hi" } });
  const main = `
    import { WorkerEntrypoint } from "cloudflare:workers";
    export default class extends WorkerEntrypoint {
      async run() {
        const { props } = this.ctx;
        return { greets: [await props.greeter.greet("a"), await props.deep.list[1].greet("b")], fetched: await (await props.greeter.fetch("http://x.example/p")).text(), plain: props.plain, own: Object.keys(props).sort() };
      }
      async call() { return await this.ctx.props.fn(2); }
      async fetch() { return new Response(await this.ctx.props.greeter.greet("c")); }
    }`;
  const ho = ctx.exports.Greeter({ props: { greeting: "Ho" } });
  const props = { greeter: hi, deep: { list: [1, ho] }, plain: { a: [1, null], text: "\\u0000given" } };
  const loaded = LOADER.load(code(main));
  const named = LOADER.get("named", () => code(main));
  // What is the event's own can be given to a worker that ends with it.
  const fn = loaded.getEntrypoint(null, { props: { fn: (n) => n + 1 } });
  return {
    loaded: await loaded.getEntrypoint(null, { props }).run(), named: await named.getEntrypoint(null, { props }).run(),
    fetched: await ask(named, null, { props: { greeter: ho } }), fn: await fn.call(),
    outlives: (await why(named.getEntrypoint(null, { props: { fn: () => 1 } }).call())).startsWith("TypeError: env: a function"),
    forged: await why(loaded.getEntrypoint(null, { props: { greeter: { ["\u0000given"]: 5 } } }).run()).then((said) => said.startsWith("no error") ? said : "refused"),
    stream: (await why(() => loaded.getEntrypoint(null, { props: { s: new ReadableStream() } }))).split(":")[0],
  };
},
async again({ LOADER }, ctx) {
  const main = `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint { run() { return this.ctx.props.greeter.greet("x"); } }`;
  const named = LOADER.get("again", () => code(main));
  let last;
  // More than a worker may have at once: what an event has given is taken back with it.
  for (let i = 0; i < 15; i++) last = await named.getEntrypoint(null, { props: { greeter: ctx.exports.Greeter({ props: { greeting: `n${i}` } }) } }).run();
  return last;
},
"#;

#[test]
fn props_have_stubs() {
    let (_project, server) = serve_with(CONFIG, POLICY, OWN, CASES);
    let told = case(&server, "given");
    let run = json!({
        "greets": ["Hi, a!", "Ho, b!"], "fetched": "Hi /p", "plain": { "a": [1, null], "text": "\\u0000given" }, "own": ["deep", "greeter", "plain"],
    });
    assert_eq!(told["loaded"], run, "{told} {}", server.log());
    assert_eq!(told["named"], run, "{told}");
    assert_eq!(told["fetched"], "Ho, c!", "{told}");
    assert_eq!(told["fn"], 3, "{told}");
    assert_eq!(told["outlives"], true, "{told}");
    assert_eq!(told["forged"], "refused", "{told}");
    assert_eq!(told["stream"], "DataCloneError", "{told}");
}

#[test]
fn what_was_given_is_taken_back() {
    let (_project, server) = serve_with(CONFIG, POLICY, OWN, CASES);
    for _ in 0..80 {
        assert_eq!(case(&server, "again"), "n14, x!", "{}", server.log());
    }
}
