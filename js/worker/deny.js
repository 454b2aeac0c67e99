// The answer that an agent's author (or model) understands as final: RFC 9457 problem details.
(function () {
const { core, primordials } = __bootstrap;
const { String } = primordials;
const { Response } = core.loadExtScript("ext:deno_fetch/23_response.js");

function deny(details = undefined) {
  const { title, detail, rule, remedy, status } = typeof details === "string" ? { detail: details } : details ?? {};
  const problem = { type: "about:blank", title: String(title ?? "Denied by the owner's policy"), status: status ?? 403 };
  if (detail !== undefined) problem.detail = String(detail);
  if (rule !== undefined) problem.rule = String(rule);
  if (remedy !== undefined) problem.remedy = String(remedy);
  const response = Response.json(problem, { status: problem.status });
  response.headers.set("content-type", "application/problem+json");
  return response;
}

return { deny };
})();
