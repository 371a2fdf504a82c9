// markets.js - the markets that can be stopped, opened and settled, and the one that was chosen.

import { arrange, box, button, element, nodesOf, say } from "../shared/dom.js";
import { price } from "../shared/odds.js";
import { ResultForm } from "./result_form.js";
import { RESULTS, STATUS, besides, refusal } from "./words.js";

const ROWS_STEP = 250;
const READ_MS = 2000; // the list is long: it is read less often than the rest
const PAGES_MAX = 16; // of 128 KiB; what is behind is found by its id
const NARROW = matchMedia("(max-width: 62rem)"); // as desk.css has it
const OVER = ["closed", "settled", "cancelled"];
const MAIN = ["1x2", "win"];
const SPORTS = { football: "Football", horse_racing: "Horse racing" };

const SHOWS = {
  all: () => true,
  bets: (market) => Number(market.bets_unsettled) > 0,
  stopped: (market) => market.held || market.status === "suspended",
  in_play: (market) => market.in_play,
};

export class Markets {
  // options: api, names (market_id -> market, filled here), onLimits(marketId)
  constructor(options) {
    this.options = options;
    this.nodes = nodesOf("markets-find", "markets-show", "hold-reason", "markets-empty", "markets-list", "markets-by-id",
      "markets-more", "market-chosen");
    this.rows = new Map(); // market_id -> row
    this.heads = new Map(); // event_id -> heading
    this.markets = [];
    this.chosen = null; // market_id
    this.rowsMax = ROWS_STEP;
    this.readAt = -Infinity;
    this.nodes["markets-by-id"].addEventListener("click", () => this.#chooseById());
    this.nodes["markets-find"].addEventListener("input", () => this.#show());
    this.nodes["markets-show"].addEventListener("change", () => this.#show());
    this.nodes["markets-more"].addEventListener("click", () => {
      this.rowsMax += ROWS_STEP;
      this.#show();
    });
    this.#chosenNone();
  }

  async refresh() {
    if (performance.now() - this.readAt > READ_MS) await this.#read();
  }

  async #read() {
    const found = [];
    let cursor = "";
    for (let page = 0; page < PAGES_MAX && cursor !== null; page++) {
      const answer = await this.options.api.markets(cursor);
      if (answer.code !== 200) return;
      found.push(...answer.body.markets);
      cursor = answer.body.next_cursor;
    }
    this.readAt = performance.now();
    this.markets = found;
    for (const market of found) this.options.names.set(market.market_id, market);
    if (this.chosen && !found.some((market) => market.market_id === this.chosen)) await this.#readOne(this.chosen);
    this.#show();
    this.#showChosen();
  }

  // A market that no feed shows any more is still settled and corrected. False: there is none.
  async #readOne(marketId) {
    const answer = await this.options.api.market(marketId);
    if (answer.code !== 200 || answer.body.markets.length === 0) return false;
    this.options.names.set(marketId, answer.body.markets[0]);
    return true;
  }

  async #chooseById() {
    const marketId = this.nodes["markets-find"].value.trim();
    const known = await this.#readOne(marketId).catch(() => false);
    if (known) this.choose(marketId);
    else say(this.nodes["markets-empty"], "Nobody knows a market of this id.");
  }

  #show() {
    const words = this.nodes["markets-find"].value.toLowerCase().split(/\s+/).filter(Boolean);
    const passes = SHOWS[this.nodes["markets-show"].value];
    const wanted = this.markets.filter((market) => passes(market) && words.every((word) => textOf(market).includes(word)))
      .sort(beforeIn(new Set(this.markets.filter((market) => !OVER.includes(market.status)).map((market) => market.event_id))));
    arrange(this.nodes["markets-list"], this.#listed(wanted.slice(0, this.rowsMax)));
    const present = new Set(this.markets.flatMap((market) => [market.market_id, market.event_id]));
    for (const map of [this.rows, this.heads]) for (const id of map.keys()) if (!present.has(id)) map.delete(id);
    this.nodes["markets-more"].hidden = wanted.length <= this.rowsMax;
    this.nodes["markets-empty"].hidden = wanted.length > 0;
    this.nodes["markets-by-id"].hidden = wanted.length > 0 || words.length !== 1;
    say(this.nodes["markets-empty"], this.markets.length > 0 ? "No market is like that." : "No market is known.");
  }

  // Rows behind the heading of their event.
  #listed(markets) {
    const listed = [];
    markets.forEach((market, index) => {
      if (index === 0 || markets[index - 1].event_id !== market.event_id) listed.push(this.#head(market));
      listed.push(this.#row(market).root);
    });
    return listed;
  }

  #head(market) {
    let head = this.heads.get(market.event_id);
    if (!head) {
      head = box("li", "event-head", element("h3", "", market.event_name || market.event_id), element("span", "quiet"));
      this.heads.set(market.event_id, head);
    }
    const start = market.start_time ? new Date(market.start_time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "";
    say(head.lastChild, [SPORTS[market.sport] || market.sport, market.in_play && !OVER.includes(market.status) ? "in play" : start].filter(Boolean).join(" · "));
    return head;
  }

  #row(market) {
    let row = this.rows.get(market.market_id);
    if (!row) {
      row = this.#rowNew(market);
      this.rows.set(market.market_id, row);
    }
    row.market = market;
    say(row.name, market.name || market.market_id);
    say(row.about, pricesOf(market));
    row.root.classList.toggle("chosen", this.chosen === market.market_id);
    row.state.replaceChildren(...badges(market));
    say(row.hold, market.held ? "Resume" : "Suspend");
    row.hold.disabled = OVER.includes(market.status);
    return row;
  }

  #rowNew(market) {
    const name = element("strong");
    const about = element("p", "quiet");
    const state = element("div", "state");
    const row = { name, about, state, market };
    row.hold = button("", () => this.#hold(row.market, row.hold));
    const choose = button("Result …", () => this.choose(row.market.market_id));
    row.root = box("li", "market-row", box("div", "", name, about), state, box("div", "do", row.hold, choose));
    row.root.dataset.market = market.market_id;
    return row;
  }

  async #hold(market, control) {
    control.disabled = true;
    const reason = this.nodes["hold-reason"].value.trim() || "By the desk";
    const answer = await this.options.api.hold(market.market_id, market.held ? "resume" : "suspend", reason)
      .catch(() => null);
    if (!answer || answer.code !== 200) this.#chosenSays(answer ? refusal(answer) : "There was no answer: look at the market's state.");
    else if (besides(answer)) this.#chosenSays(`${market.name || market.market_id}: ${besides(answer).trim()}`);
    await this.#read().catch(() => {});
  }

  #chosenSays(text) {
    this.nodes["market-chosen"].classList.remove("none");
    this.nodes["market-chosen"].append(box("p", "answer bad", text));
  }

  #chosenNone() {
    this.nodes["market-chosen"].classList.add("none");
    this.nodes["market-chosen"].replaceChildren(element("p", "empty", "Choose a market to enter its result."));
  }

  choose(marketId) {
    const market = this.options.names.get(marketId);
    if (!market) return;
    this.chosen = marketId;
    this.nodes["market-chosen"].classList.remove("none");
    this.form = new ResultForm(this.options.api, market, () => this.#read().catch(() => {}));
    this.about = element("div");
    this.nodes["market-chosen"].replaceChildren(this.about, this.form.root);
    this.#showChosen();
    this.#show();
    if (NARROW.matches) this.nodes["market-chosen"].scrollIntoView({ block: "start" }); // it stands above the list
  }

  #showChosen() {
    const market = this.chosen && this.options.names.get(this.chosen);
    if (!market) return;
    this.form.update(market);
    this.about.replaceChildren(
      element("h2", "", market.event_name || market.event_id),
      element("p", "quiet", `${market.name} · ${market.market_id}`),
      box("p", "state", ...badges(market)),
      element("p", "quiet number", `${market.bets} bets, ${market.bets_unsettled} of them open`),
      button("Limits of this market …", () => this.options.onLimits(market.market_id), "plain"));
  }
}

const textOf = (market) =>
  [market.event_name, market.name, market.market_id, market.event_id, market.sport].join(" ").toLowerCase();

// By event, those that go on first, and in an event its main market first.
const beforeIn = (going) => (a, b) => Number(going.has(b.event_id)) - Number(going.has(a.event_id)) || before(a, b);

function before(a, b) {
  return order(a).localeCompare(order(b)) || Number(MAIN.includes(b.kind)) - Number(MAIN.includes(a.kind)) ||
    a.name.localeCompare(b.name, "en", { numeric: true }) || a.market_id.localeCompare(b.market_id);
}
const order = (market) => [market.start_time || "", market.event_name, market.event_id].join(" ");

function pricesOf(market) {
  const prices = market.selections.slice(0, 3).map((each) =>
    each.odds === null || each.odds === undefined ? "" : `${each.name} ${price(each.odds, "decimal", each.odds_exact)}`)
    .filter(Boolean).join(" · ");
  return prices + (prices && market.selections.length > 3 ? " …" : "");
}

function badges(market) {
  const found = [element("span", "badge " + market.status, STATUS[market.status] || market.status)];
  if (market.held) found.push(element("span", "badge held", "Stopped by the desk"));
  if (market.has_result) found.push(element("span", "badge", resultOf(market)));
  if (Number(market.bets_unsettled) > 0) found.push(element("span", "badge open-bets", `${market.bets_unsettled} open bet${market.bets_unsettled === "1" ? "" : "s"}`));
  return found;
}

function resultOf(market) {
  const won = market.selections.filter((each) => ["WON", "DEAD_HEAT", "HALF_WON"].includes(each.result));
  return won.length > 0 && won.length < 3 ? `${RESULTS.WON}: ${won.map((each) => each.name).join(", ")}` : "Has a result";
}
