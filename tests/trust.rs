//! Which upstreams are believed: those of an authority, and those whose own certificate is named in `ca`.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use crate::harness::certs::Certs;
use crate::harness::partner::{Partner, Tls};
use crate::harness::{AGENT, CONFIG, Project, upstreams};

/// What the policy was told, where it failed.
const POLICY: &str = "export default { async fetch(request, env) { \
    try { return await env.PARTNER.fetch(request); } catch (error) { return new Response(String(error), { status: 598 }); } } };";

/// A self-signed certificate as `openssl req -x509` makes it, but for what `change` says.
fn own(folder: &Path, name: &str, change: impl FnOnce(&mut CertificateParams)) {
    let mut params = CertificateParams::new(vec!["partner.localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    std::fs::write(
        folder.join(format!("{name}.pem")),
        params.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

fn certs(folder: &Path) {
    Certs::make(folder);
    own(folder, "own", |_| {});
    own(folder, "own-twin", |_| {});
    own(folder, "own-leaf", |params| params.is_ca = IsCa::ExplicitNoCa);
    own(folder, "own-plain", |params| params.is_ca = IsCa::NoCa);
    own(folder, "own-expired", |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    own(folder, "own-early", |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    });
    own(folder, "own-other", |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
    });
    own(folder, "own-nameless", |params| params.subject_alt_names.clear());
    own(folder, "own-client", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    // One that says it is no authority, and issues nevertheless.
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let issuer =
        Issuer::from_ca_cert_pem(&read("own-leaf.pem"), KeyPair::from_pem(&read("own-leaf.key")).unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["partner.localhost".to_owned()]).unwrap();
    std::fs::write(
        folder.join("by-leaf.pem"),
        params.signed_by(&key, &issuer).unwrap().pem(),
    )
    .unwrap();
    std::fs::write(folder.join("by-leaf.key"), key.serialize_pem()).unwrap();
}

#[test]
fn a_server_is_believed_by_its_own_certificate() {
    let project = Project::new(&[("outbound.js", POLICY), (".dev.vars", "PARTNER_TOKEN=t\n")]);
    let folder = project.path().join("certs");
    certs(&folder);
    let unknown = "UnknownIssuer (nobody who is trusted";
    // What the server shows, what `ca` names, and what is said where that is not enough.
    for (shown, named, refusal) in [
        ("own", "own", None),
        ("own-leaf", "own-leaf", None),
        ("own-plain", "own-plain", None),
        // A pinned certificate of another authority.
        ("self-signed", "self-signed", None),
        ("server", "ca", None),
        ("own", "own-twin", Some("name this very certificate in `ca`")),
        ("own", "ca", Some("name this very certificate in `ca`")),
        ("own-leaf", "own", Some(unknown)),
        ("own-plain", "ca", Some(unknown)),
        ("by-leaf", "own-leaf", Some(unknown)),
        (
            "own-expired",
            "own-expired",
            Some("has expired: its owner must renew it"),
        ),
        ("own-early", "own-early", Some("is not valid yet")),
        ("own-other", "own-other", Some("is another host's")),
        ("own-nameless", "own-nameless", Some("no subject alternative name")),
        ("own-client", "own-client", Some("not for servers")),
        ("self-signed", "ca", Some(unknown)),
        ("expired", "ca", Some("has expired: its owner must renew it")),
        ("other", "ca", Some("is another host's")),
    ] {
        let tls = Tls {
            folder: &folder,
            certificate: shown,
        };
        let listen = "127.0.0.1:0".parse().unwrap();
        let partner = upstreams().block_on(Partner::start(listen, Some(tls))).unwrap();
        project.write("agent.js", &AGENT.replace("PORT", &partner.address.port().to_string()));
        let own_list = CONFIG.replace("certs/ca.pem", &format!("certs/{named}.pem"));
        let for_all = CONFIG
            .replace("ca = [\"certs/ca.pem\"]\n", "")
            .replace("[network]\n", &format!("[network]\nca = [\"certs/{named}.pem\"]\n"));
        for (list, config) in [("certificates", own_list), ("network", for_all)] {
            project.write("workerd-lite.toml", &config);
            let answer = project.serve(&["agent.js", "--threads", "1"]).get("/x");
            let what = format!("{shown} is shown, {named} is named in {list}: {}", answer.body);
            match refusal {
                None => assert!(answer.status == 200 && answer.body.contains("CN=scout agent"), "{what}"),
                Some(refusal) => assert!(answer.status == 598 && answer.body.contains(refusal), "{what}"),
            }
        }
    }
}

#[test]
fn a_port_without_tls_is_told() {
    let plain = crate::harness::plain();
    let project = Project::new(&[
        (".dev.vars", "PARTNER_TOKEN=t\n"),
        ("outbound.js", POLICY),
        ("workerd-lite.toml", CONFIG),
    ]);
    Certs::make(&project.path().join("certs"));
    project.write("agent.js", &AGENT.replace("PORT", &plain.address.port().to_string()));
    let answer = project.serve(&["agent.js"]).get("/x");
    assert!(answer.body.contains("speaks no TLS on this port"), "{}", answer.body);
}
