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
    let told = server.log().len();
    assert!(told < 64 << 10, "{told} bytes of log");
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

/// Puts each of two things in the other's place.
#[cfg(target_os = "linux")]
pub(crate) fn exchange(one: &Path, other: &Path) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// What is read of a module is what was judged, also where its place is given to a link to the owner's file between the two.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_becomes_a_link_is_not_followed() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    const AGENTS: usize = 120;
    let project = Project::new(&[
        (".dev.vars", "TOKEN=owner-secret"),
        ("workerd-lite.toml", "agents_dir = \"agents/\"\n"),
    ]);
    for agent in 0..AGENTS {
        let text = "import t from './x.txt'; export default { fetch: () => new Response(t) };";
        project.write(&format!("agents/a{agent}/worker.js"), text);
        project.write(&format!("agents/a{agent}/x.txt"), "harmless");
        let link = project.path().join(format!("agents/a{agent}/.y"));
        std::os::unix::fs::symlink(project.path().join(".dev.vars"), link).unwrap();
    }
    let server = project.serve(&[]);
    // Each is read once, while its files change places.
    let asked = AtomicUsize::new(0);
    let bodies: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            let until = Instant::now() + Duration::from_mins(1);
            while Instant::now() < until {
                let agent = asked.load(Ordering::Relaxed);
                if agent == AGENTS {
                    break;
                }
                let folder = project.path().join(format!("agents/a{agent}"));
                for _ in 0..100 {
                    exchange(&folder.join("x.txt"), &folder.join(".y"));
                }
            }
        });
        let bodies = (0..AGENTS).map(|agent| {
            asked.store(agent, Ordering::Relaxed);
            let mut client = Client::new(&server.address, &format!("a{agent}.localhost"));
            client.get("/").unwrap().1
        });
        let bodies = bodies.collect();
        asked.store(AGENTS, Ordering::Relaxed);
        bodies
    });
    let count = |text: &str| bodies.iter().filter(|body| body.contains(text)).count();
    assert_eq!(count("owner-secret"), 0);
    assert!(count("harmless") > 0, "{}", server.log());
}

/// A wrangler file, and files of assets, that are filled up to what may be read of them.
#[test]
fn settings_without_a_number_hold_nobody_up() {
    fn filled(folder: &Path, head: &str, each: &dyn Fn(usize) -> String, tail: &str, most: usize) {
        let mut text = head.to_owned();
        for index in 0.. {
            let next = each(index);
            if text.len() + next.len() + tail.len() > most {
                break;
            }
            text.push_str(&next);
        }
        std::fs::write(folder.join("wrangler.jsonc"), text + tail).unwrap();
    }
    fn assets(folder: &Path, file: &str, line: &dyn Fn(usize) -> String) {
        let wrangler = r#"{ "main": "worker.js", "assets": { "directory": "public" } }"#;
        std::fs::write(folder.join("wrangler.json"), wrangler).unwrap();
        std::fs::create_dir(folder.join("public")).unwrap();
        let lines: String = (0..150_000).map(line).collect();
        std::fs::write(folder.join("public").join(file), &lines[..lines.len().min(4_000_000)]).unwrap();
    }
    const SMALL: usize = 250_000;
    const LARGE: usize = 4_000_000;
    const MAIN: &str = r#"{ "main": "worker.js""#;
    let agents: [Prepared; 9] = [
        ("fields", |folder| {
            filled(folder, MAIN, &|n| format!(",\n\"q{n}\":1"), "}", LARGE);
        }),
        ("fewer-fields", |folder| {
            filled(folder, MAIN, &|n| format!(",\n\"q{n}\":1"), "}", SMALL);
        }),
        ("flags", |folder| {
            let head = format!(r#"{MAIN}, "compatibility_flags": ["a""#);
            filled(folder, &head, &|n| format!(",\"f{n}\""), "]}", SMALL);
        }),
        ("loaders", |folder| {
            let head = format!(r#"{MAIN}, "worker_loaders": [{{ "binding": "A" }}"#);
            filled(folder, &head, &|n| format!(",{{\"binding\":\"L{n}\"}}"), "]}", SMALL);
        }),
        ("crons", |folder| {
            let head = format!(r#"{MAIN}, "triggers": {{ "crons": ["* * * * *""#);
            filled(folder, &head, &|_| ",\"* * * * *\"".to_owned(), "]}}", SMALL);
        }),
        ("nested", |folder| {
            let many = |n| {
                format!(
                    ",{{\"binding\":\"L{n}\",{}\"z\":1}}",
                    (0..100)
                        .map(|key| format!("\"k{key}\":1,"))
                        .collect::<Vec<_>>()
                        .concat()
                )
            };
            let head = format!(r#"{MAIN}, "worker_loaders": [{{ "binding": "A" }}"#);
            filled(folder, &head, &many, "]}", 100_000);
        }),
        ("ignored", |folder| {
            assets(folder, ".assetsignore", &|n| format!("**/a{n}*1/**/b*\n"));
        }),
        ("headers", |folder| {
            assets(folder, "_headers", &|n| format!("/a{n}\n  x-a: {n}\n"));
        }),
        ("redirects", |folder| {
            assets(folder, "_redirects", &|n| format!("/:a/{n} /b\n"));
        }),
    ];
    served(&agents, |name, status| {
        let serves = matches!(name, "nested" | "headers" | "redirects");
        assert_eq!(status, if serves { 200 } else { 503 }, "{name}");
    });
}

/// What one agent has read, however much and whether or not it waits, keeps no other from its first request.
#[test]
fn readings_of_one_agent_keep_no_other_waiting() {
    const MANY: &str = "
const modules = { 'main.js': \"import './m0.cjs'; export default { fetch: () => new Response('x') };\" };
for (let index = 0; index < 3000; index += 1) modules[`m${index}.cjs`] = `module.exports = require('./m${index + 1}.cjs')`;
modules['m3000.cjs'] = 'exports.a = 1';
export default {
  async fetch(request, env) {
    for (let index = 0; index < 15; index += 1) {
      const worker = env.LOADER.load({ compatibilityDate: '2026-08-04', mainModule: 'main.js', modules });
      worker.getEntrypoint().fetch('http://x/').catch(() => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
    return new Response('ok');
  },
};";
    let wrangler = r#"{ "main": "worker.js", "worker_loaders": [{ "binding": "LOADER" }] }"#;
    let project = Project::new(&[
        ("agents/many/worker.js", MANY),
        ("agents/many/wrangler.jsonc", wrangler),
        (
            "workerd-lite.toml",
            "agents_dir = \"agents/\"\n[limits]\ncpu_ms = 30000\n",
        ),
    ]);
    let cold: Vec<String> = (0..4).map(|number| format!("cold{number}")).collect();
    for name in &cold {
        project.write(&format!("agents/{name}/worker.js"), OK);
    }
    let server = project.serve(&[]);
    for _ in 0..3 {
        assert_eq!(ask(&server, "many").0, 200);
    }
    for name in &cold {
        let (status, took) = ask(&server, name);
        assert_eq!(status, 200, "{name}: {}", server.log());
        assert!(took < Duration::from_secs(8), "{name}: {took:?}");
    }
}

/// What was loaded, and has lost the event that wanted it before its turn came, is not read any more.
#[test]
fn what_nobody_waits_for_any_longer_is_not_read() {
    const LOADS: &str = "
const modules = { 'main.js': \"import './m0.cjs'; export default { fetch: () => new Response('x') };\" };
for (let index = 0; index < 3000; index += 1) modules[`m${index}.cjs`] = `module.exports = require('./m${index + 1}.cjs')`;
modules['m3000.cjs'] = 'exports.a = 1';
const load = (env) => env.LOADER.load({ compatibilityDate: '2026-08-04', mainModule: 'main.js', modules }).getEntrypoint();
const small = { compatibilityDate: '2026-08-04', mainModule: 'main.js', modules: { 'main.js': \"export default { fetch: () => new Response('small') };\" } };
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/small') return env.LOADER.load(small).getEntrypoint().fetch('http://x/');
    if (pathname === '/one') return load(env).fetch('http://x/').catch((error) => new Response(error.message));
    for (let index = 0; index < 15; index += 1) load(env).fetch('http://x/').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    return new Response('ok');
  },
};";
    let project = Project::new(&[
        ("worker.js", LOADS),
        (
            "workerd-lite.toml",
            "main = \"worker.js\"\nloaders = [\"LOADER\"]\n[limits]\ncpu_ms = 30000\nwall = \"60s\"\n",
        ),
    ]);
    let server = project.serve(&[]);
    let asked = |path| {
        let began = Instant::now();
        let answer = server.get(path);
        (answer.body, began.elapsed())
    };
    assert_eq!(asked("/small").0, "small");
    let (_, alone) = asked("/one");
    assert_eq!(asked("/").0, "ok");
    let (body, took) = asked("/small");
    assert_eq!(body, "small", "{}", server.log());
    // Fifteen would take fifteen times as long.
    assert!(
        took < alone * 5 + Duration::from_secs(1),
        "{took:?}, where one takes {alone:?}"
    );
}

/// The process that reads modules has no calls but those that it needs.
#[cfg(target_os = "linux")]
#[test]
fn the_process_that_reads_modules_has_a_filter_of_system_calls() {
    let project = Project::new(&[("agents/good/worker.js", OK)]);
    project.write("workerd-lite.toml", "threads = 1\nagents_dir = \"agents/\"\n");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "good").0, 200);
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.worker())).unwrap();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let children: String = children.map(|children| children + " ").collect();
    let process = children.split_whitespace().find(|process| {
        let line = std::fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        line.contains("--reads-modules")
    });
    let process = process.expect("a process that reads modules is kept");
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim).map(ToOwned::to_owned)
    };
    assert_eq!(field("Seccomp:").as_deref(), Some("2"), "{status}");
    assert_eq!(field("NoNewPrivs:").as_deref(), Some("1"), "{status}");
}

/// An agent of a folder has another told of its events only where the owner says so.
#[test]
fn who_is_told_of_a_folders_agents_says_the_owner() {
    const WATCHER: &str = "const all = []; export default { tail(events) { for (const { scriptName } of events) all.push(scriptName); }, fetch: () => Response.json(all) };";
    let settings = |tailed_by: &str| {
        format!(
            "threads = 1\nagents_dir = \"agents/\"\n[[agents]]\nname = \"watcher\"\nmain = \"watcher.js\"\nmatch = [\"watcher.localhost\"]\n{tailed_by}"
        )
    };
    let project = Project::new(&[("watcher.js", WATCHER)]);
    for name in ["lab-one", "other"] {
        project.write(&format!("agents/{name}/worker.js"), OK);
        project.write(
            &format!("agents/{name}/wrangler.json"),
            r#"{ "main": "worker.js", "tail_consumers": [{ "service": "watcher" }] }"#,
        );
    }
    project.write("workerd-lite.toml", &settings(""));
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "lab-one").0, 503);
    server.logged("whose section under [[agents]] has it in");
    drop(server);
    project.write("workerd-lite.toml", &settings("tailed_by = [\"lab-*\"]\n"));
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "lab-one").0, 200);
    assert_eq!(ask(&server, "other").0, 503);
    let mut told = String::new();
    for _ in 0..250 {
        told = Client::new(&server.address, "watcher.localhost").get("/").unwrap().1;
        if told != "[]" {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(told, r#"["lab-one"]"#);
}
