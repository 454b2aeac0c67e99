//! Upstreams that are in order, and others: what an agent hears of them, and what they hear of it.

use crate::harness::certs::Certs;
use crate::harness::websockets::Peer;
use crate::harness::{CONFIG, Project, Server, records};
use crate::websockets::{BETWEEN, OPENS, PASSES};

fn serve(policy: &str, more: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", OPENS), ("policy.js", policy)]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\n{more}\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

fn ask(server: &Server, to: &str, more: &str) -> Vec<String> {
    let to: String = url::form_urlencoded(to);
    let said = server.ok(&format!("/?to={to}{more}"));
    serde_json::from_str(&said).unwrap()
}

mod url {
    pub fn form_urlencoded(text: &str) -> String {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }
}

#[test]
fn a_socket_passes_the_policy_both_ways_and_is_recorded_at_its_close() {
    let peer = Peer::start(None);
    let port = peer.port();
    for (policy, text) in [(PASSES, "text \u{e9}"), (BETWEEN, "[text \u{e9}]")] {
        let (project, server) = serve(policy, "");
        let said = ask(
            &server,
            &format!("ws://localhost:{port}/echo"),
            "&protocol=chat&protocol=more",
        );
        assert_eq!(
            said,
            ["open chat", text, "bytes 70000", "close 3000 done true 3"],
            "{}",
            server.log()
        );
        let head = peer.last_head();
        assert!(
            head.contains("sec-websocket-protocol: chat, more\r\n") && !head.contains("extensions"),
            "{head}"
        );
        let said = ask(&server, &format!("http://localhost:{port}/echo"), "&do=fetches");
        let text = text.replace("text \u{e9}", "fetched");
        assert_eq!(
            said,
            ["status 101 chat null", &*text, "close 1000 enough true 3"],
            "{}",
            server.log()
        );
        let said = ask(&server, &format!("ws://localhost:{port}/closes"), "&hangs");
        assert_eq!(said, ["open ", "close 3001 bye true 3"]);
        let records = records(&project, 3);
        for (record, (sent, received, code)) in records.iter().zip([(2, 2, 3000), (1, 1, 1000), (0, 0, 3001)]) {
            assert_eq!(record["kind"], "websocket", "{record}");
            assert_eq!(
                (&record["status"], &record["verdict"]),
                (&101.into(), &"allow".into()),
                "{record}"
            );
            let expected = serde_json::json!({ "sent": sent, "received": received, "code": code });
            assert_eq!(record["websocket"], expected, "{record}");
        }
        assert!(records[0]["bytes_sent"].as_u64() > Some(70000), "{}", records[0]);
    }
}

#[test]
fn the_handshake_has_the_certificate_and_speaks_http_1() {
    let project = Project::new(&[("agent.js", OPENS)]);
    let certs = Certs::make(&project.path().join("certs"));
    let peer = Peer::start(Some(&certs.folder));
    project.write(
        "outbound.js",
        "export default { fetch: (request, env) => env.PARTNER.fetch(request) };",
    );
    project.write("workerd-lite.toml", CONFIG);
    project.write(".dev.vars", "PARTNER_TOKEN=canary-5f1d\n");
    let server = project.serve(&["agent.js"]);
    let said = ask(&server, &format!("wss://partner.localhost:{}/echo", peer.port()), "");
    assert_eq!(
        said,
        ["open ", "text \u{e9}", "bytes 70000", "close 3000 done true 3"],
        "{}",
        server.log()
    );
    let head = peer.last_head();
    assert!(head.starts_with("alpn http/1.1 certificate true\n"), "{head}");
}

#[test]
fn what_an_upstream_does_wrong_is_told_in_words() {
    let peer = Peer::start(None);
    let (_project, server) = serve(
        "export default { async fetch(request) { try { return await fetch(request); } catch (error) { return new Response(error.message, { status: 598 }); } } };",
        "",
    );
    let open = |path: &str| ask(&server, &format!("ws://localhost:{}{path}", peer.port()), "&hangs").join("\n");
    // The handshake: the agent hears what the policy answers, and nothing opens.
    for path in ["/accept", "/h2c", "/extension", "/protocol"] {
        let said = open(path);
        assert_eq!(
            said, "error the answer to the WebSocket's handshake has the status 598, and not 101\nclose 1006  false 3",
            "{path}"
        );
        let said = ask(
            &server,
            &format!("http://localhost:{}{path}", peer.port()),
            "&do=fetches",
        )
        .join("\n");
        assert!(
            said.starts_with("status 598") && said.contains("opens no WebSocket"),
            "{path}: {said}"
        );
    }
    assert!(open("/forbidden").starts_with("error the answer to the WebSocket's handshake has the status 403"));
    let said = ask(
        &server,
        &format!("http://localhost:{}/forbidden", peer.port()),
        "&do=fetches",
    );
    assert_eq!(said, ["status 403 no"]);
    // What follows it, and the code by which the upstream is told.
    for (path, words, code) in [
        ("/masked", "breaks the protocol", Some(1002)),
        ("/utf8", "not UTF-8", Some(1007)),
        ("/reserved", "breaks the protocol", Some(1002)),
        ("/opcode", "breaks the protocol", Some(1002)),
        ("/control", "breaks the protocol", Some(1002)),
        ("/continues", "breaks the protocol", Some(1002)),
        ("/code", "breaks the protocol", Some(1002)),
        ("/no-code", "breaks the protocol", Some(1002)),
        ("/huge", "larger than 1048576 bytes", Some(1009)),
        ("/endless", "larger than 1048576 bytes", Some(1009)),
        ("/pings", "too many pings", Some(1008)),
    ] {
        let before = peer.closes.lock().unwrap().len();
        let said = open(path);
        assert!(
            said.starts_with("open \nerror ") && said.contains(words),
            "{path}: {said}"
        );
        assert!(said.ends_with("\nclose 1006  false 3"), "{path}: {said}");
        let began = std::time::Instant::now();
        while peer.closes.lock().unwrap().len() == before && began.elapsed().as_secs() < 6 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(peer.closes.lock().unwrap().last(), Some(&code), "{path}");
    }
    for path in ["/drops", "/cut"] {
        let said = open(path);
        assert!(
            said.starts_with("open \nerror ") && said.ends_with("\nclose 1006  false 3"),
            "{path}: {said}"
        );
    }
}

#[test]
fn fields_of_the_connection_are_the_connections() {
    let peer = Peer::start(None);
    let (_project, server) = serve(PASSES, "");
    let headers = r#"{"Connection":"keep-alive, x-evil, Upgrade","X-Evil":"1","Sec-WebSocket-Key":"AAAAAAAAAAAAAAAAAAAAAA==","Sec-WebSocket-Version":"8","Sec-WebSocket-Extensions":"permessage-deflate","Sec-WebSocket-Accept":"x","HTTP2-Settings":"x","Host":"evil.test"}"#;
    let more = format!("&do=fetches&headers={}", url::form_urlencoded(headers));
    let said = ask(&server, &format!("http://localhost:{}/echo", peer.port()), &more);
    assert_eq!(said[1], "fetched", "{said:?}");
    let head = peer.last_head();
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-version: 13\r\n",
    ] {
        assert_eq!(head.matches(line).count(), 1, "{head}");
    }
    for word in ["evil", "aaaaaaaa", "deflate", "http2-settings", "sec-websocket-accept"] {
        assert!(!head.contains(word), "{word}: {head}");
    }
    for (headers, words) in [
        (r#"{"Upgrade":"h2c"}"#, "no upgrade but one to \"websocket\""),
        (r#"{"Upgrade":"websocket, h2c"}"#, "no upgrade but one to \"websocket\""),
    ] {
        let more = format!("&do=fetches&headers={}", url::form_urlencoded(headers));
        let said = ask(&server, &format!("http://localhost:{}/echo", peer.port()), &more);
        assert!(said[0].contains(words), "{said:?}");
    }
}

#[test]
fn rules_say_where_sockets_may_go() {
    let peer = Peer::start(None);
    let to = format!("ws://localhost:{}/echo", peer.port());
    let outbound = |more: &str| format!("egress = [{{ hosts = ['localhost'], {more} }}]");
    for (rule, opens) in [
        ("websocket = true", true),
        ("websocket = false", false),
        ("methods = ['GET']", false),
        ("methods = ['GET'], websocket = true", true),
        ("paths = ['/other']", false),
        ("paths = ['/echo']", true),
    ] {
        let (project, server) = serve(PASSES, &outbound(rule));
        let before = peer.heads.lock().unwrap().len();
        let said = ask(&server, &to, "");
        assert_eq!(said[0].starts_with("open"), opens, "{rule}: {said:?}");
        assert_eq!(peer.heads.lock().unwrap().len() - before, usize::from(opens), "{rule}");
        if !opens {
            let record = &records(&project, 1)[0];
            assert_eq!(
                (&record["verdict"], &record["by"]),
                (&"deny".into(), &"rule".into()),
                "{record}"
            );
        }
    }
    // The agent's own rules, and a policy that denies.
    let project = Project::new(&[("agent.js", OPENS), ("policy.js", PASSES)]);
    project.write(
        "workerd-lite.toml",
        "threads = 1\n[[agents]]\nname = 'a'\nmain = 'agent.js'\negress = [{ hosts = ['*'], websocket = false }]\n[outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n",
    );
    let server = project.serve(&[]);
    let before = peer.heads.lock().unwrap().len();
    let said = ask(&server, &to.replace("ws:", "http:"), "&do=fetches");
    assert!(
        said[0].contains("No WebSocket is allowed to the host localhost"),
        "{said:?}"
    );
    let (_project, server) = serve(
        "export default { fetch: () => new Response('no', { status: 403 }) };",
        "",
    );
    assert_eq!(
        ask(&server, &to.replace("ws:", "http:"), "&do=fetches"),
        ["status 403 no"]
    );
    let (_project, server) = serve("export default { fetch() { throw new Error('secret'); } };", "");
    let said = ask(&server, &to, "");
    assert_eq!(said, ["error fetch failed", "close 1006  false 3"]);
    assert_eq!(peer.heads.lock().unwrap().len(), before);
}

#[test]
fn a_redirect_of_a_handshake_is_judged_anew_or_fails() {
    let peer = Peer::start(None);
    let port = peer.port();
    let (_project, server) = serve(
        PASSES,
        "egress = [{ hosts = ['localhost'], paths = ['/redirect', '/echo'] }]",
    );
    let said = ask(
        &server,
        &format!("http://localhost:{port}/redirect?/echo"),
        "&do=fetches",
    );
    assert_eq!(said[1], "fetched", "{said:?}");
    let said = ask(
        &server,
        &format!("http://localhost:{port}/redirect?/other"),
        "&do=fetches",
    );
    assert!(said[0].starts_with("status 403"), "{said:?}");
    // By the standard a WebSocket follows none.
    let said = ask(&server, &format!("ws://localhost:{port}/redirect?/echo"), "");
    assert!(
        said[0].starts_with("error Fetch failed: the response is a redirect"),
        "{said:?}"
    );
}
