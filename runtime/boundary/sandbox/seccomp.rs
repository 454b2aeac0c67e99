//! The filter of system calls, from the table of them.

use nix::libc;
use seccompiler::{BpfProgram, apply_filter_all_threads, compile_from_json};

use super::Purpose;
use super::calls::{Calls, Here};
use super::layer::Failed;

/// Puts the filter in force, for all threads of the process and those to come. `process` is the number that it has for itself.
pub(super) fn install(process: u32, purpose: Purpose) -> Result<(), Failed> {
    let here = Here {
        process,
        purpose,
        protection_keys: has_protection_keys(),
    };
    for filter in compiled(here).map_err(unusable)? {
        apply_filter_all_threads(&filter).map_err(|error| match error {
            seccompiler::Error::Seccomp(source) | seccompiler::Error::Prctl(source) => Failed { step: STEP, source },
            other => unusable(other),
        })?;
    }
    Ok(())
}

const STEP: &str = "a filter of system calls";

fn unusable<E: Into<Box<dyn std::error::Error + Send + Sync>>>(error: E) -> Failed {
    Failed {
        step: STEP,
        source: std::io::Error::other(error),
    }
}

/// Whether V8 will find a memory protection key. One is taken and given back.
#[expect(unsafe_code, reason = "no crate at hand has the calls")]
fn has_protection_keys() -> bool {
    // SAFETY: no memory is touched.
    let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0, 0) };
    if key < 0 {
        return false;
    }
    // SAFETY: as above; no page has this key.
    unsafe { libc::syscall(libc::SYS_pkey_free, key) };
    true
}

/// In the order in which they are put in force. The strictest answer of all counts. What is known to be asked for by nobody but
/// an attacker ends the process, what programs try and do without is refused, and what remains is not there.
fn compiled(here: Here) -> Result<Vec<BpfProgram>, Box<dyn std::error::Error + Send + Sync>> {
    let architecture = std::env::consts::ARCH.try_into()?;
    let calls = Calls::read()?;
    let json = calls.as_json(here).to_string();
    let mut filters = compile_from_json(json.as_bytes(), architecture)?;
    let mut take = |name: &str| filters.remove(name).ok_or("a filter has no name");
    // The last ends who asks for a filter.
    Ok(vec![take("refused")?, take("allowed")?, take("fatal")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_a_filter() {
        for (purpose, protection_keys) in [
            (Purpose::Scripts, true),
            (Purpose::Scripts, false),
            (Purpose::Keys, true),
            (Purpose::Modules, true),
        ] {
            let here = Here {
                process: 1,
                purpose,
                protection_keys,
            };
            let sizes: Vec<_> = compiled(here).unwrap().iter().map(Vec::len).collect();
            assert!(sizes.iter().all(|size| *size > 10 && *size < 4096), "{sizes:?}");
        }
    }
}
