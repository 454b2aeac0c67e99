// Which requests are shown. A request stays in sight where it, or anything that came of it, meets all conditions at once.
import { isOpen } from "/dev/model.js";

const statusOf = (part) => (part.kind === "egress" ? part.egress.status : part.status);

function hasStatus(part, wanted) {
  if (part.kind === "console") return false;
  const status = statusOf(part) ?? null;
  if (wanted === "pending") return part.state !== undefined && isOpen(part);
  if (wanted === "none") return part.state !== undefined && !isOpen(part) && status === null;
  return status !== null && String(status).startsWith(wanted);
}

function textOf(part) {
  if (part.kind === "egress") {
    const { method, url, verdict, by, rule, binding, status, error } = part.egress;
    return [method, url, verdict, by, rule, binding, status, error, part.asked?.url];
  }
  const { method, url, status, error, limit, text, worker, level, request_id } = part;
  return [method, url, status, error, limit, text, worker, level, request_id];
}

export class Filter {
  constructor({ text = "", verdict = "", status = "", agent = "" } = {}) {
    this.words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
    Object.assign(this, { text: text.trim(), verdict, status, agent });
  }

  get isEmpty() {
    return this.words.length === 0 && this.verdict === "" && this.status === "" && this.agent === "";
  }

  // In words, for whoever finds nothing.
  get described() {
    const { text, verdict, status, agent } = this;
    const shown = { pending: "pending", none: "no response" }[status] ?? `${status}xx`;
    return [text && `“${text}”`, verdict && `verdict ${verdict}`, status && `status ${shown}`, agent && `agent ${agent}`].filter(Boolean).join(", ");
  }

  matches(group) {
    if (this.isEmpty) return true;
    if (this.agent !== "" && nameOf(group) !== this.agent) return false;
    const parts = [group.request ?? group.notice, ...group.calls.values(), ...group.egresses.values(), ...group.lines.values()];
    return parts.some((part) => part !== null && this.#meets(part, group));
  }

  #meets(part, group) {
    if (this.verdict !== "" && (part.kind !== "egress" || part.state === "begun" || part.egress.verdict !== this.verdict)) return false;
    if (this.status !== "" && !hasStatus(part, this.status)) return false;
    if (this.words.length === 0) return true;
    const text = [...textOf(part), group.agent, group.tenant].filter((word) => word !== null && word !== undefined).join(" ").toLowerCase();
    return this.words.every((word) => text.includes(word));
  }
}

// An agent as it is told from others: with its tenant.
export function nameOf({ agent, tenant }) {
  if (!agent) return "";
  return tenant ? `${tenant}/${agent}` : agent;
}
