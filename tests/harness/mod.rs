//! What the tests share: certificates, upstreams, and the program as a child process.

pub mod archive;
pub mod attacks;
pub mod canary;
pub mod certs;
pub mod children;
pub mod dns;
pub mod faults;
pub mod floods;
pub mod http;
pub mod memory;
pub mod moody;
pub mod nginx;
pub mod partner;
pub mod peers;
pub mod raw;
pub mod server;
pub mod suite;
pub mod websockets;
pub mod wrangler;

use std::net::SocketAddr;
use std::sync::OnceLock;

use certs::Certs;
use partner::{Partner, Tls};
pub use server::{Project, Server};

/// The runtime that the upstreams run on.
pub fn upstreams() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    })
}

pub fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(anywhere()).unwrap();
    listener.local_addr().unwrap().port()
}

/// What a configuration says of isolates, where the suite is run for those in processes: `ISOLATION=process make bypass` for agents',
/// `ISOLATION=outbound` for the policy's, `ISOLATION=both`.
pub fn isolation() -> &'static str {
    match std::env::var("ISOLATION").as_deref() {
        Ok("process") => IN_PROCESSES,
        Ok("outbound") => POLICY_IN_PROCESSES,
        Ok("both") => ALL_IN_PROCESSES,
        Ok("isolate") | Err(_) => "",
        Ok(other) => panic!("ISOLATION={other}: isolate, process, outbound or both"),
    }
}

/// Whether this is a run of the suite for agents in processes, where what is tested is otherwise by design.
pub fn otherwise_in_processes(why: &str) -> bool {
    let otherwise = !isolation().is_empty();
    if otherwise {
        eprintln!("otherwise for agents in processes: {why}");
    }
    otherwise
}

/// The same, for tests that are of those.
pub const IN_PROCESSES: &str = "[isolation]\nagents = 'process'\n";
pub const POLICY_IN_PROCESSES: &str = "[isolation]\noutbound = 'process'\n";
pub const ALL_IN_PROCESSES: &str = "[isolation]\nagents = 'process'\noutbound = 'process'\n";

/// A report in one line, as it was before it was wrapped.
pub fn unwrapped(report: &str) -> String {
    let words: Vec<&str> = report.split_whitespace().filter(|word| *word != "\u{2502}").collect();
    words.join(" ")
}

/// The program: this build's, or the one that the environment names, for figures of an optimised one.
pub fn program() -> std::ffi::OsString {
    std::env::var_os("WORKERD_LITE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_workerd-lite").into())
}

/// A body that must be JSON.
pub fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
}

/// An upstream without TLS.
pub fn plain() -> Partner {
    upstreams().block_on(Partner::start(anywhere(), None)).unwrap()
}

/// A project whose policy forwards everything through its certificate, and the partner that demands one.
pub struct Mtls {
    pub project: Project,
    pub partner: Partner,
}

pub const CONFIG: &str = r#"
[outbound]
main = "outbound.js"
secrets = ["PARTNER_TOKEN"]
mtls_certificates = [{ binding = "PARTNER", certificate_id = "partner" }]
[certificates.partner]
cert = "certs/agent.pem"
key = "certs/agent.key"
ca = ["certs/ca.pem"]
[network]
allow = ["local"]
[timeouts]
first_byte = "700ms"
idle = "700ms"
policy = "2s"
"#;

/// Fetches what the path names from the partner, and tells what came of it.
pub const AGENT: &str = r#"
export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    try {
      const init = request.body ? { method: "POST", body: request.body } : {};
      return await fetch(`https://partner.localhost:PORT${pathname}${search}`, init);
    } catch (error) {
      return new Response(`${error.name}: ${error.message}`, { status: 599 });
    }
  },
};
"#;

pub const POLICY: &str = r#"
export default {
  async fetch(request, env) {
    const sent = new Request(request);
    sent.headers.set("authorization", `Bearer ${env.PARTNER_TOKEN}`);
    return env.PARTNER.fetch(sent);
  },
};
"#;

impl Mtls {
    pub fn new(certificate: &str, config: &str, policy: &str) -> Self {
        let project = Project::new(&[]);
        let certs = Certs::make(&project.path().join("certs"));
        let tls = Tls {
            folder: &certs.folder,
            certificate,
        };
        let partner = upstreams().block_on(Partner::start(anywhere(), Some(tls))).unwrap();
        project.write("agent.js", &AGENT.replace("PORT", &partner.address.port().to_string()));
        project.write("outbound.js", policy);
        project.write("workerd-lite.toml", config);
        project.write(".dev.vars", "PARTNER_TOKEN=canary-5f1d\n");
        Self { project, partner }
    }

    pub fn standard() -> Self {
        Self::new("server", CONFIG, POLICY)
    }

    pub fn serve(&self) -> Server {
        self.project.serve(&["agent.js"])
    }
}

/// The audit records of a project, once there are so many.
pub fn records(project: &Project, count: usize) -> Vec<serde_json::Value> {
    let path = project.path().join("audit.ndjson");
    let began = std::time::Instant::now();
    loop {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let records: Vec<_> = text.lines().map(json).collect();
        if records.len() >= count {
            return records;
        }
        assert!(began.elapsed().as_secs() < 10, "{text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
