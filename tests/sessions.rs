//! TLS sessions and kept connections belong to one identity: nobody's request is sent over another's, and nobody resumes another's.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::HandshakeKind;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::certs::Certs;
use crate::harness::faults::listen;
use crate::harness::{Project, json};

/// Tells which connection a request came over, whether its handshake resumed a session, and whose certificate it has. `kept` is
/// whether it keeps connections.
fn upstream(folder: &Path, kept: bool) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(
            chain.collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let count = Arc::new(Mutex::new(0));
    listen(move |stream: TcpStream| {
        let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let number = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count
            };
            let session = &stream.get_ref().1;
            let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
            let whose = session.peer_certificates().map_or_else(String::new, |chain| {
                let (_, certificate) = x509_parser::parse_x509_certificate(&chain[0]).unwrap();
                certificate.subject().to_string()
            });
            let said = format!(r#"{{"connection":{number},"resumed":{resumed},"whose":"{whose}"}}"#);
            let connection = if kept { "keep-alive" } else { "close" };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: {connection}\r\ncontent-length: {}\r\n\r\n{said}",
                said.len()
            );
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    let _ = stream.write_all(answer.as_bytes()).await;
                    if !kept {
                        let _ = stream.shutdown().await;
                        return;
                    }
                }
            }
        }
    })
}

#[test]
fn nobody_uses_anothers_session_or_connection() {
    let project = Project::new(&[]);
    let certs = Certs::make(&project.path().join("certs"));
    let (pem, key) = Certs::sign(&certs.path("ca.pem"), &certs.path("ca.key"), "second agent");
    std::fs::write(certs.path("second.pem"), pem).unwrap();
    std::fs::write(certs.path("second.key"), key).unwrap();
    let agent = "export default { async fetch(request) { return fetch(new URL(request.url).searchParams.get('to'), { headers: { by: new URL(request.url).pathname.slice(1) } }); } };";
    let policy = "export default { fetch(request, env) { const by = request.headers.get('by'); return (env[by] ?? globalThis).fetch(request); } };";
    project.write("agent.js", agent);
    project.write("policy.js", policy);
    project.write(".dev.vars", "TOKEN=s3cret-token\n");
    project.write(
        "workerd-lite.toml",
        "threads = 1\n[outbound]\nmain = 'policy.js'\n\
         mtls_certificates = [{ binding = 'ONE', certificate_id = 'one' }, { binding = 'TWO', certificate_id = 'two' }]\n\
         credentials = [{ binding = 'CREDENTIAL', credential = 'token' }]\n\
         [credentials.token]\ntype = 'bearer'\nsecret = 'TOKEN'\nhosts = ['partner.localhost']\n\
         [certificates.one]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n\
         [certificates.two]\ncert = 'certs/second.pem'\nkey = 'certs/second.key'\nca = ['certs/ca.pem']\n\
         [network]\nallow = ['local']\nca = ['certs/ca.pem']\n\
         [[agents]]\nname = 'scout'\ntenant = 'acme'\nmain = 'agent.js'\nmatch = ['acme.localhost']\n\
         [[agents]]\nname = 'scout'\ntenant = 'globex'\nmain = 'agent.js'\nmatch = ['globex.localhost']\n",
    );
    let server = project.serve(&[]);
    for kept in [false, true] {
        let to = format!("https://partner.localhost:{}/", upstream(&certs.folder, kept).port());
        let mut connections = std::collections::HashMap::new();
        for tenant in ["acme", "globex"] {
            for (by, whose) in [
                ("", ""),
                ("CREDENTIAL", ""),
                ("ONE", "CN=scout agent"),
                ("TWO", "CN=second agent"),
            ] {
                for number in 0..3 {
                    let host = format!("Host: {tenant}.localhost");
                    let answer = server.curl(&format!("/{by}?to={to}"), &["-H", &host]);
                    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
                    let said = json(&answer.body);
                    let case = format!("{tenant} by {by:?}, number {number}: {said}");
                    assert_eq!(said["whose"], whose, "{case}");
                    // Its own, it does: else this proves nothing.
                    assert_eq!(said["resumed"], !kept && number > 0, "{case}");
                    let connection = said["connection"].as_u64().unwrap();
                    let owner = connections.entry(connection).or_insert((tenant, by));
                    assert_eq!(*owner, (tenant, by), "{case}");
                }
            }
        }
        // One for each identity, where they are kept.
        assert_eq!(connections.len(), if kept { 8 } else { 24 });
    }
}
