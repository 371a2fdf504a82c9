// placing.js - bets on their way. Each is a part with its idempotency key and is kept in
// sessionStorage until it has an answer, so that neither a lost connection nor a reload makes two
// bets of one.

import { revive } from "../shared/decimal.js";
import { Unanswered, newKey } from "../shared/http.js";

const PARTS = "overround.parts";

export class Placing {
  // options: api, onAnswer(part, answer), onRetry(), onUnanswered(parts), onChange()
  constructor(options) {
    this.options = options;
    this.busy = false;
  }

  // lines: how many each of these bets has.
  place(bodies, lines) {
    return this.send(bodies.map((body) => ({ key: newKey(), body, lines })));
  }

  // Sends again what had no answer when the page went away.
  resume() {
    const saved = sessionStorage.getItem(PARTS);
    return saved ? this.send(JSON.parse(saved, revive)) : undefined;
  }

  // One after the other, in their order.
  async send(parts) {
    if (this.busy) return;
    this.busy = true;
    this.options.onChange();
    try {
      for (let next = 0; next < parts.length; next++) {
        keep(parts.slice(next));
        const { key, body } = parts[next];
        const answer = await this.options.api.placeBet(body, key, this.options.onRetry);
        keep(parts.slice(next + 1));
        if (answer.code === 401) forget(); // the others were meant by who is gone
        this.options.onAnswer(parts[next], answer);
        if (answer.code === 401) return;
      }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      this.options.onUnanswered(JSON.parse(sessionStorage.getItem(PARTS), revive));
    } finally {
      this.busy = false;
      this.options.onChange();
    }
  }
}

// What was meant by somebody else is never sent for the next one.
export function forget() {
  sessionStorage.removeItem(PARTS);
}

function keep(parts) {
  if (parts.length === 0) forget();
  else sessionStorage.setItem(PARTS, JSON.stringify(parts));
}
