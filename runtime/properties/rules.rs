//! Rules of hosts and paths: what fits is what the pattern says, for every URL.

use deno_core::url::Url;
use proptest::prelude::*;

use super::kept;
use crate::rules::{HostPattern, PathPattern};

/// Without two hyphens in a row: `xn--` begins what must be valid Punycode.
fn label() -> impl Strategy<Value = String> {
    "[a-z](-?[a-z0-9]){0,6}"
}

proptest! {
    #![proptest_config(kept())]

    #[test]
    fn a_star_is_one_label_or_more_and_never_the_rest(name in label(), prefix in prop::collection::vec(label(), 0..4), other in label()) {
        let pattern: HostPattern = format!("*.{name}.test").parse().unwrap();
        let host = prefix.iter().chain([&format!("{name}.test")]).cloned().collect::<Vec<_>>().join(".");
        let url = Url::parse(&format!("https://{host}/")).unwrap();
        // One label fits a star; a host without any does not.
        if prefix.is_empty() {
            prop_assert!(!pattern.matches_url(&url), "{}", url);
        }
        if prefix.len() == 1 {
            prop_assert!(pattern.matches_url(&url), "{}", url);
        }
        // Whatever stands behind it.
        let behind = Url::parse(&format!("https://{host}.{other}x/")).unwrap();
        prop_assert!(!pattern.matches_url(&behind), "{}", behind);
        let joined = Url::parse(&format!("https://{}{name}.test/", prefix.concat())).unwrap();
        prop_assert!(!pattern.matches_url(&joined), "{}", joined);
    }

    #[test]
    fn patterns_are_read_or_refused(text in "\\PC{0,20}", host in "[a-z0-9.-]{1,20}") {
        if let (Ok(pattern), Ok(url)) = (text.parse::<HostPattern>(), Url::parse(&format!("http://{host}/"))) {
            let _ = pattern.matches_url(&url);
            let _ = pattern.sample();
        }
        let _ = text.parse::<PathPattern>();
    }

    #[test]
    fn a_sample_fits(labels in prop::collection::vec(prop_oneof![label(), Just("*".to_owned())], 1..4)) {
        if let Ok(pattern) = labels.join(".").parse::<HostPattern>() {
            if let Some(sample) = pattern.sample() {
                if let Ok(url) = Url::parse(&format!("http://{sample}/")) {
                    prop_assert!(pattern.matches_url(&url), "{:?} {}", labels, sample);
                }
            }
        }
    }
}
