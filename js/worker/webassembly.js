// WebAssembly, counted: V8 charges an isolate for the pages of a memory, not for the room in the address space that each has.
// And on the isolate's own thread, where its time is charged: V8 compiles elsewhere what is compiled asynchronously.
(function () {
const { core, primordials } = __bootstrap;
const { op_wasm_memories } = core.ops;
const {
  ObjectPrototypeIsPrototypeOf,
  Proxy,
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

// As for resizable buffers.
const BYTES = 1 << 16;

function defineWebAssembly() {
  const { count, define, share } = load("ext:workerd_lite/worker/resizable_buffers.js");
  const { Instance, Memory, Module } = WebAssembly;
  const bufferOf = ReflectGetOwnPropertyDescriptor(Memory.prototype, "buffer").get;
  const exportsOf = ReflectGetOwnPropertyDescriptor(Instance.prototype, "exports").get;

  // Gives nothing for what is no module, and throws for one whose memory is shared.
  function memoriesOf(module) {
    const memories = op_wasm_memories(module);
    return memories < 0 ? undefined : memories;
  }

  // Its memories live as long as anything that it exports.
  function accompany(instance, memories) {
    if (memories === 0) return;
    count(instance, memories * BYTES);
    const exported = ReflectApply(exportsOf, instance, []);
    share(instance, exported);
    for (const name of new SafeArrayIterator(ReflectOwnKeys(exported))) {
      const value = exported[name];
      if (typeof value === "function" || (typeof value === "object" && value !== null)) share(instance, value);
    }
  }

  function instance(args, newTarget = Instance) {
    const memories = memoriesOf(args[0]) ?? 0;
    const made = ReflectConstruct(Instance, args, newTarget);
    accompany(made, memories);
    return made;
  }

  const constructors = {
    __proto__: null,
    Instance: (args, newTarget) => instance(args, newTarget),
    Memory(args, newTarget) {
      const memory = ReflectConstruct(Memory, args, newTarget);
      if (core.isSharedArrayBuffer(ReflectApply(bufferOf, memory, []))) {
        throw new TypeError("WebAssembly.Memory(): workers share no memory");
      }
      count(memory, BYTES);
      return memory;
    },
    // V8 looks for the watchdog's word where a function of JavaScript begins, and in a loop of few steps seldom else.
    Module: (args, newTarget) => ReflectConstruct(Module, args, newTarget),
  };
  for (const name of new SafeArrayIterator(ReflectOwnKeys(constructors))) {
    const make = constructors[name];
    const counted = new Proxy(WebAssembly[name], {
      __proto__: null,
      construct: (_target, args, newTarget) => make(args, newTarget),
    });
    define(WebAssembly, name, counted);
    define(counted.prototype, "constructor", counted);
  }

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
      return new Module(bytes, arguments[1]);
    },
    async compileStreaming(source) {
      return new Module(await received(source), arguments[1]);
    },
    async instantiate(bytes) {
      const imports = arguments[1];
      if (memoriesOf(bytes) !== undefined) {
        await undefined;
        return instance([bytes, imports]);
      }
      const module = new Module(bytes, arguments[2]);
      await undefined;
      return { module, instance: instance([module, imports]) };
    },
    async instantiateStreaming(source) {
      const imports = arguments[1];
      const module = new Module(await received(source), arguments[2]);
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
