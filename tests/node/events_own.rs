//! What the host keeps for an event is that event's, where scripts hold or guess its name in another: timers, marks, observers.

use std::time::Duration;

use crate::harness::{Project, json};

const LIMITS: &str = "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 5000\nstartup_cpu_ms = 5000\n";

/// A number is a timer's within its event: other events, and what the host itself times, go on.
#[test]
fn no_event_clears_timers_of_another_by_their_numbers() {
    let worker = "
let kept;
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/wait') {
    let fired = 0;
    setTimeout(() => fired++, 300);
    +setTimeout(() => fired++, 300);
    setInterval(() => fired++, 300);
    kept = setTimeout(() => fired++, 300);
    const aborted = AbortSignal.timeout(350);
    await scheduler.wait(500);
    return Response.json([fired, aborted.aborted]);
  }
  const own = setTimeout(() => {}, 1e6);
  for (let i = -10; i < 3000; i++) for (const clear of [clearTimeout, clearInterval, (n) => clearTimeout(String(n)), globalThis.clearImmediate ?? clearTimeout]) clear(i);
  // Who has the object has the timer.
  if (pathname === '/object') clearTimeout(kept);
  let ran = false;
  const mine = setTimeout(() => { ran = true; }, 20);
  clearTimeout(typeof mine === 'number' ? mine : +mine);
  await scheduler.wait(60);
  return Response.json([ran, own._destroyed ?? null]);
} };";
    // Without Node's globals a timer is a number, and nobody else's.
    for (flags, by_object) in [("", 3), ("compatibility_flags = ['no_nodejs_compat']\n", 4)] {
        let project = Project::new(&[("worker.js", worker)]);
        let wrangler = format!("name = 'worker'\nmain = 'worker.js'\ncompatibility_date = '2026-08-04'\n{flags}");
        project.write("wrangler.toml", &wrangler);
        let server = project.serve(&["--threads", "1"]);
        for (path, fired) in [("/clear", 4), ("/object", by_object)] {
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| server.get("/wait"));
                std::thread::sleep(Duration::from_millis(100));
                let answer = json(&server.get(path).body);
                assert_eq!(answer[0], false, "{answer}");
                let seen = json(&waiting.join().unwrap().body);
                assert_eq!(
                    (&seen[0], &seen[1]),
                    (&fired.into(), &true.into()),
                    "{flags} {path}: {seen}"
                );
            });
        }
    }
}

/// Marks and measures are their event's, and so is who observes them; those of the global scope are everybody's.
#[test]
fn marks_and_observers_end_with_their_event() {
    let worker = "
performance.mark('boot');
const told = [];
new PerformanceObserver((list) => { for (const entry of list.getEntries()) told.push(entry.name); }).observe({ entryTypes: ['mark'] });
let calls = 0;
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  const names = () => performance.getEntries().map(({ name }) => name);
  const before = names();
  new PerformanceObserver((list) => { calls += list.getEntries().length; }).observe({ type: 'mark', buffered: pathname === '/buffered' });
  performance.mark(`of ${pathname}`, { detail: pathname });
  performance.measure('since boot', 'boot');
  let missed;
  try { performance.measure('x', 'of /one'); } catch (error) { missed = error.name; }
  const during = names();
  performance.clearMarks(pathname === '/one' ? undefined : `of ${pathname}`);
  await scheduler.wait(1);
  return Response.json({ before, during, after: names(), missed: pathname === '/one' ? null : missed, told: told.splice(0), calls });
} };";
    let project = Project::new(&[("worker.js", worker), ("workerd-lite.toml", LIMITS)]);
    let server = project.serve(&[]);
    let mut calls = 0;
    for path in ["/one", "/two", "/two", "/buffered"] {
        calls += if path == "/buffered" { 2 } else { 1 };
        let seen = json(&server.get(path).body);
        let own = format!("of {path}");
        let mut during = vec!["boot", &own, "since boot"];
        let mut after = vec!["boot", "since boot"];
        if path == "/one" {
            during.push("x");
            after.push("x");
        }
        assert_eq!(seen["before"], serde_json::json!(["boot"]), "{path}: {seen}");
        assert_eq!(seen["during"], serde_json::json!(during), "{path}: {seen}");
        assert_eq!(seen["after"], serde_json::json!(after), "{path}: {seen}");
        let missed = (path != "/one").then_some("SyntaxError");
        assert_eq!(seen["missed"], serde_json::json!(missed), "{path}: {seen}");
        assert_eq!(seen["told"], serde_json::json!([own]), "{path}: {seen}");
        assert_eq!(seen["calls"], calls, "{path}: {seen}");
    }
}
