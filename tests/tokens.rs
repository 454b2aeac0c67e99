//! Access tokens: got from a real OAuth 2.0 server and for signed assertions, kept, and renewed.

use crate::harness::peers::{self, Service};
use crate::harness::{Project, Server, json, plain};

fn serve(upstream: u64, credential: &str, dev_vars: &str) -> (Project, Server) {
    let project = Project::new(&[
        (
            "policy.js",
            "export default { fetch: (request, env) => env.UP.fetch(request) };",
        ),
        (".dev.vars", dev_vars),
    ]);
    project.write(
        "agent.js",
        &format!(
            "export default {{ fetch: (r) => fetch(`http://127.0.0.1:{upstream}${{new URL(r.url).pathname}}`, \
             {{ method: r.method, body: r.body }}) }};"
        ),
    );
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\n\
             credentials = [{{ binding = 'UP', credential = 'up' }}]\n[credentials.up]\nhosts = ['127.0.0.1']\n{credential}"
        ),
    );
    let server = project.serve(&["--threads", "2"]);
    (project, server)
}

#[test]
fn client_credentials_of_a_real_server() {
    let Some(folder) = peers::npm() else { return };
    let authorization = Service::start(&folder, "oauth2.mjs", &[]);
    let port = authorization.port();
    let secrets = "CLIENT_SECRET='s3cr:et/ of the client'\n";
    let credential = |client: &str, auth: &str| {
        format!(
            "type = 'oauth2'\ntoken_url = 'http://127.0.0.1:{port}/token'\nclient_id = '{client}'\nclient_auth = '{auth}'\n\
             secret = 'CLIENT_SECRET'\nscopes = ['read']\n"
        )
    };
    let (_project, server) = serve(port, &credential("machine", "basic"), secrets);
    // Many at once, on two threads, with nothing cached: one token request.
    let url = format!("http://{}/resource?[1-40]", server.address);
    let output = std::process::Command::new("curl")
        .args(["-sS", "--parallel", "--parallel-immediate", "--parallel-max", "20"])
        .arg(url)
        .output()
        .unwrap();
    let answers: Result<Vec<serde_json::Value>, _> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect();
    let answers = answers.unwrap();
    assert_eq!(answers.len(), 40);
    for answer in &answers {
        assert_eq!(answer["client"], "machine");
        assert_eq!(answer["scope"], "read");
        assert_eq!(answer["grants"], 1, "one refresh in flight");
    }
    // The server forgets the token: a 401, one new token, and the request again.
    assert_eq!(server.get("/revoke-all").body, "revoked");
    assert_eq!(json(&server.get("/resource").body)["grants"], 2);
    server.get("/revoke-all");
    assert_eq!(json(&server.get("/resource").body)["grants"], 3);
    drop(server);

    let (_project, server) = serve(port, &credential("poster", "body"), secrets);
    assert_eq!(json(&server.get("/resource").body)["client"], "poster");
    drop(server);
    let (_project, server) = serve(port, &credential("nobody", "body"), secrets);
    assert_eq!(server.get("/resource").status, 500);
    server.logged("the credential \"up\" is not available");
    assert!(!server.log().contains("s3cr"), "{}", server.log());
}

#[test]
fn a_token_endpoint_is_held_to_the_address_rules() {
    let canary = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let credential = format!(
        "type = 'oauth2'\ntoken_url = 'http://{}/token'\nclient_id = 'x'\nsecret = 'CLIENT_SECRET'\n",
        canary.local_addr().unwrap()
    );
    let (project, server) = serve(plain().address.port().into(), &credential, "CLIENT_SECRET=x\n");
    drop(server);
    let configured = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    project.write("workerd-lite.toml", &configured.replace("['local']", "['127.0.0.1']"));
    let server = project.serve(&[]);
    assert_eq!(server.get("/").status, 500);
    server.logged("the network rules deny 127.0.0.2");
    assert!(canary.accept().is_err(), "the endpoint was touched");
}

#[test]
fn a_refresh_token_that_the_server_replaces() {
    let Some(folder) = peers::npm() else { return };
    let authorization = Service::start(&folder, "oauth2.mjs", &[]);
    let port = authorization.port();
    let credential = format!(
        "type = 'oauth2'\ntoken_url = 'http://127.0.0.1:{port}/token'\nclient_id = 'user'\nsecret = 'CLIENT_SECRET'\n\
         refresh_token = 'REFRESH'\n"
    );
    let secrets = format!(
        "CLIENT_SECRET='s3cr:et/ of the client'\nREFRESH={}\n",
        authorization.said["refresh"].as_str().unwrap()
    );
    let (_project, server) = serve(port, &credential, &secrets);
    let first = json(&server.get("/resource").body);
    assert_eq!((&first["account"], &first["grants"]), (&"user-1".into(), &1.into()));
    // The first refresh token is used up; the server would revoke everything if it came again.
    for expected in [2, 3] {
        server.get("/revoke-all");
        let answer = server.get("/resource");
        assert_eq!(json(&answer.body)["grants"], expected, "{}", server.log());
    }
}

#[test]
fn signed_assertions_are_verified_by_another_library() {
    let Some(folder) = peers::npm() else { return };
    let keys = tempfile::tempdir().unwrap();
    let path = |name: &str| keys.path().join(name).display().to_string();
    for arguments in [
        format!(
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out {}",
            path("key.pem")
        ),
        format!("pkey -in {} -pubout -out {}", path("key.pem"), path("public.pem")),
    ] {
        let made = std::process::Command::new("openssl")
            .args(arguments.split(' '))
            .output()
            .unwrap();
        assert!(made.status.success());
    }
    let endpoint = Service::start(&folder, "assertions.mjs", &[&path("public.pem")]);
    let port = endpoint.port();
    let upstream = plain();
    let common = format!("file = '{}'\n", path("key.pem"));
    let jwt_bearer = format!(
        "type = 'jwt-bearer'\n{common}token_url = 'http://127.0.0.1:{port}/token'\nissuer = 'robot@acme.example'\n\
         key_id = 'key-1'\nscopes = ['a', 'b']\n"
    );
    let github = format!(
        "type = 'github-app'\n{common}api = 'http://127.0.0.1:{port}'\napp_id = 'app-7'\ninstallation_id = '42'\n"
    );
    for (credential, expected) in [(jwt_bearer, "Bearer token for a b"), (github, "Bearer ghs_42")] {
        let (_project, server) = serve(upstream.address.port().into(), &credential, "");
        let answer = json(&server.get("/").body);
        assert_eq!(answer["headers"]["authorization"], expected);
    }
}
