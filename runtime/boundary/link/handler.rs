//! What hears of what the other end of a link begins.

use std::time::Duration;

use super::LinkError;
use super::call::Call;

/// Hears what the other end begins. An error ends the link.
pub(crate) trait Handler {
    /// It calls.
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError>;

    /// An event is over, which has used so much CPU time.
    fn over(&self, event: u32, cpu: Duration) -> Result<(), LinkError>;

    /// An event needs something no longer that it was given: what that is, and its number.
    fn noted(&self, _event: u32, _what: u8, _number: u32) -> Result<(), LinkError> {
        Err(LinkError::Frame("nothing was given"))
    }

    /// It is time to look whether all is well; only where the other end is asked for signs of life. Gives whether anything is under way
    /// beside calls.
    fn look(&self) -> Result<bool, LinkError> {
        Ok(false)
    }
}
