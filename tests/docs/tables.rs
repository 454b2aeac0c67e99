//! Blocks of TOML.

use std::path::Path;

use crate::harness::{Project, peers};

/// What does not fit the program's schema, by the checker that editors use.
pub fn check(peers: &Path, tables: &[(String, String)]) -> Vec<String> {
    let project = Project::new(&[]);
    let (_, schema, _) = project.run(&["schema"]);
    project.write("schema.json", &schema);
    for (index, (_, text)) in tables.iter().enumerate() {
        project.write(&format!("{index}.toml"), text);
    }
    let cli = peers.join("node_modules/@taplo/cli/dist/cli.js");
    let lint = |files: &[String]| {
        let mut script = peers::node_command(peers, &cli.display().to_string(), &["lint", "--schema"]);
        script
            .arg(format!("file://{}", project.path().join("schema.json").display()))
            .args(files)
            .current_dir(project.path())
            .env("NO_COLOR", "1");
        let output = script.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), told)
    };
    let all: Vec<String> = (0..tables.len()).map(|index| format!("{index}.toml")).collect();
    if lint(&all).0 {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (file, (place, _)) in all.iter().zip(tables) {
        if let (false, told) = lint(std::slice::from_ref(file)) {
            wrong.push(format!("{place}: {told}"));
        }
    }
    wrong
}

/// The tables of one text in those of another.
pub fn merge(into: &str, from: &str) -> Result<String, String> {
    let parse = |text| toml::from_str::<toml::Table>(text).map_err(|error| error.to_string());
    let mut all = parse(into)?;
    deep(&mut all, parse(from)?);
    toml::to_string(&all).map_err(|error| error.to_string())
}

fn deep(into: &mut toml::Table, from: toml::Table) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => deep(inner, value),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}
