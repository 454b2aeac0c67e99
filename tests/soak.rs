//! Memory over many requests, with isolates that are stopped and replaced meanwhile. `make soak` makes a million; here it is
//! fewer, and a leak of a kilobyte in each would still show.

use std::time::Instant;

use crate::harness::Project;
use crate::harness::http::Client;

const AGENT: &str = "
export default { async fetch(request) {
  const response = await fetch('http://a.test/', { method: 'POST', body: 'x'.repeat(500), headers: { 'x-a': 'b' } });
  return new Response(await response.text());
} };";

const HOSTILE: &str = "
const kept = [];
export default { fetch(request) {
  if (request.url.endsWith('/loop')) for (;;);
  if (request.url.endsWith('/heap')) for (;;) kept.push({ a: kept.length });
  kept.push(new Uint8Array(1 << 20).fill(1));
  return new Response('kept');
} };";

#[test]
fn memory_stays_flat() {
    let requests: u32 = std::env::var("SOAK_REQUESTS").map_or(120_000, |value| value.parse().unwrap());
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("hostile.js", HOSTILE),
        (
            "policy.js",
            "export default { fetch: (request) => new Response(request.body) };",
        ),
        (
            "workerd-lite.toml",
            "threads = 2\n[outbound]\nmain = 'policy.js'\n[[agents]]\nname = 'good'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\n\
             [[agents]]\nname = 'hostile'\nmain = 'hostile.js'\nmatch = ['hostile.localhost']\n[agents.limits]\ncpu_ms = 10\nmemory_mb = 32\n",
        ),
    ]);
    let server = project.serve(&[]);
    let began = Instant::now();
    let parts = 20;
    let mut memory = Vec::new();
    for part in 0..parts {
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let address = server.address.clone();
                scope.spawn(move || {
                    let mut good = Client::new(&address, "127.0.0.1");
                    let mut hostile = Client::new(&address, "hostile.localhost");
                    for number in 0..requests / parts / 4 {
                        let (status, body) = good.get("/").unwrap();
                        assert_eq!((status, body.len()), (200, 500));
                        if number % 250 == 0 {
                            let path = ["/loop", "/", "/heap"][(number / 250 + worker) as usize % 3];
                            let (status, _) = hostile.get(path).unwrap();
                            assert!(matches!(status, 200 | 503), "{status}");
                        }
                    }
                });
            }
        });
        memory.push(server.memory("VmRSS"));
        eprintln!(
            "{} requests: {} MiB resident",
            requests / parts * (part + 1),
            memory[part as usize]
        );
    }
    eprintln!("{requests} requests in {:?}", began.elapsed());
    // What is kept is filled after the first 10⁵, or half of them.
    let (first, allowed) = if requests >= 1_000_000 { (1, 5) } else { (9, 15) };
    let filled = memory[first];
    let most = memory[first..].iter().copied().max().unwrap();
    assert!(most <= filled + filled * allowed / 100, "{memory:?}");
}
