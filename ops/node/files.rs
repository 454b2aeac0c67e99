//! What `node:fs` wants of the host: the worker's own modules, which are its `/bundle`. No file of the machine is reached.

use std::rc::Rc;

use deno_core::{OpState, op2};

use crate::external_memory::ExternalMemory;

/// The modules of one worker as files.
pub trait ModuleFiles {
    /// Their paths below the worker's folder, with their lengths in bytes. The order stays the same.
    fn list(&self) -> Vec<(String, usize)>;

    /// What its author wrote in the module at a place of that list.
    fn bytes(&self, index: usize) -> Option<&[u8]>;
}

/// The modules of the isolate that this is the state of.
#[derive(Clone)]
pub struct OwnModules(pub Rc<dyn ModuleFiles>);

/// Path and length of each module.
#[op2]
#[serde]
pub(crate) fn op_node_module_files(state: &OpState) -> Vec<(String, usize)> {
    state
        .try_borrow::<OwnModules>()
        .map(|own| own.0.list())
        .unwrap_or_default()
}

/// Copies from a position in a module, as much as there is and fits.
#[op2(fast)]
#[number]
pub(crate) fn op_node_module_read(
    state: &OpState,
    #[smi] index: u32,
    #[number] position: usize,
    #[buffer] target: &mut [u8],
) -> usize {
    let Some(own) = state.try_borrow::<OwnModules>() else {
        return 0;
    };
    let Some(rest) = own.0.bytes(index as usize).and_then(|bytes| bytes.get(position..)) else {
        return 0;
    };
    let length = rest.len().min(target.len());
    target[..length].copy_from_slice(&rest[..length]);
    length
}

/// How many bytes the files of one event may have: half of what the isolate's buffers may.
#[op2(fast)]
#[number]
pub(crate) fn op_node_files_most(state: &OpState) -> usize {
    state.borrow::<ExternalMemory>().limit() / 2
}
