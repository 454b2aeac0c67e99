//! How much memory a process has of its own.

use rustix::param::page_size;

/// Resident bytes that are of no file, of the process that `/proc` has under this name: a number, or `self`. Nothing where the system does
/// not say.
pub(crate) fn resident(process: &str) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let mut fields = statm.split(' ').skip(1).map(|field| field.parse::<u64>().ok());
    let (resident, shared) = (fields.next()??, fields.next()??);
    Some(resident.saturating_sub(shared) * page_size() as u64)
}
