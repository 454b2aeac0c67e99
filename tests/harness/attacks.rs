//! What agents do against their limits, as data.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::Server;
use super::http::Client;

#[derive(serde::Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// One attack.
#[derive(Clone, serde::Deserialize)]
pub struct Case {
    pub name: String,
    /// The body of a handler that gets `request` and `ctx`.
    pub code: String,
    /// What is answered where the attack is refused. The others are stopped.
    pub answer: Option<String>,
}

/// Reads a file of them.
pub fn cases(text: &str) -> Vec<Case> {
    toml::from_str::<Cases>(text).unwrap().case
}

/// Has the agent at `hostile.localhost` run an attack: it is answered in time, and so is the `next` request to that agent.
pub fn ends(server: &Server, Case { name, .. }: &Case, next: impl FnOnce(&Server) -> std::io::Result<(u16, String)>) {
    let began = Instant::now();
    let answer = Client::new(&server.address, "hostile.localhost").get(&format!("/{name}"));
    let (status, body) = answer.unwrap_or_else(|error| panic!("{name}: {error}: {}", server.log()));
    let took = began.elapsed();
    eprintln!("{name}: {status} after {took:?}: {}", body.trim_end());
    assert!(
        [200, 500, 503, 504].contains(&status),
        "{name}: {status} {body} {}",
        server.log()
    );
    assert!(took < Duration::from_secs(20), "{name} took {took:?}");
    let next = next(server).unwrap_or_else(|error| panic!("after {name}: {error}: {}", server.log()));
    assert_eq!(next.0, 200, "after {name}: {} {}", next.1, server.log());
}

/// A worker whose handler runs the attack that the path names, and counts the other requests.
pub fn script(cases: &[Case]) -> String {
    let mut script = String::from("let served = 0;\nconst cases = {\n");
    for Case { name, code, .. } in cases {
        let _ = writeln!(script, "  '{name}': async (request, ctx) => {{ {code}\n  }},");
    }
    script.push_str(
        "};\nexport default { async fetch(request, env, ctx) {\n  const run = cases[new URL(request.url).pathname.slice(1)];\n  \
         return run === undefined ? new Response(`ok ${++served}`) : await run(request, ctx) ?? new Response('done');\n} };\n",
    );
    script
}
