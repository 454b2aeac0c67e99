//! Tokens are renewed for all who use a credential: who asked may go away, and who is refused again and again costs the token
//! endpoint, and the others, little.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::moody::{Asked, Moody, Said, now};
use crate::harness::{Project, Server};

/// Fetches what its path names by the binding that its query names, and gives up after so many milliseconds.
const AGENT: &str = "export default { async fetch(request) {
  const url = new URL(request.url);
  const patience = Number(url.searchParams.get('patience') ?? 20000);
  try {
    const init = { headers: { 'x-binding': url.searchParams.get('by') ?? 'C0' }, signal: AbortSignal.timeout(patience) };
    const response = await fetch(`http://127.0.0.1:PORT${url.pathname}`, init);
    return new Response(`${response.status} ${await response.text()}`);
  } catch (error) { return new Response(`${error}`, { status: 599 }); }
} };";

const POLICY: &str = "export default { async fetch(request, env) {
  try { return await env[request.headers.get('x-binding')].fetch(request); }
  catch (error) { return new Response(`${error}`, { status: 599 }); }
} };";

/// Serves credentials whose token endpoints are `/token/<number>`.
fn serve(upstream: &Moody, credentials: &[&str]) -> (Project, Server) {
    let project = Project::new(&[
        ("policy.js", POLICY),
        (".dev.vars", "SECRET=s3cret-of-mine\nREFRESH=refresh-0\n"),
    ]);
    project.write("agent.js", &AGENT.replace("PORT", &upstream.address.port().to_string()));
    let mut bindings = Vec::new();
    let mut tables = String::new();
    for (index, fields) in credentials.iter().enumerate() {
        bindings.push(format!("{{ binding = 'C{index}', credential = 'c{index}' }}"));
        let _ = write!(
            tables,
            "[credentials.c{index}]\ntype = 'oauth2'\nhosts = ['127.0.0.1']\nclient_id = 'c'\nsecret = 'SECRET'\n\
             token_url = 'http://{}/token/{index}'\n{fields}\n",
            upstream.address
        );
    }
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'attacker'\nmain = 'agent.js'\nmatch = ['attacker.localhost']\n\
             [[agents]]\nname = 'victim'\nmain = 'agent.js'\nmatch = ['127.0.0.1']\n\
             [network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [{}]\n{tables}",
            bindings.join(", ")
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

fn granted(token: &str, more: &str, late: Duration) -> Said {
    let body = format!(r#"{{"access_token":"{token}","token_type":"bearer"{more}}}"#);
    (
        late,
        "200 OK",
        "content-type: application/json\r\n".into(),
        body.into_bytes(),
    )
}

fn bearer(asked: &Asked) -> String {
    let line = asked
        .head
        .lines()
        .find_map(|line| line.strip_prefix("authorization: bearer "));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn who_gives_up_leaves_the_rotated_refresh_token() {
    let grants = AtomicUsize::new(0);
    let upstream = Moody::start(move |asked| {
        if asked.path == "/token/0" {
            let grant = grants.load(Ordering::SeqCst);
            // Each refresh token is good for once.
            if !asked.body.contains(&format!("refresh_token=refresh-{grant}")) {
                return (
                    Duration::ZERO,
                    "400 Bad Request",
                    String::new(),
                    br#"{"error":"invalid_grant"}"#.to_vec(),
                );
            }
            grants.store(grant + 1, Ordering::SeqCst);
            let more = format!(r#","expires_in":0,"refresh_token":"refresh-{}""#, grant + 1);
            return granted(&format!("token-{}", grant + 1), &more, Duration::from_millis(500));
        }
        now(bearer(asked))
    });
    let (_project, server) = serve(&upstream, &["refresh_token = 'REFRESH'"]);
    for round in 1..=3 {
        let given_up = server.get("/api?patience=150");
        assert!(
            given_up.status == 599 && given_up.body.contains("Timeout"),
            "{}",
            given_up.body
        );
        // Its answer comes to a credential that nobody waits for, or that somebody else does by now.
        if round == 2 {
            std::thread::sleep(Duration::from_millis(600));
        }
        assert_eq!(
            server.get("/api").body,
            format!("200 token-{round}"),
            "{}",
            server.log()
        );
        assert_eq!(upstream.asked("/token/0").len(), round, "one renewal for both");
    }
}

#[test]
fn refusals_cost_few_exchanges_and_nobody_waits_for_them() {
    let grants = AtomicUsize::new(0);
    let upstream = Moody::start(move |asked| {
        if asked.path.starts_with("/token/") {
            let grant = grants.fetch_add(1, Ordering::SeqCst);
            return granted(
                &format!("token-{grant}"),
                r#","expires_in":3600"#,
                Duration::from_millis(400),
            );
        }
        if asked.path == "/never" {
            return (Duration::ZERO, "401 Unauthorized", String::new(), Vec::new());
        }
        now("fine")
    });
    let (_project, server) = serve(&upstream, &["", ""]);
    assert_eq!(server.get("/api?by=C1").body, "200 fine");
    assert_eq!(server.get("/api").body, "200 fine");
    let attackers: Vec<_> = (0..9)
        .map(|_| {
            let address = server.address.clone();
            std::thread::spawn(move || {
                for _ in 0..5 {
                    let url = format!("http://{address}/never");
                    let output = std::process::Command::new("curl")
                        .args(["-sS", "-H", "host: attacker.localhost", &url])
                        .output()
                        .unwrap();
                    assert_eq!(String::from_utf8_lossy(&output.stdout), "401 ");
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    while attackers.iter().any(|attacker| !attacker.is_finished()) {
        for binding in ["C0", "C1"] {
            let began = Instant::now();
            assert_eq!(server.get(&format!("/api?by={binding}")).body, "200 fine");
            slowest = slowest.max(began.elapsed());
        }
    }
    for attacker in attackers {
        attacker.join().unwrap();
    }
    let exchanges = upstream.asked("/token/0").len();
    assert!(exchanges <= 8, "{exchanges} exchanges for 45 fetches");
    assert!(slowest < Duration::from_millis(1200), "the victim waited {slowest:?}");
    assert_eq!(upstream.asked("/token/1").len(), 1);
}

#[test]
fn a_token_that_is_never_taken_is_asked_for_later_and_later() {
    let grants = AtomicUsize::new(0);
    let upstream = Moody::start(move |asked| {
        if asked.path.starts_with("/token/") {
            return granted(
                &format!("token-{}", grants.fetch_add(1, Ordering::SeqCst)),
                "",
                Duration::ZERO,
            );
        }
        (Duration::ZERO, "401 Unauthorized", String::new(), Vec::new())
    });
    let (_project, server) = serve(&upstream, &[""]);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        assert_eq!(server.get("/api").body, "401 ");
    }
    // The first, one for that, and one after a second; the next is two seconds later.
    let exchanges = upstream.asked("/token/0").len();
    assert!((2..=4).contains(&exchanges), "{exchanges}");
    assert!(upstream.asked("/api").len() > 20, "the upstream's answers go through");
}

#[test]
fn an_endpoint_that_fails_is_not_asked_by_each_fetch() {
    let upstream = Moody::start(|asked| {
        if asked.path.starts_with("/token/") {
            return (Duration::ZERO, "503 Service Unavailable", String::new(), Vec::new());
        }
        now("fine")
    });
    let (_project, server) = serve(&upstream, &[""]);
    for _ in 0..20 {
        let answer = server.get("/api");
        assert!(
            answer.body.contains("the token endpoint answered 503"),
            "{}",
            answer.body
        );
    }
    let exchanges = upstream.asked("/token/0").len();
    assert!((1..=6).contains(&exchanges), "{exchanges} exchanges for 20 fetches");
}

/// A hundred at once, on both threads, make one exchange, and wait for it together.
#[test]
fn those_who_ask_at_once_share_an_exchange() {
    let upstream = Moody::start(|asked| {
        if asked.path.starts_with("/token/") {
            // Its clock is wrong, which nobody goes by; and what it gave before has expired.
            let more = r#","expires_in":3600,"issued_at":1"#;
            return granted("tok-of-all", more, Duration::from_millis(500));
        }
        now(bearer(asked))
    });
    let (_project, server) = serve(&upstream, &[""]);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..100).map(|_| scope.spawn(|| server.get("/api").body)).collect();
        for asked in asking {
            assert_eq!(asked.join().unwrap(), "200 tok-of-all");
        }
    });
    assert_eq!(upstream.asked("/token/0").len(), 1);
}

/// Whoever asks has half a minute by default, and hears why before that.
#[test]
fn an_endpoint_that_hangs_is_told() {
    let upstream = Moody::start(|asked| {
        if asked.path.starts_with("/token/") {
            std::thread::sleep(Duration::from_secs(30));
        }
        now("fine")
    });
    let (_project, server) = serve(&upstream, &[""]);
    let began = Instant::now();
    let answer = server.get("/api?patience=25000");
    assert!(answer.body.contains("it gave no answer in time"), "{}", answer.body);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn no_lifetime_ends_the_policy() {
    const VALUES: [&str; 18] = [
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775807",
        "-9223372036854775808",
        "-1",
        "0",
        "-0.0",
        "0.5",
        "1e-300",
        "1e19",
        "1e300",
        "-1e300",
        "1e400",
        "\"18446744073709551615\"",
        "\"-1e300\"",
        "\"1e999\"",
        "\"NaN\"",
        "\"+292277026596-12-04T15:30:08Z\"",
    ];
    for field in ["expires_in", "expires_at"] {
        let upstream = Moody::start(move |asked| match asked.path.strip_prefix("/token/") {
            Some(number) => {
                let value = VALUES[number.parse::<usize>().unwrap()];
                granted("tok", &format!(r#","{field}":{value}"#), Duration::ZERO)
            }
            None => now(bearer(asked)),
        });
        let (_project, server) = serve(&upstream, &[""; VALUES.len()]);
        let worker = server.worker();
        for (index, value) in VALUES.iter().enumerate() {
            for _ in 0..2 {
                let answer = server.get(&format!("/api?by=C{index}&patience=5000"));
                let fine = answer.body == "200 tok"
                    || answer.body.contains("is no time")
                    || answer.body.contains("no valid JSON");
                assert!(fine, "{field} {value}: {}", answer.body);
            }
        }
        assert_eq!(server.worker(), worker, "{}", server.log());
    }
}
