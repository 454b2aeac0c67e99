//! Names of this machine.

/// RFC 6761, section 6.3: `localhost` and all below it are loopback, whatever DNS would say.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::is_localhost;

    #[test]
    fn names_below_localhost_are_local() {
        for name in ["localhost", "a.localhost", "A.LOCALHOST.", "a.b.localhost"] {
            assert!(is_localhost(name), "{name}");
        }
        for name in ["localhost.example", "notlocalhost", "localhost.com"] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
