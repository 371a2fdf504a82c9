// slip.js - the bet slip: one selection, a stake, one attempt at a time, and what the server
// answered to it in plain words.
//
// An attempt is a bet with its idempotency key. It is kept in sessionStorage until it has an
// answer, so that neither a lost connection nor a reload makes two bets of one.

import { Unanswered, newKey } from "./api.js";
import { money, price, returnOf, stakeOf } from "./explain.js";
import { element } from "./matches.js";

const ATTEMPT = "overround.attempt";

const REFUSALS = {
  MARKET_SUSPENDED: "The market is suspended just now. Your bet was not taken; try again when it reopens.",
  MARKET_CLOSED: "The market is closed. Your bet was not taken.",
  UNKNOWN_SELECTION: "This selection is no longer offered.",
  INSUFFICIENT_BALANCE: "Your balance does not cover this stake.",
  SELF_EXCLUDED: "You have excluded yourself from betting.",
  LIMIT_REACHED: "This bet would pass a limit that you have set.",
  GEO_BLOCKED: "Bets cannot be taken from where you are.",
};

export class Slip {
  // options: api, market(id), currency(), onPlaced(bet), onPick(marketId, selectionId),
  // onUnauthorised()
  constructor(options) {
    this.options = options;
    this.picked = null; // {marketId, selectionId}
    this.busy = false;
    this.pending = null; // {betId, timer}
    this.nodes = Object.fromEntries(
      ["slip-empty", "slip-form", "slip-selection", "slip-market", "slip-event", "slip-odds", "slip-clear",
        "slip-return", "slip-count", "stake", "stake-currency", "policy", "place", "answer"]
        .map((id) => [id, document.getElementById(id)]));
    this.nodes["slip-form"].addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.nodes["slip-clear"].addEventListener("click", () => this.pick(null));
    this.nodes.stake.addEventListener("input", () => this.update());
    for (const button of document.querySelectorAll("[data-stake]"))
      button.addEventListener("click", () => {
        this.nodes.stake.value = button.dataset.stake;
        this.update();
      });
  }

  // Sends again what had no answer when the page went away.
  resume() {
    const saved = sessionStorage.getItem(ATTEMPT);
    if (saved) this.#send(JSON.parse(saved));
  }

  pick(market, selectionId) {
    this.picked = market ? { marketId: market.market_id, selectionId } : null;
    this.options.onPick(market ? market.market_id : null, selectionId);
    if (!this.busy && !this.pending) this.#say("");
    this.update();
  }

  // Shows the picked selection as it stands now.
  update() {
    const { nodes } = this;
    const offer = this.#offer();
    nodes["slip-empty"].hidden = this.picked !== null;
    nodes["slip-form"].hidden = this.picked === null;
    nodes["slip-count"].textContent = this.picked ? "(1)" : "";
    if (!this.picked) return;
    if (offer) {
      nodes["slip-selection"].textContent = offer.selection.name;
      nodes["slip-market"].textContent = offer.market.name;
      nodes["slip-event"].textContent = offer.market.event_name;
    }
    const open = offer && offer.market.status === "active" && offer.selection.odds;
    nodes["slip-odds"].textContent = open ? price(offer.selection.odds) : "suspended";
    nodes["stake-currency"].textContent = this.options.currency();
    const stake = stakeOf(nodes.stake.value);
    nodes.stake.setAttribute("aria-invalid", String(stake === null));
    const delay = offer && offer.market.bet_delay_ms > 0
      ? ` In play this market waits ${offer.market.bet_delay_ms / 1000} s before a bet is taken.` : "";
    nodes["slip-return"].textContent = stake === null
      ? "A stake is a number with at most two decimals."
      : open ? `Would return ${money(returnOf(stake, offer.selection.odds), this.options.currency())}.${delay}` : "";
    nodes.place.disabled = this.busy || !open || stake === null;
    nodes.place.textContent = this.busy ? "Placing …" : "Place bet";
  }

  // A pushed or read state of a bet: ends the wait of a pending one.
  betUpdate(bet) {
    if (!this.pending || bet.bet_id !== this.pending.betId || bet.status === "PENDING") return;
    clearInterval(this.pending.timer);
    this.pending = null;
    if (bet.status === "NOT_ACCEPTED") {
      const why = bet.reason || bet.code;
      this.#say("bad", "Not accepted. " + (REFUSALS[why] || (why === "ODDS_CHANGED"
        ? "The price moved while the bet was waiting." : "Your stake is back in your balance.")));
    } else {
      this.#say("good", this.#placedText(bet));
    }
  }

  #offer() {
    const market = this.picked && this.options.market(this.picked.marketId);
    const selection = market && market.selections.find((each) => each.id === this.picked.selectionId);
    return selection ? { market, selection } : null;
  }

  #submit() {
    const offer = this.#offer();
    const stake = stakeOf(this.nodes.stake.value);
    if (!offer || stake === null || this.busy) return;
    this.#attempt(offer, stake, offer.selection, offer.market.odds_version);
  }

  #attempt(offer, stake, at, version) {
    const bet = {
      market_id: offer.market.market_id,
      selection_id: offer.selection.id,
      odds: at.odds,
      odds_version: version,
      stake,
      currency: this.options.currency(),
      price_policy: this.nodes.policy.value,
    };
    if (at.odds_exact) bet.odds_exact = at.odds_exact;
    const names = {
      event_name: offer.market.event_name, market_name: offer.market.name, selection_name: offer.selection.name,
    };
    this.#send({ key: newKey(), bet, names });
  }

  async #send(attempt) {
    sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt));
    this.busy = true;
    this.update();
    this.#say("", "Placing your bet …");
    try {
      const answer = await this.options.api.placeBet(attempt.bet, attempt.key, () =>
        this.#say("", "No connection. Trying again with the same bet; it can only be placed once …"));
      sessionStorage.removeItem(ATTEMPT);
      this.busy = false;
      this.#answered(answer, attempt);
    } catch (error) {
      this.busy = false;
      if (!(error instanceof Unanswered)) throw error;
      this.#say("bad", "There was no answer, so we do not know yet whether the bet was placed. ",
        ["Ask again", () => this.#send(attempt)]);
    } finally {
      this.update();
    }
  }

  #answered(answer, attempt) {
    const { code, body } = answer;
    if (code === 202) {
      this.#pend(body, attempt);
      this.options.onPlaced({ ...attempt.bet, ...body, names: attempt.names });
    } else if (body.bet_id && (code === 201 || code === 200)) {
      this.#say("good", this.#placedText({ ...attempt.bet, ...body }) +
        (answer.replayed ? " (It had been placed already; not twice.)" : ""));
      this.options.onPlaced({ ...attempt.bet, ...body, names: attempt.names });
    } else if (body.code === "ODDS_CHANGED" && body.odds) {
      this.#oddsChanged(body, attempt);
    } else if (code === 401) {
      this.#say("bad", "Your demo session has ended; a new one begins. The bet was not placed.");
      this.options.onUnauthorised();
    } else {
      this.#refused(code, body);
    }
  }

  #placedText(bet) {
    return `Placed: ${money(bet.stake, bet.currency)} at ${price(bet.odds)}, would return ` +
      `${money(bet.potential_return, bet.currency)}.`;
  }

  // A refusal is a verdict and uses up its key: accepting the new price is a new attempt.
  #oddsChanged(body, attempt) {
    const accept = () => {
      const market = this.options.market(attempt.bet.market_id);
      const selection = market && market.selections.find((each) => each.id === attempt.bet.selection_id);
      if (!selection || this.busy) return;
      this.#attempt({ market, selection }, attempt.bet.stake,
        { odds: body.odds, odds_exact: body.odds_exact }, body.odds_version);
    };
    this.#say("bad", `The price changed from ${price(attempt.bet.odds)} to ${price(body.odds)}. ` +
      "Your bet was not taken. ", [`Bet at ${price(body.odds)}`, accept]);
  }

  #refused(code, body) {
    if (body.code === "STAKE_LIMIT" || body.code === "LIABILITY_LIMIT") {
      const most = body.stake_max ?? body.max_stake;
      this.#say("bad", most ? `The most this bet takes now is ${money(most, this.options.currency())}. ` : "This stake is above the limit.",
        most ? [`Use ${money(most)}`, () => {
          this.nodes.stake.value = money(most);
          this.update();
        }] : undefined);
      return;
    }
    const busy = code === 503 || code === 429 ? "The book is busy and took no bet. Try again in a moment." : "";
    this.#say("bad", REFUSALS[body.code] || busy || body.detail || body.title || `Not taken (${code}).`);
  }

  // Counts down to decide_at; asks by HTTP should the push not come.
  #pend(body, attempt) {
    if (this.pending) clearInterval(this.pending.timer);
    const end = Date.parse(body.decide_at) || Date.now() + 5000;
    const began = Date.now();
    const text = element("span");
    const bar = element("progress");
    bar.max = Math.max(1, end - began);
    bar.setAttribute("aria-label", "Waiting time of the bet");
    let asked = Date.now();
    const tick = async () => {
      const left = end - Date.now();
      bar.value = Math.min(bar.max, Date.now() - began);
      const seconds = Math.max(0, Math.ceil(left / 1000));
      text.textContent = left > 0 ? `${seconds} s` : "deciding …";
      if (left > -1500 || Date.now() - asked < 2000) return;
      asked = Date.now();
      const answer = await this.options.api.bet(body.bet_id).catch(() => null);
      if (answer && answer.code === 200) this.betUpdate({ ...attempt.bet, ...answer.body });
    };
    this.pending = { betId: body.bet_id, timer: setInterval(tick, 250) };
    this.#say("", "Your stake is held; in play every bet waits a little. ");
    this.nodes.answer.append(text, bar);
    tick();
  }

  #say(kind, text = "", action) {
    const { answer } = this.nodes;
    answer.className = "answer " + kind;
    answer.replaceChildren(document.createTextNode(text));
    if (!action) return;
    const button = element("button", "", action[0]);
    button.type = "button";
    button.addEventListener("click", action[1], { once: true });
    answer.append(button);
  }
}
