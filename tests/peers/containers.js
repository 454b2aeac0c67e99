// A policy as its users write it for Cloudflare Containers. It is bundled with the package as published.
import { Container, ContainerProxy } from "@cloudflare/containers";

export { ContainerProxy };

export class Sandbox extends Container {
  defaultPort = 8080;
}

Sandbox.outboundByHost = {
  "api.example": (request, env, ctx) => Response.json({ by: "host", env, ctx, path: new URL(request.url).pathname }),
  "*.wild.example": () => new Response("by glob"),
};
Sandbox.outboundHandlers = {
  renamed: (request, env, { params }) => new Response(`renamed ${params.to}`),
};
Sandbox.outbound = (request, env, ctx) => new Response(`by default for ${ctx.className}`);

export default { fetch: () => new Response("the default export", { status: 418 }) };
