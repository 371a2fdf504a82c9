// slip_legs.js - the selections on the slip, with their prices as they stand now.

import { arrange, box, button, element, say } from "../shared/dom.js";
import { PICKS_MAX } from "./ticket.js";

const keyOf = (marketId, selectionId) => marketId + " " + selectionId;

export class SlipLegs {
  // options: market(id), show(odds, oddsExact), onChange()
  constructor(options) {
    this.options = options;
    this.list = document.getElementById("slip-legs");
    this.rows = new Map(); // key -> row
    this.bankers = false;
  }

  keys() {
    return new Set(this.rows.keys());
  }

  // Is a selection of one of these markets on the slip?
  holds(marketIds) {
    return [...this.rows.values()].some((row) => marketIds.includes(row.market.market_id));
  }

  // False when the slip is full.
  toggle(market, selectionId) {
    const key = keyOf(market.market_id, selectionId);
    if (!this.rows.delete(key)) {
      if (this.rows.size === PICKS_MAX) return false;
      const selection = market.selections.find((each) => each.id === selectionId);
      this.rows.set(key, this.#rowNew(key, market, selection));
    }
    this.options.onChange();
    return true;
  }

  drop(marketId, selectionId) {
    if (this.rows.delete(keyOf(marketId, selectionId))) this.options.onChange();
  }

  // Bankers stand in every line: what has one line, or a line each, has none.
  bankersPossible(possible) {
    this.bankers = possible;
    const count = this.rows.size;
    for (const row of this.rows.values()) row.bankerField.hidden = !possible || count < 3;
  }

  picks() {
    const possible = this.bankers && this.rows.size > 2;
    const picks = [...this.rows.values()].map((row) => this.#pick(row, possible));
    // Somebody has to be left to choose from.
    return picks.every((pick) => pick.banker) ? picks.map((pick) => ({ ...pick, banker: false })) : picks;
  }

  #pick(row, bankers) {
    const now = this.options.market(row.market.market_id);
    const market = now || row.market; // one that is not offered any more keeps its name
    const selection = market.selections.find((each) => each.id === row.selectionId) || {};
    return {
      market_id: market.market_id, selection_id: row.selectionId, event_id: market.event_id,
      event_name: market.event_name, odds: selection.odds ?? null, odds_exact: selection.odds_exact,
      odds_version: market.odds_version, banker: bankers && row.banker.checked,
      places: Number(market.places ?? 0), place_terms: market.place_terms,
      each_way_only: market.each_way_only === true, bet_delay_ms: market.bet_delay_ms ?? 0,
      open: now !== undefined && market.status === "active" && !market.awaiting && Boolean(selection.odds) &&
        (selection.status || "active") === "active",
    };
  }

  update() {
    arrange(this.list, [...this.rows.values()].map((row) => row.root));
    for (const row of this.rows.values()) {
      const pick = this.#pick(row, false);
      say(row.odds, pick.open ? this.options.show(pick.odds, pick.odds_exact) : "suspended");
      row.root.classList.toggle("stopped", !pick.open);
    }
  }

  #rowNew(key, market, selection) {
    const odds = element("output", "odds");
    const banker = document.createElement("input");
    banker.type = "checkbox";
    banker.addEventListener("change", () => this.options.onChange());
    const bankerField = box("label", "check quiet", banker, "Banker: in every line");
    bankerField.hidden = true;
    const remove = button("✕", () => {
      this.rows.delete(key);
      this.options.onChange();
    }, "plain");
    remove.setAttribute("aria-label", `Remove ${selection.name} from the slip`);
    const root = box("li", "picked",
      box("div", "", element("p", "picked-name", selection.name),
        element("p", "quiet", `${market.name} · ${market.event_name}`), bankerField),
      odds, remove);
    return { root, odds, banker, bankerField, market, selectionId: selection.id };
  }
}
