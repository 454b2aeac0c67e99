//! What lies in agents' folders beside their scripts: files of others, which may be of any size and kind.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::http::Client;
use crate::harness::{Project, Server};

const OK: &str = "export default { fetch: () => new Response('ok') };";

fn sparse(path: &Path) {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    file.unwrap().set_len(3 << 30).unwrap();
}

fn pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
}

fn ask(server: &Server, agent: &str) -> (u16, Duration) {
    let began = Instant::now();
    let (status, _) = Client::new(&server.address, &format!("{agent}.localhost"))
        .get("/")
        .unwrap();
    (status, began.elapsed())
}

/// What is put into an agent's folder, by the agent's name.
type Prepared = (&'static str, fn(&Path));

/// Agents of a folder, of which one is `good`. They are asked while others wait.
fn served(agents: &[Prepared], check: impl Fn(&str, u16)) {
    let project = Project::new(&[("agents/good/worker.js", OK)]);
    for (name, prepare) in agents {
        project.write(&format!("agents/{name}/worker.js"), OK);
        prepare(&project.path().join("agents").join(name));
    }
    project.write("workerd-lite.toml", "threads = 1\nagents_dir = \"agents/\"\n");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "good").0, 200);
    let before = server.memory("VmRSS");
    std::thread::scope(|scope| {
        for (name, _) in agents {
            let asked = scope.spawn(|| ask(&server, name));
            while !asked.is_finished() {
                let (status, took) = ask(&server, "good");
                assert_eq!(status, 200);
                assert!(took < Duration::from_secs(3), "{name}: {took:?}: {}", server.log());
                std::thread::sleep(Duration::from_millis(20));
            }
            let (status, took) = asked.join().unwrap();
            assert!(took < Duration::from_secs(10), "{name} took {took:?}");
            check(name, status);
        }
    });
    let grown = server.memory("VmHWM").saturating_sub(before);
    assert!(grown < 300 << 10, "{grown} KiB");
    assert!(!server.log().contains("process was ended"), "{}", server.log());
}

#[test]
fn settings_without_an_end_are_not_read() {
    let agents: [Prepared; 4] = [
        ("wrangler", |folder| sparse(&folder.join("wrangler.jsonc"))),
        ("package", |folder| sparse(&folder.join("package.json"))),
        ("tsconfig", |folder| {
            std::fs::rename(folder.join("worker.js"), folder.join("worker.ts")).unwrap();
            std::fs::write(folder.join("wrangler.json"), r#"{ "main": "worker.ts" }"#).unwrap();
            sparse(&folder.join("tsconfig.json"));
        }),
        ("headers", |folder| {
            let wrangler = r#"{ "main": "worker.js", "assets": { "directory": "public" } }"#;
            std::fs::write(folder.join("wrangler.json"), wrangler).unwrap();
            std::fs::create_dir(folder.join("public")).unwrap();
            sparse(&folder.join("public/_headers"));
        }),
    ];
    served(&agents, |name, status| {
        // What says nothing of a script that needs nothing of it is no reason to refuse that.
        let serves = matches!(name, "package" | "tsconfig");
        assert!(status == 503 || (serves && status == 200), "{name}: {status}");
    });
}

#[test]
fn pipes_are_not_waited_for() {
    let agents: [Prepared; 3] = [
        ("package", |folder| pipe(&folder.join("package.json"))),
        ("headers", |folder| {
            let wrangler = r#"{ "main": "worker.js", "assets": { "directory": "public" } }"#;
            std::fs::write(folder.join("wrangler.json"), wrangler).unwrap();
            std::fs::create_dir(folder.join("public")).unwrap();
            pipe(&folder.join("public/_headers"));
        }),
        ("module", |folder| {
            std::fs::write(folder.join("worker.js"), "import './pipe.js'; export default {};").unwrap();
            pipe(&folder.join("pipe.js"));
        }),
    ];
    served(&agents, |name, status| {
        assert!(
            matches!((name, status), ("package", 200) | (_, 503)),
            "{name}: {status}"
        );
    });
}

#[test]
fn a_script_that_is_nested_without_an_end_ends_no_server() {
    let agents: [Prepared; 2] = [
        ("conditions", |folder| {
            let text = format!("{OK} let x, a; x={}1;", "a?{}:".repeat(1_000_000));
            std::fs::write(folder.join("worker.js"), text).unwrap();
        }),
        ("brackets", |folder| {
            let text = format!("if(1)/'/;{}{}", "(".repeat(3_000_000), ")".repeat(3_000_000));
            std::fs::write(folder.join("worker.js"), text).unwrap();
        }),
    ];
    served(&agents, |name, status| assert_eq!(status, 503, "{name}"));
}
