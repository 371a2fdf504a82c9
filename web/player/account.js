// account.js - the player's money as it is told: available, held, free bets, bonus money.

import { nodesOf, say } from "../shared/dom.js";
import { exact } from "../shared/decimal.js";
import { newKey } from "../shared/http.js";
import { minorOf, money } from "../shared/money.js";

const KEYS = ["available", "held", "free_bets", "bonus", "currency"];
const DEPOSIT = "100.00";

export class Account {
  // onChange() when something is another amount
  constructor(api, onChange) {
    this.api = api;
    this.onChange = onChange;
    this.nodes = nodesOf("balance", "held", "promo", "deposit", "player");
    this.nodes.deposit.addEventListener("click", () => this.#deposit());
    this.clear();
  }

  clear() {
    Object.assign(this, { available: "0", held: "0", free_bets: "0", bonus: "0", currency: "GBP", seq: 0n });
  }

  // Somebody is signed in.
  player(userId) {
    say(this.nodes.player, userId);
    this.nodes.deposit.disabled = false;
  }

  // Asked for while it is being read, it is read once more.
  async refresh() {
    this.wanted = true;
    if (this.reading) return;
    this.reading = true;
    while (this.wanted) {
      this.wanted = false;
      const answer = await this.api.account().catch(() => null);
      if (answer && answer.code === 200) this.take(answer.body);
    }
    this.reading = false;
  }

  // Answers and pushes come by different ways: the one with the lower ledger_seq is the older.
  take(state) {
    const number = String(state.ledger_seq ?? "").split("-")[1];
    const seq = /^\d+$/.test(number ?? "") ? BigInt(number) : 0n;
    if (seq > 0n && seq < this.seq) return;
    if (seq > 0n) this.seq = seq;
    for (const key of KEYS) if (state[key] !== undefined && state[key] !== null) this[key] = String(state[key]);
    if (state.balance !== undefined && state.balance !== null) this.available = String(state.balance);
    this.#show();
    this.onChange();
  }

  has(kind) {
    return (minorOf(kind === "free" ? this.free_bets : kind === "bonus" ? this.bonus : this.available, this.currency) ?? 0n) > 0n;
  }

  #show() {
    const sum = (amount) => money(amount, this.currency);
    say(this.nodes.balance, sum(this.available));
    say(this.nodes.held, (minorOf(this.held, this.currency) ?? 0n) > 0n ? `${sum(this.held)} held` : "");
    say(this.nodes.promo, [this.has("free") ? `free bets ${sum(this.free_bets)}` : "",
      this.has("bonus") ? `bonus ${sum(this.bonus)}` : ""].filter(Boolean).map((text) => "· " + text).join(" "));
    say(this.nodes.deposit, `Deposit ${sum(DEPOSIT).replace(/\.00$/, "")}`);
  }

  // What had no answer is asked for again under its key, so that it is never done twice.
  async #deposit() {
    this.nodes.deposit.disabled = true;
    this.depositKey ??= newKey();
    const answer = await this.api.deposit(exact(DEPOSIT), this.currency, this.depositKey).catch(() => null);
    this.nodes.deposit.disabled = false;
    if (answer) this.depositKey = null;
    if (answer && answer.code === 201) this.take({ balance: answer.body.balance, ledger_seq: answer.body.ledger_seq });
    await this.refresh();
  }
}
