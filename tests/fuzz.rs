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

/// How many functions the script calls for one request.
const AT_ONCE: usize = 40;

/// Every function that Node's modules lead to, with odd arguments. The process lives, a neighbour is served, and nothing comes up
/// that another event left in its files, buffers and what else the host keeps for it.
#[test]
fn nodes_functions_take_odd_arguments() {
    let time = setting("FUZZ_SECONDS").map(Duration::from_secs);
    let mut seed = setting("FUZZ_SEED").unwrap_or(1);
    let began = Instant::now();
    let (mut wrong, mut calls) = (Vec::new(), 0);
    loop {
        let project = Project::new(&[
            ("node.js", include_str!("../fixtures/fuzz/node.js")),
            ("odd.js", include_str!("../fixtures/fuzz/odd.js")),
            ("good.js", "export default { fetch: () => new Response('good') };"),
            (
                "policy.js",
                "export default { fetch: (request) => new Response(request.body) };",
            ),
            (
                "workerd-lite.toml",
                "threads = 1\n[[agents]]\nname = 'odd'\nmain = 'node.js'\nmatch = ['odd.localhost']\n\
                 [agents.limits]\nwall = '3s'\ncpu_ms = 500\nstartup_cpu_ms = 5000\nlog_lines = 1\n\
                 [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['good.localhost']\n[outbound]\nmain = 'policy.js'\n",
            ),
        ]);
        let server = project.serve(&[]);
        let ask = |host: &str, path: &str| Client::new(&server.address, host).get(path);
        let functions: usize = ask("odd.localhost", "/?names").unwrap().1.parse().unwrap();
        assert!(functions > 2000, "{functions}");
        // All of them where there is time, otherwise a part.
        let step = if time.is_some() { AT_ONCE } else { AT_ONCE * 5 };
        for from in (0..functions).step_by(step) {
            let _ = ask("odd.localhost", "/?secret");
            let known = server.log().len();
            let answer = ask("odd.localhost", &format!("/?seed={seed}&from={from}"));
            let said = &server.log()[known..];
            // Where V8 does not come back, its thread is lost, and in the end its process replaced: that is known.
            let replaced = said.contains("threads are lost");
            let mut note = |what: String| wrong.push(format!("seed {seed} from {from}: {what}"));
            match answer {
                Ok((200, body)) => match body.parse::<u64>() {
                    Ok(more) => calls += more,
                    Err(_) => note(body),
                },
                Err(error) if !replaced => note(error.to_string()),
                _ => {}
            }
            for line in said.lines() {
                if line.contains("panicked") || line.contains("process was ended") {
                    note(line.to_owned());
                }
            }
            match ask("good.localhost", "/") {
                Ok((200, body)) if body == "good" => {}
                _ if replaced => {}
                other => note(format!("a neighbour was answered {other:?}")),
            }
        }
        seed += 1;
        if time.is_none_or(|time| began.elapsed() > time) {
            break;
        }
    }
    eprintln!("{calls} calls before seed {seed} in {:?}", began.elapsed());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(calls > 500, "{calls} calls");
}
