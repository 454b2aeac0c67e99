// APIs as their clients expect them, on a free port: the tests' agents call them with the official packages.
import { createServer } from "node:http";
import { SignJWT, exportJWK, generateKeyPair } from "jose";

const { publicKey, privateKey } = await generateKeyPair("ES256");
const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };

// Server-sent events, one after another.
async function events(response, list) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [name, data] of list) {
    if (name) response.write(`event: ${name}\n`);
    response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  response.end();
}

const routes = {
  "POST /v1/messages": ({ sent, request }, response, json) => {
    const text = `${sent.messages[0].content} by ${request.headers["x-policy"]}, key ${request.headers["x-api-key"] ?? request.headers.authorization}`;
    const message = { id: "m", type: "message", role: "assistant", model: sent.model, content: [], stop_reason: null, usage: { input_tokens: 1, output_tokens: 1 } };
    if (!sent.stream) return json({ ...message, content: [{ type: "text", text }], stop_reason: "end_turn" });
    return events(response, [
      ["message_start", { type: "message_start", message }],
      ["content_block_start", { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }],
      ...text.split(" ").map((word) => ["content_block_delta", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: `${word} ` } }]),
      ["content_block_stop", { type: "content_block_stop", index: 0 }],
      ["message_delta", { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } }],
      ["message_stop", { type: "message_stop" }],
    ]);
  },
  "POST /v1/chat/completions": ({ sent, request }, response, json) => {
    const content = `${sent.messages[0].content} by ${request.headers["x-policy"]}, ${request.headers.authorization}`;
    const base = { id: "c", created: 1, model: sent.model };
    if (!sent.stream) return json({ ...base, object: "chat.completion", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }] });
    const chunk = (delta) => [null, { ...base, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: null }] }];
    return events(response, [...content.split(" ").map((word) => chunk({ content: `${word} ` })), [null, "[DONE]"]]);
  },
  "GET /repos/acme/one": ({ request }, _response, json) =>
    json({ full_name: "acme/one", by: request.headers["x-policy"], seen: request.headers.authorization }),
  "GET /repos/acme/one/issues": ({ url }, _response, json) => {
    const page = Number(url.searchParams.get("page") ?? 1);
    const next = page < 3 ? { link: `<${url.origin}/repos/acme/one/issues?per_page=2&page=${page + 1}>; rel="next"` } : {};
    json([{ number: page * 10 }, { number: page * 10 + 1 }], next);
  },
  "POST /echo": ({ sent, request }, _response, json) =>
    json({ sent, by: request.headers["x-policy"], type: request.headers["content-type"] }),
  "GET /user": (_, _response, json) => json({ name: "bob", age: 42, tags: ["a"] }),
  "GET /jwks": (_, _response, json) => json({ keys: [jwk] }),
  "GET /token": async (_, _response, json) =>
    json(await new SignJWT({ who: "bob" }).setProtectedHeader({ alg: "ES256", kid: "one" }).setExpirationTime("1h").sign(privateKey)),
};

const server = createServer(async (request, response) => {
  let body = "";
  for await (const chunk of request) body += chunk;
  const url = new URL(request.url, `http://${request.headers.host}`);
  const sent = request.headers["content-type"]?.includes("json") && body ? JSON.parse(body) : body;
  const json = (value, headers = {}, status = 200) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) return json({ message: `${request.method} ${url.pathname} is not there` }, {}, 404);
  await route({ url, sent, request }, response, json);
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
