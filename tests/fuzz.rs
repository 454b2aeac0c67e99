//! What a random agent does: the process must live, whatever it calls. `make fuzz TIME=10m` goes on with fresh seeds for so
//! long; here it is the same seeds each time, so that a failure can be repeated: `FUZZ_SEED=<first> cargo test random_calls`.

use std::time::{Duration, Instant};

use crate::harness::Project;
use crate::harness::http::Client;

/// How many seeds one server sees.
const BATCH: u32 = 150;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn random_calls_never_end_the_process() {
    let time = setting("FUZZ_SECONDS").map(Duration::from_secs);
    let mut seed = u32::try_from(setting("FUZZ_SEED").unwrap_or(1)).unwrap();
    let began = Instant::now();
    let (mut fatal, mut total) = (Vec::new(), 0);
    loop {
        let project = Project::new(&[
            ("agent.js", include_str!("../fixtures/fuzz/calls.js")),
            (
                "policy.js",
                "export default { fetch: (request) => new Response(request.body) };",
            ),
            (
                "workerd-lite.toml",
                "main = 'agent.js'\nthreads = 1\nwasm_unsafe_eval = true\n[limits]\nwall = '3s'\nlog_lines = 1\n[outbound]\nmain = 'policy.js'\n",
            ),
        ]);
        project.write_wasm("attack.wasm", include_str!("../fixtures/limits/attack.wat"));
        let server = project.serve(&[]);
        let first = seed;
        let mut calls: u64 = 0;
        while seed < first + BATCH {
            let known = server.log().len();
            let answer = Client::new(&server.address, "localhost").get(&format!("/?seed={seed}"));
            if let Ok((200, body)) = &answer {
                calls += body.parse::<u64>().unwrap_or(0);
            }
            let said = &server.log()[known..];
            if said.contains("was ended (") || said.contains("panicked") {
                let lines: Vec<&str> = said
                    .lines()
                    .filter(|line| {
                        line.contains("ends the process") || line.contains("was ended (") || line.contains("panicked")
                    })
                    .collect();
                eprintln!("seed {seed} (the first of its server is {first}): {}", lines.join("\n"));
                fatal.push(seed);
            }
            seed += 1;
        }
        total += calls;
        // A server that still serves, and did something.
        assert!(calls > 100, "{calls} calls: {}", server.log());
        if time.is_none_or(|time| began.elapsed() > time) {
            break;
        }
    }
    eprintln!("{total} calls before seed {seed} in {:?}", began.elapsed());
    assert!(fatal.is_empty(), "{fatal:?}");
}
