//! What a hostile agent in a process does by RPC to agents in other processes: it ends in time, a neighbour in a process of its own is served,
//! so is the agent's next request, and nothing of it stays. `fixtures/limits/links.toml`.

use std::time::{Duration, Instant};

use super::next;
use crate::harness::attacks::{Case, cases, ends, script};
use crate::harness::children::{kib, processes};
use crate::harness::http::{Client, Neighbour};
use crate::harness::{Project, Server};

const PREAMBLE: &str = "
import { env, WorkerEntrypoint } from 'cloudflare:workers';
const { LOADER, OTHER, PLAIN, SELF } = env;
export class Own extends WorkerEntrypoint {
  async back() { return await OTHER.back(); }
  async twice() { return await Promise.allSettled([OTHER.twice(), OTHER.twice()]); }
  async fetch(request) { return await OTHER.fetch(request); }
}
";

/// Whom it calls, in good faith.
const OTHER: &str = "
import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
const kept = [];
class One extends RpcTarget { self() { return this; } }
const endless = () => new ReadableStream({ type: 'bytes', pull: (c) => c.enqueue(new Uint8Array(65536)) });
export class Desk extends WorkerEntrypoint {
  back() { return this.env.BACK.back(); }
  twice() { return Promise.allSettled([this.env.BACK.twice(), this.env.BACK.twice()]); }
  fetch(request) { return this.env.BACK.fetch(request); }
  echo(value) { return value; }
  self() { return new One(); }
  async use(fn) { return await fn(fn); }
  async calls(fn) { for (;;) await fn(); }
  never() { return scheduler.wait(3_600_000); }
  hold() { return scheduler.wait(3_600_000); }
  keep(value) { kept.push(value?.dup?.() ?? value); if (kept.length > 100) kept.length = 0; }
  async keeps(value) { kept[0] = value; await scheduler.wait(3_600_000); }
  async read(stream) { for await (const chunk of stream); }
  endless() { return endless(); }
  sink() { return new IdentityTransformStream().writable; }
  large(bytes) { return new Uint8Array(bytes); }
  throws(words) { throw new RangeError(words); }
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
isolation = 'process'
main = 'agent.js'
match = ['hostile.localhost']
loaders = ['LOADER']
[[agents.services]]
binding = 'OTHER'
service = 'c/other'
entrypoint = 'Desk'
cross_tenant = true
[[agents.services]]
binding = 'PLAIN'
service = 'd/plain'
entrypoint = 'Desk'
cross_tenant = true
[[agents.services]]
binding = 'SELF'
service = 'hostile'
entrypoint = 'Own'
[[agents]]
name = 'good'
tenant = 'b'
isolation = 'process'
main = 'good.js'
match = ['127.0.0.1']
[[agents]]
name = 'other'
tenant = 'c'
isolation = 'process'
main = 'other.js'
match = ['other.localhost']
[[agents.services]]
binding = 'BACK'
service = 'a/hostile'
entrypoint = 'Own'
cross_tenant = true
[[agents]]
name = 'plain'
tenant = 'd'
isolation = 'isolate'
main = 'other.js'
match = ['plain.localhost']
[[agents.services]]
binding = 'BACK'
service = 'a/hostile'
entrypoint = 'Own'
cross_tenant = true
";

/// An agent that is stopped again and again is ejected: each server has a few attacks.
const SOME: usize = 14;

fn serve(cases: &[Case]) -> (Project, Server) {
    let project = Project::new(&[
        ("workerd-lite.toml", CONFIG),
        ("agent.js", &format!("{PREAMBLE}{}", script(cases))),
        ("other.js", OTHER),
        ("good.js", "export default { fetch: () => new Response('good') };"),
        ("policy.js", "export default { fetch: () => new Response('ok') };"),
    ]);
    let server = project.serve(&[]);
    (project, server)
}

fn attacked(server: &Server, case: &Case) {
    ends(server, case, next);
    // Whom it called serves as before, wherever that is.
    for called in ["other.localhost", "plain.localhost"] {
        let answer = Client::new(&server.address, called).get("/").unwrap();
        assert_eq!(
            answer.0,
            200,
            "{called} after {}: {} {}",
            case.name,
            answer.1,
            server.log()
        );
    }
}

#[test]
fn whatever_an_agent_does_to_others_over_links_ends() {
    for some in cases(include_str!("../../fixtures/limits/links.toml")).chunks(SOME) {
        let (_project, server) = serve(some);
        for host in ["hostile.localhost", "other.localhost", "plain.localhost", "127.0.0.1"] {
            assert_eq!(Client::new(&server.address, host).get("/").unwrap().0, 200);
        }
        let before = server.memory("RssAnon");
        let neighbour = Neighbour::new(&server.address, "127.0.0.1", Duration::from_millis(5));
        for case in some {
            let began = Instant::now();
            attacked(&server, case);
            let lost = neighbour.since(began).iter().filter(|sample| !sample.served).count();
            assert_eq!(lost, 0, "{}: {}", case.name, server.log());
        }
        drop(neighbour);
        let log = server.log();
        // What a script does is nothing that its process would be ended for.
        for word in ["panicked", "process was ended", "link is broken"] {
            assert!(!log.contains(word), "{word}: {log}");
        }
        given_back(&server, before);
    }
}

/// The parent keeps nothing of it. A process keeps what its scripts have not collected, within their limits, and another tenant's that was
/// called pays for what it keeps itself.
fn given_back(server: &Server, before: usize) {
    const KEPT: usize = 64;
    const OF_A_PROCESS: u64 = 400;
    let began = Instant::now();
    while server.memory("RssAnon") > before + KEPT {
        let now = server.memory("RssAnon");
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "{now} MiB of {before}: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let of = processes(server)
        .into_iter()
        .map(|(_, inside)| kib(inside, "RssAnon") / 1024);
    let of: Vec<u64> = of.collect();
    eprintln!(
        "the parent: from {before} MiB to {}, processes: {of:?}",
        server.memory("RssAnon")
    );
    assert!(of.iter().all(|mib| *mib < OF_A_PROCESS), "{of:?} MiB");
}
