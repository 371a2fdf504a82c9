// proposals.js - results that wait for a second person, or for objections.

import { arrange, box, button, element, field, input, nodesOf, say } from "../shared/dom.js";
import { KINDS, RESULTS, besides, refusal, tell } from "./words.js";

const WORDS = {
  approve: ["Approve", "Approved"],
  reject: ["Reject", "Rejected"],
  withdraw: ["Withdraw", "Withdrawn"],
};

export class Proposals {
  // options: api, names (market_id -> market), user()
  constructor(options) {
    this.options = options;
    this.nodes = nodesOf("proposals-empty", "proposals-list", "proposals-answer", "proposals-count");
    this.rows = new Map(); // proposal_id -> row
  }

  async refresh() {
    const answer = await this.options.api.proposals();
    if (answer.code !== 200) return;
    const { proposals, more } = answer.body;
    for (const proposal of proposals) await this.#name(proposal.market_id);
    arrange(this.nodes["proposals-list"], proposals.map((proposal) => this.#row(proposal)));
    const present = new Set(proposals.map((proposal) => proposal.proposal_id));
    for (const id of this.rows.keys()) if (!present.has(id)) this.rows.delete(id);
    this.nodes["proposals-empty"].hidden = proposals.length > 0;
    say(this.nodes["proposals-count"], proposals.length ? `(${proposals.length}${more ? "+" : ""})` : "");
  }

  async #name(marketId) {
    if (this.options.names.has(marketId)) return;
    const answer = await this.options.api.market(marketId);
    if (answer.code === 200 && answer.body.markets.length > 0)
      this.options.names.set(marketId, answer.body.markets[0]);
  }

  #row(proposal) {
    let row = this.rows.get(proposal.proposal_id);
    if (!row) {
      row = this.#rowNew(proposal);
      this.rows.set(proposal.proposal_id, row);
    }
    say(row.state, stateOf(proposal));
    row.decide.hidden = !row.own && (!proposal.needs_approval || proposal.approver !== undefined);
    return row.root;
  }

  #rowNew(proposal) {
    const market = this.options.names.get(proposal.market_id);
    const own = proposal.actor === this.options.user();
    const reason = input({ maxlength: "96", value: "Looked at it" });
    const state = element("p", "quiet");
    const decide = box("div", "decide", field("Reason", reason),
      ...(own ? ["withdraw"] : ["approve", "reject"]).map((word) => this.#decision(proposal, word, reason)));
    const root = box("li", "card proposal",
      box("header", "", element("strong", "", market ? `${market.event_name} · ${market.name}` : proposal.market_id),
        element("span", "badge", `${KINDS[proposal.kind]} · version ${proposal.result_version}`)),
      element("p", "", `${proposal.actor}: ${proposal.reason || "no reason said"}`),
      selectionsTable(proposal, market), state, decide,
      own && proposal.needs_approval ? element("p", "quiet", "You proposed it: another person decides.") : null);
    root.dataset.proposal = proposal.proposal_id;
    return { root, state, decide, own };
  }

  #decision(proposal, word, reason) {
    const made = button(WORDS[word][0], async () => {
      made.disabled = true;
      const answer = await this.options.api.decide(proposal.proposal_id, word, reason.value.trim()).catch(() => null);
      made.disabled = false;
      const good = answer !== null && answer.code === 200;
      tell(this.nodes["proposals-answer"], good, good
        ? `${WORDS[word][1]}: ledger ${answer.body.ledger_seq}.${besides(answer)}`
        : answer ? refusal(answer) : "There was no answer: look whether it still waits.");
      await this.refresh().catch(() => {});
    }, word === "approve" ? "main" : "danger");
    return made;
  }
}

function stateOf(proposal) {
  const parts = [];
  if (proposal.approver) parts.push(`Approved by ${proposal.approver}`);
  else if (proposal.needs_approval) parts.push("Needs another person's approval");
  if (proposal.due) parts.push(`takes force ${new Date(proposal.due).toLocaleTimeString()} unless somebody objects`);
  if (proposal.void_from || proposal.void_until) // open ends are written as the first and the last time
    parts.push(`bets accepted from ${timeOf(proposal.void_from)} until ${timeOf(proposal.void_until)}`);
  return parts.join(" · ");
}

const timeOf = (text) => (!text || /^(1970-01-01T00:00:00|9999)/.test(text) ? "any time" : new Date(text).toLocaleString());

function selectionsTable(proposal, market) {
  if (proposal.selections.length === 0) return null;
  const table = document.createElement("table");
  for (const said of proposal.selections) {
    const known = market && market.selections.find((each) => each.id === said.selection_id);
    table.append(box("tr", "", element("th", "", known ? known.name : said.selection_id),
      element("td", "", resultText(said)), element("td", "quiet", said.reason)));
  }
  table.setAttribute("aria-label", "What it says");
  return table;
}

function resultText(said) {
  if (said.result === undefined) return "open again";
  const parts = [RESULTS[said.result] || said.result];
  if (said.dead_heat_factor && said.dead_heat_factor !== "1/1") parts.push(`share ${said.dead_heat_factor}`);
  if (said.position) parts.push(`position ${said.position}${said.tied > 1 ? `, shared by ${said.tied}` : ""}`);
  if (said.withdrawn_at) parts.push(`withdrawn, takes ${Number(said.reduction_factor)} %`);
  return parts.join(", ");
}
