//! Where each kind of credential goes in a request.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::url::{Url, form_urlencoded};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use workerd_lite_ops::Request;

use super::{Host, Kind, Sent, audience};

/// Gives what was sent, and nothing where there is no other token than the `refused` one.
pub(super) async fn attach(
    kind: &Kind,
    request: &mut Request,
    host: &Host<'_>,
    refused: Option<&str>,
) -> Result<Option<Sent>, String> {
    let sent = match kind {
        Kind::Bearer(secret) => bearer(request, &secret.value()),
        Kind::Basic { username, password } => {
            let password = password.value();
            let encoded = BASE64_STANDARD.encode(format!("{username}:{password}"));
            set(request, &AUTHORIZATION, &format!("Basic {encoded}"))?;
            Ok(vec![password.to_string(), encoded])
        }
        Kind::Header { name, prefix, secret } => {
            let secret = secret.value();
            set(request, name, &format!("{prefix}{secret}"))?;
            Ok(vec![secret.to_string()])
        }
        Kind::Query { name, secret } => {
            let secret = secret.value();
            set_query(&mut request.url, name, &secret);
            Ok(vec![secret.to_string()])
        }
        Kind::OAuth2(_) | Kind::JwtBearer(_) | Kind::GithubApp(_) => {
            let token = match kind {
                Kind::OAuth2(oauth2) => oauth2.token(host.tokens, refused).await?,
                Kind::JwtBearer(jwt) => jwt.token(host.tokens, refused).await?,
                Kind::GithubApp(app) => app.token(host.tokens, refused).await?,
                _ => None,
            };
            let Some(token) = token else { return Ok(None) };
            bearer(request, &token)
        }
        Kind::Identity => {
            let token = (host.mint)(&audience(&request.url))?;
            bearer(request, &token)
        }
        Kind::SigV4(sigv4) => sigv4.sign(request, workerd_lite_ops::clock::wall()),
        Kind::Hmac(hmac) => hmac.sign(request, workerd_lite_ops::clock::wall()),
    };
    sent.map(Some)
}

fn bearer(request: &mut Request, token: &str) -> Result<Sent, String> {
    set(request, &AUTHORIZATION, &format!("Bearer {token}"))?;
    Ok(vec![token.to_owned()])
}

/// Puts a value in the place of the script's own.
pub(super) fn set(request: &mut Request, name: &HeaderName, value: &str) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value).map_err(|_| "its value can not be sent in a header".to_owned())?;
    value.set_sensitive(true);
    request.headers.remove(name);
    request.headers.insert(name.clone(), value);
    Ok(())
}

/// Parameters are compared decoded, so that no spelling of the name survives. The others stay as they are written.
fn set_query(url: &mut Url, name: &str, value: &str) {
    let own = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    let others = url.query().unwrap_or_default().split('&').filter(|pair| {
        let key = form_urlencoded::parse(pair.as_bytes()).next();
        key.is_some_and(|(key, _)| key != name)
    });
    let pairs: Vec<&str> = others.chain([own.as_str()]).collect();
    let query = pairs.join("&");
    url.set_query(Some(&query));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_parameter_is_replaced() {
        let mut url = Url::parse("https://a.example/x?key=1&k%65y=2&b=c%20d&x&key").unwrap();
        set_query(&mut url, "key", "s e");
        assert_eq!(url.as_str(), "https://a.example/x?b=c%20d&x&key=s+e");
    }
}
