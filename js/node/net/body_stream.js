// A body that comes piece by piece, as a stream: what writes it learns when there is room for more.
(function () {
const { core, primordials } = __bootstrap;
const { TypedArrayPrototypeSlice } = primordials;
const {
  createReadableStream,
  readableStreamDefaultControllerCanCloseOrEnqueue,
  readableStreamDefaultControllerClose,
  readableStreamDefaultControllerEnqueue,
  readableStreamDefaultControllerError,
  readableStreamDefaultControllerGetDesiredSize,
} = core.loadExtScript("ext:deno_web/06_streams.js");

class BodyStream {
  stream;
  #controller;
  #room = null;
  #gone = false;

  // `onGone` is called where nobody wants the rest.
  constructor(onGone) {
    this.stream = createReadableStream(
      (controller) => {
        this.#controller = controller;
      },
      async () => this.#wake(),
      async () => {
        this.#gone = true;
        this.#wake();
        onGone();
      },
      1,
    );
  }

  get #open() {
    return !this.#gone && readableStreamDefaultControllerCanCloseOrEnqueue(this.#controller);
  }

  #wake() {
    const room = this.#room;
    this.#room = null;
    if (room !== null) room();
  }

  // A copy: who wrote the bytes may use their memory again.
  add(bytes) {
    if (this.#open) readableStreamDefaultControllerEnqueue(this.#controller, TypedArrayPrototypeSlice(bytes));
  }

  // Calls `use` once all that was added has been taken, or nobody will.
  whenTaken(use) {
    if (!this.#open || readableStreamDefaultControllerGetDesiredSize(this.#controller) > 0) use();
    else this.#room = use;
  }

  end() {
    if (this.#open) readableStreamDefaultControllerClose(this.#controller);
    this.#wake();
  }

  fail(error) {
    if (this.#open) readableStreamDefaultControllerError(this.#controller, error);
    this.#wake();
  }
}

return { BodyStream };
})();
