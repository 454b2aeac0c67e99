//! What requests and calls of a process may have in this one at once, all of its events' together, beside bodies, which windows bound.

use std::rc::Rc;

use workerd_lite_ops::{FetchError, rpc};

use super::link::Link;

/// Bytes, on each link.
const MOST: usize = 2 * rpc::MESSAGE;

/// Room for so many bytes, until it is dropped.
pub(super) struct Room(Rc<Link>, usize);

impl Room {
    pub(super) fn of(link: &Rc<Link>, bytes: usize) -> Result<Self, FetchError> {
        let all = link.held.get() + bytes;
        if all > MOST {
            return Err(FetchError::Invalid(
                "the agents of its process ask for too much at once".into(),
            ));
        }
        link.held.set(all);
        Ok(Self(Rc::clone(link), bytes))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.held.set(self.0.held.get() - self.1);
    }
}
