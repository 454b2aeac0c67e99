// The upstream of the page's tests: what comes late, is refused, breaks off, leads elsewhere. Says its port.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const answers = {
  async "/late"(response) {
    await sleep(300);
    response.writeHead(200, { "content-type": "text/plain" });
    for (let piece = 0; piece < 4; piece += 1) {
      response.write("piece ");
      await sleep(60);
    }
    response.end();
  },
  "/reset": (response) => response.socket.destroy(),
  "/stall": () => {},
  "/hop": (response) => response.writeHead(302, { location: "/json?from=hop" }).end(),
  "/missing": (response) => response.writeHead(404).end("missing"),
  "/broken": (response) => response.writeHead(500, { "content-type": "application/json" }).end('{"error":"It is broken"}'),
  "/empty": (response) => response.writeHead(204).end(),
  "/token": (response) => response.writeHead(200, { "content-type": "application/json" }).end('{"access_token":"t0ken-of-the-upstream","token_type":"Bearer","expires_in":3600}'),
};

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const { pathname } = new URL(request.url, "http://upstream");
    const answer = answers[pathname];
    if (answer !== undefined) return answer(response);
    response.writeHead(200, { "content-type": "application/json" }).end('{"items":[{"name":"One"},{"name":"Two"}]}');
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
