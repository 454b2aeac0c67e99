//! Landlock with no path at all.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetError,
    RulesetStatus, Scope,
};

use super::layer::Failed;

/// The newest version of which this program knows what it restricts.
const NEWEST: ABI = ABI::V7;

/// Takes away all that this kernel's Landlock knows, and tells whether that was everything.
pub(super) fn restrict() -> Result<bool, Failed> {
    let step = "Landlock";
    let refused = |error: RulesetError| Failed {
        step,
        source: std::io::Error::other(error),
    };
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(refused)?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(true),
        RulesetStatus::PartiallyEnforced => Ok(false),
        RulesetStatus::NotEnforced => Err(Failed {
            step,
            source: std::io::Error::from(std::io::ErrorKind::Unsupported),
        }),
    }
}
