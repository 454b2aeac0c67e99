//! What a worker may import of Node's modules, by its compatibility date and flags.

use crate::config::wrangler::Node;
use crate::isolate::modules::NodeModules;

impl From<Node> for NodeModules {
    fn from(node: Node) -> Self {
        Self::of(node.has_modules(), node.has_async_hooks())
    }
}
