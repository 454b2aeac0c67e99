//! What token endpoints answer, and what becomes of it: a token that is attached, or one error that says what is wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::harness::Project;

/// Answers each path with the text that is written down for it, and keeps what it was asked.
struct Endpoint {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = answer(stream.unwrap(), &answers, &seen);
            }
        });
        Self { address, asked }
    }

    fn asked(&self, path: &str) -> Vec<String> {
        let start = format!("POST {path} ");
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|text| text.starts_with(&start)).cloned().collect()
    }
}

fn answer(stream: TcpStream, answers: &[String], seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length, mut authorization) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if lower.starts_with("authorization:") {
            line["authorization:".len()..].trim().clone_into(&mut authorization);
        }
        text.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    text.push_str(&String::from_utf8_lossy(&body));
    let path = text.split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(text);
    let index = path.split('/').find_map(|part| part.parse::<usize>().ok());
    let answer = match index {
        Some(index) => answers[index].clone(),
        None => format!(
            "200 OK\r\ncontent-length: {}\r\n\r\n{authorization}",
            authorization.len()
        ),
    };
    reader.get_mut().write_all(format!("HTTP/1.1 {answer}").as_bytes())
}

fn http(status: &str, content_type: &str, body: &str) -> String {
    let content_type = match content_type {
        "" => String::new(),
        named => format!("content-type: {named}\r\n"),
    };
    format!(
        "{status}\r\n{content_type}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

const AGENT: &str = "export default { fetch: (r) => fetch(`http://127.0.0.1:PORT/api`, { headers: { 'x-binding': new URL(r.url).pathname.slice(1) } }) };";

const POLICY: &str = "export default { async fetch(request, env) { \
    try { return await env[request.headers.get('x-binding')].fetch(request); } \
    catch (error) { return new Response(String(error), { status: 599 }); } } };";

/// Serves one credential for each of these, of which `{url}` is its own token endpoint.
fn serve(endpoint: &Endpoint, credentials: &[String]) -> (Project, crate::harness::Server) {
    let project = Project::new(&[
        ("policy.js", POLICY),
        (".dev.vars", "SECRET='s3cr:et/+1'\nREFRESH=refresh-canary\n"),
    ]);
    project.write("key.pem", &rcgen::KeyPair::generate().unwrap().serialize_pem());
    project.write("agent.js", &AGENT.replace("PORT", &endpoint.address.port().to_string()));
    let names: Vec<String> = (0..credentials.len())
        .map(|index| format!("{{ binding = 'C{index}', credential = 'c{index}' }}"))
        .collect();
    let tables: Vec<String> = credentials
        .iter()
        .enumerate()
        .map(|(index, fields)| {
            let url = format!("http://{}/{index}", endpoint.address);
            format!(
                "[credentials.c{index}]\nhosts = ['127.0.0.1']\n{}\n",
                fields.replace("{url}", &url)
            )
        })
        .collect();
    let tables = tables.concat();
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\n[network]\nallow = ['local']\n[outbound]\nmain = 'policy.js'\ncredentials = [{}]\n{tables}",
            names.join(", ")
        ),
    );
    let server = project.serve(&["--threads", "1"]);
    (project, server)
}

const OAUTH2: &str = "type = 'oauth2'\ntoken_url = '{url}'\nclient_id = 'the client'\nsecret = 'SECRET'";
const REFRESH: &str =
    "type = 'oauth2'\ntoken_url = '{url}'\nclient_id = 'the client'\nsecret = 'SECRET'\nrefresh_token = 'REFRESH'";
const JWT: &str = "type = 'jwt-bearer'\ntoken_url = '{url}'\nissuer = 'i'\nfile = 'key.pem'";
const GITHUB: &str = "type = 'github-app'\napi = '{url}'\napp_id = 'a'\ninstallation_id = '7'\nfile = 'key.pem'";

#[test]
fn tokens_are_taken_as_servers_send_them() {
    let json = "application/json";
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let rows = [
        (
            OAUTH2,
            http(
                "200 OK",
                json,
                r#"{"access_token":"tok","token_type":"Bearer","expires_in":3600}"#,
            ),
        ),
        (OAUTH2, http("200 OK", "", r#"{"access_token":"tok"}"#)),
        (
            OAUTH2,
            http(
                "201 Created",
                "text/json",
                r#"{"access_token":"tok","expires_in":"3600","scope":["a","b"]}"#,
            ),
        ),
        (
            OAUTH2,
            http(
                "203 Other",
                "text/plain",
                r#"{"access_token":"tok","expires_in":3599.5,"scope":null}"#,
            ),
        ),
        (
            OAUTH2,
            http(
                "200 OK",
                "application/vnd.x+json",
                r#"{"access_token":"tok","token_type":"BEARER","error":null}"#,
            ),
        ),
        (
            OAUTH2,
            http("200 OK", form, "access_token=tok&scope=repo%2Cgist&token_type=bearer"),
        ),
        (
            OAUTH2,
            http(
                "202 Accepted",
                "text/javascript",
                "\u{feff}{\"access_token\":\"tok\",\"x\":{\"y\":[1]}}",
            ),
        ),
        (
            REFRESH,
            http(
                "200 OK",
                json,
                r#"{"access_token":"tok","refresh_token":"next","expires_in":""}"#,
            ),
        ),
        (
            JWT,
            http(
                "200 OK",
                "application/json; charset=UTF-8",
                r#"{"access_token":"tok","expires_in":"3599","token_type":"bearer"}"#,
            ),
        ),
        (JWT, http("200 OK", form, "access_token=tok&expires_in=60")),
        (
            GITHUB,
            http(
                "201 Created",
                json,
                r#"{"token":"tok","expires_at":"2999-01-01T00:00:00Z","permissions":{}}"#,
            ),
        ),
        (
            GITHUB,
            http(
                "201 Created",
                json,
                r#"{"token":"tok","expires_at":"2999-01-01T02:00:00+02:00"}"#,
            ),
        ),
    ];
    let (fields, answers): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .map(|(fields, answer)| (fields.to_owned(), answer))
        .unzip();
    let endpoint = Endpoint::start(answers.clone());
    let (_project, server) = serve(&endpoint, &fields);
    for (index, answer) in answers.iter().enumerate() {
        for _ in 0..2 {
            let told = server.get(&format!("/C{index}"));
            assert_eq!((told.status, &*told.body), (200, "Bearer tok"), "{answer}");
        }
    }
    assert_eq!(
        endpoint.asked("/0").len(),
        1,
        "the second request takes the first one's token"
    );
    // RFC 6749, section 2.3.1: both are encoded as a form's before they are joined.
    let basic = "authorization: basic dghlk2nsawvuddpzm2nyjtnbzxqlmkylmkix";
    let asked = endpoint.asked("/0").remove(0).to_ascii_lowercase();
    assert!(
        asked.contains(basic) && asked.ends_with("grant_type=client_credentials"),
        "{asked}"
    );
}

#[test]
fn a_token_that_ends_at_once_is_used_once() {
    let values = ["0", "-1", "\"0\"", "\"-3600\""];
    let answers: Vec<String> = values
        .iter()
        .map(|value| {
            http(
                "200 OK",
                "",
                &format!(r#"{{"access_token":"tok","expires_in":{value}}}"#),
            )
        })
        .collect();
    let endpoint = Endpoint::start(answers);
    let (_project, server) = serve(&endpoint, &vec![OAUTH2.to_owned(); values.len()]);
    for (index, value) in values.iter().enumerate() {
        for asked in 1..3 {
            assert_eq!(server.get(&format!("/C{index}")).body, "Bearer tok", "{value}");
            assert_eq!(endpoint.asked(&format!("/{index}")).len(), asked, "{value}");
        }
    }
}

#[test]
fn each_wrong_answer_has_an_error_of_its_own() {
    let json = "application/json";
    let rows: Vec<(&str, String, &str)> = vec![
        (OAUTH2, http("200 OK", json, "{}"), "holds no access_token"),
        (
            OAUTH2,
            http("200 OK", json, r#"{"access_token":"tok","token_type":"mac"}"#),
            "of the type \"mac\", and only bearer",
        ),
        (
            OAUTH2,
            http("200 OK", json, r#"{"access_token":"tok","expires_in":"soon"}"#),
            "an expires_in that is no time",
        ),
        (OAUTH2, http("200 OK", json, "{\"access_token\":"), "is no valid JSON"),
        (OAUTH2, http("200 OK", json, "[]"), "JSON, but no object"),
        (
            OAUTH2,
            http("200 OK", "text/html", "<h1>Log in</h1>"),
            "is text/html, and neither JSON nor a form",
        ),
        (OAUTH2, http("204 No Content", "", ""), "(204 No Content) has no body"),
        (
            OAUTH2,
            http("200 OK", json, r#"{"access_token":"tok\r\nx: y"}"#),
            "can not be sent in a header",
        ),
        (
            OAUTH2,
            http("302 Found\r\nlocation: https://login.example/x?secret=1", "", ""),
            "302 Found with a redirect to https://login.example/x, which is not followed",
        ),
        (
            OAUTH2,
            http(
                "401 Unauthorized",
                json,
                r#"{"error":"invalid_client","error_description":"not s3cr:et/+1"}"#,
            ),
            "answered 401 Unauthorized: \"invalid_client\" (not [redacted])",
        ),
        (
            OAUTH2,
            http(
                "200 OK",
                "application/x-www-form-urlencoded",
                "error=slow_down&error_description=Too+many",
            ),
            "answered 200 OK: \"slow_down\" (Too many)",
        ),
        (
            REFRESH,
            http("400 Bad Request", json, r#"{"error":"refresh-canary?"}"#),
            "400 Bad Request: \"[redacted]?\"",
        ),
        (
            OAUTH2,
            http("503 Busy", "text/html", "<b>s3cr:et/+1</b>"),
            "answered 503 Service Unavailable",
        ),
        (
            JWT,
            http(
                "400 Bad Request",
                json,
                r#"{"error":"invalid_grant","error_description":"Invalid JWT"}"#,
            ),
            "\"invalid_grant\" (Invalid JWT)",
        ),
        (JWT, http("200 OK", json, r#"{"token":"tok"}"#), "holds no access_token"),
        (
            GITHUB,
            http(
                "401 Unauthorized",
                json,
                r#"{"message":"A JSON web token could not be decoded"}"#,
            ),
            "401 Unauthorized: A JSON web token",
        ),
        (
            GITHUB,
            http("201 Created", json, r#"{"token":"tok","expires_at":"soon"}"#),
            "an expires_at that is no time",
        ),
    ];
    let endpoint = Endpoint::start(rows.iter().map(|row| row.1.clone()).collect());
    let fields: Vec<String> = rows.iter().map(|row| row.0.to_owned()).collect();
    let (_project, server) = serve(&endpoint, &fields);
    for (index, (_, answer, expected)) in rows.iter().enumerate() {
        let told = server.get(&format!("/C{index}"));
        assert_eq!(told.status, 599, "{answer}: {}", told.body);
        assert!(
            told.body.contains(expected),
            "{answer}: {expected:?} is not in {}",
            told.body
        );
        assert!(
            !told.body.contains("s3cr") && !told.body.contains("canary") && !told.body.contains("tok\r"),
            "{}",
            told.body
        );
    }
    assert!(
        !server.log().contains("s3cr") && !server.log().contains("canary"),
        "{}",
        server.log()
    );
    let api = endpoint.asked.lock().unwrap();
    assert!(
        !api.iter().any(|text| text.contains(" /api ")),
        "nothing goes out without its token"
    );
}
