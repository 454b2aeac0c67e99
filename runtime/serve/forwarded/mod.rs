//! What proxies say of a request: its client, scheme and host. Those that are configured are believed, and nobody else: what others
//! say so is taken off, and agents see of it what is true.

mod element;
mod hop;

use std::net::IpAddr;
use std::sync::Arc;

use http::header::{FORWARDED, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use super::malformed::is_host;
use crate::host::Client;
use crate::listen::Remote;
use crate::rules::Forwarders;
use element::elements;
use hop::{Hop, client};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// As Workers read it.
const CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");

/// By what else proxies and frameworks say who asks, and for which host.
const OTHERS: [&str; 13] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-host",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-pseudo-ipv4",
    "fastly-client-ip",
    "x-envoy-external-address",
];

/// Headers that do not say one thing.
type Malformed = &'static str;

/// What is said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    client: Option<Hop>,
    https: Option<bool>,
    host: Option<String>,
}

/// Lets proxies that are believed decide whose request it is, and takes the headers of such words off. `naming` is a header that
/// names an agent: where there are proxies, they alone may. `tls` is what is known of the connection, where it is over TLS.
///
/// # Errors
/// Where one that is believed says what is no address, scheme or host, or two things at once.
pub(super) fn apply<B>(
    request: &mut Request<B>,
    remote: Remote,
    forwarders: &Forwarders,
    naming: Option<&HeaderName>,
    tls: Option<&Arc<str>>,
) -> Result<Client, Malformed> {
    let (is_believed, own) = match remote {
        Remote::Address(address) => (forwarders.has(address), Some(address)),
        Remote::Unix => (forwarders.has_unix(), None),
        Remote::Gone => (false, None),
    };
    let told = if is_believed {
        told(request.headers(), forwarders)?
    } else {
        Told::default()
    };
    if let (Some(naming), false, false) = (naming, is_believed, forwarders.is_empty()) {
        request.headers_mut().remove(naming);
    }
    take_off(request.headers_mut());
    let address = match told.client {
        Some(Hop::Address(address)) => Some(address),
        Some(Hop::Hidden) => None,
        None => own,
    };
    let client = Client {
        address,
        https: told.https.unwrap_or(tls.is_some()),
        tls: tls.cloned(),
    };
    if let Some(host) = &told.host {
        let host = host
            .parse()
            .map_err(|_| "Bad Request: the X-Forwarded-Host is not valid\n")?;
        set_host(request, host)?;
    }
    tell(request.headers_mut(), &client, is_believed.then_some(&told));
    Ok(client)
}

fn take_off(headers: &mut HeaderMap) {
    // Who makes variables of names (CGI, WSGI) reads an underscore as the dash.
    let is_word = |name: &str| name.starts_with("x-forwarded-") || OTHERS.contains(&name);
    let is_word = |name: &str| is_word(name) || name.contains('_') && is_word(&name.replace('_', "-"));
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_word(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Agents see what is true.
fn tell(headers: &mut HeaderMap, client: &Client, told: Option<&Told>) {
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    if let Some(address) = client.address.as_ref().map(IpAddr::to_string) {
        set(CONNECTING_IP, &address);
        if told.is_some() {
            set(FOR, &address);
            set(REAL_IP, &address);
        }
    }
    if let Some(told) = told {
        set(PROTO, if client.https { "https" } else { "http" });
        if let Some(host) = &told.host {
            set(FORWARDED_HOST, host);
        }
    }
}

fn set_host<B>(request: &mut Request<B>, host: Authority) -> Result<(), Malformed> {
    const WRONG: Malformed = "Bad Request: the X-Forwarded-Host is not valid\n";
    let value = HeaderValue::from_str(host.as_str()).map_err(|_| WRONG)?;
    if request.uri().authority().is_some() {
        let mut parts = request.uri().clone().into_parts();
        parts.authority = Some(host);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| WRONG)?;
        // HTTP/2 has no other.
        if request.headers().contains_key(HOST) {
            request.headers_mut().insert(HOST, value);
        }
    } else {
        request.headers_mut().insert(HOST, value);
    }
    Ok(())
}

fn told(headers: &HeaderMap, forwarders: &Forwarders) -> Result<Told, Malformed> {
    let standard = headers.contains_key(FORWARDED);
    let older = [FOR, PROTO, FORWARDED_HOST]
        .iter()
        .any(|name| headers.contains_key(name));
    match (standard, older) {
        (false, false) => Ok(Told::default()),
        (true, false) => by_standard(headers, forwarders),
        (false, true) => by_older(headers, forwarders),
        (true, true) => {
            // A proxy writes one of them, and the other is anybody's who asks it.
            let (told, other) = (by_standard(headers, forwarders)?, by_older(headers, forwarders)?);
            if told == other {
                Ok(told)
            } else {
                Err("Bad Request: Forwarded and X-Forwarded-For, -Proto and -Host say different things\n")
            }
        }
    }
}

fn by_standard(headers: &HeaderMap, forwarders: &Forwarders) -> Result<Told, Malformed> {
    const WRONG: Malformed = "Bad Request: the Forwarded is not valid\n";
    let mut all = Vec::new();
    for line in headers.get_all(FORWARDED) {
        let line = line.to_str().map_err(|_| WRONG)?;
        all.extend(elements(line).ok_or(WRONG)?);
    }
    let nodes = all.iter().map(|element| element.node.as_deref());
    let Some((place, node)) = client(nodes, forwarders).map_err(|()| WRONG)? else {
        return Ok(Told::default());
    };
    // From the client's element on all are written by proxies of ours. The first of them saw what the client asked for.
    let ours = all.get(place..).unwrap_or_default();
    let proto = ours.iter().find_map(|element| element.proto.as_deref());
    let host = ours.iter().find_map(|element| element.host.as_deref());
    Ok(Told {
        client: Some(node),
        https: proto.map(|proto| is_https(proto).ok_or(WRONG)).transpose()?,
        host: host.map(|host| checked(host).ok_or(WRONG)).transpose()?,
    })
}

fn by_older(headers: &HeaderMap, forwarders: &Forwarders) -> Result<Told, Malformed> {
    const WRONG: Malformed = "Bad Request: the X-Forwarded-For is not valid\n";
    let nodes = items(headers, &FOR).ok_or(WRONG)?;
    let nodes = nodes.into_iter().map(Some);
    let found = client(nodes, forwarders).map_err(|()| WRONG)?;
    let last = |name: &_, wrong: Malformed| items(headers, name).ok_or(wrong).map(|mut items| items.pop());
    let (proto, host) = (
        "Bad Request: the X-Forwarded-Proto is not valid\n",
        "Bad Request: the X-Forwarded-Host is not valid\n",
    );
    Ok(Told {
        client: found.map(|(_, node)| node),
        https: last(&PROTO, proto)?
            .map(|text| is_https(text).ok_or(proto))
            .transpose()?,
        host: last(&FORWARDED_HOST, host)?
            .map(|text| checked(text).ok_or(host))
            .transpose()?,
    })
}

/// The items of a list, in all lines of the header.
fn items<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Vec<&'h str>> {
    let mut items = Vec::new();
    for line in headers.get_all(name) {
        let list = line.to_str().ok()?.split(',').map(str::trim);
        items.extend(list.filter(|item| !item.is_empty()));
    }
    Some(items)
}

/// Some proxies name the scheme of a WebSocket.
fn is_https(proto: &str) -> Option<bool> {
    match proto.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

fn checked(host: &str) -> Option<String> {
    is_host(host.as_bytes()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer, what it says, and what that comes to: client, scheme and host.
    type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], (&'r str, bool, &'r str));

    /// What a request comes to: its client, scheme and host, or why not.
    fn applied(remote: &str, fields: &[(&str, &str)]) -> Result<(String, bool, String), Malformed> {
        let forwarders = Forwarders(vec!["10.0.0.0/8".parse().unwrap(), "unix".parse().unwrap()]);
        let mut request = Request::builder().uri("/").header("host", "own.example");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let remote = match remote {
            "unix" => Remote::Unix,
            address => Remote::Address(address.parse().unwrap()),
        };
        let client = apply(&mut request, remote, &forwarders, None, None)?;
        let address = client.address.map_or_else(String::new, |address| address.to_string());
        let seen = request
            .headers()
            .get(CONNECTING_IP)
            .map_or("", |value| value.to_str().unwrap());
        assert_eq!(seen, address);
        assert!(request.headers().get("forwarded").is_none());
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        Ok((address, client.https, host))
    }

    #[test]
    fn proxies_are_believed() {
        let rows: [Row<'_>; 11] = [
            ("10.0.0.1", &[], ("10.0.0.1", false, "own.example")),
            ("unix", &[], ("", false, "own.example")),
            (
                "10.0.0.1",
                &[
                    ("x-forwarded-for", "9.9.9.9, 1.2.3.4:80"),
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "a.example"),
                ],
                ("1.2.3.4", true, "a.example"),
            ),
            (
                "unix",
                &[
                    ("x-forwarded-for", "9.9.9.9"),
                    ("x-forwarded-for", "1.2.3.4, 10.0.0.9"),
                    ("x-forwarded-proto", "http, wss"),
                ],
                ("1.2.3.4", true, "own.example"),
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-host", "evil.example, a.example")],
                ("10.0.0.1", false, "a.example"),
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "1.2.3.4, unknown")],
                ("", false, "own.example"),
            ),
            (
                "10.0.0.1",
                &[(
                    "forwarded",
                    "for=9.9.9.9;host=evil.example, for=\"[2001:db8::1]:1\";proto=https;host=a.example, for=10.1.1.1;host=in.example",
                )],
                ("2001:db8::1", true, "a.example"),
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=_x;proto=https")],
                ("", true, "own.example"),
            ),
            (
                "10.0.0.1",
                &[("forwarded", "host=evil.example, for=1.2.3.4")],
                ("1.2.3.4", false, "own.example"),
            ),
            (
                "10.0.0.1",
                &[
                    ("forwarded", "for=1.2.3.4;proto=https"),
                    ("x-forwarded-for", "1.2.3.4"),
                    ("x-forwarded-proto", "https"),
                ],
                ("1.2.3.4", true, "own.example"),
            ),
            (
                "::ffff:10.0.0.1",
                &[("x-forwarded-for", "::ffff:1.2.3.4")],
                ("1.2.3.4", false, "own.example"),
            ),
        ];
        for (remote, fields, (address, https, host)) in rows {
            assert_eq!(
                applied(remote, fields),
                Ok((address.to_owned(), https, host.to_owned())),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn nobody_else_is() {
        let words: [(&str, &str); 8] = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "a.example"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=1.2.3.4;host=a.example;proto=https"),
            ("x-real-ip", "1.2.3.4"),
            ("cf-connecting-ip", "1.2.3.4"),
            ("forwarded", "\"not well-formed"),
            ("x-forwarded-for", "neither"),
        ];
        let expected = Ok(("192.0.2.7".to_owned(), false, "own.example".to_owned()));
        assert_eq!(applied("192.0.2.7", &words), expected);
    }

    #[test]
    fn what_is_doubtful_is_refused() {
        let rows: [&[(&str, &str)]; 10] = [
            &[("x-forwarded-for", "1.2.3.4, x y")],
            &[("x-forwarded-proto", "gopher")],
            &[("x-forwarded-host", "a.example/evil")],
            &[("x-forwarded-host", "u@a.example")],
            &[("forwarded", "for=\"x"), ("forwarded", "for=1.2.3.4")],
            &[("forwarded", "for=1.2.3.4;host=\"a b\"")],
            &[("forwarded", "for=1.2.3.4;for=10.0.0.1")],
            &[
                ("forwarded", "for=1.2.3.4;host=evil.example"),
                ("x-forwarded-for", "1.2.3.4"),
            ],
            &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "1.2.3.5")],
            &[("forwarded", "for=1.2.3.4"), ("x-forwarded-host", "evil.example")],
        ];
        for fields in rows {
            assert!(applied("10.0.0.1", fields).is_err(), "{fields:?}");
        }
    }
}
