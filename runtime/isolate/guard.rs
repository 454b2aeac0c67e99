//! The one place that enters and leaves isolates. Many isolates share a thread, and V8 wants to know which is current.

use deno_core::{JsRuntime, v8};
use workerd_lite_ops::stack_depth::EnteredAt;

use super::crash_marker::CrashMarker;
use super::page_pool;
use crate::limits::Culprit;

/// An isolate that is current until this is dropped.
pub(super) struct Entered {
    isolate: v8::UnsafeRawIsolatePtr,
}

impl Entered {
    /// Makes the runtime's isolate the current one. The guard must be dropped before the runtime.
    #[expect(unsafe_code, reason = "entering an isolate is an unsafe call of the v8 crate")]
    pub(super) fn new(runtime: &mut JsRuntime) -> Self {
        let isolate = runtime.v8_isolate();
        // SAFETY: the isolate is alive, it belongs to this thread, and `drop` leaves it in reverse order.
        unsafe { isolate.enter() };
        // SAFETY: the pointer is used only by `drop`, which runs while the runtime is still alive: see `Guarded`.
        let isolate = unsafe { isolate.as_raw_isolate_ptr() };
        Self { isolate }
    }
}

impl Drop for Entered {
    #[expect(unsafe_code, reason = "leaving an isolate is an unsafe call of the v8 crate")]
    fn drop(&mut self) {
        // SAFETY: `new` entered this isolate on this thread, and its runtime outlives the guard.
        let isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(self.isolate) };
        // SAFETY: as above; guards nest, so this is the current isolate.
        unsafe { isolate.exit() };
    }
}

/// A runtime that can be used only while it is entered.
pub(super) struct Guarded {
    runtime: Option<JsRuntime>,
    marker: CrashMarker,
    /// Whether its pages are to leave V8's pool some time after its end.
    pooled: bool,
}

impl Guarded {
    /// Takes a new runtime over, which its constructor has left entered.
    #[expect(unsafe_code, reason = "leaving an isolate is an unsafe call of the v8 crate")]
    pub(super) fn new(mut runtime: JsRuntime, worker: &Culprit) -> Self {
        // SAFETY: `JsRuntime::new` entered the isolate on this thread, and nothing has left it since.
        unsafe { runtime.v8_isolate().exit() };
        Self {
            runtime: Some(runtime),
            marker: CrashMarker::new(worker),
            pooled: true,
        }
    }

    /// Has V8 give the system what it keeps for any isolate of the process, and nothing else. It runs nothing, so that no thread is marked
    /// for it.
    pub(super) fn empty_pool(mut self) {
        if let Some(runtime) = self.runtime.as_mut() {
            let _entered = Entered::new(runtime);
            let isolate = runtime.v8_isolate();
            isolate.memory_pressure_notification(v8::MemoryPressureLevel::Moderate);
        }
        // It would have the same done again.
        self.pooled = false;
    }

    /// What it does is owed to this one from now on.
    pub(super) fn works_for(&mut self, worker: &Culprit) {
        self.marker = CrashMarker::new(worker);
    }

    /// Runs `use_it` inside the isolate.
    pub(super) fn with<T>(&mut self, use_it: impl FnOnce(&mut JsRuntime) -> T) -> T {
        let Some(runtime) = self.runtime.as_mut() else {
            unreachable!("the runtime is there until the drop");
        };
        self.marker.mark();
        let _at = EnteredAt::here();
        let _entered = Entered::new(runtime);
        use_it(runtime)
    }
}

impl Drop for Guarded {
    #[expect(unsafe_code, reason = "entering an isolate is an unsafe call of the v8 crate")]
    fn drop(&mut self) {
        if let Some(mut runtime) = self.runtime.take() {
            // SAFETY: the isolate is alive and belongs to this thread; its own drop leaves it.
            unsafe { runtime.v8_isolate().enter() };
            let heap = runtime.v8_isolate().get_heap_statistics().total_heap_size();
            drop(runtime);
            if self.pooled {
                page_pool::has_ended(heap);
            }
        }
    }
}
