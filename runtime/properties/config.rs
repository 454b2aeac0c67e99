//! Configuration: whatever a file says, it is read or refused with a place, and nothing panics.

use proptest::prelude::*;

use super::kept;
use crate::assembly::load;
use crate::config::Flags;

/// Files that are right.
const SEEDS: [&str; 3] = [
    include_str!("../../fixtures/example/workerd-lite.toml"),
    include_str!("../../fixtures/testing/workerd-lite.toml"),
    "main = 'agent.js'\nlisten = '127.0.0.1:0'\nthreads = 2\n[outbound]\nmain = 'outbound.js'\nvars = { A = 'b' }\n\
     limits = { cpu_ms = 10, wall = '2s' }\n[[outbound.egress]]\nhosts = ['*.a.test']\npaths = ['/x/*']\nmethods = ['GET']\n\
     [network]\nallow = ['public', '10.0.0.0/8']\ndeny = ['169.254.0.0/16']\nnameservers = ['127.0.0.1:53']\n[timeouts]\nconnect = '5s'\n\
     [limits]\nmemory_mb = 64\n[[agents]]\nname = 'a'\nmain = 'agent.js'\nmatch = ['a.localhost']\ntenant = 't'\n[agents.limits]\nsubrequests = 3\n",
];

/// What goes in between.
fn noise() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        Just("\n[agents]\n".to_owned()),
        Just("\n[[agents]]\n".to_owned()),
        Just("= 1e400".to_owned()),
        Just("'''".to_owned()),
        Just("\0".to_owned()),
        Just("= -1".to_owned()),
        Just("= 99999999999999999999".to_owned()),
        Just("= ''".to_owned()),
        Just("= []".to_owned()),
        Just("= { }".to_owned()),
        Just("[[".repeat(500)),
        Just("'../../etc/passwd'".to_owned()),
        Just("'99999999999999999999s'".to_owned()),
    ]
}

fn try_it(name: &str, text: &str) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    for script in ["agent.js", "outbound.js"] {
        std::fs::write(folder.path().join(script), "export default { fetch() {} };").unwrap();
    }
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let flags = Flags {
        config: Some(path),
        testing: true,
        ..Flags::default()
    };
    if let Err(error) = load(&flags) {
        let report = format!("{:?}", miette::Report::new(error));
        prop_assert!(report.len() > 10, "{}", report);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..kept() })]

    #[test]
    fn a_file_with_noise_is_read_or_refused(
        seed in 0..SEEDS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..20, noise()), 0..4),
    ) {
        let mut text: Vec<char> = SEEDS[seed].chars().collect();
        for (place, gone, noise) in changes {
            let start = place.index(text.len() + 1);
            let end = (start + gone).min(text.len());
            text.splice(start..end, noise.chars());
        }
        try_it("workerd-lite.toml", &text.into_iter().collect::<String>())?;
    }

    #[test]
    fn a_wrangler_file_with_noise_is_read_or_refused(
        place in any::<prop::sample::Index>(),
        gone in 0_usize..20,
        noise in noise(),
    ) {
        let text = r#"{ "name": "a", "main": "agent.js", /* x */ "vars": { "A": [1, null] }, "limits": { "cpu_ms": 5 }, "mtls_certificates": [] }"#;
        let mut text: Vec<char> = text.chars().collect();
        let start = place.index(text.len() + 1);
        let end = (start + gone).min(text.len());
        text.splice(start..end, noise.chars());
        try_it("wrangler.jsonc", &text.into_iter().collect::<String>())?;
    }
}
