//! Where a binding's certificate goes, and along which redirects.

use crate::harness::certs::Certs;
use crate::harness::raw::{Next, Raw};
use crate::harness::{Project, Server};

const POLICY: &str = "
export default { async fetch(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const to = searchParams.get('to');
  const init = { follow: { redirect: 'follow' }, manual: { redirect: 'manual' }, request: undefined, none: {} }[pathname.slice(1)];
  const response = await env.P.fetch(init === undefined ? new Request(to, { redirect: 'follow' }) : to, init);
  return new Response(`${response.status} ${await response.text()}`);
} };";

struct Served {
    first: Raw,
    other: Raw,
    server: Server,
}

impl Served {
    /// An upstream that redirects to another, which may not see the certificate.
    fn new(hosts: &str) -> Self {
        let project = Project::new(&[
            ("agent.js", "export default { fetch: (request) => fetch(request) };"),
            ("policy/outbound.js", POLICY),
        ]);
        Certs::make(&project.path().join("certs"));
        let other = Raw::start(Some(&project.path().join("certs")), |_| {
            (
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother".to_vec(),
                Next::Close,
            )
        });
        let port = other.address.port();
        let first = Raw::start(Some(&project.path().join("certs")), move |seen| {
            let target = match seen.path() {
                "/own" => "/end".to_owned(),
                "/away" => format!("https://localhost:{port}/"),
                _ => {
                    return (
                        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst".to_vec(),
                        Next::Close,
                    );
                }
            };
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
            (head.into_bytes(), Next::Close)
        });
        project.write(
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy/outbound.js'\n\
                 mtls_certificates = [{{ binding = 'P', certificate_id = 'partner' }}]\n\
                 [certificates.partner]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n{hosts}\n\
                 [network]\nallow = ['local']\nca = ['certs/ca.pem']\n"
            ),
        );
        let server = project.serve(&[]);
        Self { first, other, server }
    }

    fn ask(&self, how: &str, path: &str) -> String {
        self.ask_at(
            how,
            &format!("https://partner.localhost:{}{path}", self.first.address.port()),
        )
    }

    fn ask_at(&self, how: &str, to: &str) -> String {
        self.server
            .get(&format!("/{how}?to={}", to.replace(':', "%3A").replace('/', "%2F")))
            .body
    }
}

#[test]
fn a_redirect_is_followed_where_the_call_says_so() {
    let served = Served::new("");
    assert!(
        served.server.log().contains("name them with hosts"),
        "{}",
        served.server.log()
    );
    for how in ["none", "request", "manual"] {
        for path in ["/own", "/away"] {
            assert_eq!(served.ask(how, path), "302 ", "{how} {path}");
        }
    }
    assert_eq!(served.ask("follow", "/own"), "200 first");
    // Without the certificate, and so refused there.
    let away = served.ask("follow", "/away");
    assert!(!away.contains("other"), "{away}");
    assert!(served.other.seen().is_empty());
}

#[test]
fn a_certificate_with_hosts_is_shown_to_these() {
    let served = Served::new("hosts = ['partner.localhost']");
    assert!(
        !served.server.log().contains("name them with hosts"),
        "{}",
        served.server.log()
    );
    assert_eq!(served.ask("none", "/"), "200 first");
    let other = format!("https://localhost:{}/", served.other.address.port());
    let refused = served.ask_at("none", &other);
    assert!(refused.starts_with("403 "), "{refused}");
    let away = served.ask("follow", "/away");
    assert!(!away.contains("other"), "{away}");
    assert!(served.other.seen().is_empty());
}
