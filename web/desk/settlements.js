// settlements.js - how far settlements have come: one bar for all, one for each market.

import { arrange, box, element, nodesOf, say } from "../shared/dom.js";

export class Settlements {
  // options: api, names
  constructor(options) {
    this.options = options;
    this.nodes = nodesOf("settlements-text", "settlements-bar", "settlements-list", "settlements-count");
    this.rows = new Map();
  }

  async refresh() {
    const answer = await this.options.api.settlements();
    if (answer.code === 200) this.#show(answer.body);
  }

  #show(body) {
    const { nodes } = this;
    const [bets, left, markets] = [body.bets, body.bets_left, body.markets].map(Number);
    const done = bets - left;
    nodes["settlements-bar"].max = Math.max(1, bets);
    nodes["settlements-bar"].value = bets === 0 ? 1 : done;
    say(nodes["settlements-count"], markets > 0 ? `(${markets})` : "");
    say(nodes["settlements-text"], markets === 0
      ? `Nothing is being settled.${bets > 0 ? ` Of the last settlements all ${bets.toLocaleString("en")} bets are done.` : ""}`
      : `${done.toLocaleString("en")} of ${bets.toLocaleString("en")} bets settled; ${markets} ` +
        `market${markets === 1 ? "" : "s"} left.`);
    arrange(nodes["settlements-list"], body.under_way.map((row) => this.#row(row)));
    const present = new Set(body.under_way.map((row) => row.market_id));
    for (const id of this.rows.keys()) if (!present.has(id)) this.rows.delete(id);
  }

  #row(settling) {
    let row = this.rows.get(settling.market_id);
    if (!row) {
      row = { text: element("span", "quiet number"), bar: element("progress") };
      const market = this.options.names.get(settling.market_id);
      const name = `${settling.event_name || settling.event_id} · ${market ? market.name : settling.market_id}`;
      row.bar.setAttribute("aria-label", name);
      row.root = box("li", "card settling", box("header", "", element("strong", "", name), row.text), row.bar);
      this.rows.set(settling.market_id, row);
    }
    const [bets, left] = [settling.bets, settling.bets_left].map(Number);
    row.bar.max = Math.max(1, bets);
    row.bar.value = bets - left;
    say(row.text, `${(bets - left).toLocaleString("en")} of ${bets.toLocaleString("en")}`);
    return row.root;
  }
}
