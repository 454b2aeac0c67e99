//! The same attacks by workers that the agent has loaded: each ends within its own limits, and the loader's event goes on and answers.

use std::time::Duration;

use super::{attack, given_back, goes_on, memory, serve, table};
use crate::harness::attacks::{Case, cases};

const LIMITS: &str = "loaders = ['LOADER']\n[agents.limits]\ncpu_ms = 10000\nstartup_cpu_ms = 2000\nmemory_mb = 128\n";

/// How many attacks one server has.
const SOME: usize = 24;

/// A handler that loads a worker and says what became of it. `call` is what is asked of it.
fn by_loader(name: &str, main: &str, call: &str) -> Case {
    let main = serde_json::to_string(main).unwrap();
    by_modules(name, "m.js", &format!("{{ 'm.js': {main} }}"), call)
}

/// The same of modules that an expression gives.
fn by_modules(name: &str, file: &str, modules: &str, call: &str) -> Case {
    let code = format!(
        "const {{ env: {{ LOADER }} }} = await import('cloudflare:workers'); \
         const entry = LOADER.load({{ compatibilityDate: '2026-08-04', mainModule: '{file}', modules: {modules}, \
         limits: {{ cpuMs: 50, memoryMb: 16, subRequests: 10, wallMs: 1000 }} }}).getEntrypoint(); \
         try {{ const got = {call}; return new Response('the loader read: ' + String(got).slice(0, 100)); }} \
         catch (error) {{ return new Response('the loader was told: ' + error.message.slice(0, 300)); }}"
    );
    Case {
        name: name.to_owned(),
        code,
        answer: None,
    }
}

fn ended(title: &str, attacks: &[Case]) {
    let mut rows = Vec::new();
    for some in attacks.chunks(SOME) {
        let (_project, server) = serve(some, LIMITS, "");
        let (first, rest) = some.split_at(1);
        let mut all = attack(&server, first);
        std::thread::sleep(Duration::from_millis(500));
        let before = memory(&server);
        all.extend(attack(&server, rest));
        for row in &all {
            // What V8 does not interrupt takes its thread along, and with it the loader's event.
            let lost = row.status == 503 && server.log().contains("does not come back");
            assert!(lost || row.status == 200, "{}: {} {}", row.name, row.body, server.log());
            assert!(
                lost || row.body.starts_with("the loader "),
                "{}: {}",
                row.name,
                row.body
            );
            // Twice its wall-clock limit, and what a busy machine does beside.
            assert!(row.took < Duration::from_secs(8), "{} took {:?}", row.name, row.took);
        }
        // Its loader shares the thread until it is known. A loop that calls what is slow may not come back before its thread is given up,
        // with what the neighbour has in hand there: docs/limits.md.
        let (_, known) = all.split_at(1);
        let lost: usize = known.iter().map(|row| row.lost).sum();
        let given_up = server.log().matches("a thread is lost").count();
        assert!(
            lost <= given_up,
            "{lost} of a neighbour's requests were lost: {}",
            server.log()
        );
        assert!(!server.log().contains("process was ended"), "{}", server.log());
        given_back(&server, before);
        rows.extend(all);
    }
    table(title, &rows);
}

#[test]
fn loops_and_heaps_of_loaded_workers_end() {
    let mut all = cases(include_str!("../../fixtures/limits/cpu.toml"));
    all.extend(cases(include_str!("../../fixtures/limits/memory.toml")));
    let attacks: Vec<Case> = all
        .iter()
        .map(|case| {
            let main = format!(
                "export default {{ async fetch(request, env, ctx) {{ {} }} }};",
                goes_on(case).code
            );
            by_loader(&case.name, &main, "await (await entry.fetch('http://in.test/')).text()")
        })
        .collect();
    ended("loaded", &attacks);
}

#[test]
fn what_loaded_workers_call_ends() {
    let all = cases(include_str!("../../fixtures/limits/loaded.toml"));
    let attacks: Vec<Case> = all
        .iter()
        .map(|case| {
            let main = format!("import {{ WorkerEntrypoint }} from 'cloudflare:workers'; {}", case.code);
            by_loader(
                &case.name,
                &main,
                "await entry.run((again) => again === undefined ? 1 : again())",
            )
        })
        .collect();
    ended("loaded-calls", &attacks);
}

/// A text that takes more to read than to write.
#[derive(serde::Deserialize)]
struct Text {
    name: String,
    file: String,
    modules: String,
}

#[derive(serde::Deserialize)]
struct Texts {
    case: Vec<Text>,
}

#[test]
fn texts_of_loaded_workers_end_nobody_else() {
    let texts: Texts = toml::from_str(include_str!("../../fixtures/limits/texts.toml")).unwrap();
    let mut rows = Vec::new();
    for text in texts.case {
        let call = "await (await entry.fetch('http://in.test/')).text()";
        let case = [by_modules(&text.name, &text.file, &text.modules, call)];
        let (_project, server) = serve(&case, LIMITS, "");
        // What is read goes on for some seconds. So does the neighbour.
        for _ in 0..2 {
            let all = attack(&server, &case);
            let row = &all[0];
            let told = row.status == 200 && row.body.starts_with("the loader was told: ");
            assert!(told || row.status == 503, "{}: {} {}", row.name, row.body, server.log());
            assert!(row.took < Duration::from_secs(30), "{} took {:?}", row.name, row.took);
            assert_eq!(row.lost, 0, "{}: {}", row.name, server.log());
            rows.extend(all);
        }
        assert!(!server.log().contains("process was ended"), "{}", server.log());
    }
    table("texts", &rows);
}
