// cash_out.js - selling a bet back, whole or in part: the offer with its time, a changed one, a
// delay in play.

import { box, button, element, input, say, select } from "../shared/dom.js";
import { exact } from "../shared/decimal.js";
import { Unanswered, newKey } from "../shared/http.js";
import { amountOf, minorOf, money, moneyOf } from "../shared/money.js";

const PARTS = [["1", "all of it"], ["0.75", "three quarters"], ["0.5", "half"], ["0.25", "a quarter"]];
const TOLERANCE = "0.02";
const TICK_MS = 250;
const ASK_MS = 1500; // after the end of a delay, should the push not come

const REFUSALS = {
  CASH_OUT_UNAVAILABLE: "This bet cannot be cashed out now.",
  CASH_OUT_PENDING: "A cash-out of this bet is on its way.",
  CASH_OUT_LIMIT: "This bet has been cashed out in parts as often as it may be.",
  MARKET_CLOSED: "This bet is decided, or its market takes no more bets: it cannot be cashed out.",
  MARKET_SUSPENDED: "A market of this bet is suspended just now. Ask again when it reopens.",
  CASH_OUT_CHANGED: "The value changed.",
};
export const refusedCashOut = (reason) => REFUSALS[reason] || "The cash-out was not done.";

// The part of an amount in minor units, rounded down; of everything everything.
export function partOf(minor, fraction) {
  const [whole, places = ""] = fraction.split(".");
  return (minor * BigInt(whole + places)) / 10n ** BigInt(places.length);
}

export class CashOut {
  // onDone(answer body) after it was done; onRefresh() when the bet is to be read again.
  constructor({ api, betId, onDone, onRefresh }) {
    Object.assign(this, { api, betId, onDone, onRefresh });
    this.offer = null;
    this.ask = button("Cash out …", () => this.#ask(), "cash");
    this.part = select(PARTS, "1");
    this.part.setAttribute("aria-label", "How much of the bet");
    this.part.addEventListener("change", () => this.#show());
    this.tolerance = input({ type: "checkbox" });
    this.accept = button("", () => this.#accept(), "main");
    this.time = element("span", "quiet number");
    this.text = element("p", "cash-text");
    this.text.setAttribute("role", "status");
    this.form = box("div", "cash-form",
      box("div", "cash-row", this.part, this.accept),
      box("label", "check quiet", this.tolerance, "take up to 2 % less, should it change"),
      box("div", "cash-row", this.time, button("Keep the bet", () => this.#close(), "plain")));
    this.form.hidden = true;
    this.root = box("div", "cash-out", this.ask, this.text, this.form);
  }

  // The bet is over or sold: nothing is asked for any more.
  end() {
    clearInterval(this.timer);
    this.root.remove();
  }

  // A push about a cash-out that waited.
  outcome(state, reason) {
    if (!this.waiting) return;
    this.waiting = false;
    clearInterval(this.timer);
    this.ask.hidden = false;
    say(this.text, state === "DONE" ? "Done." : refusedCashOut(reason));
  }

  async #ask(before) {
    this.ask.disabled = true;
    const answer = await this.api.cashOutOffer(this.betId).catch(() => null);
    this.ask.disabled = false;
    if (!answer || answer.code !== 200) {
      this.#close();
      say(this.text, answer ? refusedCashOut(answer.body.code) : "There was no answer. Ask again.");
      return;
    }
    this.offer = answer.body;
    this.ask.hidden = true;
    this.form.hidden = false;
    say(this.text, before ? `It was ${before} and is now ${this.#value()}.` : "");
    this.#show();
    this.#every(() => this.#countdown());
    if (!before) this.accept.focus();
  }

  #every(call) {
    clearInterval(this.timer);
    this.timer = setInterval(call, TICK_MS);
    call();
  }

  #minor() {
    return partOf(minorOf(this.offer.amount, this.offer.currency), this.part.value);
  }

  #value() {
    return moneyOf(this.#minor(), this.offer.currency);
  }

  #show() {
    if (!this.offer) return;
    const stake = partOf(minorOf(this.offer.stake, this.offer.currency), this.part.value);
    this.accept.disabled = this.#minor() <= 0n;
    say(this.accept, `Cash out for ${this.#value()}`);
    const delay = Number(this.offer.delay_ms) > 0 ? ` In play it waits ${Number(this.offer.delay_ms) / 1000} s.` : "";
    this.about = ` for ${moneyOf(stake, this.offer.currency)} of the stake.${delay}`;
    this.#countdown();
  }

  #countdown() {
    const left = Math.ceil((Date.parse(this.offer.valid_until) - Date.now()) / 1000);
    if (left > 0) say(this.time, `Good for ${left} s${this.about}`);
    else this.#expired();
  }

  #expired() {
    clearInterval(this.timer);
    const before = this.#value();
    this.#ask(before);
  }

  #close() {
    clearInterval(this.timer);
    this.offer = null;
    this.form.hidden = true;
    this.ask.hidden = false;
    say(this.text, "");
  }

  async #accept() {
    const { offer } = this;
    const body = { offer_id: offer.offer_id, amount: exact(amountOf(this.#minor(), offer.currency)) };
    if (this.part.value !== "1") body.fraction = exact(this.part.value);
    if (this.tolerance.checked) body.tolerance = exact(TOLERANCE);
    await this.#send(body, newKey());
  }

  async #send(body, key) {
    clearInterval(this.timer);
    this.form.hidden = true;
    say(this.text, "Cashing out …");
    try {
      this.#answered(await this.api.cashOut(this.betId, body, key));
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      say(this.text, "There was no answer, so we do not know yet whether it was done. ");
      this.text.append(button("Ask again", () => this.#send(body, key)));
    }
  }

  #answered({ code, body }) {
    const before = this.offer ? this.#value() : "";
    if (code === 202) {
      this.#wait(body);
    } else if (code === 200 || code === 201) {
      this.#close();
      say(this.text, `Cashed out for ${money(body.amount, body.currency)}.`);
      this.onDone(body);
    } else if (body.code === "CASH_OUT_CHANGED" || body.code === "OFFER_EXPIRED") {
      this.#ask(before);
    } else {
      this.#close();
      say(this.text, refusedCashOut(body.code));
      this.onRefresh();
    }
  }

  // Until decide_at; the outcome is pushed, and asked for should the push not come.
  #wait(body) {
    const end = Date.parse(body.decide_at);
    let asked = end;
    this.waiting = true;
    this.ask.hidden = true;
    this.#every(() => {
      const left = end - Date.now();
      say(this.text, left > 0
        ? `Waiting ${Math.ceil(left / 1000)} s: at most ${money(body.amount, body.currency)} will be paid.` : "Deciding …");
      if (Date.now() - asked < ASK_MS) return;
      asked = Date.now();
      this.onRefresh();
    });
  }
}
