//! Answers as servers send them.

use super::*;

fn response(status: u16, content_type: Option<&str>, body: &str) -> http::Response<Vec<u8>> {
    let mut response = http::Response::builder().status(status);
    if let Some(content_type) = content_type {
        response = response.header("content-type", content_type);
    }
    response.body(body.as_bytes().to_vec()).unwrap()
}

fn read_body(content_type: Option<&str>, body: &str) -> Result<TokenResponse, TokenResponseError> {
    read(&response(200, content_type, body), "access_token", &[])
}

const JSON: Option<&str> = Some("application/json");

#[test]
fn one_answer_under_every_content_type() {
    let json = r#"{"access_token":"t","expires_in":"60","scope":["a","b"],"extra":{"deep":[null]}}"#;
    let form = "access_token=t&expires_in=60&scope=a+b&extra";
    let json_types = [
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("Application/JSON;charset=UTF-8"),
        Some("text/json"),
        Some("text/javascript; charset=utf-8"),
        Some("application/x-foo+json"),
        Some("application/vnd.oauth+json"),
        Some("text/plain"),
        Some("text/html"),
        Some("application/octet-stream"),
        Some("application/x-www-form-urlencoded"),
        None,
    ];
    let form_types = [
        Some("application/x-www-form-urlencoded; charset=utf-8"),
        Some("text/plain"),
        None,
    ];
    let all = json_types
        .iter()
        .map(|kind| (kind, json))
        .chain(form_types.iter().map(|kind| (kind, form)));
    for (content_type, body) in all {
        for body in [body.to_owned(), format!("\u{feff}{body}"), format!("\r\n {body}\n")] {
            let read = read_body(*content_type, &body).unwrap_or_else(|why| panic!("{content_type:?} {body}: {why}"));
            assert_eq!(
                (&*read.token, read.lifetime),
                ("t", Some(Duration::from_mins(1))),
                "{body}"
            );
        }
    }
}

#[test]
fn types_and_statuses() {
    for kind in [
        "",
        r#","token_type":"Bearer""#,
        r#","token_type":"BEARER ""#,
        r#","token_type":null"#,
        r#","token_type":"""#,
    ] {
        for status in [200, 201, 202, 203, 206, 299] {
            let body = format!(r#"{{"access_token":"t"{kind},"error":null,"refresh_token":"r"}}"#);
            let read = read(&response(status, JSON, &body), "access_token", &[]).unwrap();
            assert_eq!(read.refresh_token.as_deref(), Some("r"));
        }
    }
}

#[test]
fn one_error_for_each_thing() {
    use TokenResponseError as E;
    let cases = [
        (r#"{"access_token":"t","token_type":"MAC"}"#, E::TokenType("MAC".into())),
        (r#"{"access_token":"t","token_type":7}"#, E::NoText("token_type")),
        (r#"{"access_token":"t","expires_in":"soon"}"#, E::Expiry("expires_in")),
        (r#"{"access_token":"t\n"}"#, E::Unsendable("access_token")),
        (r#"{"access_token":"é"}"#, E::Unsendable("access_token")),
        (r#"{"access_token":" "}"#, E::Unsendable("access_token")),
        (r#"{"access_token":5}"#, E::NoText("access_token")),
        (r#"{"access_token":""}"#, E::Missing("access_token")),
        (r#"{"token":"t"}"#, E::Missing("access_token")),
        (r#"{"access_token":"t","refresh_token":{}}"#, E::NoText("refresh_token")),
        (r#"["t"]"#, E::NoObject),
        (r#""t""#, E::NoObject),
        (r#"{"access_token":"t""#, E::Json),
        ("<html>", E::Json),
        ("", E::Empty(StatusCode::OK)),
        (" \n", E::Empty(StatusCode::OK)),
    ];
    for (body, expected) in cases {
        assert_eq!(read_body(JSON, body), Err(expected), "{body}");
    }
    assert_eq!(
        read_body(Some("text/html"), "<p>log in"),
        Err(E::ContentType("text/html".into()))
    );
    assert_eq!(read_body(None, "hello"), Err(E::ContentType("text".into())));
    let mut coded = response(200, JSON, "\u{1f}");
    coded.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(read(&coded, "access_token", &[]), Err(E::Coding("gzip".into())));
}

#[test]
fn refusals_say_status_code_and_description() {
    let long = format!(r#"{{"error":"e","error_description":"{}"}}"#, "long ".repeat(1000));
    for (status, content_type, body, expected) in [
        (
            400,
            JSON,
            r#"{"error":"invalid_grant","error_description":"Bad Request"}"#,
            r#"answered 400 Bad Request: "invalid_grant" (Bad Request)"#,
        ),
        (
            401,
            JSON,
            r#"{"error":"invalid_client"}"#,
            r#"answered 401 Unauthorized: "invalid_client""#,
        ),
        (
            200,
            Some("application/x-www-form-urlencoded; charset=utf-8"),
            "error=bad_verification_code&error_description=The+code+passed+is+incorrect.",
            r#"answered 200 OK: "bad_verification_code" (The code passed is incorrect.)"#,
        ),
        (
            200,
            JSON,
            r#"{"ok":false,"error":"invalid_auth"}"#,
            r#"200 OK: "invalid_auth""#,
        ),
        (
            403,
            JSON,
            r#"{"error":{"code":403,"message":"No access","status":"PERMISSION_DENIED"}}"#,
            r#"403 Forbidden: "PERMISSION_DENIED" (No access)"#,
        ),
        (
            401,
            JSON,
            r#"{"message":"Bad credentials","documentation_url":"x"}"#,
            "401 Unauthorized: Bad credentials",
        ),
        (
            503,
            Some("text/html"),
            "<html>secret</html>",
            "answered 503 Service Unavailable",
        ),
        (500, None, "", "answered 500 Internal Server Error"),
        (
            400,
            JSON,
            r#"{"error":"a\u001b[31m\nb\u202ec","error_description":"s3cr:et/ and czNjcjpldC8 and at-1 and s3cr%3Aet%2F"}"#,
            r#""a [31m b c" ([redacted] and [redacted]8 and at-1 and [redacted])"#,
        ),
        (
            200,
            JSON,
            r#"{"error":"for at-1","access_token":"at-1"}"#,
            r#""for [redacted]""#,
        ),
        (400, JSON, &long, "long long\u{2026})"),
    ] {
        let error = read(
            &response(status, content_type, body),
            "access_token",
            &["s3cr:et/".into()],
        )
        .unwrap_err();
        let said = error.to_string();
        assert!(said.ends_with(expected) && said.len() < 400, "{body}: {said}");
    }
}

#[test]
fn a_redirect_is_told_without_its_query() {
    let mut answer = response(302, None, "");
    assert!(
        read(&answer, "token", &[])
            .unwrap_err()
            .to_string()
            .contains("302 Found with a redirect, which")
    );
    let location = "https://user:pw@login.example/token?client_secret=x#y";
    answer.headers_mut().insert("location", location.parse().unwrap());
    let said = read(&answer, "token", &[]).unwrap_err().to_string();
    assert!(
        said.contains("a redirect to https://login.example/token, which is not followed"),
        "{said}"
    );
}
