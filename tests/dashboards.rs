//! The dashboard, the alert rules and the documentation know the metrics of a server that runs, by name and label.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;

use crate::harness::{Mtls, free_port, isolation, json};

/// Names of samples, and the labels that they have.
type Known = BTreeMap<String, BTreeSet<String>>;

/// What Prometheus adds.
const OF_SCRAPES: [&str; 2] = ["instance", "job"];

fn known(metrics: &str) -> Known {
    let mut known = Known::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = known.entry(name.to_owned()).or_default();
        // No value of a label has a quote or an equals sign here.
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let inside = inside.map_or("", |(inside, _)| inside);
        labels.extend(
            inside
                .split("\",")
                .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())),
        );
    }
    known
}

/// The selectors of an expression, and the labels by which it groups.
#[derive(Default)]
struct Used {
    selectors: Vec<VectorSelector>,
    groups: Vec<String>,
}

impl ExprVisitor for Used {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => self.selectors.push(selector.clone()),
            Expr::MatrixSelector(matrix) => self.selectors.push(matrix.vs.clone()),
            Expr::Aggregate(aggregate) => {
                if let Some(modifier) = &aggregate.modifier {
                    self.groups.extend(modifier.labels().labels.clone());
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

/// The names in `{{ … }}`.
fn shown(template: &str) -> impl Iterator<Item = &str> {
    template.split("{{").skip(1).filter_map(|rest| {
        let name = rest.split("}}").next()?.trim();
        let name = name.strip_prefix("$labels.").unwrap_or(name);
        (!name.starts_with('$')).then_some(name)
    })
}

/// What is wrong with a query, and with what is shown of it.
fn wrong(known: &Known, words: &str, query: &str, templates: &[&str]) -> Vec<String> {
    let text = query
        .replace("$__rate_interval", "5m")
        .replace("$tenant", ".*")
        .replace("$agent", ".*");
    let parsed = match parser::parse(&text) {
        Ok(parsed) => parsed,
        Err(why) => return vec![format!("{query}: {why}")],
    };
    let mut used = Used::default();
    walk_expr(&mut used, &parsed).unwrap();
    let mut wrong = Vec::new();
    let mut labels: BTreeSet<String> = OF_SCRAPES.map(ToOwned::to_owned).into();
    for selector in &used.selectors {
        let name = selector.name.as_deref().unwrap_or_default();
        // Prometheus's own.
        if name == "up" {
            continue;
        }
        let Some(own) = known.get(name) else {
            wrong.push(format!("{query}: there is no {name}"));
            continue;
        };
        labels.extend(own.iter().cloned());
        for matcher in &selector.matchers.matchers {
            if !own.contains(&matcher.name) && !OF_SCRAPES.contains(&matcher.name.as_str()) {
                wrong.push(format!("{query}: {name} has no {}", matcher.name));
            }
            for word in matcher.value.split('|').filter(|word| !word.contains(['*', '-'])) {
                if !words.contains(&format!("`{word}`")) {
                    wrong.push(format!("{query}: nothing is said of {word}"));
                }
            }
        }
    }
    let shown = templates.iter().flat_map(|template| shown(template));
    for label in used.groups.iter().map(String::as_str).chain(shown) {
        if !labels.contains(label) {
            wrong.push(format!("{query}: there is no label {label}"));
        }
    }
    wrong
}

#[test]
fn dashboard_alerts_and_docs_know_the_metrics() {
    let port = free_port();
    let config = format!(
        "[admin]\nlisten = '127.0.0.1:{port}'\n[access_log]\nfile = 'access.ndjson'\n[limits]\ncpu_ms = 100\n{}",
        crate::harness::CONFIG
    );
    let mtls = Mtls::new("server", &config, crate::harness::POLICY);
    mtls.project.write(
        "agent.js",
        &format!(
            "export default {{ async fetch(request) {{ const path = new URL(request.url).pathname; if (path === '/loop') for (;;); \
             if (path === '/broken') return new Response(new ReadableStream({{ pull() {{ throw new Error('broken'); }} }})); \
             const to = path === '/none' ? 'https://localhost:1/' : 'https://partner.localhost:{}/'; \
             return fetch(to).catch(() => new Response('none', {{ status: 502 }})); }} }};",
            mtls.partner.address.port()
        ),
    );
    let server = mtls.project.serve(&["agent.js", "--threads", "1"]);
    assert_eq!(server.get("/").status, 200, "{}", server.log());
    assert_eq!(server.get("/none").status, 502);
    assert_eq!(server.get("/loop").status, 503);
    server.get("/broken");
    // A process tells its numbers each second.
    std::thread::sleep(Duration::from_millis(if isolation().is_empty() { 100 } else { 1500 }));
    let output = Command::new("curl")
        .args(["-sS", &format!("http://127.0.0.1:{port}/metrics")])
        .output()
        .unwrap();
    let metrics = String::from_utf8(output.stdout).unwrap();
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let known = known(&metrics);

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| std::fs::read_to_string(docs.join(name)).unwrap();
    let operations = read("operations.md");
    let mut all_wrong = Vec::new();
    let mut count = 0;

    let dashboard = json(&read("grafana/dashboard.json"));
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    for target in targets {
        count += 1;
        let text = |field: &str| target[field].as_str().unwrap();
        all_wrong.extend(wrong(&known, &operations, text("expr"), &[text("legendFormat")]));
    }
    let alerts: Value = serde_yaml_ng::from_str(&read("grafana/alerts.yaml")).unwrap();
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        count += 1;
        assert!(
            rule["alert"].is_string() && rule["labels"]["severity"].is_string(),
            "{rule}"
        );
        let annotations = rule["annotations"].as_object().unwrap().values();
        let templates: Vec<&str> = annotations.map(|text| text.as_str().unwrap()).collect();
        all_wrong.extend(wrong(&known, &operations, rule["expr"].as_str().unwrap(), &templates));
    }
    assert!(count > 40 && all_wrong.is_empty(), "{count}: {all_wrong:#?}");

    // Variables of the dashboard are values of labels that there are.
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(definition) = variable["definition"].as_str() else {
            continue;
        };
        let name = variable["name"].as_str().unwrap();
        let metric = definition.strip_prefix("label_values(").unwrap();
        let metric = &metric[..metric.find(['{', ',']).unwrap()];
        assert!(known[metric].contains(name), "{definition}");
    }

    // Each metric is told of, and there is none that is not there.
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names = BTreeSet::new();
    for family in families {
        let (name, kind) = family.split_once(' ').unwrap();
        let name = if kind == "counter" {
            format!("{name}_total")
        } else {
            name.to_owned()
        };
        assert!(operations.contains(&format!("`{name}`")), "docs/operations.md: {name}");
        names.insert(name);
    }
    let words = operations
        .split('`')
        .filter(|word| word.starts_with("workerd_lite_") || word.starts_with("process_"));
    for word in words {
        let name = word.split('{').next().unwrap();
        assert!(names.contains(name), "docs/operations.md has {name}, and no server has");
    }
}

#[test]
fn what_is_wrong_is_found() {
    let known = known("workerd_lite_requests_total{agent=\"a\",status=\"2xx\"} 1\n");
    let count = |query: &str, templates: &[&str]| wrong(&known, "`2xx`", query, templates).len();
    assert_eq!(
        count(
            "sum by (agent, instance) (rate(workerd_lite_requests_total{status=\"2xx\"}[5m]))",
            &["{{agent}}"]
        ),
        0
    );
    assert_eq!(count("workerd_lite_request_total", &[]), 1);
    assert_eq!(count("workerd_lite_requests_total{code=\"2xx\"}", &[]), 1);
    assert_eq!(count("workerd_lite_requests_total{status=\"2xy\"}", &[]), 1);
    assert_eq!(count("sum by (tenant) (workerd_lite_requests_total)", &[]), 1);
    assert_eq!(count("workerd_lite_requests_total", &["{{ $labels.tenant }}"]), 1);
    assert_eq!(count("sum(", &[]), 1);
}
