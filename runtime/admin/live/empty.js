// What is shown while nothing has happened: which agents answer where, and how to ask them.
import { copyButton, element } from "/dev/dom.js";

// A host that a pattern takes.
function example(pattern) {
  const host = pattern.replace(/:\d+$/, "").replaceAll("**", "a").replaceAll("*", "a");
  return host;
}

// How to ask an agent from a shell.
export function curl({ hosts }, address) {
  const port = address.slice(address.lastIndexOf(":") + 1);
  const local = address.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
  if (hosts.length === 0 || hosts.includes("*") || hosts.includes("**")) return `curl http://${local}/`;
  const wanted = hosts.find((host) => !/:\d+$/.test(host) || host.endsWith(`:${port}`)) ?? hosts[0];
  const host = example(wanted);
  if (/(^|\.)localhost$/.test(host)) return `curl http://${host}:${port}/`;
  return `curl -H 'Host: ${host}${/:\d+$/.test(wanted) ? `:${port}` : ""}' http://${local}/`;
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
