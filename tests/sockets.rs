//! Sockets that an agent and its clients hold: so many, and for as long as somebody uses them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::faults::{self, Then};
use crate::harness::floods::Flood;
use crate::harness::http::{Client, Neighbour};
use crate::harness::{Project, Server, json};

/// Fetches what it is told, so often, and holds the answers for a time without reading them.
const AGENT: &str = "
export default { async fetch(request) {
  const { searchParams, pathname } = new URL(request.url);
  const to = searchParams.get('to');
  if (pathname === '/pass') return fetch(to);
  const held = [];
  let failed = 0;
  const one = async (number) => {
    try {
      const answer = await fetch(to.replace('*', `h${number}`));
      if (pathname === '/read') await answer.text(); else held.push(answer);
    } catch { failed++; }
  };
  for (let number = 0; number < Number(searchParams.get('times') ?? 0); number++) await one(number);
  await scheduler.wait(Number(searchParams.get('wait') ?? 0));
  return Response.json({ held: held.length, failed });
} };";

const GOOD: &str = "
export default { async fetch(request) {
  const to = new URL(request.url).searchParams.get('to');
  return to ? new Response(await (await fetch(to)).text()) : new Response('good');
} };";

fn serve(more: &str, agent: &str, files: Option<u32>) -> (Project, Server) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("good.js", GOOD),
        ("outbound.js", "export default { fetch: (request) => fetch(request) };"),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n{more}\n[outbound]\nmain = 'outbound.js'\n[network]\nallow = ['local']\n\
             [[agents]]\nname = 'hostile'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n{agent}\n\
             [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n"
        ),
    );
    let server = match files {
        Some(files) => project.serve_with_files(files),
        None => project.serve(&[]),
    };
    (project, server)
}

fn whole() -> &'static [u8] {
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
}

/// An answer that begins, and does not end.
fn begins() -> std::net::SocketAddr {
    faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx", Then::Hang)
}

#[test]
fn an_agent_that_takes_all_sockets_leaves_some() {
    let (_project, server) = serve("limits = { cpu_ms = 5000 }", "", Some(4096));
    let held = begins();
    let upstream = faults::says(whole(), Then::Close);
    let neighbour = Neighbour::new(&server.address, "127.0.0.1", Duration::from_millis(5));
    let began = Instant::now();
    let hostile = format!("/?to=http://{held}/&times=50&wait=4000");
    std::thread::scope(|scope| {
        let attacking: Vec<_> = (0..80)
            .map(|_| scope.spawn(|| Client::new(&server.address, "hostile.localhost").get(&hostile)))
            .collect();
        std::thread::sleep(Duration::from_secs(3));
        // A new client, and its way out.
        for _ in 0..20 {
            let to = format!("/?to=http://{upstream}/");
            let answer = Client::new(&server.address, "127.0.0.1").get(&to).unwrap();
            assert_eq!(answer, (200, "ok".into()), "{}", server.log());
        }
        let (mut taken, mut failed) = (0, 0);
        for attack in attacking {
            let (status, body) = attack.join().unwrap().unwrap();
            if status == 200 {
                let outcome = json(&body);
                taken += outcome["held"].as_u64().unwrap();
                failed += outcome["failed"].as_u64().unwrap();
            }
        }
        println!("{taken} taken, {failed} refused");
        assert!(taken <= 2100 && failed > 1000, "{taken} taken, {failed} refused");
    });
    let samples = neighbour.since(began);
    let lost = samples.iter().filter(|sample| !sample.served).count();
    assert!(samples.len() > 50 && lost == 0, "{lost} of {}", samples.len());
}

#[test]
fn an_agent_has_so_many_clients() {
    let (_project, server) = serve("", "limits = { clients = 4 }", None);
    let mut clients: Vec<_> = (0..10)
        .map(|_| Client::new(&server.address, "hostile.localhost"))
        .collect();
    let answers: Vec<_> = clients.iter_mut().map(|client| client.get("/").unwrap()).collect();
    for (number, (status, body)) in answers.iter().enumerate() {
        let expected = if number < 4 { 200 } else { 503 };
        assert_eq!(*status, expected, "{number}: {body}");
    }
    assert!(answers[9].1.contains("as many clients"), "{:?}", answers[9]);
    assert!(clients[3].is_kept() && !clients[9].is_kept());
    assert_eq!(Client::new(&server.address, "127.0.0.1").get("/").unwrap().0, 200);
    // Those that have a place keep it, and one that turns to another agent leaves it.
    assert_eq!(clients[0].get("/").unwrap().0, 200);
    clients.truncate(3);
    let began = Instant::now();
    while Client::new(&server.address, "hostile.localhost").get("/").unwrap().0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_agent_has_so_many_connections() {
    let (_project, server) = serve("", "limits = { connections = 4, cpu_ms = 5000 }", None);
    // Those that are kept and that nobody uses make room.
    let kept = crate::harness::raw::Raw::says(whole(), crate::harness::raw::Next::Keep);
    let port = kept.address.port();
    let mut client = Client::new(&server.address, "hostile.localhost");
    let ask = |client: &mut Client, path: &str| json(&client.get(path).unwrap().1);
    let answer = ask(&mut client, &format!("/read?to=http://*.localhost:{port}/&times=12"));
    assert_eq!(answer["failed"], 0, "{answer} {}", server.log());
    // Those that are used do not.
    let held = begins();
    let answer = ask(
        &mut client,
        &format!("/?to=http://*.localhost:{}/&times=12", held.port()),
    );
    assert_eq!((&answer["held"], &answer["failed"]), (&4.into(), &8.into()), "{answer}");
    // A neighbour has its own.
    let to = format!("/?to=http://x.localhost:{port}/");
    assert_eq!(
        Client::new(&server.address, "127.0.0.1").get(&to).unwrap(),
        (200, "ok".into())
    );
}

#[test]
fn what_nobody_reads_is_given_back() {
    let (_project, server) = serve("[timeouts]\nunread = '400ms'", "", None);
    let ends = |flood: &Flood, what: &str| {
        let began = Instant::now();
        while flood.connections() != (1, 0) {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{what}: {:?} {}",
                flood.connections(),
                server.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let endless = || Flood::http1(b"HTTP/1.1 200 OK\r\n\r\n");
    // An agent that holds an answer.
    let flood = endless();
    let mut agent = server.raw(
        format!(
            "GET /?to=http://{}/&times=1&wait=20000 HTTP/1.1\r\nhost: hostile.localhost\r\n\r\n",
            flood.address
        )
        .as_bytes(),
    );
    ends(&flood, "an agent");
    agent.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert!(agent.read(&mut [0; 1]).is_err(), "its event goes on");
    // A client that reads nothing of what is passed through.
    let before = server.open_files();
    let flood = endless();
    let _client = server.raw(
        format!(
            "GET /pass?to=http://{}/ HTTP/1.1\r\nhost: hostile.localhost\r\n\r\n",
            flood.address
        )
        .as_bytes(),
    );
    ends(&flood, "a client");
    server.back_to(before, "a client that reads nothing");
    // The same over HTTP/2, with a window that is never opened.
    let flood = endless();
    let path = format!("/pass?to=http://{}/", flood.address);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    head.extend(path.as_bytes());
    head.extend(b"\x01\x11hostile.localhost");
    bytes.extend([0, 0, u8::try_from(head.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    bytes.extend(head);
    let _http2 = server.raw(&bytes);
    ends(&flood, "a client of HTTP/2");
}

/// Reads until the server ends the connection.
fn ended(mut stream: TcpStream, what: &str) {
    stream.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    let reset = read
        .as_ref()
        .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    assert!(read.is_ok() || reset, "{what}: {read:?}");
}

#[test]
fn connections_that_come_to_nothing_end() {
    let (_project, server) = serve("[timeouts]\nhead = '400ms'", "", None);
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("half a preface", b"PRI * HTTP/2.0\r\n"),
        ("a preface alone", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (
            "settings alone",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
        (
            "half a head of HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x01\x01\x01\0\0\0\x01\x82",
        ),
        ("half a line", b"GET / HT"),
        ("half a head", b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"),
        (
            "a request and nothing more",
            b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        ),
    ] {
        ended(server.raw(bytes), what);
    }
    // A byte now and then is no head either.
    let mut slow = server.raw(b"GET / HTTP/1.1\r\n");
    let began = Instant::now();
    let mut cut = false;
    while began.elapsed() < Duration::from_secs(3) && !cut {
        std::thread::sleep(Duration::from_millis(50));
        cut = slow.write_all(b"x").is_err();
    }
    assert!(cut, "a slow head goes on");
    // A request that takes longer than that is served.
    let mut client = Client::new(&server.address, "hostile.localhost");
    assert_eq!(client.get("/?wait=2000").unwrap().0, 200);
}

#[test]
fn nobody_reaches_our_own_listeners() {
    let (project, server) = serve("[admin]\nlisten = '127.0.0.1:0'", "", None);
    server.logged("the owner's listener is http://");
    let log = server.log();
    let (_, admin) = log.split_once("the owner's listener is http://").unwrap();
    let admin = admin.split_whitespace().next().unwrap().to_owned();
    for listener in [&admin, &server.address] {
        let port = listener.rsplit(':').next().unwrap();
        for host in ["127.0.0.1", "localhost", "x.localhost", "0.0.0.0", "[::ffff:127.0.0.1]"] {
            let mut client = Client::new(&server.address, "127.0.0.1");
            let (status, body) = client.get(&format!("/?to=http://{host}:{port}/healthz")).unwrap();
            assert_eq!(status, 500, "{host}:{port}: {body}");
        }
    }
    drop(project);
}
