//! AWS Signature Version 4, by AWS's own crate.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use deno_core::url::{Position, Url};
use http::{HeaderName, HeaderValue};
use workerd_lite_ops::{Body, Request};

use super::secret::Secret;
use super::{Sent, uri};

/// An access key, and what it signs for.
#[derive(Debug)]
pub struct SigV4 {
    /// The access key's id, which is no secret.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session's token, for temporary keys.
    pub session_token: Option<Secret>,
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The service, such as `s3` or `execute-api`.
    pub service: String,
}

impl SigV4 {
    pub(super) fn secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.secret_access_key)
            .chain(&self.session_token)
            .collect()
    }

    /// Signs the host, the content type and every `x-amz-` header. A streamed body is `UNSIGNED-PAYLOAD`, which TLS
    /// protects; AWS takes it for S3 and refuses it for most other services.
    ///
    /// What goes out is what was signed: the query, and S3's path too, are sent in the form that is signed, so that it
    /// does not matter whether the other side decodes them first.
    pub(super) fn sign(&self, request: &mut Request, time: SystemTime) -> Result<Sent, String> {
        for name in [
            "authorization",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-content-sha256",
        ] {
            request.headers.remove(name);
        }
        let session = self.session_token.as_ref().map(|token| token.value().to_string());
        let identity = Credentials::new(
            self.access_key_id.as_str(),
            self.secret_access_key.value().to_string(),
            session.clone(),
            None,
            "workerd-lite",
        )
        .into();
        let is_s3 = matches!(
            self.service.as_str(),
            "s3" | "s3express" | "s3-object-lambda" | "s3-outposts"
        );
        let target = target(&mut request.url, is_s3)?;
        let mut settings = SigningSettings::default();
        if is_s3 {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        if is_s3 || matches!(request.body, Body::Stream(_)) {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(time)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers: Vec<(&str, String)> = request
            .headers
            .iter()
            .filter(|(name, _)| name.as_str().starts_with("x-amz-") || *name == http::header::CONTENT_TYPE)
            .map(|(name, value)| {
                let value =
                    std::str::from_utf8(value.as_bytes()).map_err(|_| format!("the header {name} is no UTF-8"))?;
                // The signer makes one space of several, but not of tabs.
                Ok((name.as_str(), value.replace('\t', " ")))
            })
            .collect::<Result<_, String>>()?;
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = match &request.body {
            Body::Empty => SignableBody::Bytes(&[]),
            Body::Full(bytes) => SignableBody::Bytes(bytes),
            Body::Stream(_) => SignableBody::UnsignedPayload,
        };
        let signable =
            SignableRequest::new(request.method.as_str(), target, headers, body).map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &params).map_err(|error| error.to_string())?.into_parts();
        let (added, _) = instructions.into_parts();
        for header in added {
            let name = HeaderName::from_bytes(header.name().as_bytes()).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::from_str(header.value()).map_err(|error| error.to_string())?;
            value.set_sensitive(header.sensitive());
            request.headers.insert(name, value);
        }
        Ok(session.into_iter().collect())
    }
}

/// The URL as it is signed. What is sent takes its form, as far as a URL can.
fn target(url: &mut Url, is_s3: bool) -> Result<String, String> {
    if let Some(query) = uri::query(url)? {
        url.set_query(Some(&query));
    }
    if !is_s3 {
        let path = uri::plain_path(url);
        url.set_path(&path);
        return Ok(url.as_str().to_owned());
    }
    let path = uri::path(url);
    let mut sent = url.clone();
    sent.set_path(&path);
    // A URL holds no dot segments: an object's name with `/../` in it goes on as it was written, with `%2F`.
    if sent.path() == path {
        *url = sent;
    }
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    Ok(format!("{}{path}{query}", &url[..Position::BeforePath]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's published test suite: <https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html>
    #[test]
    fn aws_vectors() {
        let sigv4 = SigV4 {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::fixed("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            region: "us-east-1".into(),
            service: "service".into(),
        };
        let time = humantime::parse_rfc3339("2015-08-30T12:36:00Z").unwrap();
        for (name, method, target, signature) in [
            (
                "get-vanilla",
                "GET",
                "/",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                "POST",
                "/",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ] {
            let mut request = Request {
                method: method.parse().unwrap(),
                url: format!("https://example.amazonaws.com{target}").parse().unwrap(),
                headers: http::HeaderMap::new(),
                body: Body::Empty,
                cf: None,
            };
            sigv4.sign(&mut request, time).unwrap();
            let header = request.headers["authorization"].to_str().unwrap();
            assert!(header.ends_with(&format!("Signature={signature}")), "{name}: {header}");
        }
    }
}
