//! Drivers of databases as npm installs them, each in an agent, against real servers: `fixtures/packages/drivers`.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::certs::Certs;
use crate::harness::{Project, Server, free_port, json, peers};
use crate::package_suite::installed;

/// A server that ends with this.
struct Database {
    child: Child,
    port: u16,
    secure: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something listens there.
fn listens(port: u16, child: &mut Child) {
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed().as_secs() < 60, "nothing listens on {port}");
        assert!(matches!(child.try_wait(), Ok(None)), "the database has ended");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A folder, which the user of this name owns where we may give it away.
fn folder_of(user: &str) -> (tempfile::TempDir, Option<(u32, u32)>) {
    let folder = tempfile::Builder::new().prefix("database-").tempdir_in("/tmp").unwrap();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with(&format!("{user}:")));
    let ids = line.filter(|_| is_root()).map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        (fields[2].parse().unwrap(), fields[3].parse().unwrap())
    });
    give(folder.path(), ids);
    (folder, ids)
}

fn give(path: &Path, ids: Option<(u32, u32)>) {
    if let Some((user, group)) = ids {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn command(program: &Path, ids: Option<(u32, u32)>) -> Command {
    let Some((user, group)) = ids else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .args([
            &format!("--reuid={user}"),
            &format!("--regid={group}"),
            "--clear-groups",
        ])
        .arg(program);
    command
}

/// Where Debian keeps the newest version's programs.
fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.retain(|bin| bin.join("initdb").exists());
    versions.sort();
    versions.pop()
}

fn postgres(certs: &Certs) -> Option<Database> {
    let Some(bin) = postgres_programs() else {
        peers::skip("PostgreSQL", "apt-get install postgresql");
        return None;
    };
    let (folder, ids) = folder_of("postgres");
    let data = folder.path().join("data");
    let password = folder.path().join("password");
    std::fs::write(&password, "secret of the database\n").unwrap();
    give(&password, ids);
    let made = command(&bin.join("initdb"), ids)
        .args(["-U", "postgres", "-A", "scram-sha-256", "--no-sync", "--pwfile"])
        .arg(&password)
        .arg("-D")
        .arg(&data)
        .current_dir("/tmp")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (from, to) in [
        ("server.pem", "server.pem"),
        ("server.key", "server.key"),
        ("ca.pem", "ca.pem"),
    ] {
        let to = data.join(to);
        std::fs::copy(certs.path(from), &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        give(&to, ids);
    }
    let allowed = "hostssl all \"scout agent\" 127.0.0.1/32 cert\nhost all postgres 127.0.0.1/32 scram-sha-256\nlocal all all trust\n";
    std::fs::write(data.join("pg_hba.conf"), allowed).unwrap();
    let port = free_port();
    let mut child = command(&bin.join("postgres"), ids)
        .arg("-D")
        .arg(&data)
        .args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
            "-c",
            "ssl=on",
        ])
        .args([
            "-c",
            "ssl_cert_file=server.pem",
            "-c",
            "ssl_key_file=server.key",
            "-c",
            "ssl_ca_file=ca.pem",
        ])
        .args(["-k", folder.path().to_str().unwrap()])
        .current_dir("/tmp")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    listens(port, &mut child);
    let role = command(&bin.join("psql"), ids)
        .args([
            "-h",
            folder.path().to_str().unwrap(),
            "-p",
            &port.to_string(),
            "-U",
            "postgres",
            "-c",
            "create role \"scout agent\" login",
        ])
        .current_dir("/tmp")
        .output()
        .unwrap();
    assert!(role.status.success(), "{}", String::from_utf8_lossy(&role.stderr));
    Some(Database {
        child,
        port,
        secure: port,
        _folder: folder,
    })
}

fn redis(certs: &Certs) -> Option<Database> {
    if !peers::has("redis-server", "apt-get install redis-server") {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (port, secure) = (free_port(), free_port());
    let file = |name: &str| certs.path(name).to_str().unwrap().to_owned();
    let mut child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--tls-port",
            &secure.to_string(),
            "--tls-auth-clients",
            "no",
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ])
        .args([
            "--tls-cert-file",
            &file("server.pem"),
            "--tls-key-file",
            &file("server.key"),
            "--tls-ca-cert-file",
            &file("ca.pem"),
        ])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    listens(port, &mut child);
    listens(secure, &mut child);
    Some(Database {
        child,
        port,
        secure,
        _folder: folder,
    })
}

fn mariadb() -> Option<Database> {
    if !peers::has("mariadbd", "apt-get install mariadb-server") {
        return None;
    }
    let (folder, ids) = folder_of("mysql");
    let data = folder.path().join("data");
    let mut install = command(Path::new("mariadb-install-db"), ids);
    install.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]);
    let made = install
        .arg(format!("--datadir={}", data.display()))
        .current_dir("/tmp")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let start = folder.path().join("start.sql");
    std::fs::write(
        &start,
        "create user agent@'%' identified by 'secret of the database';\n",
    )
    .unwrap();
    give(&start, ids);
    let port = free_port();
    let mut child = command(Path::new("mariadbd"), ids)
        .args([
            "--no-defaults",
            "--skip-name-resolve",
            "--bind-address=127.0.0.1",
            &format!("--port={port}"),
        ])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", folder.path().join("socket").display()))
        .arg(format!("--init-file={}", start.display()))
        .current_dir("/tmp")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    listens(port, &mut child);
    Some(Database {
        child,
        port,
        secure: port,
        _folder: folder,
    })
}

/// Serves the drivers, each as an agent of its name, and `nobody` and `mtls` as pg.
fn serve(folder: &Path, certs: &Certs, database: &Database, name: &str) -> Server {
    let mut config = String::from("threads = 1\n[limits]\ncpu_ms = 5000\nstartup_cpu_ms = 5000\n");
    for (agent, main) in [
        ("pg", "pg"),
        ("postgres", "postgres"),
        ("ioredis", "ioredis"),
        ("redis", "redis"),
        ("mysql2", "mysql2"),
        ("nobody", "pg"),
        ("mtls", "pg"),
    ] {
        let _ = write!(
            config,
            "[[agents]]\nname = '{agent}'\nmain = 'drivers/{main}.js'\nmatch = ['{agent}.localhost']\n"
        );
    }
    let path = |file: &str| certs.path(file);
    let _ = write!(
        config,
        "[outbound]\nmain = 'drivers/policy.js'\nmtls_certificates = [{{ binding = 'DB', certificate_id = 'db' }}]\n\
         [[outbound.egress]]\nhosts = ['partner.localhost']\nprotocols = ['tcp']\nports = [{}, {}]\n\
         [certificates.db]\nhosts = ['partner.localhost']\ncert = '{}'\nkey = '{}'\nca = ['{}']\n\
         [network]\nallow = ['local']\nca = ['{}']\n",
        database.port,
        database.secure,
        path("agent.pem").display(),
        path("agent.key").display(),
        path("ca.pem").display(),
        path("ca.pem").display(),
    );
    let file = format!("drivers-{name}.toml");
    std::fs::write(folder.join(&file), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_workerd-lite"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--config", &file])
        .current_dir(folder)
        .env("WORKERD_LITE_CACHE_DIR", folder.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Project::start_within(command, Duration::from_mins(1))
}

fn ask(server: &Server, agent: &str, query: &str) -> serde_json::Value {
    let answer = server.curl(
        &format!("/?{query}"),
        &["-H", &format!("Host: {agent}.localhost"), "-m", "30"],
    );
    assert_eq!(answer.status, 200, "{agent}: {}", answer.body);
    json(&answer.body)
}

const PASSWORD: &str = "password=secret%20of%20the%20database";

#[test]
fn agents_speak_to_postgresql() {
    let tls = tempfile::tempdir().unwrap();
    let certs = Certs::make(tls.path());
    let (Some(folder), Some(database)) = (installed(), postgres(&certs)) else {
        return;
    };
    let server = serve(&folder, &certs, &database, "postgresql");
    let port = database.port;
    for (more, ssl) in [("", false), ("&ssl", true)] {
        assert_eq!(
            ask(&server, "pg", &format!("port={port}&{PASSWORD}{more}")),
            serde_json::json!({ "sum": 42, "text": "it's", "who": "postgres", "rows": 3000, "last": 3000, "ssl": ssl, "wrong": "42P01", "sums": [2, 4, 6, 8, 10] })
        );
        assert_eq!(
            ask(&server, "postgres", &format!("port={port}&{PASSWORD}{more}")),
            serde_json::json!({ "sum": 42, "rows": 3000, "ssl": ssl, "wrong": "42P01", "inside": 7 }),
            "{}",
            server.log()
        );
    }
    let wrong = ask(&server, "pg", &format!("port={port}&password=wrong"));
    assert_eq!(wrong["code"], "28P01", "{wrong}");
    // With the policy's certificate, and no key or password of the agent's own.
    let user = "user=scout%20agent&ssl";
    let said = ask(&server, "mtls", &format!("port={port}&{user}"));
    assert_eq!(
        (&said["who"], &said["ssl"]),
        (&"scout agent".into(), &true.into()),
        "{said}"
    );
    assert_eq!(ask(&server, "pg", &format!("port={port}&{user}"))["code"], "28000");
    let refused = ask(&server, "nobody", &format!("port={port}&{PASSWORD}"));
    assert_eq!(refused["code"], "ECONNREFUSED", "{refused}");
    // A driver that speaks to what is no database.
    let said = ask(&server, "ioredis", &format!("port={port}"));
    assert!(said["error"].is_string(), "{said}");
}

#[test]
fn agents_speak_to_redis() {
    let tls = tempfile::tempdir().unwrap();
    let certs = Certs::make(tls.path());
    let (Some(folder), Some(database)) = (installed(), redis(&certs)) else {
        return;
    };
    let server = serve(&folder, &certs, &database, "redis");
    for (port, more) in [(database.port, ""), (database.secure, "&tls")] {
        assert_eq!(
            ask(&server, "ioredis", &format!("port={port}{more}")),
            serde_json::json!({ "value": "value \u{e9}", "piped": [1, 2, 1], "large": 1 << 20, "heard": "news: something" })
        );
        assert_eq!(
            ask(&server, "redis", &format!("port={port}{more}")),
            serde_json::json!({ "value": "thing", "many": [1, 2, 1] })
        );
    }
    // A driver that speaks to what is no database of its own.
    let said = ask(&server, "pg", &format!("port={}&password=x", database.port));
    assert!(said["error"].is_string(), "{said}");
}

#[test]
fn agents_speak_to_mariadb() {
    let tls = tempfile::tempdir().unwrap();
    let certs = Certs::make(tls.path());
    let (Some(folder), Some(database)) = (installed(), mariadb()) else {
        return;
    };
    let server = serve(&folder, &certs, &database, "mariadb");
    assert_eq!(
        ask(&server, "mysql2", &format!("port={}&{PASSWORD}", database.port)),
        serde_json::json!({ "sum": 42, "rows": 500, "wrong": "number" })
    );
}
