// Calls the handler of a queue's consumer, as workerd's tests do:
// https://developers.cloudflare.com/queues/configuration/javascript-apis/#consumer
(function () {
const { core, primordials } = __bootstrap;
const { TypeError } = primordials;
const { outcomeOf } = core.loadExtScript("ext:workerd_lite/testing/handlers.js");

// What the handler says of its messages, as `queue()` gives it. What was said first holds.
class Said {
  ackAll = false;
  retryBatch = { retry: false };
  explicitAcks = [];
  retryMessages = [];

  #isSaid(id) {
    return this.ackAll || this.retryBatch.retry || this.explicitAcks.includes(id) || this.retryMessages.some(({ msgId }) => msgId === id);
  }

  ack(id) {
    if (!this.#isSaid(id)) this.explicitAcks.push(id);
  }

  retry(id, options) {
    if (!this.#isSaid(id)) this.retryMessages.push({ msgId: id, ...delay(options) });
  }

  ackWhole() {
    if (!this.retryBatch.retry) this.ackAll = true;
  }

  retryWhole(options) {
    if (!this.ackAll) this.retryBatch = { retry: true, ...delay(options) };
  }
}

function delay(options) {
  return options?.delaySeconds === undefined ? {} : { delaySeconds: options.delaySeconds };
}

function messageOf({ id, timestamp, body, serializedBody, attempts = 1 }, said) {
  if ((body === undefined) === (serializedBody === undefined)) throw new TypeError("Expected one of body or serializedBody for each message");
  const content = serializedBody === undefined ? structuredClone(body) : core.deserialize(new Uint8Array(serializedBody));
  return { id, timestamp: new Date(timestamp), body: content, attempts, ack: () => said.ack(id), retry: (options) => said.retry(id, options) };
}

// `queue(name, messages)` of a service. Gives `{ outcome, ackAll, retryBatch, explicitAcks, retryMessages }`.
function queueOf(node) {
  return async (queue, messages, metadata = { metrics: { backlogCount: 0, backlogBytes: 0 } }) => {
    const said = new Said();
    const batch = {
      queue,
      messages: messages.map((message) => messageOf(message, said)),
      metadata,
      ackAll: () => said.ackWhole(),
      retryAll: (options) => said.retryWhole(options),
    };
    const outcome = await outcomeOf(node, "queue", batch);
    const { ackAll, retryBatch, explicitAcks, retryMessages } = said;
    return { outcome, ackAll, retryBatch, explicitAcks, retryMessages };
  };
}

return { queueOf };
})();
