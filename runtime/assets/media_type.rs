//! Media types of files, by their names.

use std::path::Path;

use http::HeaderValue;

/// Where the crate has an older name than what is registered (<https://www.iana.org/assignments/media-types/>), or none.
const REGISTERED: [(&str, &str); 20] = [
    ("cjs", "application/node"),
    ("flac", "audio/x-flac"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jsx", "text/jsx"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("manifest", "text/cache-manifest"),
    ("map", "application/json"),
    ("mdx", "text/mdx"),
    ("mjs", "text/javascript"),
    ("obj", "model/obj"),
    ("otf", "font/otf"),
    ("sql", "application/sql"),
    ("stl", "model/stl"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("woff", "font/woff"),
    ("xml", "application/xml"),
    ("yaml", "text/yaml"),
    ("yml", "text/yaml"),
];

/// What a file is, as `Content-Type` says it. Texts are UTF-8. Nothing where its name does not tell.
pub(super) fn of(path: &Path) -> Option<HeaderValue> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let registered = REGISTERED.iter().find(|(name, _)| *name == extension);
    let kind = match registered {
        Some((_, kind)) => kind,
        None => mime_guess::from_ext(&extension).first_raw()?,
    };
    if kind.starts_with("text/") {
        return HeaderValue::try_from(format!("{kind}; charset=utf-8")).ok();
    }
    Some(HeaderValue::from_static(kind))
}
