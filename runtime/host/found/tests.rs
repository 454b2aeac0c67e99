use std::cell::Cell;
use std::rc::Rc;

use workerd_lite_ops::Role;

use super::*;
use crate::host::isolates::IsolateLimits;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;

/// A folder whose agents take long to be read.
#[derive(Debug)]
struct Slow(Duration);

impl Finder for Slow {
    fn look(&self, id: &AgentId) -> Option<Stamp> {
        (&*id.name == "there").then(Stamp::default)
    }

    fn make(&self, id: &AgentId) -> Option<Agent> {
        std::thread::sleep(self.0);
        Some(Agent::from(Worker::of(
            id.name.to_string(),
            Role::Agent,
            Graph::unread().ok()?,
        )))
    }

    fn list(&self) -> Vec<AgentId> {
        Vec::new()
    }

    fn domain(&self) -> &'static str {
        "localhost"
    }

    fn headers(&self) -> usize {
        0
    }

    fn isolation(&self) -> Isolation {
        Isolation::default()
    }

    fn patience(&self) -> Duration {
        self.0 * 5
    }
}

#[tokio::test]
async fn others_are_served_while_one_is_read() {
    let takes = Duration::from_millis(200);
    let found = Arc::new(Found::new(
        Box::new(Slow(takes)),
        0,
        0,
        &Isolates::new(IsolateLimits::default()),
    ));
    let url = |name: &str| Url::parse(&format!("http://{name}.localhost/")).unwrap();
    let turns = Rc::new(Cell::new(0));
    let others = async {
        for _ in 0..100_000 {
            tokio::time::sleep(takes / 100).await;
            turns.set(turns.get() + 1);
        }
    };
    let there = url("there");
    let read = tokio::select! {
        read = found.asked_by_host(&there) => read,
        () = others => panic!("it is not read"),
    };
    assert!(read.unwrap().is_some());
    assert!(turns.get() > 5, "{}", turns.get());
    // What is known needs nobody, and neither does what is not there.
    let mut known = std::pin::pin!(found.asked_by_name("there"));
    assert!(matches!(
        futures_util::poll!(&mut known),
        std::task::Poll::Ready(Ok(Some(_)))
    ));
    let absent = url("absent");
    let mut absent = std::pin::pin!(found.asked_by_host(&absent));
    assert!(matches!(
        futures_util::poll!(&mut absent),
        std::task::Poll::Ready(Ok(None))
    ));
}
