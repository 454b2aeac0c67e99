//! Nothing of the owner's is in the memory of an agents' process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::{ask, processes, project};
use crate::harness::{peers::skip, plain};

/// Whether a process's memory holds these bytes. Nothing where it may not be read.
fn holds(process: u32, needle: &[u8]) -> Option<bool> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let mut pages = vec![0; 1 << 20];
    let pagemap = File::open(format!("/proc/{process}/pagemap")).ok()?;
    for line in maps
        .lines()
        .filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")))
    {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let (mut at, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        while at < to {
            let size = usize::try_from((to - at).min(pages.len() as u64)).ok()?;
            // Most of what V8 has reserved was never touched.
            let mut entries = vec![0; size / 4096 * 8];
            pagemap.read_exact_at(&mut entries, at / 4096 * 8).ok()?;
            if entries.chunks(8).any(|entry| entry[7] & 0xc0 != 0)
                && memory.read_exact_at(&mut pages[..size], at).is_ok()
                && pages[..size].windows(needle.len()).any(|window| window == needle)
            {
                return Some(true);
            }
            at += size as u64;
        }
    }
    Some(false)
}

#[test]
fn an_agents_process_has_never_seen_a_secret() {
    let upstream = plain();
    let project = project(upstream.address.port(), "");
    project.write(
        "agent.js",
        &format!(
            "let mine = 'canary-of-the-' + 'agents-own'; export default {{ async fetch() {{ const asked = await fetch('http://127.0.0.1:{}/', \
             {{ method: 'POST', body: mine }}); return new Response(await asked.text()); }} }};",
            upstream.address.port()
        ),
    );
    // The upstream answers with all that it was sent.
    project.write(
        "policy.js",
        "export default { async fetch(request, env) { const answer = await env.KEY.fetch(request); const seen = await answer.text(); \
         return new Response(String(seen.includes('Bearer canary'))); } };",
    );
    let server = project.serve(&[]);
    for _ in 0..30 {
        assert_eq!(ask(&server, "d", "/", &[]), (200, "true".into()));
    }
    let (_, inside) = processes(&server)[0];
    let Some(own) = holds(inside, b"canary-of-the-agents-own") else {
        return skip("the canary in a process's memory", "only root reads it");
    };
    assert!(own, "what is there is found");
    assert_eq!(holds(inside, b"canary-5f1d-the-owners"), Some(false));
    assert_eq!(holds(server.worker(), b"canary-5f1d-the-owners"), Some(true));
}
