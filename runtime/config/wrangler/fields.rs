//! Every field of wrangler's file: whether an environment inherits it, and what it is here.

use super::shape::Shape;
use Inheritance::{Inherited, Separate, TopLevel};
use Use::{Binding, Deployment, Ignored, Read, Usual};

/// Whether `env.<name>` has what the top level says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inheritance {
    /// Unless it says something itself.
    Inherited,
    /// Never: it must say it again.
    Separate,
    /// It is of the top level only, and holds for every environment.
    TopLevel,
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    /// It means the same here.
    Read,
    /// It gives the script something that is not here. The text says what there is none of, in the plural.
    Binding(Shape, &'static str),
    /// The script may behave differently without it. The text says how.
    Ignored(&'static str),
    /// The same, where it is not this value, which builds write.
    Usual(&'static str, &'static str),
    /// It is about the place or the manner of deployment, and nothing is missed here.
    Deployment,
}

/// A field of the top level, or of `env.<name>`.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) inheritance: Inheritance,
    pub(super) is: Use,
}

/// What is known of a field.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

/// The names of all fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|field| field.name)
}

const fn new(name: &'static str, inheritance: Inheritance, is: Use) -> Field {
    Field { name, inheritance, is }
}

const fn list(name: &'static str, plural: &'static str) -> Field {
    new(name, Separate, Binding(Shape::List("binding"), plural))
}

const fn one(name: &'static str, plural: &'static str) -> Field {
    new(name, Separate, Binding(Shape::One("binding"), plural))
}

const fn files(name: &'static str, plural: &'static str) -> Field {
    new(name, TopLevel, Binding(Shape::Names, plural))
}

const fn deployment(name: &'static str) -> Field {
    new(name, Inherited, Deployment)
}

const fn generated(name: &'static str) -> Field {
    new(name, TopLevel, Deployment)
}

const PAGES: &str = "projects of Pages are not served; name the folder in `assets.directory`";

static FIELDS: &[Field] = &[
    new("name", Inherited, Read),
    new("main", Inherited, Read),
    new("compatibility_date", Inherited, Read),
    new("compatibility_flags", Inherited, Read),
    new("limits", Inherited, Read),
    new("vars", Separate, Read),
    new("services", Separate, Read),
    new("worker_loaders", Separate, Read),
    new("tail_consumers", Separate, Read),
    new("mtls_certificates", Separate, Read),
    new("secrets", Separate, Read),
    new("assets", Inherited, Read),
    new("rules", Inherited, Read),
    new("alias", TopLevel, Read),
    new("define", Separate, Read),
    new("version_metadata", Separate, Read),
    new("triggers", Inherited, Read),
    // Bindings.
    one("ai", "Workers AI"),
    list("ai_search", "AI Search instances"),
    list("ai_search_namespaces", "AI Search namespaces"),
    list("agent_memory", "agent memory namespaces"),
    one("analytics", "analytics SQL"),
    list("analytics_engine_datasets", "Analytics Engine datasets"),
    list("artifacts", "artifacts"),
    one("browser", "browsers"),
    list("d1_databases", "D1 databases"),
    files("data_blobs", "data blobs (import the file instead)"),
    list("dispatch_namespaces", "dispatch namespaces"),
    new(
        "durable_objects",
        Separate,
        Binding(Shape::Inner(&[("bindings", "name")]), "Durable Objects"),
    ),
    list("flagship", "feature flags"),
    list("hyperdrive", "Hyperdrive configurations"),
    one("images", "Cloudflare Images"),
    list("k2", "K2 streams"),
    list("kv_namespaces", "KV namespaces"),
    new(
        "logfwdr",
        Inherited,
        Binding(Shape::Inner(&[("bindings", "name")]), "log forwarding"),
    ),
    one("media", "media transformations"),
    list("pipelines", "pipelines"),
    new(
        "queues",
        Separate,
        Binding(
            Shape::Inner(&[("producers", "binding"), ("consumers", "queue")]),
            "queues",
        ),
    ),
    list("r2_buckets", "R2 buckets"),
    new("ratelimits", Separate, Binding(Shape::List("name"), "rate limiters")),
    list(
        "secrets_store_secrets",
        "Secrets Store secrets (use a credential of the policy)",
    ),
    new("send_email", Separate, Binding(Shape::List("name"), "e-mail")),
    new(
        "site",
        TopLevel,
        Binding(Shape::Whole("__STATIC_CONTENT"), "Workers Sites"),
    ),
    one("stream", "Cloudflare Stream"),
    new(
        "streaming_tail_consumers",
        Separate,
        Binding(Shape::List("service"), "tail Workers"),
    ),
    files("text_blobs", "text blobs (import the file instead)"),
    new(
        "unsafe",
        Separate,
        Binding(Shape::Inner(&[("bindings", "name")]), "unsafe bindings"),
    ),
    list("unsafe_hello_world", "hello-world bindings"),
    list("vectorize", "Vectorize indexes"),
    list("vpc_networks", "VPC networks"),
    list("vpc_services", "VPC services"),
    files("wasm_modules", "WebAssembly bindings (import the file instead)"),
    list("workflows", "Workflows"),
    // What the script would notice.
    new(
        "access",
        Inherited,
        Ignored("requests are not checked by Cloudflare Access"),
    ),
    new("cloudchamber", Separate, Ignored("there are no containers")),
    new("connect", Separate, Ignored("no raw sockets are listened on")),
    new("containers", Separate, Ignored("there are no containers")),
    new(
        "jsx_factory",
        Inherited,
        Usual("React.createElement", "tsconfig.json says it"),
    ),
    new(
        "jsx_fragment",
        Inherited,
        Usual("React.Fragment", "tsconfig.json says it"),
    ),
    new("pages_build_output_dir", TopLevel, Ignored(PAGES)),
    new(
        "tsconfig",
        Inherited,
        Ignored("the tsconfig.json beside the script is read"),
    ),
    // The rest.
    generated("$schema"),
    deployment("account_id"),
    generated("addresses"),
    deployment("base_dir"),
    deployment("build"),
    deployment("cache"),
    deployment("compliance_region"),
    generated("configPath"),
    generated("definedEnvironments"),
    generated("dependencies_instrumentation"),
    generated("dev"),
    deployment("exports"),
    deployment("find_additional_modules"),
    deployment("first_party_worker"),
    deployment("keep_names"),
    generated("keep_vars"),
    generated("legacy_env"),
    // What there is none of is Python, which is told of where the script is.
    deployment("python_modules"),
    deployment("logpush"),
    deployment("migrations"),
    deployment("minify"),
    deployment("no_bundle"),
    deployment("observability"),
    deployment("placement"),
    deployment("preserve_file_names"),
    deployment("preview_urls"),
    deployment("previews"),
    deployment("route"),
    deployment("routes"),
    generated("send_metrics"),
    generated("targetEnvironment"),
    generated("topLevelName"),
    deployment("upload_source_maps"),
    generated("userConfigPath"),
    deployment("workers_dev"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn each_field_stands_once() {
        let all: Vec<_> = super::names().collect();
        assert_eq!(all.len(), all.iter().collect::<HashSet<_>>().len());
        assert!(super::field("env").is_none(), "environments are resolved before");
    }
}
