// referrals.js - bets that wait for the desk: it takes one, refuses it, or offers another stake or
// other prices.

import { exact } from "../shared/decimal.js";
import { arrange, box, button, element, field, input, nodesOf, say } from "../shared/dom.js";
import { amountTyped, money } from "../shared/money.js";
import { refusal, tell } from "./words.js";

const CAUSES = {
  STAKE_LIMIT: "above the highest stake or return",
  LIABILITY_LIMIT: "would cost the book too much",
  RULE: "above what this scope refers",
};
const STATES = { WAITING: "waits", OFFERED: "offered; waits for the customer" };
const DONE = { accept: "Accepted", reject: "Rejected", offer: "Offered" };

// The body of a word; a text that says what is wrong. `typed`: {reason, stake, odds: [texts], liftStake,
// liftLiability}. Prices are of the first legs, and null leaves one as it is bound.
export function wordOf(word, typed, currency) {
  const body = { reason: typed.reason.trim() };
  if (!body.reason) return "Say why: the reason stands in the ledger.";
  if (word === "reject") return body;
  if (typed.liftStake) body.lift_stake = true;
  if (typed.liftLiability) body.lift_liability = true;
  if (word === "accept") return body;
  if (typed.stake.trim()) {
    const stake = amountTyped(typed.stake, currency);
    if (stake === null) return "The stake is an amount of the bet's currency.";
    body.stake = exact(stake);
  }
  const odds = typed.odds.map((text) => text.trim().replace(",", "."));
  if (odds.some((text) => text && !/^\d{1,6}(\.\d{1,4})?$/.test(text))) return "Prices are decimal: 2.10";
  const last = odds.findLastIndex((text) => text !== "");
  if (last >= 0) body.odds = odds.slice(0, last + 1).map((text) => (text ? exact(text) : null));
  if (!body.stake && !body.odds) return "Offer another stake, or another price.";
  return body;
}

export class Referrals {
  // options: api
  constructor(options) {
    this.options = options;
    this.nodes = nodesOf("referrals-empty", "referrals-list", "referrals-answer", "referrals-count", "referrals-more");
    this.rows = new Map(); // bet_id -> row
  }

  async refresh() {
    const answer = await this.options.api.referrals();
    if (answer.code !== 200) return;
    const { referrals, waiting, next_cursor } = answer.body;
    arrange(this.nodes["referrals-list"], referrals.map((referral) => this.#row(referral)));
    const present = new Set(referrals.map((referral) => referral.bet_id));
    for (const id of this.rows.keys()) if (!present.has(id)) this.rows.delete(id);
    this.nodes["referrals-empty"].hidden = referrals.length > 0;
    say(this.nodes["referrals-more"], next_cursor ? `${Number(waiting) - referrals.length} more wait behind these.` : "");
    say(this.nodes["referrals-count"], Number(waiting) > 0 ? `(${waiting})` : "");
  }

  #row(referral) {
    let row = this.rows.get(referral.bet_id);
    if (!row) {
      row = this.#rowNew(referral);
      this.rows.set(referral.bet_id, row);
    }
    say(row.state, stateOf(referral));
    referral.legs.forEach((leg, index) => {
      say(row.legs[index].now, leg.odds_now ?? "none");
      say(row.legs[index].status, leg.market_status === "active" ? "" : leg.market_status);
    });
    const over = !["WAITING", "OFFERED"].includes(referral.state);
    for (const each of row.words) each.hidden = over;
    return row.root;
  }

  #rowNew(referral) {
    const legs = referral.legs.map((leg) => ({
      leg, now: element("td"), status: element("td", "quiet"),
      odds: input({ inputmode: "decimal", maxlength: "11", placeholder: String(leg.odds), "aria-label": `Price to offer for ${leg.selection_name}` }),
    }));
    const typed = {
      reason: input({ maxlength: "96", value: "Looked at it" }),
      stake: input({ inputmode: "decimal", maxlength: "12", placeholder: String(referral.stake) }),
      liftStake: input({ type: "checkbox" }), liftLiability: input({ type: "checkbox" }),
    };
    const read = () => ({
      reason: typed.reason.value, stake: typed.stake.value, odds: legs.map(({ odds }) => odds.value),
      liftStake: typed.liftStake.checked, liftLiability: typed.liftLiability.checked,
    });
    const words = ["accept", "reject", "offer"].map((word) => this.#word(referral, word, read));
    const state = element("p", "quiet");
    const root = box("li", "card referral",
      box("header", "", element("strong", "", `${referral.user_id} · ${money(referral.stake, referral.currency)}`),
        element("span", "badge", `${CAUSES[referral.referred] || referral.referred} (${referral.limited_by.toLowerCase()})`)),
      element("p", "", `Would return ${money(referral.potential_return, referral.currency)}; without the desk at most ` +
        `${money(referral.stake_max, referral.currency)} would be taken.`),
      legsTable(legs), state,
      box("div", "pair", field("Stake to offer", typed.stake), field("Reason", typed.reason)),
      box("div", "actions",
        box("label", "check", typed.liftStake, "lift the highest stake and return"),
        box("label", "check", typed.liftLiability, "lift the liability")),
      element("p", "quiet small", "With neither, what referred the bet is lifted. What is not lifted is looked at again."),
      box("div", "actions", ...words));
    root.dataset.bet = referral.bet_id;
    return { root, state, legs, words };
  }

  #word(referral, word, read) {
    const text = { accept: "Accept", reject: "Reject", offer: "Offer" }[word];
    const made = button(text, async () => {
      const body = wordOf(word, read(), referral.currency);
      if (typeof body === "string") return void this.#tell(false, body);
      made.disabled = true;
      const answer = await this.options.api.refer(referral.bet_id, word, body).catch(() => null);
      made.disabled = false;
      this.#tell(answer !== null && answer.code === 200, answer ? toldOf(word, answer, referral) : "There was no answer: look whether it still waits.");
      await this.refresh().catch(() => {});
    }, { accept: "main", reject: "danger", offer: "" }[word]);
    return made;
  }

  #tell(good, text) {
    tell(this.nodes["referrals-answer"], good, text);
  }
}

function toldOf(word, answer, referral) {
  const { code, body } = answer;
  if (code === 200) return `${DONE[word]}: ledger ${body.ledger_seq}.`;
  const most = body.stake_max !== undefined ? ` At most ${money(body.stake_max, referral.currency)} would pass.` : "";
  return refusal(answer) + most;
}

function stateOf(referral) {
  const parts = [STATES[referral.state] || referral.state.toLowerCase()];
  if (referral.offered_stake !== undefined && referral.state === "OFFERED")
    parts.push(`${money(referral.offered_stake, referral.currency)} offered`);
  if (Number(referral.offers) > 0) parts.push(`${referral.offers} of 4 offers made`);
  if (referral.decide_at) parts.push(`ends in ${Math.max(0, Math.ceil((Date.parse(referral.decide_at) - Date.now()) / 1000))} s`);
  return parts.join(" · ");
}

function legsTable(legs) {
  const table = document.createElement("table");
  table.append(box("tr", "", ...["Selection", "Event", "Price", "Now", "", "Price to offer"].map((text) => element("th", "", text))));
  for (const { leg, now, status, odds } of legs)
    table.append(box("tr", "", element("td", "", leg.selection_name || leg.selection_id), element("td", "quiet", leg.event_name),
      element("td", "", String(leg.odds)), now, status, box("td", "", odds)));
  table.setAttribute("aria-label", "Its legs");
  return table;
}
