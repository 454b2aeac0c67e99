//! No capability, and none to come.

use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use super::layer::Failed;

/// What is executed next has no more than this process, and this process has nothing.
pub(super) fn drop_all() -> Result<(), Failed> {
    set_no_new_privs(true).map_err(Failed::at("setting no_new_privs"))?;
    for bit in 0..64 {
        // Without the capability to, nothing is taken from the set; with `no_new_privs` nothing in it is to be had either.
        // The first that the kernel does not know is the end.
        if remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)).is_err() {
            break;
        }
    }
    clear_ambient_capability_set().map_err(Failed::at("clearing ambient capabilities"))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(Failed::at("dropping capabilities"))
}

pub(super) fn keep_private() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
