//! How long connections live, how many there may be, and what they may hold.

use std::time::{Duration, Instant};

use crate::tcp::servers::{Does, listen};
use crate::tcp::{DIALS, HANDS_ON, LOCAL, PIPES, ask, records, rule, serve};

#[test]
fn a_connection_ends_with_its_event() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    for policy in [HANDS_ON, PIPES] {
        let (project, server) = serve(DIALS, policy, &format!("{}{LOCAL}", rule(port)));
        assert_eq!(ask(&server, &format!("/keeps?to=localhost:{port}"))["kept"], true);
        listening.comes_to(0);
        let record = &records(&project, 1)[0];
        assert!(
            record["closed"] == "cut" || record["closed"] == "upstream" || record["closed"] == "worker",
            "{record}"
        );
    }
}

#[test]
fn closing_ends_it_here_and_there() {
    let listening = listen(Does::Nothing);
    let port = listening.port;
    let (_project, server) = serve(DIALS, HANDS_ON, &format!("{}{LOCAL}", rule(port)));
    assert_eq!(
        ask(&server, &format!("/closes?to=localhost:{port}")),
        serde_json::json!({ "done": true, "closed": true })
    );
    listening.comes_to(0);
}

#[test]
fn a_worker_has_so_many_at_once() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let (_project, server) = serve(
        DIALS,
        HANDS_ON,
        &format!("{}{LOCAL}[limits]\nsockets = 3\n", rule(port)),
    );
    let said = ask(&server, &format!("/many?count=8&to=localhost:{port}"));
    assert!(said["error"].as_str().unwrap().contains("see limits.sockets"), "{said}");
    listening.comes_to(0);
    assert_eq!(ask(&server, &format!("/many?count=3&to=localhost:{port}"))["open"], 3);
    listening.comes_to(0);
}

#[test]
fn connections_are_subrequests_and_have_places_as_those_of_fetch() {
    let listening = listen(Does::Echo);
    let port = listening.port;
    let base = format!("{}{LOCAL}[limits]\n", rule(port));
    let (_project, server) = serve(DIALS, HANDS_ON, &format!("{base}subrequests = 2\n"));
    let said = ask(&server, &format!("/many?count=4&to=localhost:{port}"));
    assert_eq!(said["open"], 2);
    assert!(said["why"].as_str().unwrap().contains("too many subrequests"), "{said}");
    let (_project, server) = serve(DIALS, HANDS_ON, &format!("{base}connections = 2\n"));
    let said = ask(&server, &format!("/many?count=4&to=localhost:{port}"));
    assert_eq!(said["open"], 2, "{said}");
    assert!(said["why"].as_str().unwrap().contains("cannot connect"), "{said}");
    listening.comes_to(0);
}

#[test]
fn one_over_which_nothing_passes_is_ended() {
    let listening = listen(Does::Nothing);
    let port = listening.port;
    let (project, server) = serve(
        DIALS,
        HANDS_ON,
        &format!(
            "{}{LOCAL}[limits]\nwebsocket_idle = '1h'\nsocket_idle = '300ms'\n",
            rule(port)
        ),
    );
    let began = Instant::now();
    let said = ask(&server, &format!("/reads?to=localhost:{port}"));
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .contains("nothing has passed over the socket for 300ms"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(records(&project, 1)[0]["closed"], "failed");
    listening.comes_to(0);
}

#[test]
fn what_nobody_reads_waits_at_its_source() {
    let agent = r#"
import { connect } from "cloudflare:sockets";
export default { async fetch(request) {
  const socket = connect(new URL(request.url).searchParams.get("to"));
  await socket.opened;
  const { value } = await socket.readable.getReader().read();
  await scheduler.wait(500);
  return new Response(`${value.byteLength > 0}`);
} };"#;
    let listening = listen(Does::Endless);
    let port = listening.port;
    let (project, server) = serve(
        agent,
        HANDS_ON,
        &format!("{}{LOCAL}[limits]\nbuffers_mb = 1\n", rule(port)),
    );
    assert_eq!(server.ok(&format!("/?to=localhost:{port}")), "true");
    let record = &records(&project, 1)[0];
    assert!(record["bytes_received"].as_u64().unwrap() < 1 << 20, "{record}");
    listening.comes_to(0);
}

#[test]
fn a_server_that_stops_ends_them() {
    let listening = listen(Does::Nothing);
    let port = listening.port;
    let (_project, mut server) = serve(DIALS, HANDS_ON, &format!("{}{LOCAL}", rule(port)));
    let address = server.address.clone();
    let asking = std::thread::spawn(move || {
        let _ = std::process::Command::new("curl")
            .args(["-s", "-m", "20", &format!("{address}/reads?to=localhost:{port}")])
            .output();
    });
    let began = Instant::now();
    while listening.open() == 0 {
        assert!(began.elapsed().as_secs() < 5);
        std::thread::sleep(Duration::from_millis(10));
    }
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(15)), Some(0));
    asking.join().unwrap();
    listening.comes_to(0);
}

#[test]
fn a_handler_that_never_ends_is_given_up_once_the_agent_is_gone() {
    let policy =
        "export default { fetch() {}, async connect(socket) { socket.readable; await new Promise(() => {}); } };";
    let limits = "[outbound.limits]\nevents = 2\nwait_until = '200ms'\n";
    let (_project, server) = serve(DIALS, policy, limits);
    for _ in 0..6 {
        assert_eq!(
            ask(&server, "/keeps?to=db.example:5432")["kept"],
            true,
            "{}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(600));
    }
}
