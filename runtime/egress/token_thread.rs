//! The thread of token requests. They are no agent's work: the thread that an agent runs on may hang, be lost or end while
//! others wait for the token.

use std::sync::OnceLock;

use tokio::runtime::Handle;

/// Where token requests run, from the first one on. There is nothing where the system has no thread for it.
pub(super) fn handle() -> Option<&'static Handle> {
    static HANDLE: OnceLock<Option<Handle>> = OnceLock::new();
    HANDLE.get_or_init(start).as_ref()
}

fn start() -> Option<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .ok()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("tokens".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .ok()?;
    Some(handle)
}
