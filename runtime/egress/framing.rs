//! Where an HTTP/1 response ends (RFC 9112, section 6.3). hyper finds the end; what other recipients could find elsewhere is
//! refused, because that is how responses are smuggled.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};

/// Refuses a response whose end is not plain, and leaves it one `Content-Length` at most.
pub(super) fn check<B>(method: &Method, response: &mut Response<B>) -> Result<(), &'static str> {
    let status = response.status();
    let no_content = *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let version = response.version();
    let headers = response.headers_mut();
    let length = content_length(headers)?;
    if version < Version::HTTP_2 && !no_content && headers.contains_key(TRANSFER_ENCODING) {
        if length.is_some() {
            return Err("the response has a Transfer-Encoding and a Content-Length");
        }
        if !is_chunked(headers) {
            return Err("the response has a Transfer-Encoding that nobody asked for");
        }
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(())
}

/// Several that are equal are one.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, &'static str> {
    let mut length = None;
    for line in headers.get_all(CONTENT_LENGTH) {
        for value in line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let parsed = (!value.is_empty() && value.iter().all(u8::is_ascii_digit))
                .then(|| std::str::from_utf8(value).ok()?.parse::<u64>().ok())
                .flatten()
                .ok_or("the response's Content-Length is not valid")?;
            if length.is_some_and(|length| length != parsed) {
                return Err("the response has different Content-Lengths");
            }
            length = Some(parsed);
        }
    }
    Ok(length)
}

/// Whether `chunked` is the one transfer coding. We offer no other.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    codings
        .next()
        .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields, and the lengths that are left.
    type Row<'a> = (&'a [(&'static str, &'a str)], &'a [&'a str]);

    fn checked(method: Method, status: u16, fields: &[(&'static str, &str)]) -> Result<Vec<String>, &'static str> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in fields {
            response.headers_mut().append(*name, value.parse().unwrap());
        }
        check(&method, &mut response)?;
        let lengths = response.headers().get_all(CONTENT_LENGTH);
        Ok(lengths.iter().map(|value| value.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn one_length_or_chunks() {
        let (length, coding) = ("content-length", "transfer-encoding");
        let good: [Row<'_>; 6] = [
            (&[], &[]),
            (&[(length, "5")], &["5"]),
            (&[(length, "5"), (length, "5")], &["5"]),
            (&[(length, "5, 5"), (length, "05")], &["5"]),
            (&[(coding, "Chunked")], &[]),
            (&[(coding, ""), (coding, "chunked,")], &[]),
        ];
        for (fields, lengths) in good {
            assert_eq!(checked(Method::GET, 200, fields).unwrap(), lengths, "{fields:?}");
        }
        let bad: [&[(&str, &str)]; 10] = [
            &[(length, "5"), (length, "6")],
            &[(length, "5, 6")],
            &[(length, "+5")],
            &[(length, "")],
            &[(length, "99999999999999999999")],
            &[(length, "5"), (coding, "chunked")],
            &[(coding, "gzip, chunked")],
            &[(coding, "chunked, chunked")],
            &[(coding, "chunked"), (coding, "identity")],
            &[(coding, "identity")],
        ];
        for fields in bad {
            assert!(checked(Method::GET, 200, fields).is_err(), "{fields:?}");
        }
        // These end with their head.
        let both = [(length, "5"), (coding, "chunked")];
        assert!(checked(Method::HEAD, 200, &both).is_ok());
        assert!(checked(Method::GET, 204, &both).is_ok());
        assert!(checked(Method::GET, 304, &both).is_ok());
    }
}
