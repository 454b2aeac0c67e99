// Modules of products that are not here, which workers import to name what they would send or throw.
// https://developers.cloudflare.com/email-routing/email-workers/runtime-api/ and https://developers.cloudflare.com/workflows/build/workers-api/
(function () {
const { primordials } = __bootstrap;
const { Error, ObjectDefineProperty, String, TypeError } = primordials;

// A message for a binding of `send_email`, or for `message.reply()`: neither is here.
class EmailMessage {
  #from;
  #to;

  constructor(from, to, raw) {
    if (raw === undefined) throw new TypeError("EmailMessage takes who sends it, who gets it, and its text");
    this.#from = String(from);
    this.#to = String(to);
  }

  get from() {
    return this.#from;
  }

  get to() {
    return this.#to;
  }
}

// What a step of a Workflow throws that is not to be tried again.
class NonRetryableError extends Error {
  constructor(message, name = "NonRetryableError") {
    super(message);
    ObjectDefineProperty(this, "name", { __proto__: null, value: String(name), writable: true, enumerable: false, configurable: true });
  }
}

return { email: { EmailMessage }, workflows: { NonRetryableError } };
})();
