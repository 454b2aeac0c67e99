//! Stacks for native code that waits for a script: it is suspended in the middle of its calls.

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{CoroutineResult, Yielder};
use workerd_lite_ops::html_rewriter::protocol::{Body, Command, Coroutine, Coroutines, Event, Suspend};

/// How much a stack may hold, in bytes. Only what is used of it takes memory.
const STACK: usize = 256 << 10;

type Between = Yielder<Command, Event>;

/// Where the coroutine stops, while it runs.
#[derive(Default)]
struct Place(Cell<Option<NonNull<Between>>>);

impl Suspend for Place {
    #[expect(
        unsafe_code,
        reason = "a coroutine's handlers outlive the borrow of its yielder in their types"
    )]
    fn suspend(&self, event: Event) -> Command {
        let Some(yielder) = self.0.take() else {
            return Command::Abort;
        };
        // SAFETY: the pointer is there only between the coroutine's being resumed and its stopping or ending: `run` sets it on the
        // coroutine's own stack, this takes it before each stop, and `Ended` takes it at the end. So its frame is alive, and it is
        // the one that runs, on this thread: nothing here is `Send`.
        let command = unsafe { yielder.as_ref() }.suspend(event);
        self.0.set(Some(yielder));
        command
    }
}

/// Takes the pointer away when the coroutine's frame ends, however it does.
struct Ended<'a>(&'a Place);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.0.set(None);
    }
}

fn run(body: Body, place: Rc<Place>, yielder: &Between) -> Result<(), String> {
    place.0.set(Some(NonNull::from(yielder)));
    let _ended = Ended(&place);
    body(Rc::clone(&place) as Rc<dyn Suspend>)
}

/// A coroutine, until it has ended.
struct Running(Option<corosensei::Coroutine<Command, Event, Result<(), String>, DefaultStack>>);

impl Coroutine for Running {
    fn resume(&mut self, command: Command) -> Result<Option<Event>, String> {
        let Some(coroutine) = &mut self.0 else {
            return Err("it has ended".to_owned());
        };
        match coroutine.resume(command) {
            CoroutineResult::Yield(event) => Ok(Some(event)),
            CoroutineResult::Return(result) => {
                self.0 = None;
                result.map(|()| None)
            }
        }
    }
}

/// Coroutines on stacks of this process.
pub(super) struct Stacks;

impl Coroutines for Stacks {
    fn start(&self, body: Body) -> Option<Box<dyn Coroutine>> {
        let stack = DefaultStack::new(STACK).ok()?;
        let place = Rc::new(Place::default());
        let coroutine =
            corosensei::Coroutine::with_stack(stack, move |yielder: &Between, _begin| run(body, place, yielder));
        Some(Box::new(Running(Some(coroutine))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(body: impl FnOnce(Rc<dyn Suspend>) -> Result<(), String> + 'static) -> Box<dyn Coroutine> {
        Stacks.start(Box::new(body)).unwrap()
    }

    #[test]
    fn two_take_turns() {
        let body = |suspend: Rc<dyn Suspend>| {
            for number in 0..3 {
                if matches!(suspend.suspend(Event::Content(number)), Command::Abort) {
                    return Err(format!("given up at {number}"));
                }
            }
            Ok(())
        };
        let (mut one, mut other) = (start(body), start(body));
        for wanted in 0..3 {
            for coroutine in [&mut one, &mut other] {
                let event = coroutine.resume(Command::Continue);
                assert!(
                    matches!(event, Ok(Some(Event::Content(number))) if number == wanted),
                    "{event:?}"
                );
            }
        }
        assert!(matches!(one.resume(Command::Continue), Ok(None)));
        assert_eq!(other.resume(Command::Abort).unwrap_err(), "given up at 2");
        assert!(one.resume(Command::Continue).is_err());
    }

    #[test]
    fn a_handle_that_is_left_over_stops_nothing() {
        let kept: Rc<Cell<Option<Rc<dyn Suspend>>>> = Rc::default();
        let keeps = Rc::clone(&kept);
        let mut coroutine = start(move |suspend| {
            keeps.set(Some(Rc::clone(&suspend)));
            suspend.suspend(Event::Hungry);
            Ok(())
        });
        coroutine.resume(Command::Continue).unwrap();
        let handle = kept.take().unwrap();
        assert!(matches!(handle.suspend(Event::Hungry), Command::Abort));
        assert!(matches!(coroutine.resume(Command::Continue), Ok(None)));
        assert!(matches!(handle.suspend(Event::Hungry), Command::Abort));
    }
}
