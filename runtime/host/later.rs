//! Something that can be called before it is there: its calls wait, and are made in their order once it is.

use std::cell::RefCell;
use std::rc::Rc;

use workerd_lite_ops::rpc::{Broken, Call, Capability, Failure, Remote, ReplyTo, Started};

/// The most calls that wait.
const WAITING: usize = 1000;

const TOO_MANY: &str = "RPC failed: too many calls wait for what is not there yet";

enum State {
    Waits(Vec<Waiting>),
    There(Capability),
}

enum Waiting {
    Call(Call, Resolves),
    Watch(ReplyTo),
}

/// The thing.
pub(super) struct Later(Rc<RefCell<State>>);

/// Says what it is. Dropped, its calls fail.
pub(super) struct Resolves(Rc<RefCell<State>>);

impl Later {
    /// One that is not there, and what says what it is.
    #[expect(clippy::new_ret_no_self, reason = "it is called as whatever else can be")]
    pub(super) fn new() -> (Capability, Resolves) {
        let state = Rc::new(RefCell::new(State::Waits(Vec::new())));
        (Rc::new(Self(Rc::clone(&state))), Resolves(state))
    }
}

impl Remote for Later {
    fn call(&self, call: Call) -> Started {
        let there = match &mut *self.0.borrow_mut() {
            State::There(there) => Rc::clone(there),
            State::Waits(waiting) if waiting.len() >= WAITING => {
                return Broken::refuse(call.reply, Failure::new("Error", TOO_MANY));
            }
            State::Waits(waiting) => {
                let (answer, resolves) = Self::new();
                waiting.push(Waiting::Call(call, resolves));
                return Started { answer, session: None };
            }
        };
        there.call(call)
    }

    fn nudge(&self) {
        if let State::There(there) = &*self.0.borrow() {
            there.nudge();
        }
    }

    fn watch(&self, told: ReplyTo) {
        let there = match &mut *self.0.borrow_mut() {
            State::There(there) => Rc::clone(there),
            State::Waits(waiting) => {
                if waiting.len() < WAITING {
                    waiting.push(Waiting::Watch(told));
                }
                return;
            }
        };
        there.watch(told);
    }
}

impl Resolves {
    /// It is this.
    pub(super) fn resolve(self, there: Capability) {
        self.set(there);
    }

    /// It will never be there.
    pub(super) fn fail(self, why: Failure) {
        self.set(Rc::new(Broken(why)));
    }

    fn set(&self, there: Capability) {
        let before = self.0.replace(State::There(Rc::clone(&there)));
        let State::Waits(waiting) = before else { return };
        for each in waiting {
            match each {
                // What is begun for a call of a result ends with that.
                Waiting::Call(call, resolves) => resolves.resolve(there.call(call).answer),
                Waiting::Watch(told) => there.watch(told),
            }
        }
    }
}

impl Drop for Resolves {
    fn drop(&mut self) {
        let waits = matches!(&*self.0.borrow(), State::Waits(_));
        if waits {
            self.set(Rc::new(Broken(Failure::canceled())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use workerd_lite_ops::rpc::Outcome;

    #[derive(Default)]
    struct Noted(RefCell<Vec<String>>);

    impl Remote for Noted {
        fn call(&self, call: Call) -> Started {
            self.0.borrow_mut().push(call.path.join("."));
            Broken::refuse(call.reply, Failure::new("Error", "no"))
        }
    }

    fn call(name: &str, told: &Rc<RefCell<Vec<String>>>) -> Call {
        let told = Rc::clone(told);
        Call {
            path: vec![name.to_owned()],
            arguments: None,
            reply: ReplyTo::new(move |outcome| {
                if let Outcome::Failed(why) = outcome {
                    told.borrow_mut().push(why.message);
                }
            }),
        }
    }

    #[test]
    fn calls_wait_in_their_order() {
        let told = Rc::default();
        let (later, resolves) = Later::new();
        let first = later.call(call("a", &told));
        first.answer.call(call("c", &told));
        later.call(call("b", &told));
        assert!(told.borrow().is_empty());
        let noted = Rc::new(Noted::default());
        resolves.resolve(Rc::<Noted>::clone(&noted));
        later.call(call("d", &told));
        assert_eq!(*noted.0.borrow(), ["a", "b", "d"]);
        assert_eq!(told.borrow().len(), 4, "what is asked of a result fails as that did");
    }

    #[test]
    fn what_is_never_there_fails_its_calls() {
        let told = Rc::default();
        let (later, resolves) = Later::new();
        later.call(call("a", &told));
        drop(resolves);
        later.call(call("b", &told));
        assert_eq!(told.borrow().len(), 2);
    }
}
