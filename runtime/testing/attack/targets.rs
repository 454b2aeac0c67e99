//! URLs of strangers where a policy may look for its target.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deno_core::url::form_urlencoded;
use serde_json::Value;

use super::ask::Ask;
use super::faults::{fields, pairs, with_headers};
use super::named::Named;
use super::strangers::Attacks;
use crate::testing::source::Place;

/// Names that proxies take targets from.
const USUAL_NAMES: [&str; 13] = [
    "url",
    "href",
    "uri",
    "u",
    "target",
    "to",
    "dest",
    "q",
    "host",
    "next",
    "redirect",
    "callback",
    "x-target-url",
];

/// At so many hosts all spellings of a target are tried.
const ALL: usize = 8;

impl Attacks {
    /// URLs of strangers where a proxy may look for its target.
    pub(super) fn targets(&mut self, named: &Named) {
        let class = "a stranger named in a request to a host that is not one";
        let mut names: Vec<&str> = named.names.iter().map(String::as_str).collect();
        names.extend(USUAL_NAMES);
        names.dedup();
        let hosts: Vec<&str> = named.samples().collect();
        for (number, host) in hosts.iter().copied().enumerate() {
            // Where one host is asked for a stranger as it is, others are too: what is compared of its name differs.
            let few = if number < ALL { usize::MAX } else { 4 };
            let urls = [
                ("as it is", "https://evil.test/x".to_owned()),
                ("with the host as a user", format!("https://{host}@evil.test/")),
                (
                    "with the host as a user with a password",
                    format!("https://{host}:443@evil.test/"),
                ),
                ("with the host in front", format!("https://{host}.evil.test/")),
                ("with the host in the query", format!("https://evil.test/?{host}")),
                ("with the host in the path", format!("https://evil.test/{host}")),
                ("with the host in the fragment", format!("https://evil.test/#{host}")),
                ("without a scheme", "//evil.test/".to_owned()),
                ("with a backslash", format!("https://evil.test\\@{host}/")),
                ("a look-alike", format!("https://evil{host}/")),
                ("a host alone", "evil.test".to_owned()),
            ];
            // What is asked for may be compared with another host than the one that is asked.
            let others = hosts
                .iter()
                .take(ALL)
                .filter(|other| **other != host)
                .flat_map(|other| {
                    [
                        ("with another host in front", format!("https://{other}.evil.test/")),
                        ("with another host as a user", format!("https://{other}@evil.test/")),
                    ]
                });
            for (case, url) in urls.into_iter().take(few).chain(others) {
                let query = pairs(&names, &url);
                self.add(
                    class,
                    format!("{case}, in the query"),
                    Ask::new("GET", &format!("https://{host}/?{query}")),
                );
                let headers = Ask::new("GET", &format!("https://{host}/")).map(|ask| with_headers(ask, &names, &url));
                self.add(class, format!("{case}, in headers"), headers);
                let body = Value::Object(fields(&names, &url.as_str().into())).to_string();
                let ask = Ask::new("POST", &format!("https://{host}/")).map(|ask| ask.body("application/json", body));
                self.add(class, format!("{case}, in JSON"), ask);
                self.add(
                    class,
                    format!("{case}, in the path"),
                    Ask::new("GET", &format!("https://{host}/{url}")),
                );
                self.hidden_targets(class, case, (host, &url), (&names, &named.paths));
            }
        }
    }

    /// The same where they are not seen at once.
    fn hidden_targets(
        &mut self,
        class: &'static str,
        case: &str,
        (host, url): (&str, &str),
        (names, paths): (&[&str], &[(String, Option<Place>)]),
    ) {
        let to = format!("https://{host}/");
        let post = |kind: &str, body: String| Ask::new("POST", &to).map(|ask| ask.body(kind, body));
        let form = post("application/x-www-form-urlencoded", pairs(names, url));
        self.add(class, format!("{case}, in a form"), form);
        let boundary = "wlboundary7f3a";
        let part = |name| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{url}\r\n");
        let parts = names.iter().map(part).collect::<Vec<_>>().concat();
        let parts = post(
            &format!("multipart/form-data; boundary={boundary}"),
            format!("{parts}--{boundary}--\r\n"),
        );
        self.add(class, format!("{case}, in a form of parts"), parts);
        let each = |names, value: &Value| Value::Object(fields(names, value));
        let inner = each(names, &url.into());
        let json = post("application/json", each(names, &inner).to_string());
        self.add(class, format!("{case}, in JSON a level deeper"), json);
        // Three of many names are too many.
        let few = &names[..names.len().min(12)];
        let deep = each(few, &each(few, &each(few, &url.into())));
        let json = post("application/json", deep.to_string());
        self.add(class, format!("{case}, in JSON two levels deeper"), json);
        let json = post("application/json", serde_json::json!([inner]).to_string());
        self.add(class, format!("{case}, in a list in JSON"), json);
        let is_tag = |name: &&&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let tag = |name| format!("<{name}>{url}</{name}>");
        let tags = names.iter().filter(is_tag).map(tag).collect::<Vec<_>>().concat();
        self.add(
            class,
            format!("{case}, in XML"),
            post("application/xml", format!("<x>{tags}</x>")),
        );
        let coded = BASE64_STANDARD.encode(url);
        let headers = Ask::new("GET", &to).map(|ask| with_headers(ask, names, &coded));
        self.add(class, format!("{case}, in headers in base64"), headers);
        let query = Ask::new("GET", &format!("{to}?{}", pairs(names, &coded)));
        self.add(class, format!("{case}, in the query in base64"), query);
        let written = form_urlencoded::byte_serialize(url.as_bytes()).collect::<String>();
        self.add(
            class,
            format!("{case}, in the path as one segment"),
            Ask::new("GET", &format!("{to}{written}")),
        );
        for (path, _) in paths.iter().take(8) {
            let path = path.trim_end_matches('/');
            for url in [url, &written] {
                self.add(
                    class,
                    format!("{case}, behind the path {path}"),
                    Ask::new("GET", &format!("https://{host}{path}/{url}")),
                );
            }
        }
    }
}
