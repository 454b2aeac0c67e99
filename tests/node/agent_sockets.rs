//! `maxSockets` and `maxTotalSockets` of `http.Agent`.

use std::time::{Duration, Instant};

use crate::harness::{Project, json};

/// Tells how many requests were under way at once, by host.
const POLICY: &str = "
const now = {}, most = {};
export default { async fetch(request) {
  const { host, searchParams } = new URL(request.url);
  now[host] = (now[host] ?? 0) + 1;
  now.all = (now.all ?? 0) + 1;
  most[host] = Math.max(most[host] ?? 0, now[host]);
  most.all = Math.max(most.all ?? 0, now.all);
  await scheduler.wait(+(searchParams.get('ms') ?? 30));
  now[host]--;
  now.all--;
  if (searchParams.has('told')) return Response.json(most);
  return new Response('done');
} };";

const WORKER: &str = "
import http from 'node:http';
const two = new http.Agent({ maxSockets: 2 }), three = new http.Agent({ maxTotalSockets: 3 }), one = new http.Agent({ maxSockets: 1 });
const get = (agent, url) => new Promise((done, fail) => http.get(url, { agent }, (response) => {
  let text = '';
  response.setEncoding('utf8').on('data', (more) => (text += more)).on('end', () => done(text));
}).on('error', fail));
const told = async () => (await fetch('http://told.test/?ms=0&told')).json();
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case '/two': {
      const done = await Promise.all(Array.from({ length: 6 }, () => get(two, 'http://two.test/')));
      return Response.json([done.length, (await told())['two.test'], Object.keys(two.requests), Object.keys(two.sockets)]);
    }
    case '/three': {
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => get(three, `http://${name}.three.test/`)));
      return Response.json((await told()).all);
    }
    case '/aborted': {
      const first = get(one, 'http://one.test/?ms=100');
      const queued = http.get('http://one.test/', { agent: one });
      const failed = new Promise((done) => queued.on('error', (error) => done(error.code)));
      const third = get(one, 'http://one.test/');
      queued.destroy();
      return Response.json([await failed, await first, await third]);
    }
    // It ends with a request under way and one that waits.
    case '/leaves': get(one, 'http://one.test/?ms=3000').catch(() => {}); get(one, 'http://one.test/').catch(() => {}); return new Response('left');
    case '/slow': return new Response(await get(one, 'http://one.test/?ms=1500'));
    default: return new Response(await get(one, 'http://one.test/'));
  }
} };";

#[test]
fn an_agents_limits_are_those_of_each_event() {
    let project = Project::new(&[("agent.js", WORKER), ("policy.js", POLICY)]);
    let server = project.serve(&["agent.js", "--outbound", "policy.js", "--threads", "1"]);
    let told = |path: &str| json(&server.get(path).body);
    assert_eq!(told("/two"), serde_json::json!([6, 2, [], []]));
    assert_eq!(told("/three"), 3);
    assert_eq!(told("/aborted"), serde_json::json!(["ECONNRESET", "done", "done"]));
    assert_eq!(server.get("/leaves").body, "left");
    // Another event waits for none of theirs.
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| server.get("/slow").body);
        std::thread::sleep(Duration::from_millis(200));
        let began = Instant::now();
        assert_eq!(server.get("/").body, "done");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(slow.join().unwrap(), "done");
    });
}
