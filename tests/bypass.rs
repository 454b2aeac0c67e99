//! Ways round the outbound worker, as data of `fixtures/bypass`, against an internet of our own: a DNS server that lies, an
//! upstream at 127.0.0.9 that may be reached, and a canary everywhere else that nobody may touch. Each attempt must come to
//! what its case says, and the canary must stay untouched. `make bypass` prints a table.

use std::fmt::Write as _;

use crate::harness::canary::Canary;
use crate::harness::partner::Partner;
use crate::harness::{IN_PROCESSES, Project, Server, dns, isolation, upstreams};

#[derive(serde::Deserialize)]
struct Class {
    #[serde(rename = "class")]
    title: String,
    /// What the policy does: `deny` all, `allow` all, look at the `host`, hand on `tcp`, or deny all and have `services`.
    policy: String,
    /// Which addresses may be dialled, instead of one.
    allow: Option<Vec<String>>,
    /// Further lines of the configuration, before its tables.
    config: Option<String>,
    /// Further tables. Where they have agents, there is no other: the first has the cases.
    rules: Option<String>,
    /// What each case must come to, where it does not say itself: one of these, with bars between them.
    must: Option<String>,
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    url: Option<String>,
    /// The body of the agent's handler.
    script: Option<String>,
    must: Option<String>,
}

const DENY: &str = "export default { fetch: () => new Response('denied', { status: 403 }) };";

const ALLOW: &str = "
export default { async fetch(request) {
  const { hostname } = new URL(request.url);
  if (hostname === 'throws.test') throw new Error('the secret of outbound.js');
  try { return await fetch(request); } catch (error) { return new Response(error.message, { status: 598 }); }
} };";

const TCP: &str = "
import { connect } from 'cloudflare:sockets';
export default {
  async fetch(request) {
    try { return await fetch(request); } catch (error) { return new Response(error.message, { status: 598 }); }
  },
  async connect(socket) {
    const { localAddress } = await socket.opened;
    return connect(localAddress, { secureTransport: socket.secureTransport });
  },
};";

const SERVICES: &str = "
import { RpcTarget, WorkerEntrypoint } from 'cloudflare:workers';
class OfTheOwners extends Error {}
class Listed extends RpcTarget { #secret = 'canary-of-secrets'; name() { return 'listed'; } }
export class Tools extends WorkerEntrypoint {
  #hidden() { return this.env.SECRET; }
  secret() { return this.env.SECRET; }
  get data() { return this.env.SECRET; }
  list() { return ['listed']; }
  listed() { return new Listed(); }
  of() { return this.ctx.props.of; }
  whose() { const { name, tenant } = this.ctx.agent; return [this.ctx.props.of, name, tenant].join(' '); }
  gives() { return (url) => `of the tools: ${typeof url}`; }
  calls(fn, ...rest) { return fn(...rest); }
  request(url) { return new Request(url, { headers: { 'x-evil': '1' } }); }
  response(url) { return new Response(url, { headers: { location: url } }); }
  echo(value) { return value; }
  throws() { throw new OfTheOwners(`of the owners: ${this.env.SECRET}`); }
  fetch() { return new Response('of the tools'); }
}
export default { fetch: () => new Response('denied', { status: 403 }) };
";

/// What agents are for each other, in every class.
const ASKS: &str = "
let keptStub;
export class Asks extends workers.WorkerEntrypoint {
  async asks(url) { return await (await fetch(url)).text(); }
  with(peer, url) { return peer.asks(url); }
  of(tools) { return tools.whose(); }
  secretOf(tools) { return tools.secret(); }
  keeps(tools, stub) { keptStub = stub.dup(); }
  uses() { return keptStub(); }
}
";

/// What an agent says over a connection, and what it is answered.
const DIAL: &str = "
import { connect } from 'cloudflare:sockets';
const dial = async (address, options, words = 'x-evil') => {
  const socket = connect(address, options);
  await socket.opened;
  const writer = socket.writable.getWriter();
  await writer.write(words);
  const { value } = await socket.readable.getReader().read();
  return new Response(value);
};
";

const HOST: &str = "
export default { async fetch(request, env) {
  if (new URL(request.url).hostname !== 'api.good.test') return new Response('denied', { status: 403 });
  return fetch(new Request(request.url.replace('api.good.test', '127.0.0.9'), request));
} };";

impl Class {
    fn read(text: &str) -> Self {
        toml::from_str(text).unwrap()
    }

    fn serve(&self, (canary, good): (u16, u16), isolation: &str) -> (Project, Server) {
        let fill = |text: &str| {
            text.replace("{port}", &canary.to_string())
                .replace("{good}", &good.to_string())
        };
        let mut agent = String::from(
            "const load = (env, main, more = {}) => env.LOADER.load({ compatibilityDate: '2026-08-04', mainModule: 'm.js', modules: { 'm.js': main }, ...more });\n\
             import * as workers from 'cloudflare:workers';\nimport * as spy from './spy.js';\n\
             const node = (name) => process.getBuiltinModule(name);\nconst cases = [\n",
        );
        for case in &self.cases {
            let body = match (&case.url, &case.script) {
                (Some(url), None) => format!("return fetch({});", serde_json::to_string(&fill(url)).unwrap()),
                (None, Some(script)) => fill(script),
                _ => panic!("{}: a URL or a script", case.name),
            };
            let _ = writeln!(agent, "  async function (request, env, ctx) {{ {body}\n  }},");
        }
        agent.push_str("];");
        agent.push_str(DIAL);
        agent.push_str(ASKS);
        agent.push_str(
            "
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  delete Error.prepareStackTrace;
  if (pathname === '/inner') return fetch('http://127.0.0.1:PORT/from-inside');
  try {
    const response = await cases[pathname.slice(1)](request, env, ctx);
    return new Response(`${response.status} ${response.headers.get('x-evil') ?? ''}${await response.text()}`);
  } catch (error) {
    return new Response(`${error?.name}: ${error?.message}`);
  }
} };",
        );
        let policy = match self.policy.as_str() {
            "deny" => DENY,
            "allow" => ALLOW,
            "host" => HOST,
            "tcp" => TCP,
            "services" => SERVICES,
            other => panic!("{other}"),
        };
        let project = Project::new(&[
            ("agent.js", &agent.replace("PORT", &canary.to_string())),
            ("spy.js", include_str!("../fixtures/node/spy.js")),
            ("outbound.js", policy),
            (".dev.vars", "SECRET=canary-of-secrets\n"),
        ]);
        let nameserver = dns::serve();
        let config = self.config.as_deref().unwrap_or_default();
        let rules = self.rules.as_deref().map(fill).unwrap_or_default();
        let main = if rules.contains("[[agents]]") {
            ""
        } else {
            "main = 'agent.js'"
        };
        let allow = self.allow.clone().unwrap_or_else(|| vec!["127.0.0.9".to_owned()]);
        project.write(
            "workerd-lite.toml",
            &format!(
                "{main}\n{config}\n[limits]\ncpu_ms = 1000\n[outbound]\nmain = 'outbound.js'\nsecrets = ['SECRET']\n\
                 [network]\nallow = {allow:?}\nnameservers = ['{nameserver}']\n[timeouts]\nconnect = '300ms'\nfirst_byte = '2s'\n{rules}\n{isolation}"
            ),
        );
        let server = project.serve(&["--threads", "1"]);
        (project, server)
    }

    /// Tries each case, with the agent's isolate where `isolation` says. Gives what went wrong.
    fn run(&self, isolation: &str) -> Vec<String> {
        let canary = Canary::new();
        let good = upstreams()
            .block_on(Partner::start("127.0.0.9:0".parse().unwrap(), None))
            .unwrap();
        let (_project, server) = self.serve((canary.port, good.address.port()), isolation);
        let mut wrong = Vec::new();
        for (number, case) in self.cases.iter().enumerate() {
            let before = canary.touched();
            let answer = server.get(&format!("/{number}"));
            let came_to = if answer.status == 200 {
                answer.body
            } else {
                format!("{} {}", answer.status, answer.body)
            };
            let must = case
                .must
                .as_ref()
                .or(self.must.as_ref())
                .expect("a case says what it must come to");
            // Its event may end with a body that fails, before the answer to it is there.
            let cut = !isolation.is_empty() && came_to.contains("the body was cut short");
            if !cut && !must.split('|').any(|must| came_to.contains(must)) {
                wrong.push(format!("{}: {came_to:.300}, not {must}", case.name));
            }
            let smuggled = ["\"x-evil", "x-evil\"", "x-evil.test", "canary-of-secrets"];
            let arrived = came_to.starts_with("200") && smuggled.iter().any(|word| came_to.contains(word));
            if arrived {
                wrong.push(format!("{}: it came through: {came_to:.600}", case.name));
            }
            if canary.touched() != before {
                wrong.push(format!("{}: THE CANARY WAS TOUCHED ({came_to:.300})", case.name));
            }
        }
        // What comes late.
        std::thread::sleep(std::time::Duration::from_millis(50));
        if canary.touched() > 0 {
            wrong.push("THE CANARY WAS TOUCHED".to_owned());
        }
        println!(
            "| {} | {} | {} | {} |",
            self.title,
            self.cases.len(),
            self.cases.len() - wrong.len().min(self.cases.len()),
            canary.touched()
        );
        wrong
    }
}

macro_rules! classes {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let class = Class::read(include_str!(concat!("../fixtures/bypass/", stringify!($name), ".toml")));
                let wrong = class.run(isolation());
                assert!(wrong.is_empty(), "{wrong:#?}");
            }
        )*

        /// The same attempts of agents in processes of their own, but for what is not there.
        #[test]
        fn from_processes_there_are_no_others() {
            let all = [$(include_str!(concat!("../fixtures/bypass/", stringify!($name), ".toml"))),*];
            let classes = all.iter().map(|text| Class::read(text));
            let wrong: Vec<_> = classes
                .flat_map(|class| class.run(IN_PROCESSES))
                .collect();
            assert!(wrong.is_empty(), "{wrong:#?}");
        }

        #[test]
        fn there_are_at_least_two_hundred_attempts() {
            let all = [$(include_str!(concat!("../fixtures/bypass/", stringify!($name), ".toml"))),*];
            let count: usize = all.iter().map(|text| Class::read(text).cases.len()).sum();
            assert!(count >= 200, "{count}");
        }
    };
}

classes!(
    bodies,
    escapes,
    hosts,
    ipv4,
    ipv6,
    leaks,
    loaded,
    metadata,
    names,
    node,
    node_http,
    node_objects,
    redirects,
    schemes,
    services,
    smuggling,
    sockets,
    sockets_policy,
    sockets_rules,
    websockets
);
