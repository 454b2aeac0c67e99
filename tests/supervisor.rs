//! Worker processes that end are replaced, and no connection is refused meanwhile.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Project, Server, otherwise_in_processes};

const AGENT: &str = "
export default { fetch(request) {
  if (request.url.endsWith('/crash')) ('x'.repeat(2 ** 29 - 30)).split('');
  return new Response('here');
} };";

const GOOD: &str = "export default { fetch: () => new Response('good') };";

#[test]
fn a_fatal_error_of_v8_costs_only_the_requests_under_way() {
    if otherwise_in_processes("the process that ends is theirs") {
        return;
    }
    let project = Project::new(&[("agent.js", AGENT), ("good.js", GOOD)]);
    project.write(
        "workerd-lite.toml",
        "[[agents]]\nname = 'hostile'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n\
         [agents.limits]\ncpu_ms = 10000\n\
         [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n",
    );
    let mut server = project.serve(&["--threads", "1"]);
    for _ in 0..2 {
        let before = server.worker();
        let crash = server.curl("/crash", &["-H", "Host: hostile.localhost"]);
        // It may be told that its memory is at an end before V8 ends the process for that.
        assert!(matches!(crash.status, 0 | 503), "{} {}", crash.body, server.log());
        let began = Instant::now();
        while server.worker() == before {
            assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        assert_eq!(server.get("/").body, "good");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    server.logged("another takes its place");
    server.logged("running=\"hostile\"");
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
}

#[test]
fn a_killed_worker_process_is_replaced_and_no_connection_is_refused() {
    let project = Project::new(&[("agent.js", GOOD)]);
    let server = project.serve(&["agent.js"]);
    let killed = server.worker();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let began = Instant::now();
            let mut failed = 0;
            while began.elapsed() < Duration::from_secs(2) {
                // curl's exit codes: 7 refused, 52 and 56 a connection that ended.
                let output = Command::new("curl")
                    .args(["-sS", "-m", "5", &format!("http://{}/", server.address)])
                    .output()
                    .unwrap();
                assert!(matches!(output.status.code(), Some(0 | 52 | 56)), "{output:?}");
                failed += u32::from(!output.status.success());
            }
            failed
        });
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(server.kill_worker(), killed);
        let failed = asking.join().unwrap();
        assert!(failed <= 1, "{failed} requests were lost");
    });
    assert_ne!(server.worker(), killed);
}

#[test]
fn the_worker_process_goes_with_its_supervisor() {
    let project = Project::new(&[("agent.js", GOOD)]);
    let mut server = project.serve(&["agent.js"]);
    let worker = server.worker();
    server.signal("KILL");
    server.wait(Duration::from_secs(5));
    let began = Instant::now();
    let stat = format!("/proc/{worker}/stat");
    // Whoever adopts it may leave it a zombie.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(began.elapsed() < Duration::from_secs(5), "it is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_crash_at_the_start_is_reported_and_not_repeated() {
    let project = Project::new(&[("agent.js", "'x'.repeat(2 ** 29 - 30).split('');\nexport default {};\n")]);
    project.write("workerd-lite.toml", "[limits]\nstartup_cpu_ms = 10000\n");
    let text = project.refused(&["agent.js"]);
    assert!(text.contains("before it served anything"), "{text}");
    assert!(text.contains("It ran agent."), "{text}");
}

#[test]
fn the_flag_of_worker_processes_is_not_for_others() {
    let project = Project::new(&[("agent.js", GOOD)]);
    let text = project.refused(&["agent.js", "--supervised"]);
    assert!(text.contains("no supervisor is there"), "{text}");
}

/// Kills the worker process, and waits for the next to answer.
fn replaced(server: &Server) {
    server.replace_worker();
    let began = Instant::now();
    while server.get("/").status == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_process_that_is_replaced_while_a_file_is_broken_costs_nobody_else() {
    let project = Project::new(&[("a.js", GOOD), ("b.js", GOOD)]);
    let config = "[[agents]]\nname = 'a'\nmain = 'a.js'\nmatch = ['a.localhost']\n\
                  [[agents]]\nname = 'b'\nmain = 'b.js'\nmatch = ['127.0.0.1']\n";
    project.write("workerd-lite.toml", config);
    let server = project.serve(&["--threads", "1"]);
    let of = |host: &str| server.curl("/", &["-H", &format!("Host: {host}")]);
    project.write("a.js", "let 1 = 2;\n");
    server.signal("HUP");
    server.logged("the old one stays");
    assert_eq!((of("a.localhost").status, server.get("/").status), (200, 200));
    // The one that takes its place has nothing old.
    replaced(&server);
    server.logged("the agent can not be loaded, and answers 503 until it can: a.js is not valid JavaScript");
    let broken = of("a.localhost");
    assert_eq!((broken.status, broken.body.trim()), (503, "Service Unavailable"));
    assert_eq!(server.get("/").body, "good");
    project.write("a.js", GOOD);
    server.signal("HUP");
    server.logged("the project was loaded anew");
    assert_eq!(of("a.localhost").body, "good");
    // Nothing can be said of agents where their list can not be read.
    project.write("workerd-lite.toml", "[[agents]\n");
    replaced(&server);
    server.logged("everything is answered with 503");
    let broken = server.get("/");
    assert_eq!((broken.status, broken.body.trim()), (503, "Service Unavailable"));
    project.write("workerd-lite.toml", config);
    let began = Instant::now();
    while server.get("/").body != "good" {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}
