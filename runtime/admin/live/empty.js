// What is shown while nothing has happened: which agents answer where, and how to ask them.
import { copyButton, element } from "/dev/dom.js";

// A host and a path that a pattern takes: `host`, `/path/*` or `host/path/*`.
function example(pattern) {
  const slash = pattern.indexOf("/");
  const host = slash < 0 ? pattern : pattern.slice(0, slash);
  const path = slash < 0 ? "/" : pattern.slice(slash);
  const known = host === "" || host === "*" || host === "**" ? null : host.replaceAll("**", "a").replaceAll("*", "a");
  return { host: known, path: path.replaceAll("*", "") };
}

// How to ask an agent from a shell.
export function curl({ hosts }, address) {
  const isFile = address.startsWith("unix:");
  const port = isFile ? "" : address.slice(address.lastIndexOf(":") + 1);
  const local = address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
  const where = isFile ? `--unix-socket ${address.slice("unix:".length)} ` : "";
  const wanted = hosts.find((host) => !/:\d+(\/|$)/.test(host) || host.split("/")[0].endsWith(`:${port}`)) ?? hosts[0] ?? "*";
  const { host, path } = example(wanted);
  if (host === null) return `curl ${where}http://${isFile ? "localhost" : local}${path}`;
  if (isFile) return `curl ${where}http://${host}${path}`;
  const name = host.replace(/:\d+$/, "");
  if (/(^|\.)localhost$/.test(name)) return `curl http://${name}:${port}${path}`;
  return `curl -H 'Host: ${host}' http://${local}${path}`;
}

function card(agent, address) {
  const command = curl(agent, address);
  const name = element("h2", { text: agent.name });
  if (agent.tenant) name.append(element("span", { className: "tenant", text: ` ${agent.tenant}` }));
  const hosts = agent.hosts.length === 0 ? ["every host"] : agent.hosts;
  return element(
    "li",
    {},
    name,
    element("p", { className: "hosts", text: hosts.join(", ") }),
    element("div", { className: "command" }, element("code", { text: command }), copyButton("Copy", `Copy ${command}`, "copied", () => command)),
  );
}

export function showEmpty(node, project) {
  const { agents, address, policy } = project;
  const list = element("ul", {}, ...agents.map((agent) => card(agent, address)));
  const warning = policy ? null : element("p", { className: "warning", text: "No outbound worker is configured: every fetch of an agent is denied." });
  node.replaceChildren(
    element("p", { className: "lead", text: agents.length === 1 ? "Nothing yet. Ask the agent:" : "Nothing yet. Ask one of the agents:" }),
    ...(warning === null ? [] : [warning]),
    list,
  );
}
