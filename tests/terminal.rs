//! What a command says on a terminal, and to a pipe.

use std::process::{Command, Stdio};

use crate::harness::{Project, peers};

/// Runs a command on a pseudo-terminal, and gives all that it shows.
fn on_a_terminal(project: &Project, arguments: &str, environment: &[(&str, &str)]) -> String {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_workerd-lite"));
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(project.path())
        .env_remove("NO_COLOR")
        // Where it is set everybody is taken for a terminal that has colours.
        .env_remove("CI")
        .env("TERM", "xterm-256color")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn errors_have_colours_on_a_terminal_and_nowhere_else() {
    if !peers::has("script", "bsdutils") {
        return;
    }
    let project = Project::new(&[("workerd-lite.toml", "main = 'a.js'\n[outbound]\nmian = 'x'\n")]);
    for command in ["check", "serve", "test a.test.js"] {
        let shown = on_a_terminal(&project, command, &[]);
        assert!(shown.contains("\u{1b}[3"), "{command}: {shown:?}");
        assert!(
            !shown.contains("\\x1b") && !shown.contains("\\u{1b}"),
            "{command}: {shown:?}"
        );
        assert!(!shown.contains(" ERROR "), "{command}: {shown:?}");
        let plain = on_a_terminal(&project, command, &[("NO_COLOR", "1")]);
        assert!(!plain.contains('\u{1b}'), "{command}: {plain:?}");
        let mut arguments: Vec<&str> = command.split(' ').collect();
        let (_, out, err) = project.run(&arguments);
        assert!(
            !out.contains('\u{1b}') && !err.contains('\u{1b}'),
            "{command}: {out:?} {err:?}"
        );
        assert!(err.contains('\u{d7}') && !err.contains("ERROR"), "{command}: {err:?}");
        // A log for machines has it as an event.
        arguments.splice(0..0, ["--log-format", "json"]);
        let (_, _, err) = project.run(&arguments);
        let event: serde_json::Value = serde_json::from_str(err.lines().last().unwrap()).unwrap();
        assert_eq!(event["level"], "ERROR", "{err}");
    }
}

#[test]
fn who_develops_reads_console_lines_as_they_were_written() {
    if !peers::has("script", "bsdutils") {
        return;
    }
    let project = Project::new(&[(
        "worker.js",
        "console.log({ first: 'a'.repeat(60), second: 'b'.repeat(60) });\nconsole.debug('\\x1b[32mdetails\\x1b[39m\\x1b[2J');\n\
         export default { fetch() {} };",
    )]);
    let shown = |flags: &str| {
        let command = format!("serve worker.js --listen 127.0.0.1:0 {flags} & sleep 3; kill $!; wait");
        let output = Command::new("script")
            .args([
                "-qec",
                &format!("sh -c '{} {command}'", env!("CARGO_BIN_EXE_workerd-lite")),
                "/dev/null",
            ])
            .current_dir(project.path())
            .env_remove("NO_COLOR")
            .env_remove("RUST_LOG")
            .env("WORKERD_LITE_CACHE_DIR", "")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    };
    let text = shown("--dev");
    assert!(text.contains(",\n      second: "), "{text:?}");
    assert!(
        text.contains("\u{1b}[32mdetails") && text.contains("\\u{1b}[2J"),
        "{text:?}"
    );
    let text = shown("");
    assert!(text.contains(",\\n  second: ") && !text.contains("details"), "{text:?}");
}

#[test]
fn results_of_tests_have_colours_on_a_terminal_and_nowhere_else() {
    if !peers::has("script", "bsdutils") {
        return;
    }
    let project = Project::new(&[(
        "a.test.mjs",
        "import test from 'node:test'; import assert from 'node:assert';
         test('good', () => {}); test.skip('left out', () => {});
         test('bad', () => { assert.deepStrictEqual({ a: 1 }, { a: 2 }); });",
    )]);
    let shown = on_a_terminal(&project, "test --coverage", &[]);
    for coloured in [
        "\u{1b}[32m\u{2713}\u{1b}[0m good",
        "\u{1b}[31m\u{2717} bad\u{1b}[0m",
        "\u{1b}[33m- left out\u{1b}[0m",
        "\u{1b}[32m+   a: 1",
        "\u{1b}[31m-   a: 2",
        "\u{1b}[31m1 failed\u{1b}[0m",
    ] {
        assert!(shown.contains(coloured), "{coloured:?}: {shown:?}");
    }
    for environment in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let plain = on_a_terminal(&project, "test", &[environment]);
        assert!(
            !plain.contains('\u{1b}') && plain.contains("\u{2717} bad"),
            "{environment:?}: {plain:?}"
        );
    }
    for reporter in ["tap", "json", "junit"] {
        let plain = on_a_terminal(&project, &format!("test --reporter {reporter}"), &[]);
        assert!(!plain.contains('\u{1b}'), "{reporter}: {plain:?}");
    }
    let (code, out, _) = project.run(&["test"]);
    assert!(code == Some(1) && !out.contains('\u{1b}'), "{out:?}");
    let forced = Command::new(env!("CARGO_BIN_EXE_workerd-lite"))
        .arg("test")
        .current_dir(project.path())
        .env_remove("NO_COLOR")
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&forced.stdout).contains("\u{1b}[31m"));
}

#[test]
fn a_reader_that_leaves_is_no_panic() {
    let project = Project::new(&[]);
    assert_eq!(project.run(&["init"]).0, Some(0));
    let mut commands = vec![
        "--help".to_owned(),
        "-h".into(),
        "--version".into(),
        "-V".into(),
        "help serve".into(),
    ];
    for command in [
        "serve",
        "test",
        "init",
        "types",
        "check",
        "schema",
        "completions",
        "man",
        "certs",
    ] {
        commands.push(format!("{command} --help"));
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        commands.push(format!("completions {shell}"));
    }
    for command in [
        "man",
        "man serve",
        "schema",
        "types",
        "check",
        "certs",
        "init x",
        "test",
        "test --reporter tap",
        "test --attack",
        "nonsense",
    ] {
        commands.push(command.into());
    }
    for arguments in commands {
        for streams in ["| true", "2>&1 | true"] {
            let command = format!("'{}' {arguments} {streams}", env!("CARGO_BIN_EXE_workerd-lite"));
            let output = Command::new("sh")
                .args(["-c", &command])
                .current_dir(project.path())
                .env("WORKERD_LITE_CACHE_DIR", "")
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(!told.contains("panicked"), "{arguments}: {told}");
        }
    }
}

#[test]
fn help_and_errors_keep_to_the_width_of_a_terminal_and_break_no_path() {
    if !peers::has("script", "bsdutils") {
        return;
    }
    let path = format!("{}/absent.toml", "long-folder/".repeat(8));
    let project = Project::new(&[]);
    for width in [60, 100] {
        let run = |arguments: &str| {
            let command = format!(
                "stty rows 40 cols {width}; '{}' {arguments}",
                env!("CARGO_BIN_EXE_workerd-lite")
            );
            let output = Command::new("script")
                .args(["-qec", &command, "/dev/null"])
                .current_dir(project.path())
                .env("TERM", "xterm-256color")
                .env("NO_COLOR", "1")
                .env_remove("COLUMNS")
                .stdin(Stdio::null())
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let help = run("serve --help");
        assert!(!help.contains('\u{1b}'), "{help:?}");
        for line in help.lines() {
            assert!(line.trim_end().chars().count() <= width, "{width}: {line:?}");
        }
        let longest = help.lines().map(|line| line.trim_end().chars().count()).max();
        assert!(longest > Some(width - 25), "{width}: {longest:?}");
        let error = run(&format!("check --config {path}"));
        assert!(error.contains(&path), "{width}: {error}");
    }
}
