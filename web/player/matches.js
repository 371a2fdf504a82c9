// matches.js - the list of matches and races: one card each with its main market, and all others when it
// is opened. Elements are made once; a price change touches only its own button.

import { element } from "../shared/dom.js";

const MAIN = ["1x2", "win", "MATCH_ODDS", "WIN", "EACH_WAY"]; // shown without unfolding
const KINDS = [...MAIN, "next_goal", "total", "asian_handicap", "correct_score"];
const OVER = ["closed", "settled", "cancelled"];
const STATUS = { suspended: "Suspended", closed: "Closed", settled: "Settled", cancelled: "Cancelled" };

export class Matches {
  // onPick(market, selectionId) when a price is clicked; show(odds, oddsExact) writes a price.
  constructor(root, { onPick, show }) {
    this.root = root;
    this.onPick = onPick;
    this.show = show;
    this.events = new Map(); // event_id -> card
    this.boards = new Map(); // event_id -> the catalogue's entry
    this.picked = new Set(); // "market selection"
    this.sport = ""; // all of them
  }

  update(book, ids) {
    for (const id of ids) {
      const market = book.markets.get(id);
      if (market) this.#show(market);
      else this.#remove(id);
    }
    const empty = this.root.querySelector(".empty");
    if (empty) empty.hidden = this.events.size > 0;
  }

  // Scores, minutes and start times from GET /v1/events.
  catalogue(events) {
    this.boards = new Map(events.map((event) => [event.event_id, event]));
    for (const card of this.events.values()) this.#headline(card);
    this.#sort();
  }

  pick(keys) {
    this.picked = keys;
    this.#each((shown, button, id) => this.#pressed(button, shown.market, id));
  }

  // In another format of prices.
  showAll() {
    this.#each((shown, button, id) => {
      const selection = shown.market.selections.find((each) => each.id === id);
      if (selection) button.lastChild.textContent = this.show(selection.odds, selection.odds_exact);
    });
  }

  only(sport) {
    this.sport = sport;
    for (const card of this.events.values()) this.#filter(card);
  }

  #filter(card) {
    card.root.hidden = this.sport !== "" && card.sport !== this.sport;
  }

  #each(call) {
    for (const card of this.events.values())
      for (const shown of card.shown.values())
        for (const [id, button] of shown.buttons) call(shown, button, id);
  }

  #show(market) {
    let card = this.events.get(market.event_id);
    if (!card) card = this.#cardNew(market);
    card.markets.set(market.market_id, market);
    if (MAIN.includes(market.kind) || card.more.open) this.#marketShow(card, market);
    this.#count(card);
    this.#headline(card);
  }

  #count(card) {
    card.summary.textContent = `All markets (${card.markets.size})`;
    card.more.hidden = [...card.markets.values()].every((market) => MAIN.includes(market.kind));
  }

  #remove(marketId) {
    for (const [eventId, card] of this.events) {
      if (!card.markets.delete(marketId)) continue;
      const shown = card.shown.get(marketId);
      if (shown) shown.root.remove();
      card.shown.delete(marketId);
      this.#count(card);
      if (card.markets.size > 0) return;
      card.root.remove();
      this.events.delete(eventId);
      return;
    }
  }

  #cardNew(market) {
    const root = element("article", "match");
    const head = element("header");
    const name = element("h3", "", market.event_name);
    const board = element("p", "board");
    head.append(name, board);
    const mainMarket = element("div");
    const more = element("details");
    const summary = element("summary", "", "All markets");
    const list = element("div", "markets");
    more.append(summary, list);
    root.append(head, mainMarket, more);
    const card = {
      root, board, mainMarket, more, summary, list,
      eventId: market.event_id, over: false, start: 0, sport: market.sport, markets: new Map(), shown: new Map(),
    };
    more.addEventListener("toggle", () => this.#toggled(card));
    this.events.set(market.event_id, card);
    this.#filter(card);
    this.root.append(root);
    return card;
  }

  // Markets behind the fold cost nothing until somebody looks.
  #toggled(card) {
    for (const [id, market] of card.markets) {
      if (MAIN.includes(market.kind)) continue;
      if (card.more.open) {
        this.#marketShow(card, market);
      } else {
        card.shown.delete(id);
      }
    }
    if (!card.more.open) card.list.replaceChildren();
  }

  #marketShow(card, market) {
    let shown = card.shown.get(market.market_id);
    if (!shown) {
      shown = this.#marketNew(market);
      card.shown.set(market.market_id, shown);
      if (MAIN.includes(market.kind)) card.mainMarket.append(shown.root);
      else insertSorted(card.list, shown);
    }
    shown.market = market;
    const active = market.status === "active" && !market.awaiting;
    shown.status.textContent = market.awaiting ? "Catching up" : STATUS[market.status] || "";
    const terms = market.places > 0 ? `${market.each_way_only ? "each-way only:" : "each-way"} ${market.place_terms} of the odds, ${market.places} places` : "";
    if (shown.terms.textContent !== terms) shown.terms.textContent = terms;
    shown.root.classList.toggle("inactive", !active);
    for (const selection of market.selections) this.#selectionShow(shown, selection, active);
  }

  #marketNew(market) {
    const root = element("section", "market kind-" + market.kind);
    const head = element("div", "market-head");
    const status = element("span", "status");
    const terms = element("span", "quiet small");
    head.append(element("h4", "", market.name), terms, status);
    const prices = element("div", "prices");
    root.append(head, prices);
    const shown = { root, status, terms, buttons: new Map(), last: new Map(), market, order: orderOf(market) };
    root.order = shown.order;
    for (const selection of market.selections) {
      const button = element("button", "price");
      button.type = "button";
      button.append(element("span", "name", selection.name), element("span", "odds"));
      button.addEventListener("click", () => this.onPick(shown.market, selection.id));
      button.addEventListener("animationend", () => button.classList.remove("up", "down"));
      prices.append(button);
      shown.buttons.set(selection.id, button);
    }
    return shown;
  }

  #selectionShow(shown, selection, active) {
    const button = shown.buttons.get(selection.id);
    if (!button) return;
    const offered = selection.odds !== undefined && selection.odds !== null;
    const before = shown.last.get(selection.id);
    button.lastChild.textContent = offered ? this.show(selection.odds, selection.odds_exact) : "–";
    button.disabled = !active || !offered || (selection.status || "active") !== "active";
    this.#pressed(button, shown.market, selection.id);
    shown.last.set(selection.id, selection.odds);
    if (!offered || before === undefined || before === null || before === selection.odds) return;
    button.classList.remove("up", "down");
    void button.offsetWidth; // so that a second change flashes again
    button.classList.add(selection.odds > before ? "up" : "down");
  }

  #pressed(button, market, selectionId) {
    button.setAttribute("aria-pressed", String(this.picked.has(market.market_id + " " + selectionId)));
  }

  #headline(card) {
    const entry = this.boards.get(card.eventId);
    const live = [...card.markets.values()].some((market) => market.in_play);
    const markets = [...card.markets.values()];
    const suspended = markets.length > 0 && markets.every((market) => market.status !== "active");
    const over = markets.length > 0 && markets.every((market) => OVER.includes(market.status));
    if (card.over !== over) {
      card.over = over;
      this.#sort();
    }
    card.root.classList.toggle("live", live);
    card.start = (entry && Date.parse(entry.start_time)) || 0;
    const parts = [];
    const board = entry && entry.scoreboard;
    if (board && board.phase !== "before") parts.push(`${board.home}:${board.away}`);
    if (board && board.phase === "half_time") parts.push("half time");
    else if (board && live && board.minute) parts.push(board.minute + "′");
    if (board && board.reds_home + board.reds_away > 0)
      parts.push(`red cards ${board.reds_home}:${board.reds_away}`);
    if (!live && !card.over && card.start > Date.now())
      parts.push("starts " + new Date(card.start).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));
    else if (live && !card.over) parts.push("in play");
    if (card.over) parts.push("no more bets");
    else if (suspended) parts.push("all markets suspended");
    const text = parts.join(" · ");
    if (card.board.textContent !== text) card.board.textContent = text;
  }

  #sort() {
    const cards = [...this.events.values()].sort((a, b) => a.over - b.over || (a.start || Infinity) - (b.start || Infinity) || 0);
    const wanted = cards.map((card) => card.root);
    const present = [...this.root.querySelectorAll(".match")];
    if (wanted.some((root, index) => root !== present[index])) this.root.append(...wanted);
  }
}

function orderOf(market) {
  const kind = KINDS.indexOf(market.kind);
  const line = Number(market.market_id.slice(market.market_id.lastIndexOf(":") + 1));
  return [kind < 0 ? KINDS.length : kind, Number.isNaN(line) ? 0 : line];
}

function insertSorted(list, shown) {
  const later = [...list.children].find((other) =>
    other.order[0] > shown.order[0] || (other.order[0] === shown.order[0] && other.order[1] > shown.order[1]));
  list.insertBefore(shown.root, later || null);
}
