//! What hostile agents do to their thread, each attack with what became of it: when it was stopped, what its client got, and
//! what a neighbour on the same thread noticed. The table goes to `target/tmp/kill.md`.

mod links;
mod loaded;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::harness::attacks::{Case, cases, script};
use crate::harness::children::{kib, processes};
use crate::harness::http::{Client, Neighbour, percentile};
use crate::harness::{Project, Server, isolation, json};

/// The policy answers for all that the attacks ask for.
const POLICY: &str = "
let running = 0;
const zeros = new Uint8Array(1 << 16);
const endless = () => new ReadableStream({ pull(c) { c.enqueue(zeros); } });
export default {
async connect(socket) {
  switch ((await socket.opened).localAddress) {
    case 'endless.test:1': { const writer = socket.writable.getWriter(); for (;;) await writer.write(zeros); }
    case 'silent.test:1': socket.readable; await new Promise(() => {});
    default: await socket.readable.pipeTo(socket.writable);
  }
},
async fetch(request) {
  switch (new URL(request.url).hostname) {
    case 'count.test': { running++; await scheduler.wait(20); const most = running; running--; return new Response(String(most)); }
    case 'large.test': return new Response('x'.repeat(1 << 20));
    case 'endless.test': return new Response(endless());
    case 'bomb.test': {
      let left = 4096;
      const body = new ReadableStream({ pull(c) { if (left-- === 0) c.close(); else c.enqueue(zeros); } });
      return new Response(body, { headers: { 'content-encoding': 'br' } });
    }
    default: return new Response('ok');
  }
} };
";

/// A server with an agent that has these, and a neighbour. `isolation` says where they are.
pub fn serve(cases: &[Case], limits: &str, isolation: &str) -> (Project, Server) {
    let project = Project::new(&[
        (
            "agent.js",
            &format!("import module from './attack.wasm';\n{}", script(cases)),
        ),
        ("good.js", "export default { fetch: () => new Response('good') };"),
        ("policy.js", POLICY),
    ]);
    project.write_wasm("attack.wasm", include_str!("../fixtures/limits/attack.wat"));
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'hostile'\ntenant = 'a'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n{limits}\n\
             [[agents]]\nname = 'good'\ntenant = 'b'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n[outbound]\nmain = 'policy.js'\n\
             [audit]\nfile = 'audit.ndjson'\n{isolation}"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

pub struct Row {
    pub name: String,
    took: Duration,
    pub status: u16,
    pub body: String,
    /// Resident MiB before and after.
    memory: [usize; 2],
    p50: Duration,
    p99: Duration,
    pub lost: usize,
}

/// Runs each attack, with a neighbour beside it.
pub fn attack(server: &Server, cases: &[Case]) -> Vec<Row> {
    let neighbour = Neighbour::new(&server.address, "127.0.0.1", Duration::from_millis(2));
    let mut rows = Vec::new();
    for case in cases {
        let mut client = Client::new(&server.address, "hostile.localhost");
        let before = server.memory("VmRSS");
        let began = Instant::now();
        let (status, body) = client.get(&format!("/{}", case.name)).unwrap_or_default();
        let took = began.elapsed();
        // The next request to that agent is served, by a fresh isolate or the same.
        let next = next(server).unwrap_or_else(|error| panic!("{}: {error}: {}", case.name, server.log()));
        assert_eq!(next.0, 200, "after {}: {} {}", case.name, next.1, server.log());
        let samples = neighbour.since(began);
        rows.push(Row {
            name: case.name.clone(),
            took,
            status,
            body,
            memory: [before, server.memory("VmRSS")],
            p50: percentile(&samples, 0.5),
            p99: percentile(&samples, 0.99),
            lost: samples.iter().filter(|sample| !sample.served).count(),
        });
    }
    rows
}

/// What the agent answers next. One that has ended its own process three times within a second each has to wait for the next.
fn next(server: &Server) -> std::io::Result<(u16, String)> {
    let began = Instant::now();
    loop {
        let answer = Client::new(&server.address, "hostile.localhost").get("/")?;
        let waits = answer.0 == 503 && server.log().contains("its process has ended too often");
        if !waits || began.elapsed() > Duration::from_secs(15) {
            return Ok(answer);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn table(title: &str, rows: &[Row]) {
    let mut text = format!(
        "### {title}\n\n| attack | ms to the end | client | resident MiB before | after | neighbour p50 ms | p99 ms | lost |\n|---|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let _ = writeln!(
            text,
            "| {} | {:.0} | {} | {} | {} | {:.1} | {:.1} | {} |",
            row.name,
            ms(row.took),
            row.status,
            row.memory[0],
            row.memory[1],
            ms(row.p50),
            ms(row.p99),
            row.lost
        );
    }
    println!("{text}");
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{title}.md"));
    std::fs::write(path, text).unwrap();
}

/// In MiB, without the program's own pages. Processes of agents count as well.
fn memory(server: &Server) -> usize {
    let of = |(_, inside): &(u32, u32)| kib(*inside, "RssAnon") / 1024;
    let agents: u64 = processes(server).iter().map(of).sum();
    server.memory("RssAnon") + usize::try_from(agents).unwrap()
}

/// What stopped isolates had is given back once loops that nothing interrupts have come to their end, but for what other
/// isolates have not collected yet.
fn given_back(server: &Server, before: usize) {
    // Alone it is 0 to 34.
    const KEPT: usize = 64;
    let began = Instant::now();
    // A process that is being replaced has none.
    while !(1..=before + KEPT).contains(&memory(server)) {
        assert!(
            began.elapsed() < Duration::from_mins(4),
            "{} MiB of {before}: {}",
            memory(server),
            server.log()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    eprintln!(
        "from {before} MiB to {}, {:?} after the last",
        memory(server),
        began.elapsed()
    );
}

/// Attacks have records that name their agent and tenant, and none names another. One that costs its process may take its own
/// along.
fn blamed(project: &Project, attacks: usize) {
    let mut text = String::new();
    let mut records = Vec::new();
    let began = Instant::now();
    // They are written by a thread of their own.
    while records.len() + 1 < attacks && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
        text = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
        let ended = |record: &serde_json::Value| record["event"] == "terminated";
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        records = whole.lines().map(json).filter(ended).collect();
    }
    assert!(
        records.len() + 1 >= attacks,
        "{} records of {attacks}: {text}",
        records.len()
    );
    for record in records {
        assert_eq!(
            (&record["agent"], &record["tenant"]),
            (&"hostile".into(), &"a".into()),
            "{record}"
        );
    }
}

/// How many attacks one server has.
const SOME: usize = 16;

/// All of these are stopped.
fn stopped(title: &str, text: &str, limits: &str) {
    let mut rows = Vec::new();
    // An agent that ends processes again and again is ejected: each server has a few attacks.
    for cases in cases(text).chunks(SOME) {
        rows.extend(stopped_by_one(cases, limits));
    }
    table(title, &rows);
}

/// The case, which goes on after a refusal for its memory: whether that or its time comes first is a matter of chance.
pub fn goes_on(case: &Case) -> Case {
    let code = format!(
        "try {{ {}\n }} catch (error) {{ if (!(error instanceof RangeError && /^out of memory/.test(error.message))) throw error; for (;;); }}",
        case.code
    );
    Case { code, ..case.clone() }
}

fn stopped_by_one(cases: &[Case], limits: &str) -> Vec<Row> {
    let cases = &cases.iter().map(goes_on).collect::<Vec<_>>();
    let (project, server) = serve(cases, limits, isolation());
    let (first, rest) = cases.split_at(1);
    let mut rows = attack(&server, first);
    // By now there is whatever is needed once: an isolate and a policy for each agent and bulkhead.
    std::thread::sleep(Duration::from_millis(500));
    let before = memory(&server);
    rows.extend(attack(&server, rest));
    assert!(!server.log().contains("process was ended"), "{}", server.log());
    given_back(&server, before);
    // What dies with its process has no record of its own yet: the log names the process and its tenant.
    if isolation().is_empty() {
        blamed(&project, rows.len());
    }
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row.status, 503, "{}: {} {}", row.name, row.body, server.log());
        // The machine may be busy, and what works apart then has little of it; the table tells more.
        assert!(row.took < Duration::from_secs(40), "{} took {:?}", row.name, row.took);
        // Once it is known, what it does is nobody else's trouble.
        if number > 0 {
            assert_eq!(
                row.lost,
                0,
                "{}: a neighbour's request was lost: {}",
                row.name,
                server.log()
            );
        }
    }
    rows
}

#[test]
fn loops_are_stopped() {
    stopped("loops", include_str!("../fixtures/limits/cpu.toml"), "");
}

#[test]
fn heaps_that_grow_are_stopped() {
    let text = include_str!("../fixtures/limits/memory.toml");
    stopped("heaps", text, "");
    // With time to fill them, too: it is the memory that ends them, and V8 does not end the process.
    stopped(
        "heaps-with-time",
        text,
        "[agents.limits]\ncpu_ms = 10000\nmemory_mb = 64\n",
    );
}

#[test]
fn loops_of_v8s_own_are_stopped() {
    stopped("native", include_str!("../fixtures/limits/native.toml"), "");
}

#[test]
fn floods_of_what_is_ours_are_stopped() {
    stopped("web", include_str!("../fixtures/limits/web.toml"), "");
}

#[test]
fn floods_of_nodes_modules_are_stopped() {
    stopped("node", include_str!("../fixtures/limits/node.toml"), "");
}

#[test]
fn what_nodes_modules_compute_is_stopped() {
    stopped("node-work", include_str!("../fixtures/limits/node_work.toml"), "");
}

#[test]
fn floods_of_files_are_stopped() {
    stopped("node-files", include_str!("../fixtures/limits/node_files.toml"), "");
}

#[test]
fn floods_of_nodes_events_are_stopped() {
    stopped("node-events", include_str!("../fixtures/limits/node_events.toml"), "");
}

#[test]
fn webassembly_is_stopped() {
    let text = include_str!("../fixtures/limits/wasm.toml");
    stopped("webassembly", text, "unsafe_eval = true\n");
    stopped(
        "webassembly-with-time",
        text,
        "unsafe_eval = true\n[agents.limits]\ncpu_ms = 1000\n",
    );
}

#[test]
fn what_is_refused_is_refused_at_once() {
    let cases = cases(include_str!("../fixtures/limits/refused.toml"));
    let (_project, server) = serve(&cases, "[agents.limits]\ncpu_ms = 5000\n", isolation());
    let rows = attack(&server, &cases);
    table("refused", &rows);
    let came_to: Vec<_> = rows
        .iter()
        .map(|row| (&row.name, row.status, row.body.as_str()))
        .collect();
    let must: Vec<_> = cases
        .iter()
        .map(|case| (&case.name, 200, case.answer.as_deref().unwrap_or("no answer is given")))
        .collect();
    assert_eq!(came_to, must, "{}", server.log());
    assert!(rows.iter().all(|row| row.lost == 0), "{}", server.log());
}

/// The same by accident in the policy: the agent's fetch is denied, it learns nothing, and the next is judged again.
#[test]
fn what_a_policy_does_to_itself_denies() {
    let mut cases = cases(include_str!("../fixtures/limits/cpu.toml"));
    cases.extend(crate::harness::attacks::cases(include_str!(
        "../fixtures/limits/memory.toml"
    )));
    let agent = "
export default { async fetch(request) {
  try { return await fetch('http://policy.test' + new URL(request.url).pathname); }
  catch (error) { return new Response(`${error.name}: ${error.message}`, { status: 502 }); }
} };";
    let project = Project::new(&[
        ("agent.js", agent),
        ("policy.js", &script(&cases)),
        (
            "workerd-lite.toml",
            "threads = 1\nmain = 'agent.js'\n[outbound]\nmain = 'policy.js'\n[outbound.limits]\ncpu_ms = 50\nmemory_mb = 64\n",
        ),
    ]);
    let server = project.serve(&[]);
    let mut words = std::collections::BTreeSet::new();
    for case in &cases {
        let mut client = Client::new(&server.address, "127.0.0.1");
        let (status, body) = client
            .get(&format!("/{}", case.name))
            .unwrap_or_else(|error| panic!("{}: {error}: {}", case.name, server.log()));
        // What V8 does not interrupt takes its thread along, and the client hears that.
        assert!(matches!(status, 502 | 503), "{}: {status} {body}", case.name);
        words.insert((status, body));
        // A policy that was stopped is replaced before the next is judged.
        let mut client = Client::new(&server.address, "127.0.0.1");
        let next = client
            .get("/")
            .unwrap_or_else(|error| panic!("after {}: {error}: {}", case.name, server.log()));
        assert_eq!(next.0, 200, "after {}: {} {}", case.name, next.1, server.log());
    }
    let denied: Vec<_> = words.iter().filter(|(status, _)| *status == 502).collect();
    assert_eq!(denied.len(), 1, "{words:?}");
    assert!(words.len() <= 2, "{words:?}");
}
