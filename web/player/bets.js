// bets.js - the player's own bets, newest first, kept up to date by pushes.

import { box, element, nodesOf, say } from "../shared/dom.js";
import { decideAt, decideAtOf, footOf, headOf, isReferred, legsOf, newsOf, storyOf, sumsOf } from "./bet_view.js";
import { CashOut } from "./cash_out.js";
import { OVER } from "./explain.js";
import { Offer, offerOfPush } from "./offer.js";

const TICK_MS = 250;
const ASK_MS = 2000; // how often a bet is read whose decision was not pushed

export class Bets {
  // options: api, show(odds, oddsExact), onRead(bet) of a bet that was read, onMoney() when a
  // balance may have changed
  constructor(options) {
    this.options = options;
    this.entries = new Map(); // bet_id -> {bet, root, pushedAt, …}
    this.cursor = null;
    this.nodes = nodesOf("bets-list", "bets-more", "bets-count", "bets-empty", "bets-news");
    this.nodes["bets-more"].addEventListener("click", () => this.load(this.cursor));
    setInterval(() => this.#tick(), TICK_MS);
  }

  async load(cursor = null) {
    const asked = performance.now();
    const answer = await this.options.api.bets(cursor).catch(() => null);
    if (!answer || answer.code !== 200) return;
    for (const bet of answer.body.bets || []) {
      this.#putRead(bet, asked);
      if (bet.status === "PENDING") this.refresh(bet.bet_id); // what it waits for, and an offer
    }
    this.cursor = answer.body.next_cursor || null;
    this.nodes["bets-more"].hidden = !this.cursor;
  }

  // Reads one bet with its whole history.
  async refresh(betId) {
    const asked = performance.now();
    const answer = await this.options.api.bet(betId).catch(() => null);
    if (answer && answer.code === 200) this.#putRead(answer.body, asked);
  }

  // An answer that was asked for before the newest push may be older than it.
  #putRead(bet, asked) {
    const entry = this.entries.get(bet.bet_id);
    if (entry && entry.pushedAt > asked) return;
    this.put({ offer: null, ...(bet.history && { decide_at: decideAtOf(bet.history) }), ...bet });
    const last = (bet.history || []).at(-1);
    const { cashOut } = this.entries.get(bet.bet_id);
    if (cashOut && last && last.event !== "CASH_OUT_PENDING")
      cashOut.outcome(last.event === "CASH_OUT_NOT_ACCEPTED" ? "NOT_ACCEPTED" : "DONE", last.reason);
    this.options.onRead(bet);
  }

  // What a push says of a bet, of which it may be silent about much; the merged bet.
  putPushed(bet) {
    const merged = this.put(bet.referral ? ofReferral(bet) : bet);
    if (!merged) return null;
    const entry = this.entries.get(bet.bet_id);
    entry.pushedAt = performance.now();
    if (bet.status !== "PENDING") say(this.nodes["bets-news"], newsOf(merged));
    if (bet.cash_out && entry.cashOut) entry.cashOut.outcome(bet.cash_out, bet.reason);
    // The history, which the explanation is in, is read.
    if (OVER.includes(bet.status) || bet.cash_out || bet.reason === "RESULT_CORRECTED") this.refresh(bet.bet_id);
    return merged;
  }

  // Adds a bet or merges what is new about it.
  put(bet) {
    if (!bet.bet_id) return null;
    const entry = this.entries.get(bet.bet_id) || { bet: {}, root: null, pushedAt: 0, open: false };
    if (bet.legs) delete entry.bet.result; // a push says it beside the legs, a read in them
    if (bet.status && bet.status !== "NOT_ACCEPTED") delete entry.bet.reason;
    entry.bet = { ...entry.bet, ...bet };
    if (!entry.root) this.#insert(entry);
    this.entries.set(bet.bet_id, entry);
    this.#show(entry);
    this.#counts();
    return entry.bet;
  }

  clear() {
    this.entries.clear();
    this.nodes["bets-list"].replaceChildren();
    this.#counts();
  }

  // In another format of prices.
  showAll() {
    for (const entry of this.entries.values()) this.#show(entry);
  }

  // Bet ids are ordered by time; as texts of different length the longer one is later.
  #insert(entry) {
    entry.root = element("li", "bet");
    entry.root.betId = entry.bet.bet_id;
    entry.about = element("div");
    entry.root.append(entry.about);
    const list = this.nodes["bets-list"];
    const earlier = [...list.children].find((other) => before(other.betId, entry.bet.bet_id));
    list.insertBefore(entry.root, earlier || null);
  }

  #show(entry) {
    const { bet, about } = entry;
    const { show } = this.options;
    const focused = about.contains(document.activeElement);
    const inside = [headOf(bet, show), legsOf(bet, show), element("p", "", sumsOf(bet)), this.#wait(entry),
      storyOf(bet, entry.open, (open) => { entry.open = open; }), footOf(bet)];
    about.replaceChildren(...inside.filter(Boolean));
    if (focused) about.querySelector("summary")?.focus();
    this.#cashOut(entry);
    this.#offer(entry);
  }

  // The time of a bet that waits.
  #wait(entry) {
    const end = decideAt(entry.bet);
    if (end === null) {
      entry.wait = null;
      return null;
    }
    const bar = element("progress");
    const text = element("span", "quiet number");
    bar.setAttribute("aria-label", "Waiting time of the bet");
    const began = Date.parse(entry.bet.created_at) || Date.now();
    bar.max = Math.max(1, end - began);
    entry.wait = { bar, text, end, began, asked: Date.now() };
    return box("div", "wait", bar, text);
  }

  #tick() {
    for (const entry of this.entries.values()) {
      if (!entry.wait) continue;
      const { bar, text, end, began } = entry.wait;
      const left = end - Date.now();
      bar.value = Math.min(bar.max, Date.now() - began);
      say(text, left > 0 ? `${isReferred(entry.bet) ? "the desk has" : "taken in"} ${Math.ceil(left / 1000)} s` : "deciding …");
      if (left > -ASK_MS || Date.now() - entry.wait.asked < ASK_MS) continue;
      entry.wait.asked = Date.now();
      this.refresh(entry.bet.bet_id);
    }
  }

  // What is open may be sold; each-way bets are not bought back (docs/decisions/0007).
  #cashOut(entry) {
    const possible = entry.bet.status === "PLACED" && entry.bet.money !== "CASHED_OUT" && !entry.bet.each_way;
    if (!possible && entry.cashOut) {
      entry.cashOut.end();
      entry.cashOut = null;
    }
    if (!possible || entry.cashOut) return;
    entry.cashOut = new CashOut({
      api: this.options.api, betId: entry.bet.bet_id,
      onDone: (body) => {
        this.options.onMoney(body);
        this.refresh(entry.bet.bet_id);
      },
      onRefresh: () => this.refresh(entry.bet.bet_id),
    });
    entry.root.append(entry.cashOut.root);
  }

  // What the desk offers for a bet that waits for it.
  #offer(entry) {
    const { bet } = entry;
    const possible = bet.status === "PENDING" && Boolean(bet.offer);
    if (!possible) {
      if (entry.offer) entry.offer.end();
      entry.offer = null;
    } else if (entry.offer) {
      entry.offer.put(bet, this.options.show);
    } else {
      entry.offer = new Offer({
        api: this.options.api, bet, show: this.options.show,
        onAnswered: (body) => this.#offerAnswered(bet.bet_id, body),
        onRefresh: () => this.refresh(bet.bet_id),
      });
      entry.root.append(entry.offer.root);
    }
  }

  #offerAnswered(betId, { offer, stake, potential_return, decide_at, ...money }) {
    if (offer === "ACCEPTED") this.put({ bet_id: betId, status: "PENDING", offer: null, referral: "ACCEPTED", stake, potential_return, decide_at });
    else this.put({ bet_id: betId, offer: null });
    this.options.onMoney(money);
    this.refresh(betId);
  }

  #counts() {
    const open = [...this.entries.values()].filter(({ bet }) =>
      ["PLACED", "PENDING"].includes(bet.status) && bet.money !== "CASHED_OUT");
    say(this.nodes["bets-count"], open.length ? `(${open.length})` : "");
    this.nodes["bets-empty"].hidden = this.entries.size > 0;
  }
}

function before(a, b) {
  return a.length !== b.length ? a.length < b.length : a < b;
}

// What a word on a bet that waits for the desk says of it: an offer is of a stake and prices that
// are not the bet's yet.
function ofReferral({ bet_id, status, referral, decide_at, ...rest }) {
  if (referral === "OFFERED") return { bet_id, status, referral, offer: offerOfPush(rest) };
  return { bet_id, status, referral, decide_at, offer: null };
}
