//! In process: an isolate's boot from the snapshot, a warm event, and the hop from an agent to its outbound worker.

#![allow(missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use deno_core::url::Url;
use http::{HeaderMap, Method};
use workerd_lite::assembly::load;
use workerd_lite::config::Flags;
use workerd_lite::egress::{Agents, Network, NetworkGate};
use workerd_lite::host::{Instance, Project};
use workerd_lite::isolate::{Caller, Worker, init_platform};
use workerd_lite_ops::{Body, Request, Role};

const AGENT: &str = "export default { fetch(request) { \
    return request.url.endsWith('/hop') ? fetch('http://upstream.example/') : new Response('hello'); } };";
const OUTBOUND: &str = "export default { fetch: () => new Response('from the policy') };";

fn project(folder: &std::path::Path) -> Project {
    std::fs::write(folder.join("agent.js"), AGENT).expect("the folder can be written");
    std::fs::write(folder.join("outbound.js"), OUTBOUND).expect("the folder can be written");
    let flags = Flags {
        script: Some(folder.join("agent.js")),
        outbound: Some(folder.join("outbound.js")),
        ..Flags::default()
    };
    load(&flags).expect("the project loads").project
}

fn request(path: &str) -> Request {
    Request {
        method: Method::GET,
        url: Url::parse(&format!("http://agent.example{path}")).expect("a URL"),
        headers: HeaderMap::new(),
        body: Body::Empty,
        cf: None,
    }
}

fn isolates(criterion: &mut Criterion) {
    init_platform();
    let folder = tempfile::tempdir().expect("a folder");
    let project = project(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let agent = Worker::load(Role::Agent, &folder.path().join("agent.js")).expect("the agent loads");
    let gate = || std::rc::Rc::new(NetworkGate::new(Arc::new(Network::default()), Agents::default(), 0));
    criterion.bench_function("boot", |bencher| {
        bencher.iter(|| {
            runtime
                .block_on(agent.boot(gate(), &[Caller::anyone()]))
                .expect("it boots")
        });
    });
    let fresh = || runtime.block_on(Instance::start(&project)).expect("it starts");
    criterion.bench_function("fresh pair, first event", |bencher| {
        bencher.iter(|| {
            let instance = fresh();
            runtime.block_on(async {
                instance
                    .handle(request("/"))
                    .await
                    .expect("an agent")
                    .expect("an answer");
                instance.drained().await;
            });
        });
    });
    let instance = fresh();
    for (name, path) in [("warm event", "/"), ("warm event with a hop", "/hop")] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime
                    .block_on(instance.handle(request(path)))
                    .expect("an agent")
                    .expect("an answer")
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = isolates
}
criterion_main!(benches);
