//! The network behind the policy: addresses are judged as what is dialled.

use crate::harness::{Project, plain};

fn project(network: &str) -> Project {
    Project::new(&[
        (
            "agent.js",
            "export default { async fetch(request) { try { return await fetch(new URL(request.url).searchParams.get('to')); } \
             catch (error) { return new Response(error.message, { status: 599 }); } } };",
        ),
        (
            "outbound.js",
            "export default { async fetch(request) { if (request.url.startsWith('http://virtual/')) return new Response('virtual'); \
             try { return await fetch(request); } catch (error) { return new Response(error.message, { status: 598 }); } } };",
        ),
        (
            "workerd-lite.toml",
            &format!("[outbound]\nmain = 'outbound.js'\n[network]\n{network}\n"),
        ),
    ])
}

#[test]
fn every_notation_of_this_machine_is_denied_by_default() {
    let partner = plain();
    let port = partner.address.port();
    let server = project("").serve(&["agent.js"]);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "localhost.",
        "a.LOCALHOST",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "%31%32%37.0.0.1",
        "1\u{ff12}7.0.0.1",
    ] {
        let answer = server.curl("/", &["-G", "--data-urlencode", &format!("to=http://{host}:{port}/")]);
        assert_eq!(answer.status, 598, "{host}: {}", answer.body);
        assert!(answer.body.contains("network rules deny"), "{host}: {}", answer.body);
    }
    assert_eq!(partner.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
    // A policy may answer by itself for whatever it likes.
    assert_eq!(server.get("/?to=http://virtual/").body, "virtual");
}

#[test]
fn rules_open_what_they_name() {
    let partner = plain();
    let server = project("allow = ['local']\ndeny = ['127.0.0.2']").serve(&["agent.js"]);
    let ask = |host: &str| {
        server
            .get(&format!("/?to=http://{host}:{}/", partner.address.port()))
            .status
    };
    assert_eq!(ask("127.0.0.1"), 200);
    assert_eq!(ask("partner.localhost"), 200);
    assert_eq!(ask("127.0.0.2"), 598);
    assert_eq!(ask("192.168.1.1"), 598);
}

#[test]
fn connections_are_reused() {
    let partner = plain();
    let project = project("allow = ['local']");
    let server = project.serve(&["agent.js", "--threads", "1"]);
    for _ in 0..20 {
        assert_eq!(server.get(&format!("/?to={}", partner.url("http", "/"))).status, 200);
    }
    assert_eq!(partner.open.load(std::sync::atomic::Ordering::SeqCst), 1);
}
