//! Who is told of an agent's events.

use crate::config::tables::TailConsumer;
use crate::host::TailWorker;

/// The policy, as a consumer is named.
const POLICY: &str = "outbound";

/// Those that are named, or the place of the first that is not there and what is wrong. `exists` tells whether there is an agent of this
/// name beside it, of its tenant.
pub(super) fn tails(
    consumers: &[TailConsumer],
    has_policy: bool,
    exists: impl Fn(&str) -> bool,
    others: &[&str],
) -> Result<Vec<TailWorker>, (usize, String)> {
    let each = consumers.iter().enumerate().map(|(place, consumer)| {
        let entrypoint = consumer.entrypoint.clone();
        match consumer.service.as_str() {
            POLICY if has_policy => Ok(TailWorker::Policy(entrypoint)),
            POLICY => Err((place, "there is no outbound worker, which would be told".to_owned())),
            name if exists(name) => Ok(TailWorker::Agent(name.to_owned(), entrypoint)),
            name => {
                let others = match others {
                    [] => String::new(),
                    others => format!(" (there are {})", others.join(", ")),
                };
                Err((
                    place,
                    format!(
                        "there is no other agent {name:?} of this agent's tenant{others}, which would be told; the policy is \"outbound\""
                    ),
                ))
            }
        }
    });
    each.collect()
}
