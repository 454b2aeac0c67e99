//! Decorators, the standard's and those of before, in JavaScript and TypeScript.

use std::process::Command;

use crate::harness::{Project, json, peers};

const CHECK: &str = "export default { fetch: () => new Response('ok') };";

/// The same file as it is, and as esbuild compiles it.
#[test]
fn standard_decorators_do_what_esbuild_makes_of_them() {
    let Some(folder) = peers::npm() else { return };
    let source = std::fs::read_to_string(folder.join("decorators.js")).unwrap();
    let project = Project::new(&[("worker.js", &source), ("worker.ts", &source), ("worker.mjs", &source)]);
    let bundled = project.path().join("esbuild.js");
    let built = Command::new(folder.join("node_modules/.bin/esbuild"))
        .arg(project.path().join("worker.js"))
        .args(["--bundle", "--format=esm", "--target=es2022"])
        .arg(format!("--outfile={}", bundled.display()))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let answer = |file: &str| json(&project.serve(&[file]).get("/").body);
    let expected = answer("esbuild.js");
    assert!(expected.as_array().is_some_and(|all| all.len() > 15), "{expected}");
    for file in ["worker.js", "worker.ts", "worker.mjs"] {
        let ours = answer(file);
        for (index, (ours, expected)) in ours
            .as_array()
            .unwrap()
            .iter()
            .zip(expected.as_array().unwrap())
            .enumerate()
        {
            assert_eq!(ours, expected, "{file}: answer {index}");
        }
    }
}

#[test]
fn typescript_has_both_as_its_tsconfig_says() {
    let project = Project::new(&[(
        "worker.ts",
        "const log: string[] = [];\nfunction note(...given: any[]): any { log.push(typeof given[1] === 'object' ? `standard ${given[1].kind}` : `legacy ${String(given[1])} ${typeof given[2]}`); }\n\
         interface Shape { a: number }\n@note\nclass A implements Shape {\n  @note declare ignored: string;\n  @note a: number = 1;\n  @note method(b?: string): void {}\n  \
         @note static s: Shape | null = null;\n  @note get x(): number { return 1 }\n  constructor(public readonly given = 'given') {}\n}\n\
         export default { fetch: (): Response => Response.json([log.sort(), new A().given, new A().a]) };",
    )]);
    let serve = |tsconfig: &str| {
        project.write("tsconfig.json", tsconfig);
        json(&project.serve(&["worker.ts"]).get("/").body)
    };
    let source = std::fs::read_to_string(project.path().join("worker.ts")).unwrap();
    project.write("worker.ts", &source.replace("  @note declare ignored: string;\n", ""));
    let standard = serde_json::json!([
        [
            "standard class",
            "standard field",
            "standard field",
            "standard getter",
            "standard method"
        ],
        "given",
        1
    ]);
    assert_eq!(serve("{}"), standard);
    let legacy = serde_json::json!([
        [
            "legacy a undefined",
            "legacy method object",
            "legacy s undefined",
            "legacy undefined undefined",
            "legacy x object"
        ],
        "given",
        1
    ]);
    let options = "{ \"compilerOptions\": { \"experimentalDecorators\": true } }";
    assert_eq!(serve(options), legacy);
    assert_eq!(
        serve("{ \"compilerOptions\": { \"experimentalDecorators\": true, \"emitDecoratorMetadata\": true } }"),
        legacy
    );
    // JavaScript has the standard's, whatever is said of TypeScript.
    project.write(
        "worker.ts",
        "import log from './b.js';\nexport default { fetch: () => Response.json(log) };",
    );
    project.write(
        "b.js",
        "const log = []; class B { @((value, context) => { log.push(context.kind); }) x = 1 }\nexport default log;",
    );
    assert_eq!(serve(options), serde_json::json!(["field"]));
}

/// Libraries that inject by type.
#[test]
fn legacy_decorators_have_parameters_and_metadata() {
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[
        (
            "tsconfig.json",
            "{ \"compilerOptions\": { \"experimentalDecorators\": true, \"emitDecoratorMetadata\": true, \"useDefineForClassFields\": false } }",
        ),
        (
            "worker.ts",
            "import './reflect.js';\nconst R = Reflect as any;\nconst at: any[] = [];\nfunction Inject(name: string): any { return (target: any, key: any, index: number) => { at.push([name, String(key), index]); }; }\n\
             const Injectable = (): any => () => {};\nconst Kept: any = (target: any, key: string) => Object.defineProperty(target, key, { set(value) { this['_' + key] = value * 2; }, get() { return this['_' + key]; } });\n\
             class Service {}\n@Injectable()\nclass Controller {\n  @Kept field: number = 4;\n  declared!: string;\n  constructor(@Inject('s') private service: Service, name: string) {}\n  @Injectable() run(@Inject('a') a: number, b: Service): Promise<void> { return Promise.resolve(); }\n}\n\
             export default { fetch: () => Response.json([at, R.getMetadata('design:paramtypes', Controller).map((type: any) => type.name),\n  \
             R.getMetadata('design:paramtypes', Controller.prototype, 'run').map((type: any) => type.name), R.getMetadata('design:returntype', Controller.prototype, 'run').name, R.getMetadata('design:type', Controller.prototype, 'field').name,\n  \
             new Controller(new Service(), 'n').field, 'declared' in new Controller(new Service(), 'n')]) };",
        ),
    ]);
    // As an ES module: its code is for scripts of every kind.
    let reflect = std::fs::read_to_string(folder.join("node_modules/reflect-metadata/Reflect.js")).unwrap();
    project.write("reflect.js", &format!("{reflect}\nexport {{}};"));
    let expected = serde_json::json!([
        [["a", "run", 0], ["s", "undefined", 0]],
        ["Service", "String"],
        ["Number", "Service"],
        "Promise",
        "Number",
        8,
        false
    ]);
    assert_eq!(json(&project.serve(&["worker.ts"]).get("/").body), expected);
}

#[test]
fn errors_and_coverage_show_the_authors_lines() {
    let source = "const plain = (value, context) => {};\n\n@plain\nclass A {\n  @plain x = 1;\n  accessor y = 2;\n\n  @plain\n  fail() {\n    throw new Error('here');\n  }\n  never() {\n    return 1;\n  }\n}\n\n\
        export default {\n  fetch() {\n    new A().fail();\n  },\n};\n";
    let project = Project::new(&[("worker.js", source)]);
    for file in ["worker.js", "worker.ts"] {
        project.write(file, source);
        let page = project.serve(&["--dev", file]).get("/").body;
        assert!(
            page.contains(&format!("{file}:10:")) && page.contains(&format!("{file}:19:")),
            "{page}"
        );
    }
    project.write(
        "worker.test.js",
        "import { test } from 'workerd-lite:test';\ntest('a', async (t) => { await t.agent('worker').fetch('http://worker.localhost/').catch(() => {}); });\n",
    );
    project.write("workerd-lite.toml", "main = 'worker.js'\n");
    let (_, out, err) = project.run(&["test", "--coverage"]);
    let row = out
        .lines()
        .chain(err.lines())
        .find(|line| line.contains("worker.js"))
        .unwrap_or_default()
        .to_owned();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert!(cells.contains(&"13") && !cells.contains(&"10"), "{out}{err}");
}

/// What no part of the runtime takes is named, with its line.
#[test]
fn other_syntax_is_named() {
    let project = Project::new(&[("worker.js", CHECK), ("a.js", "export {};")]);
    for (code, words) in [
        ("import defer * as a from './a.js';", "uses `import defer`"),
        ("const a = () => import.defer('./a.js');", "uses `import.defer()`"),
        ("const a = 1 |> f;", "the pipeline operator"),
        ("const a = #{ b: 1 };", "a record `#{}`"),
        ("const a = #[1];", "a tuple `#[]`"),
        ("const a = do { 1 };", "a `do` expression"),
        ("const a = b ?? throw new Error();", "a `throw` expression"),
        ("const a = b::c;", "the bind operator"),
        ("export a from './a.js';", "`export name from`"),
        ("const a = module { export {} };", "a `module` block"),
        ("const a = async do { 1 };", "a `do` expression"),
        ("const a: number = 1;", "It is TypeScript"),
        ("enum A { b }", "It is TypeScript"),
    ] {
        project.write("worker.js", &format!("\n{code}\n{CHECK}"));
        let report = project.refused(&["worker.js"]);
        assert!(
            report.contains(words) && report.contains("worker.js:2:"),
            "{code}: {report}"
        );
    }
}

#[test]
fn jsx_in_javascript_is_compiled_as_wrangler_does() {
    let project = Project::new(&[(
        "worker.js",
        "/** @jsxRuntime classic */\nconst React = { createElement: (...all) => all };\nexport default { fetch: () => Response.json(<b id=\"x\">{1 < 2}</b>) };",
    )]);
    assert_eq!(
        json(&project.serve(&["worker.js"]).get("/").body),
        serde_json::json!(["b", { "id": "x" }, true])
    );
    // A file that names its factory has it called, unless tsconfig.json says that a runtime is imported.
    for comment in ["/** @jsx h */", "/* @jsx h\n@jsxFrag F */", "// @jsx h"] {
        let script = format!(
            "{comment}\nconst h = (...all) => all;\nconst F = 1;\nexport default {{ fetch: () => Response.json(<b id=\"x\">{{F}}</b>) }};"
        );
        project.write("worker.jsx", &script);
        assert_eq!(
            json(&project.serve(&["worker.jsx"]).get("/").body),
            serde_json::json!(["b", { "id": "x" }, 1])
        );
    }
    project.write(
        "tsconfig.json",
        r#"{ "compilerOptions": { "jsx": "react-jsx", "allowJs": true } }"#,
    );
    assert!(project.refused(&["worker.jsx"]).contains("react/jsx-runtime"));
}
