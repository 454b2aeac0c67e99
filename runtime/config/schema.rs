//! The JSON schema of `workerd-lite.toml`, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Value, json};

use super::project_file::ProjectFile;

/// The schema in draft 7: what editors' TOML plug-ins read.
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(without_null));
    let mut schema = settings.into_generator().into_root_schema_for::<ProjectFile>();
    schema.insert("title".into(), "workerd-lite.toml".into());
    schema
}

/// TOML has no null: what is optional is left out.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(options)) = schema.get_mut("anyOf") {
        options.retain(|option| *option != json!({ "type": "null" }));
        if let [only] = options.as_slice() {
            // Draft 7 ignores what stands beside a `$ref`, so it keeps a place of its own.
            let only = json!([only]);
            schema.remove("anyOf");
            schema.insert("allOf".into(), only);
        }
    }
}
