//! CPU time: who pays for what.

use std::time::{Duration, Instant};

use crate::harness::attacks::{Case, cases};
use crate::harness::otherwise_in_processes;
use crate::limits::{hostile, serve};

fn one(name: &str, code: &str) -> Vec<Case> {
    cases(&format!("[[case]]\nname = '{name}'\ncode = \"\"\"{code}\"\"\"\n"))
}

#[test]
fn what_waits_pays_nothing() {
    let code = "for (let i = 0; i < 300; i++) await scheduler.wait(1); return new Response('waited');";
    let (_project, server) = serve(&one("waits", code), "[agents.limits]\ncpu_ms = 20\n");
    assert_eq!(hostile(&server, "/waits"), (200, "waited".into()));
}

#[test]
fn what_computes_between_waits_pays_for_all_of_it() {
    let code = "for (;;) { let n = 0; while (n < 1e7) n++; await scheduler.wait(1); }";
    let (_project, server) = serve(&one("burns", code), "");
    assert_eq!(hostile(&server, "/").1, "ok 1");
    let began = Instant::now();
    let (status, body) = hostile(&server, "/burns");
    assert!(status == 503 && body.contains("CPU time"), "{status} {body}");
    assert!(began.elapsed() < Duration::from_secs(3));
    // The event was ended and its isolate goes on, in which it may work apart now.
    assert_eq!(hostile(&server, "/").0, 200);
    assert!(!server.log().contains("isolate was stopped"), "{}", server.log());
}

#[test]
fn short_turns_add_up() {
    for code in [
        "setInterval(() => { let n = 0; while (n < 3e5) n++; }, 1); await scheduler.wait(60_000);",
        "for (;;) { let n = 0; while (n < 3e5) n++; await scheduler.wait(1); }",
        "const b = new Uint8Array(1000); for (;;) await crypto.subtle.digest('SHA-256', b);",
    ] {
        let (_project, server) = serve(&one("burns", code), "");
        let (status, body) = hostile(&server, "/burns");
        assert!(status == 503 && body.contains("CPU time"), "{code}: {status} {body}");
    }
}

/// What others of its isolate compute meanwhile is theirs.
#[test]
fn what_waits_pays_nothing_for_others() {
    let mut all = one("waits", "await scheduler.wait(3000); return new Response('waited');");
    let code = "await scheduler.wait(1); let n = 0; while (n < 4e6) n++; return new Response('burnt');";
    all.extend(one("burns", code));
    let (_project, server) = serve(&all, "");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| hostile(&server, "/waits"));
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(2500) {
            assert_eq!(hostile(&server, "/burns"), (200, "burnt".into()));
        }
        assert_eq!(waits.join().unwrap(), (200, "waited".into()), "{}", server.log());
    });
}

/// Nobody waits for it, and nobody will.
#[test]
fn what_goes_on_after_its_event_is_stopped() {
    for code in [
        "(async () => { for (;;) await crypto.subtle.digest('SHA-256', new Uint8Array(100000)); })(); return new Response('x');",
        "const c = new MessageChannel(); c.port2.onmessage = () => c.port1.postMessage(1); c.port1.postMessage(1); return new Response('x');",
    ] {
        let (_project, server) = serve(&one("lingers", code), "");
        assert_eq!(hostile(&server, "/lingers"), (200, "x".into()));
        server.logged("its isolate was stopped");
        let before = server.cpu();
        std::thread::sleep(Duration::from_secs(1));
        let used = server.cpu().saturating_sub(before);
        assert!(used < Duration::from_millis(200), "{code}: {used:?}");
        assert_eq!(hostile(&server, "/").0, 200);
    }
}

/// It is not started again and again for that.
#[test]
fn what_computes_before_any_event_is_stopped_once() {
    if otherwise_in_processes("none is started before it is asked for") {
        return;
    }
    for code in [
        "(async () => { for (;;) await crypto.subtle.digest('SHA-256', new Uint8Array(100000)); })();",
        "crypto.subtle.digest('SHA-256', new Uint8Array(100000)).then(() => { for (;;); });",
    ] {
        let project = crate::harness::Project::new(&[(
            "agent.js",
            &format!("{code}\nexport default {{ fetch: () => new Response('x') }};"),
        )]);
        let server = project.serve(&["agent.js", "--threads", "1"]);
        server.logged("its isolate was stopped");
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(
            server.log().matches("its isolate was stopped").count(),
            1,
            "{}",
            server.log()
        );
        assert_eq!(server.get("/").body, "x");
    }
}

/// V8 loses the word of the watchdog where it is given while a module is imported.
#[test]
fn imports_without_end_cost_no_thread() {
    let code = "(async () => { for (;;) try { await import('x'); } catch {} })(); return new Response('x');";
    let (_project, server) = serve(&one("imports", code), "");
    for _ in 0..100 {
        hostile(&server, "/imports");
        assert_eq!(hostile(&server, "/").0, 200);
    }
    let log = server.log();
    // Apart from others, and where it shares its thread.
    assert!(
        !log.contains("thread is lost") && !log.contains("does not come back"),
        "{log}"
    );
}
