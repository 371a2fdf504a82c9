// limits.js - the limits of one customer, market, event or sport.

import { box, button, element, field, input, nodesOf, select } from "../shared/dom.js";
import { besides, refusal, tell } from "./words.js";

const SCOPES = [["customer", "Customer"], ["market", "Market"], ["event", "Event"], ["sport", "Sport"]];
const FIELDS = [
  ["stake_minor_min", "Least stake", "minor units: 500 is £5.00"],
  ["stake_minor_max", "Highest stake", "minor units"],
  ["payout_minor_max", "Highest payout", "minor units"],
  ["payout_day_minor_max", "Highest payout of a day", "minor units; of a customer only"],
  ["liability_minor_max", "Highest liability of an outcome", "minor units"],
  ["delay_ms", "Delay of each bet", "milliseconds, at most 60000"],
  ["factor_permyriad", "Customer's share of the wider limits", "10000 is all, 2500 a quarter"],
];

export class Limits {
  constructor(api) {
    this.api = api;
    this.nodes = nodesOf("limits-form", "limits-answer");
    this.scope = select(SCOPES, "market");
    this.id = input({ maxlength: "120", required: "" });
    this.inputs = new Map(FIELDS.map(([name]) => [name, input({ inputmode: "numeric", maxlength: "15" })]));
    this.reason = input({ maxlength: "96" });
    const form = this.nodes["limits-form"];
    form.noValidate = true;
    form.append(
      box("div", "pair", field("Of", this.scope), field("Id", this.id)),
      button("Read them", () => this.#read()),
      ...pairs(FIELDS.map(([name, label, hint]) => field(label, this.inputs.get(name), hint))),
      field("Reason", this.reason),
      box("div", "actions", element("button", "main", "Set these limits"),
        button("Remove all", () => this.#send("DELETE"), "danger")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("PUT");
    });
  }

  choose(scope, id) {
    this.scope.value = scope;
    this.id.value = id;
    this.#read();
  }

  async #read() {
    const answer = await this.#call("GET");
    if (!answer) return;
    this.#fill(answer.code === 200 ? answer.body : {});
    if (answer.code === 404) this.#tell(true, "It has no limits of its own.");
    else if (answer.code !== 200) this.#tell(false, refusal(answer));
    else this.#tell(true, "These limits are in force.");
  }

  async #send(method) {
    const reason = this.reason.value.trim();
    if (!reason) return void this.#tell(false, "Say why: the reason stands in the ledger.");
    const body = { reason };
    for (const [name, control] of method === "PUT" ? this.inputs : []) {
      const text = control.value.trim();
      if (!text) continue;
      if (!/^\d{1,15}$/.test(text)) return void this.#tell(false, "Limits are whole numbers.");
      body[name] = Number(text);
    }
    const answer = await this.#call(method, body);
    if (!answer) return;
    if (answer.code !== 200) return void this.#tell(false, refusal(answer));
    if (method === "DELETE") this.#fill({});
    this.#tell(true, `${method === "PUT" ? "Set" : "Removed"}: ledger ${answer.body.ledger_seq}.${besides(answer)}`);
  }

  async #call(method, body) {
    const id = this.id.value.trim();
    if (!id) return void this.#tell(false, "Say of which one.");
    const answer = await this.api.limits(method, this.scope.value, id, body).catch(() => null);
    if (!answer) this.#tell(false, "There was no answer.");
    return answer;
  }

  #fill(limits) {
    for (const [name, control] of this.inputs) control.value = limits[name] ?? "";
  }

  #tell(good, text) {
    tell(this.nodes["limits-answer"], good, text);
  }
}

function pairs(fields) {
  const rows = [];
  for (let i = 0; i < fields.length; i += 2) rows.push(box("div", "pair", fields[i], fields[i + 1]));
  return rows;
}
