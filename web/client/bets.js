// bets.js - bets on their way over a stream: each is answered once, under one idempotency key, over
// as many connections as it takes (docs/PROTOCOL.md, sections 3 and 6). The server stores a verdict
// under the key, so that sending a bet again can only tell what became of it, never place it twice.

export const PLACING_MAX = 64;
const TRIES_MAX = 10; // after refusals that are no verdicts
const SENT_MAX = 12; // on their way at once: a socket may have 16

export class Bets {
  // send(frame); later(call, ms) runs it once; random(); newKey().
  constructor({ send, later, random, newKey }) {
    Object.assign(this, { send, later, random, newKey });
    this.waiting = new Map(); // id -> placement
    this.open = false;
    this.next = 1;
  }

  place(bet, key = this.newKey()) {
    if (this.waiting.size >= PLACING_MAX) return Promise.reject(refusal("too many bets on their way", key));
    return new Promise((resolve, reject) => {
      const id = String(this.next++);
      this.waiting.set(id, { id, key, bet, resolve, reject, sent: false, resting: false, tries: 0 });
      this.#sendAll();
    });
  }

  opened() {
    this.open = true;
    this.#sendAll();
  }

  // Whatever was sent and not answered goes again over the next connection.
  lost() {
    this.open = false;
    for (const placement of this.waiting.values()) placement.sent = false;
  }

  // A `bet` frame. One for a placement that is not there any more changes nothing.
  answered(frame) {
    const placement = this.waiting.get(frame.id);
    if (!placement || !placement.sent) return;
    placement.sent = false;
    placement.tries += 1;
    if ((frame.code === 429 || frame.code === 503) && placement.tries < TRIES_MAX) this.#rest(placement, frame);
    else this.#resolve(placement, frame);
    this.#sendAll();
  }

  end() {
    this.open = false;
    for (const { key, reject } of this.waiting.values()) reject(refusal("the stream was ended", key));
    this.waiting.clear();
  }

  #resolve(placement, frame) {
    this.waiting.delete(placement.id);
    placement.resolve({ key: placement.key, code: frame.code, replayed: frame.replayed, bet: frame.bet });
  }

  // No verdict: nothing is stored under the key, and the same may be asked again.
  #rest(placement, frame) {
    placement.resting = true;
    this.later(() => {
      placement.resting = false;
      this.#sendAll();
    }, 1000 * Math.max(1, frame.retry_after || 0) * (1 + this.random()));
  }

  #sendAll() {
    if (!this.open) return;
    let sent = 0;
    for (const placement of this.waiting.values()) sent += placement.sent;
    for (const placement of this.waiting.values()) {
      if (placement.sent || placement.resting) continue;
      if (sent++ >= SENT_MAX) return;
      placement.sent = true;
      this.send({ op: "place_bet", id: placement.id, idempotency_key: placement.key, bet: placement.bet });
    }
  }
}

function refusal(text, key) {
  return Object.assign(new Error(text), { key });
}

// 128 bits by chance, in 32 visible characters; where crypto.randomUUID is not allowed, too.
export function randomKey() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
