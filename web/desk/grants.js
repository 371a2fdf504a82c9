// grants.js - promotional money of a customer: given, taken, turned into cash.

import { box, element, field, input, nodesOf, select } from "../shared/dom.js";
import { exact, writeJson } from "../shared/decimal.js";
import { newKey } from "../shared/http.js";
import { amountTyped, money } from "../shared/money.js";
import { refusal, tell } from "./words.js";

const KINDS = [
  ["free_bet", "Give a free bet"], ["bonus", "Give bonus money"], ["forfeit_free_bet", "Take free bets back"],
  ["forfeit_bonus", "Take bonus money back"], ["bonus_to_cash", "Turn bonus money into cash"],
  ["write_off", "Forgive what is owed"],
];

export class Grants {
  constructor(api) {
    this.api = api;
    this.nodes = nodesOf("grants-form", "grants-answer");
    this.user = input({ maxlength: "64", required: "" });
    this.kind = select(KINDS, "free_bet");
    this.amount = input({ inputmode: "decimal", required: "" });
    this.currency = input({ maxlength: "3", value: "GBP", required: "" });
    this.reason = input({ maxlength: "96" });
    this.submit = element("button", "main", "Do it");
    const form = this.nodes["grants-form"];
    form.noValidate = true;
    form.append(
      box("div", "pair", field("Customer's user id", this.user), field("What", this.kind)),
      box("div", "pair", field("Amount", this.amount), field("Currency", this.currency)),
      field("Reason", this.reason), this.submit);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  async #send() {
    const currency = this.currency.value.trim().toUpperCase();
    const amount = amountTyped(this.amount.value, currency);
    const user = this.user.value.trim();
    const reason = this.reason.value.trim();
    if (!user) return void this.#tell(false, "Say which customer.");
    if (!amount) return void this.#tell(false, "An amount is above nothing and has no more digits than its currency.");
    if (!reason) return void this.#tell(false, "Say why: the reason stands in the ledger.");
    this.submit.disabled = true;
    const body = { kind: this.kind.value, amount: exact(amount), currency, reason };
    const key = this.#keyOf(user, body);
    const answer = await this.api.grant(user, body, key).catch(() => null);
    this.submit.disabled = false;
    if (!answer) return void this.#tell(false, "There was no answer. Sending the same again asks for the same grant, not for another one.");
    this.asked = null;
    if (answer.code !== 201 && answer.code !== 200) return void this.#tell(false, refusal(answer));
    this.#tell(true, `Done: ${money(answer.body.amount, answer.body.currency)} of ${answer.body.user_id}, ledger ${answer.body.ledger_seq}.`);
    this.amount.value = "";
  }

  // What had no answer is asked for again under its key, so that it is never done twice.
  #keyOf(user, body) {
    const text = user + writeJson(body);
    if (!this.asked || this.asked.text !== text) this.asked = { text, key: newKey() };
    return this.asked.key;
  }

  #tell(good, text) {
    tell(this.nodes["grants-answer"], good, text);
  }
}
