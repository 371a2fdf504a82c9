// offer.js - an offer of the desk for a bet that waits for it: another stake, other prices; to be taken
// or declined while it holds.

import { box, button, element, say } from "../shared/dom.js";
import { Unanswered } from "../shared/http.js";
import { money } from "../shared/money.js";

const TICK_MS = 250;

const REFUSALS = {
  OFFER_EXPIRED: "This offer has ended.",
  MARKET_SUSPENDED: "A market of this bet is suspended just now. Try again when it reopens.",
  MARKET_CLOSED: "A market of this bet is closed.",
  INSUFFICIENT_BALANCE: "Your balance does not cover this stake.",
};

// The offer that a push tells, as a read bet has it.
export function offerOfPush({ offer_id, stake, potential_return, valid_until, legs = [] }) {
  const prices = legs.map(({ odds, odds_exact }, index) => ({ leg: String(index + 1), odds, odds_exact }));
  return { offer_id, stake, potential_return, valid_until, prices };
}

// "£20.00 at 1.80, would return £36.00."; of several legs the price of each.
export function offerText(offer, bet, show) {
  const legs = bet.legs || [];
  const prices = (offer.prices || []).map(({ leg, odds, odds_exact }) => {
    const name = legs.length > 1 ? `${legs[Number(leg) - 1]?.selection_name || "leg " + leg} ` : "";
    return name + show(odds, odds_exact);
  });
  const at = prices.length > 0 ? ` at ${prices.join(", ")}` : "";
  return `The desk offers ${money(offer.stake, bet.currency)}${at}, ` +
    `would return ${money(offer.potential_return, bet.currency)}.`;
}

export class Offer {
  // onAnswered(answer body) after it was taken or declined; onRefresh() when the bet is to be read again.
  constructor({ api, bet, show, onAnswered, onRefresh }) {
    Object.assign(this, { api, betId: bet.bet_id, onAnswered, onRefresh });
    this.text = element("p", "cash-text");
    this.text.setAttribute("role", "status");
    this.terms = element("p", "", "");
    this.time = element("span", "quiet number");
    this.take = button("Accept", () => this.#answer("accept"), "main");
    this.decline = button("Decline", () => this.#answer("decline"));
    this.form = box("div", "cash-form", this.terms, this.time, box("div", "offer-row", this.take, this.decline));
    this.root = box("div", "cash-out offer", this.form, this.text);
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    this.put(bet, show);
  }

  // The bet's offer, maybe another one than before.
  put(bet, show) {
    if (this.offer?.offer_id !== bet.offer.offer_id) {
      say(this.text, "");
      this.form.hidden = false;
      this.#disable(false);
    }
    this.offer = bet.offer;
    say(this.terms, offerText(this.offer, bet, show));
    this.#tick();
  }

  // There is none any more.
  end() {
    clearInterval(this.timer);
    this.root.remove();
  }

  #disable(yes) {
    this.take.disabled = yes;
    this.decline.disabled = yes;
  }

  #tick() {
    const left = Math.ceil((Date.parse(this.offer.valid_until) - Date.now()) / 1000);
    say(this.time, left > 0 ? `Good for ${left} s. Your stake stays held until then.` : "It has ended.");
    if (left <= 0) this.#disable(true);
  }

  // The offer's id is the key: asked again, the first answer is told again.
  async #answer(word) {
    this.#disable(true);
    say(this.text, word === "accept" ? "Accepting …" : "Declining …");
    let answer;
    try {
      answer = await this.api.answerOffer(this.betId, word, this.offer.offer_id);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      this.#disable(false);
      say(this.text, "There was no answer, so we do not know yet whether it was done. Choose again: it is done once.");
      return;
    }
    const { code, body } = answer;
    if (code === 200 || code === 202) {
      this.form.hidden = true;
      this.onAnswered(body);
      return;
    }
    this.#disable(false);
    say(this.text, REFUSALS[body.code] || body.detail || `Not done (${code}).`);
    this.onRefresh();
  }
}
