//! A call by RPC that is under way: counted and recorded when its answer is there, or nobody waits for one any longer.

use workerd_lite_ops::{Body, Response};

use super::open::Open;
use super::{By, Verdict};

/// A call whose answer is not known yet.
#[derive(Debug)]
pub(crate) struct Calling(Open);

impl Calling {
    /// One that has begun.
    pub(crate) fn new(open: Open) -> Self {
        Self(open)
    }

    /// What became of it.
    pub(crate) fn verdict(&mut self, verdict: Verdict, by: By) {
        self.0.verdict(verdict, by);
    }

    /// The same body, whose bytes are counted as what is sent.
    pub(crate) fn counts(&self, body: Body) -> Body {
        self.0.counts(body)
    }

    /// The policy has answered a request. The record ends with the response's body.
    pub(crate) fn response(mut self, response: Response) -> Response {
        self.0.verdict(Verdict::Answer, By::Policy);
        self.0.response(response)
    }

    /// The policy has answered, with so many bytes.
    pub(crate) fn answered(&mut self, bytes: usize) {
        self.0.verdict(Verdict::Answer, By::Policy);
        self.0.received(bytes);
    }

    /// What was called was stopped.
    pub(crate) fn stopped(&mut self, why: &str) {
        self.0.verdict(Verdict::Deny, By::Limit);
        self.0.error(why);
    }

    /// The policy's method has failed, with an error of this class.
    pub(crate) fn failed(&mut self, class: &str) {
        self.0.verdict(Verdict::Deny, By::Policy);
        self.0.error(class);
    }
}
