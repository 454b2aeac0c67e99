//! Agents of a folder have a process each, of which there are so many: the one that has had nothing to do for longest makes room.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::processes;
use crate::harness::{Project, Server};

const AGENT: &str = "export default { async fetch(request) { if (request.url.endsWith('/slow')) await scheduler.wait(1200); return new Response('NAME'); } };";

fn serve(agents: usize) -> (Project, Server) {
    let project = Project::new(&[(
        "workerd-lite.toml",
        "agents_dir = 'agents'\nmatch_header = 'x-agent'\nthreads = 1\n[isolation]\nagents = 'process'\nprocesses = 3\n",
    )]);
    for number in 0..agents {
        let name = format!("a{number}");
        project.write(&format!("agents/{name}/worker.js"), &AGENT.replace("NAME", &name));
    }
    let server = project.serve(&[]);
    (project, server)
}

fn ask(server: &Server, agent: usize, path: &str) -> (u16, String) {
    let answer = server.curl(path, &["-H", &format!("x-agent: a{agent}"), "-m", "10"]);
    (answer.status, answer.body)
}

fn is(server: &Server, agent: usize, path: &str) {
    assert_eq!(ask(server, agent, path), (200, format!("a{agent}")), "{}", server.log());
}

/// The process that this agent has now, which is the only one that was not there before.
fn of_new(server: &Server, agent: usize, known: &[(u32, u32)]) -> (u32, u32) {
    is(server, agent, "/");
    let new: Vec<_> = processes(server)
        .into_iter()
        .filter(|process| !known.contains(process))
        .collect();
    assert_eq!(new.len(), 1, "a{agent} has a process of its own: {new:?}");
    new[0]
}

/// Waits until these are the processes that there are.
fn are(server: &Server, mut expected: Vec<(u32, u32)>, why: &str) {
    expected.sort_unstable();
    let began = Instant::now();
    loop {
        let mut there = processes(server);
        there.sort_unstable();
        if there == expected {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{why}: {there:?}, not {expected:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_has_idled_for_longest_makes_room() {
    let (_project, server) = serve(5);
    let mut of = Vec::new();
    for agent in 0..3 {
        of.push(of_new(&server, agent, &of));
        std::thread::sleep(Duration::from_millis(20));
    }
    // Used once more, the first is no longer the one.
    is(&server, 0, "/");
    std::thread::sleep(Duration::from_millis(20));
    of.push(of_new(&server, 3, &of));
    are(&server, vec![of[0], of[2], of[3]], "the second made room");
    of.push(of_new(&server, 4, &of));
    are(&server, vec![of[0], of[3], of[4]], "then the third");
    // It is served anew, and who was there longest without a request goes.
    let again = of_new(&server, 1, &of);
    are(&server, vec![of[3], of[4], again], "then the first");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn who_has_something_to_do_keeps_its_process() {
    let (_project, server) = serve(5);
    for agent in 0..3 {
        is(&server, agent, "/");
    }
    let busy = processes(&server);
    std::thread::scope(|scope| {
        let server = &server;
        let slow: Vec<_> = (0..3)
            .map(|agent| scope.spawn(move || ask(server, agent, "/slow")))
            .collect();
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(ask(server, 3, "/").0, 503);
        server.logged("3 processes for agents of `agents_dir` are busy: see isolation.processes");
        for (agent, slow) in slow.into_iter().enumerate() {
            assert_eq!(slow.join().unwrap(), (200, format!("a{agent}")), "{}", server.log());
        }
    });
    let mut there = processes(&server);
    there.retain(|process| busy.contains(process));
    assert_eq!(there.len(), 3, "none of them went");
    is(&server, 3, "/");
}

#[test]
fn processes_that_make_room_are_gone_soon() {
    let (_project, server) = serve(24);
    let mut most = 0;
    for round in 0..2 {
        for agent in 0..24 {
            is(&server, agent, "/");
            let there = processes(&server).len();
            most = most.max(there);
            assert!(there >= 1, "{round} {agent}");
        }
    }
    // One that leaves takes as long as it takes to end.
    assert!(most <= 5, "{most} at once");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

/// Processes of tenants make room for each other as well, where there are file descriptors for no more: clients need some too.
#[test]
fn processes_take_no_more_descriptors_than_a_part() {
    let project = Project::new(&[(
        "agent.js",
        "export default { fetch: (_, env) => new Response(env.NAME) };",
    )]);
    let mut text = String::from("threads = 1\n[isolation]\nagents = 'process'\n");
    for number in 0..16 {
        let _ = write!(
            text,
            "[[agents]]\nname = 'a{number}'\ntenant = 't{number}'\nmain = 'agent.js'\nmatch = ['a{number}.localhost']\nvars = {{ NAME = 'a{number}' }}\n"
        );
    }
    project.write("workerd-lite.toml", &text);
    let server = project.serve_with_files(300);
    let mut most = 0;
    for number in (0..16).chain(0..16) {
        let expected = (200, format!("a{number}"));
        assert_eq!(
            super::ask(&server, &format!("a{number}"), "/", &[]),
            expected,
            "{}",
            server.log()
        );
        most = most.max(processes(&server).len());
    }
    // A third of those that are not for other things, at 9 each, and what leaves.
    assert!((8..=11).contains(&most), "{most} at once");
    // Nothing is left of those that are gone: 16 that were started twice would have all there are.
    let open = server.open_files();
    assert!(open < 170, "{open} descriptors");
    let errors = server.log().matches("ERROR").count();
    assert_eq!(errors, 0, "{}", server.log());
}
