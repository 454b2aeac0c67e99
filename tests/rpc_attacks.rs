//! What hostile agents do by RPC, each with what became of it: it ends in time, a neighbour is served, and so is the agent's next request.
//! `fixtures/limits/rpc.toml`.

use std::time::{Duration, Instant};

use crate::harness::Project;
use crate::harness::attacks::{cases, ends, script};
use crate::harness::http::{Client, Neighbour};

const PREAMBLE: &str = "
import { env, RpcStub, WorkerEntrypoint } from 'cloudflare:workers';
const { SELF, TOOLS } = env;
export class Own extends WorkerEntrypoint {
  async again() { return await SELF.again(); }
  async twice() { return await Promise.allSettled([SELF.twice(), SELF.twice()]); }
  async exports() { return await this.ctx.exports.Own.exports(); }
  async fetch(request) { return await SELF.fetch(request); }
}
";

const POLICY: &str = "
import { WorkerEntrypoint } from 'cloudflare:workers';
const kept = [];
export class Tools extends WorkerEntrypoint {
  echo(value) { return value; }
  never() { return scheduler.wait(3_600_000); }
  hold() { return scheduler.wait(3_600_000); }
  async use(fn) { return await fn(); }
  async keep(value) { kept[0] = value; await scheduler.wait(3_600_000); }
  async read(stream) { for await (const chunk of stream); }
  endless() { return new ReadableStream({ type: 'bytes', pull: (c) => c.enqueue(new Uint8Array(65536)) }); }
  sink() { return new IdentityTransformStream().writable; }
  fetch() { return new Response('ok'); }
}
export default { fetch: () => new Response('ok') };
";

const CONFIG: &str = "
threads = 1
[limits]
wall = '2s'
[outbound]
main = 'policy.js'
[[agents]]
name = 'hostile'
tenant = 'a'
main = 'agent.js'
match = ['hostile.localhost']
[[agents.services]]
binding = 'TOOLS'
service = 'outbound'
entrypoint = 'Tools'
[[agents.services]]
binding = 'SELF'
service = 'hostile'
entrypoint = 'Own'
[[agents]]
name = 'good'
tenant = 'b'
main = 'good.js'
match = ['127.0.0.1']
";

#[test]
fn whatever_an_agent_does_by_rpc_ends() {
    let cases = cases(include_str!("../fixtures/limits/rpc.toml"));
    // An agent that is stopped again and again is ejected: each server has a few attacks.
    for some in cases.chunks(8) {
        let project = Project::new(&[
            ("workerd-lite.toml", CONFIG),
            ("agent.js", &format!("{PREAMBLE}{}", script(some))),
            ("good.js", "export default { fetch: () => fetch('http://ok.test/') };"),
            ("policy.js", POLICY),
        ]);
        let server = project.serve(&[]);
        let neighbour = Neighbour::new(&server.address, "127.0.0.1", Duration::from_millis(5));
        for case in some {
            let began = Instant::now();
            ends(&server, case, |server| {
                Client::new(&server.address, "hostile.localhost").get("/")
            });
            let lost = neighbour.since(began).iter().filter(|sample| !sample.served).count();
            assert_eq!(lost, 0, "{}: {}", case.name, server.log());
        }
        let log = server.log();
        assert!(!log.contains("panicked") && !log.contains("process was ended"), "{log}");
    }
}

/// A body that is whole counts where it is held: whoever made it may have been stopped for it, and made anew.
#[test]
fn whole_bodies_of_results_count_with_their_receiver() {
    let project = Project::new(&[
        (
            "workerd-lite.toml",
            "threads = 1\n[outbound]\nmain = 'policy.js'\nlimits = { buffers_mb = 256 }\n[[agents]]\nname = 'holder'\nmain = 'agent.js'\n\
             [agents.limits]\nbuffers_mb = 16\n[[agents.services]]\nbinding = 'TOOLS'\nservice = 'outbound'\nentrypoint = 'Tools'\n",
        ),
        (
            "agent.js",
            "export default { async fetch(request, env) {
  const held = [];
  try { for (let i = 0; i < 40; i++) held.push(await env.TOOLS.whole()); } catch (error) { return new Response(`${held.length}: ${error}`); }
  return new Response(`holds ${held.length}`);
} };",
        ),
        (
            "policy.js",
            "import { WorkerEntrypoint } from 'cloudflare:workers';
export class Tools extends WorkerEntrypoint { whole() { return new Response(new Uint8Array(1 << 20)); } }
export default { fetch: () => new Response('ok') };",
        ),
    ]);
    let server = project.serve(&[]);
    let mut client = Client::new(&server.address, "127.0.0.1");
    for _ in 0..2 {
        let (status, body) = client.get("/").unwrap();
        assert_eq!(status, 200, "{body} {}", server.log());
        // What the event before held is free again.
        assert!(body.starts_with('1') && body.contains("limits.buffers_mb"), "{body}");
    }
}
