// bets.js - the player's own bets, newest first, kept up to date by pushes.

import { explain, money, price } from "./explain.js";
import { element } from "./matches.js";

const NAMES = "overround.names";
const NAMES_MAX = 200;
const WORDS = {
  PENDING: "Pending", PLACED: "Open", NOT_ACCEPTED: "Not accepted", WON: "Won", LOST: "Lost",
  VOID: "Void", SETTLED: "Settled",
};

export class Bets {
  constructor(api) {
    this.api = api;
    this.bets = new Map(); // bet_id -> {bet, root}
    this.cursor = null;
    this.list = document.getElementById("bets-list");
    this.more = document.getElementById("bets-more");
    this.more.addEventListener("click", () => this.load(this.cursor));
    // The server need not know names; what was clicked here does.
    this.names = JSON.parse(sessionStorage.getItem(NAMES) || "{}");
  }

  async load(cursor = null) {
    const asked = performance.now();
    const answer = await this.api.bets(cursor).catch(() => null);
    if (!answer || answer.code !== 200) return;
    for (const bet of answer.body.bets || []) this.putRead(bet, asked);
    this.cursor = answer.body.next_cursor || null;
    this.more.hidden = !this.cursor;
  }

  // Reads one bet with its whole history.
  async refresh(betId) {
    const asked = performance.now();
    const answer = await this.api.bet(betId).catch(() => null);
    if (answer && answer.code === 200) this.putRead(answer.body, asked);
  }

  // An answer that was asked for before the newest push may be older than it.
  putRead(bet, asked) {
    const entry = this.bets.get(bet.bet_id);
    if (entry && entry.pushedAt > asked) return;
    this.put(bet);
  }

  putPushed(bet) {
    const merged = this.put(bet);
    if (merged) this.bets.get(bet.bet_id).pushedAt = performance.now();
    return merged;
  }

  // Adds a bet or merges what is new about it.
  put(bet) {
    if (!bet.bet_id) return null;
    if (bet.names) this.#remember(bet.bet_id, bet.names);
    const entry = this.bets.get(bet.bet_id) || { bet: {}, root: null, pushedAt: 0 };
    if (bet.legs) delete entry.bet.result; // a push says it beside the legs, a read in them
    entry.bet = { ...entry.bet, ...bet };
    if (!entry.root) this.#insert(entry);
    this.bets.set(bet.bet_id, entry);
    this.#show(entry);
    this.#counts();
    return entry.bet;
  }

  clear() {
    this.bets.clear();
    this.list.replaceChildren();
    this.#counts();
  }

  #remember(betId, names) {
    this.names[betId] = names;
    const ids = Object.keys(this.names);
    if (ids.length > NAMES_MAX) delete this.names[ids[0]];
    sessionStorage.setItem(NAMES, JSON.stringify(this.names));
  }

  // Bet ids are ordered by time; as texts of different length the longer one is later.
  #insert(entry) {
    entry.root = element("li", "bet");
    entry.root.betId = entry.bet.bet_id;
    const earlier = [...this.list.children].find((other) => before(other.betId, entry.bet.bet_id));
    this.list.insertBefore(entry.root, earlier || null);
  }

  #show({ bet, root }) {
    const leg = (bet.legs && bet.legs[0]) || bet;
    const names = this.names[bet.bet_id] || {};
    const selection = leg.selection_name || names.selection_name || leg.selection_id;
    const market = leg.market_name || names.market_name || leg.market_id;
    const event = leg.event_name || names.event_name || "";
    const head = element("div", "bet-head");
    head.append(element("strong", "", `${selection} @ ${price(bet.odds ?? leg.odds)}`),
      element("span", "badge " + (bet.status || "").toLowerCase(), WORDS[bet.status] || bet.status));
    const more = bet.legs && bet.legs.length > 1 ? ` and ${bet.legs.length - 1} more` : "";
    const lines = [element("p", "quiet", `${market}${event ? " · " + event : ""}${more}`)];
    lines.push(element("p", "", this.#sums(bet)));
    if (bet.status === "NOT_ACCEPTED" && bet.reason)
      lines.push(element("p", "quiet", "Reason: " + bet.reason));
    for (const line of explain(bet)) lines.push(element("p", "explain", line));
    lines.push(element("p", "quiet small", [
      bet.created_at ? new Date(bet.created_at).toLocaleTimeString() : "",
      bet.ledger_seq ? "ledger " + bet.ledger_seq : "", bet.receipt ? "receipt signed" : "",
    ].filter(Boolean).join(" · ")));
    root.replaceChildren(head, ...lines);
  }

  #sums(bet) {
    const stake = `Stake ${money(bet.stake, bet.currency)}`;
    if (bet.payout !== undefined && ["WON", "LOST", "VOID", "SETTLED"].includes(bet.status))
      return `${stake} · returned ${money(bet.payout, bet.currency)}`;
    if (bet.status === "NOT_ACCEPTED" || bet.potential_return === undefined) return stake;
    return `${stake} · would return ${money(bet.potential_return, bet.currency)}`;
  }

  #counts() {
    const open = [...this.bets.values()].filter(({ bet }) => ["PLACED", "PENDING"].includes(bet.status));
    document.getElementById("bets-count").textContent = open.length ? `(${open.length})` : "";
    document.getElementById("bets-empty").hidden = this.bets.size > 0;
  }
}

function before(a, b) {
  return a.length !== b.length ? a.length < b.length : a < b;
}
