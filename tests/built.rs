//! Scripts that a bundler wrote: whoever develops reads the places of their sources.

use base64::Engine as _;

use crate::harness::Project;

const SCRIPT: &str = "export default{fetch(){throw new Error(\"built\")}};\n";
/// `new Error` is at line 5, column 11 of the source.
const MAP: &str = r#"{"version":3,"sources":["../src/app.ts"],"sourcesContent":["// 1\n// 2\n// 3\n// 4\n    throw new Error(\"built\");\n"],"names":[],"mappings":"AAAA,6BAIU"}"#;

#[test]
fn errors_of_built_scripts_are_at_their_sources() {
    let beside = format!("{SCRIPT}//# sourceMappingURL=app.js.map\n");
    let encoded = base64::engine::general_purpose::STANDARD.encode(MAP);
    let inline = format!("{SCRIPT}//# sourceMappingURL=data:application/json;charset=utf-8;base64,{encoded}\n");
    let project = Project::new(&[
        ("app.js", &beside),
        ("app.js.map", MAP),
        ("inline.js", &inline),
        ("broken.js", &beside.replace("app.js.map", "broken.map")),
        ("broken.map", "{ \"version\": 3, \"mappings\": \"!!\" }"),
        (
            "out.js",
            &beside.replace("app.js.map", "../../../../../../../etc/passwd"),
        ),
    ]);
    for script in ["app.js", "inline.js"] {
        let server = project.serve(&[script, "--dev"]);
        let text = server.get("/").body;
        assert!(
            text.contains("src/app.ts:5:11") && text.contains("throw new Error(\"built\");"),
            "{script}: {text}"
        );
        assert!(!text.contains("export default{"), "{text}");
        server.logged("src/app.ts:5:11");
    }
    for script in ["broken.js", "out.js"] {
        let server = project.serve(&[script, "--dev"]);
        assert!(server.get("/").body.contains(&format!("{script}:1:30")), "{script}");
    }
    // Agents that are served have none parsed for them.
    let server = project.serve(&["app.js"]);
    server.get("/");
    server.logged("app.js:1:30");
}
