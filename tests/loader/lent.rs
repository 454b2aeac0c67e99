//! Services that a loader lends to what it loads: another agent's, called in the loader's name, and by nobody who was not given it.

use super::{CONFIG, POLICY, TOOLS};
use crate::harness::{Project, json, records};

const AGENTS: &str = r#"
[[agents.services]]
binding = "OTHER"
service = "other"
entrypoint = "Named"
props = { p: 1 }
methods = ["who", "fetch"]
[[agents]]
name = "other"
tenant = "acme"
main = "other.js"
match = ["other.localhost"]
"#;

const OTHER: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export class Named extends WorkerEntrypoint {
  who(callback) { return callback([this.ctx.agent.name, this.ctx.agent.tenant, this.ctx.props]); }
  fetch(request) { return new Response(`${this.ctx.agent.name} asks for ${request.url}`); }
  hidden() { return "reached"; }
}
export default { fetch: () => new Response("other") };
"#;

const WORKER: &str = r#"
import { code, why } from "./tools.js";
const main = `import { WorkerEntrypoint } from "cloudflare:workers"; export default class extends WorkerEntrypoint {
  who() { return this.env.OTHER.who((all) => all); }
  hidden() { return this.env.OTHER.hidden(); }
  async asks() { return (await this.env.OTHER.fetch("http://a.test/x")).text(); }
  async out() { return (await fetch("http://out.test/y")).text(); }
}`;
const all = async (stub) => {
  const entrypoint = stub.getEntrypoint();
  const told = [];
  for (const name of ["who", "asks", "hidden", "out"]) told.push(await entrypoint[name]().catch((error) => `${error.name}: ${error.message}`));
  return told;
};
export default { async fetch(request, env) {
  return Response.json([
    await all(env.LOADER.get("lent", () => code(main, { env: { OTHER: env.OTHER }, globalOutbound: env.OTHER }))),
    await all(env.LOADER.load(code(main, { globalOutbound: null }))),
  ]);
} };
"#;

fn what_is_lent_is_the_lenders(isolation: &str) {
    let config = CONFIG.replace("main = \"worker.js\"", "main = \"worker.js\"\nmatch = [\"127.0.0.1\"]");
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            &format!("{config}{}{isolation}", AGENTS.replace("p: 1", "p = 1")),
        ),
        ("outbound.js", POLICY),
        ("worker.js", WORKER),
        ("tools.js", TOOLS),
        ("other.js", OTHER),
    ]);
    let server = project.serve(&[]);
    let told = json(&server.ok("/"));
    let [lent, none] = &told.as_array().unwrap()[..] else {
        panic!("two workers");
    };
    assert_eq!(
        (&lent[0], &lent[1], &lent[3]),
        (
            &serde_json::json!(["scout", "acme", { "p": 1 }]),
            &"scout asks for http://a.test/x".into(),
            &"scout asks for http://out.test/y".into(),
        ),
        "{lent} {}",
        server.log()
    );
    let hidden = lent[2].as_str().unwrap();
    assert!(!hidden.contains("reached") && hidden.contains("hidden"), "{lent}");
    let none = none.to_string();
    assert!(!none.contains("scout") && !none.contains("asks for"), "{none}");
    let records = records(&project, 4);
    let of_worker = records
        .iter()
        .filter(|record| record["agent"] == "scout/lent" && record["service"] == "OTHER");
    let verdicts: Vec<_> = of_worker
        .map(|record| record["verdict"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        verdicts.iter().filter(|verdict| **verdict == "answer").count(),
        3,
        "{records:?}"
    );
    assert!(verdicts.contains(&"deny"), "{records:?}");
}

#[test]
fn a_service_of_another_agent_is_lent() {
    what_is_lent_is_the_lenders("");
}

#[test]
fn a_service_of_another_agent_is_lent_over_links() {
    what_is_lent_is_the_lenders("[isolation]\nagents = \"process\"\n");
}
