//! The library, as an embedder uses it: a project from the builder, and a `tower` service.

use http_body_util::{BodyExt as _, Full};
use tower_service::Service as _;
use workerd_lite::host::{Agent, Instance, Project};
use workerd_lite::isolate::{Worker, init_platform};
use workerd_lite_ops::Role;

use crate::harness::Project as Folder;

#[test]
fn a_project_is_a_tower_service() {
    let folder = Folder::new(&[
        (
            "agent.js",
            "export default { async fetch(request) { return fetch('http://policy.example/', { method: 'POST', body: await request.text() }); } };",
        ),
        (
            "outbound.js",
            "export default { async fetch(request, env, ctx) { return new Response(`${ctx.props.plan} ${env.A} ${await request.text()}`, { status: 201 }); } };",
        ),
    ]);
    init_platform();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let agent = Worker::load(Role::Agent, &folder.path().join("agent.js")).unwrap();
        let mut policy = Worker::load(Role::Outbound, &folder.path().join("outbound.js")).unwrap();
        policy.vars.insert("A".into(), 1.into());
        let props = serde_json::json!({ "plan": "free" }).as_object().unwrap().clone();
        let mut agent = Agent::from(agent);
        agent.props = props;
        let project = Project::builder(agent).outbound(policy).build();
        let mut service = Instance::start(&project).await.unwrap();
        let request = http::Request::post("http://agent.example/")
            .body(Full::<bytes::Bytes>::from("body"))
            .unwrap();
        let response = service.call(request).await.unwrap();
        assert_eq!(response.status(), 201);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "free 1 body");
        service.drained().await;
    });
}
