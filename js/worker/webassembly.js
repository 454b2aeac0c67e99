// WebAssembly, counted: V8 charges an isolate for the pages of a memory, not for the room in the address space that each has.
// And on the isolate's own thread, where its time is charged: V8 compiles elsewhere what is compiled asynchronously.
(function () {
const { core, primordials } = __bootstrap;
const { op_wasm_memories, op_wasm_own } = core.ops;
const {
  ObjectPrototypeIsPrototypeOf,
  ReflectApply,
  ReflectConstruct,
  ReflectDeleteProperty,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeArrayIterator,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypeError,
} = primordials;
const load = core.loadExtScript;

function defineWebAssembly() {
  const { LEAST, count, define, share, wrapConstructor } = load("ext:workerd_lite/worker/external_memory.js");
  const { isBufferSource, view } = load("ext:workerd_lite/worker/buffer_source.js");
  const { Instance, Memory, Module } = WebAssembly;
  const bufferOf = ReflectGetOwnPropertyDescriptor(Memory.prototype, "buffer").get;
  const exportsOf = ReflectGetOwnPropertyDescriptor(Instance.prototype, "exports").get;

  // Its memories live as long as anything that it exports.
  function accompany(instance, memories) {
    count(instance, memories * LEAST);
    const exported = ReflectApply(exportsOf, instance, []);
    share(instance, exported);
    for (const name of new SafeArrayIterator(ReflectOwnKeys(exported))) {
      const value = exported[name];
      if (typeof value === "function" || (typeof value === "object" && value !== null)) share(instance, value);
    }
  }

  // A module of what the worker's own files hold, which is compiled whatever may be generated.
  function own(bytes) {
    return isBufferSource(bytes) && !core.isSharedArrayBuffer(bytes) ? op_wasm_own(view(bytes)) : undefined;
  }

  const compiled = (bytes, options) => own(bytes) ?? new Module(bytes, options);

  // `memories` are the module's: below zero where it is none, which the constructor says.
  function instance(args, newTarget = Instance, memories = op_wasm_memories(args[0])) {
    const made = ReflectConstruct(Instance, args, newTarget);
    if (memories > 0) accompany(made, memories);
    return made;
  }

  wrapConstructor(WebAssembly, "Instance", {
    construct: (_target, args, newTarget) => instance(args, newTarget),
  });
  wrapConstructor(WebAssembly, "Memory", {
    construct(target, args, newTarget) {
      const memory = ReflectConstruct(target, args, newTarget);
      if (core.isSharedArrayBuffer(ReflectApply(bufferOf, memory, []))) {
        throw new TypeError("WebAssembly.Memory(): workers share no memory");
      }
      count(memory, LEAST);
      return memory;
    },
  });
  // V8 looks for the watchdog's word where a function of JavaScript begins, and in a loop of few steps seldom else.
  let wrapped;
  wrapConstructor(WebAssembly, "Module", {
    construct: (target, args, newTarget) => (newTarget === wrapped ? own(args[0]) : undefined) ?? ReflectConstruct(target, args, newTarget),
  });
  wrapped = WebAssembly.Module;

  async function received(source) {
    const { ResponsePrototype } = load("ext:deno_fetch/23_response.js");
    const response = await source;
    if (!ObjectPrototypeIsPrototypeOf(ResponsePrototype, response)) {
      throw new TypeError("WebAssembly is compiled of a Response, or of a promise of one");
    }
    const type = response.headers.get("content-type") ?? "";
    if (StringPrototypeTrim(StringPrototypeToLowerCase(type)) !== "application/wasm") {
      throw new TypeError(`Invalid WebAssembly content type: ${type}`);
    }
    if (!response.ok) throw new TypeError(`HTTP status code ${response.status}`);
    return await response.arrayBuffer();
  }

  const functions = {
    async compile(bytes) {
      return compiled(bytes, arguments[1]);
    },
    async compileStreaming(source) {
      return compiled(await received(source), arguments[1]);
    },
    async instantiate(bytes) {
      const imports = arguments[1];
      const memories = op_wasm_memories(bytes);
      if (memories >= 0) {
        await undefined;
        return instance([bytes, imports], Instance, memories);
      }
      const module = compiled(bytes, arguments[2]);
      await undefined;
      return { module, instance: instance([module, imports]) };
    },
    async instantiateStreaming(source) {
      const imports = arguments[1];
      const module = compiled(await received(source), arguments[2]);
      return { module, instance: instance([module, imports]) };
    },
  };
  for (const name of new SafeArrayIterator(ReflectOwnKeys(functions))) {
    const { enumerable } = ReflectGetOwnPropertyDescriptor(WebAssembly, name);
    define(WebAssembly, name, functions[name], enumerable);
  }
  // Each suspended call would have a stack that nobody counts.
  for (const name of ["promising", "Suspending", "SuspendError"]) ReflectDeleteProperty(WebAssembly, name);
}

return { defineWebAssembly };
})();
