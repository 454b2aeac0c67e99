//! Names of hashes.

/// The name that a hash has in this module, of the names that OpenSSL knows it by.
pub(super) fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let short = lower.strip_prefix("rsa-").unwrap_or(&lower);
    let short = short.strip_suffix("withrsaencryption").unwrap_or(short);
    let short = short.strip_prefix("id-rsassa-pkcs1-v1_5-with-").unwrap_or(short);
    let short = short.strip_prefix("ssl3-").unwrap_or(short);
    match short {
        "sha1-2" | "sha-1" | "dss1" => "sha1".into(),
        "sha512/224" | "sha-512/224" => "sha512-224".into(),
        "sha512/256" | "sha-512/256" => "sha512-256".into(),
        "ripemd" | "rmd160" | "ripemd160withrsa" | "ripemd-160" => "ripemd160".into(),
        "sha-224" | "sha-256" | "sha-384" | "sha-512" => short.replacen('-', "", 1),
        "shake-128" | "shake-256" => short.replacen('-', "", 1),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn aliases_have_one_name() {
        for (name, known) in [
            ("RSA-SHA256", "sha256"),
            ("sha512-256WithRSAEncryption", "sha512-256"),
            ("SHA-256", "sha256"),
            ("ssl3-md5", "md5"),
            ("sha3-256", "sha3-256"),
            ("rmd160", "ripemd160"),
        ] {
            assert_eq!(super::plain(name), known, "{name}");
        }
    }
}
