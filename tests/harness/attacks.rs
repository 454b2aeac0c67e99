//! What agents do against their limits, as data.

use std::fmt::Write as _;

#[derive(serde::Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// One attack.
#[derive(Clone, serde::Deserialize)]
pub struct Case {
    pub name: String,
    /// The body of a handler that gets `request` and `ctx`.
    pub code: String,
    /// What is answered where the attack is refused. The others are stopped.
    pub answer: Option<String>,
}

/// Reads a file of them.
pub fn cases(text: &str) -> Vec<Case> {
    toml::from_str::<Cases>(text).unwrap().case
}

/// A worker whose handler runs the attack that the path names, and counts the other requests.
pub fn script(cases: &[Case]) -> String {
    let mut script = String::from("let served = 0;\nconst cases = {\n");
    for Case { name, code, .. } in cases {
        let _ = writeln!(script, "  '{name}': async (request, ctx) => {{ {code}\n  }},");
    }
    script.push_str(
        "};\nexport default { async fetch(request, env, ctx) {\n  const run = cases[new URL(request.url).pathname.slice(1)];\n  \
         return run === undefined ? new Response(`ok ${++served}`) : await run(request, ctx) ?? new Response('done');\n} };\n",
    );
    script
}
