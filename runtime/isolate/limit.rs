//! Ties an isolate to its limits.

use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

use deno_core::{JsRuntime, v8};
use workerd_lite_ops::stop::Stop;

use super::buffers::Buffers;
use super::{cpu_accounting, crash_marker};
use crate::limits::{Culprit, Limits, Orders, Turns};

/// Longer than anything runs.
pub(super) const FOREVER: Duration = Duration::from_hours(24 * 365);

/// How much more heap an isolate gets that is being stopped: V8 ends the process where an allocation fails. The largest
/// that a script can cause, of an array or a string, is a little above 1 GiB; most of it is never touched.
const GRACE: usize = 5 << 28;

#[expect(unsafe_code, reason = "V8's callback knows its isolate by a pointer only")]
fn raw(runtime: &mut JsRuntime) -> v8::UnsafeRawIsolatePtr {
    // SAFETY: only `used` reads it, inside a callback of this isolate.
    unsafe { runtime.v8_isolate().as_raw_isolate_ptr() }
}

/// Bytes of an isolate's heap that are in use. Only a callback of the isolate may ask.
#[expect(unsafe_code, reason = "V8's callback knows its isolate by a pointer only")]
fn used(isolate: v8::UnsafeRawIsolatePtr) -> usize {
    // SAFETY: the isolate runs the callback that asks, on this thread, so it lives.
    let mut isolate = unsafe { v8::Isolate::from_raw_isolate_ptr(isolate) };
    isolate.get_heap_statistics().used_heap_size()
}

/// V8 found no memory, and ends the process when this returns.
#[expect(unsafe_code, reason = "V8's callback is of this type")]
unsafe extern "C" fn out_of_memory(_location: *const c_char, _details: &v8::OomDetails) {
    crash_marker::blame_this();
}

/// Watches the CPU time of an isolate's turns, its heap, and what it makes the process grow by.
pub(super) fn limit(runtime: &mut JsRuntime, worker: Culprit, limits: &Limits, buffers: &Arc<Buffers>) -> Arc<Turns> {
    runtime.v8_isolate().set_oom_error_handler(out_of_memory);
    let handle = runtime.v8_isolate().thread_safe_handle();
    let sampled = handle.clone();
    let stop = Stop::default();
    runtime.v8_isolate().set_slot(stop.clone());
    runtime.op_state().borrow_mut().put(stop.clone());
    let orders = Orders {
        stop: Box::new(move || {
            handle.terminate_execution();
            // After it: who hears of the order gives back to a script that ends.
            stop.order();
        }),
        sample: Box::new(move || cpu_accounting::sample(&sampled)),
    };
    let turns = Turns::watch(worker, limits.process(), orders);
    let heap = Arc::clone(&turns);
    let isolate = raw(runtime);
    let asked = Arc::clone(buffers);
    runtime.add_near_heap_limit_callback(move |current, _initial| {
        // V8 asks here for buffers that it can not allocate as well. One allocation of the heap can be as large as what is left.
        if asked.are_refused() && used(isolate) + current / 4 < current {
            return current;
        }
        heap.out_of_memory();
        current + GRACE
    });
    buffers.watch(Arc::clone(&turns));
    turns
}
