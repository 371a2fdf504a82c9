// slip.js - the bet slip: the selections, what bet is made of them, its stake, and what the server
// answered. What a bet costs is said before it is placed.

import { element, nodesOf, say } from "../shared/dom.js";
import { minorOf, amountTyped, money, moneyOf } from "../shared/money.js";
import { answerOf, placedText, whyNot } from "./answers.js";
import { Placing } from "./placing.js";
import { SlipLegs } from "./slip_legs.js";
import { bodiesOf, kindsOf, linesText, relatedOf, returnOf, totalOf, waysOf } from "./ticket.js";

const STAKE_KINDS = { cash: "my balance", free: "free bets", bonus: "bonus money" };

export class Slip {
  // options: api, market(id), account, show(odds, oddsExact), onPicks(set of "market selection"),
  // onPlaced(bet), onUnauthorised()
  constructor(options) {
    this.options = options;
    this.nodes = nodesOf("slip-empty", "slip-form", "slip-related", "slip-count", "kind", "kind-field", "each-way",
      "each-way-field", "each-way-terms", "stake", "stake-label", "stake-kind", "stake-kind-field", "policy",
      "slip-lines", "slip-total", "slip-return", "slip-hint", "place", "answer");
    this.legs = new SlipLegs({
      market: options.market, show: options.show,
      onChange: () => {
        options.onPicks(this.legs.keys());
        this.update();
      },
    });
    this.placing = new Placing({
      api: options.api,
      onChange: () => this.update(),
      onRetry: () => say(this.nodes["slip-hint"], "No connection. Trying again with the same bet; it can only be placed once …"),
      onAnswer: (part, answer) => this.#answered(part, answer),
      onUnanswered: (parts) => this.#unanswered(parts),
    });
    this.waiting = new Map(); // bet_id -> its line of the answer
    this.unknown = false; // bets without an answer: nothing else is placed before they are asked for again
    this.#listen();
  }

  #listen() {
    const { nodes } = this;
    nodes["slip-form"].addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const id of ["kind", "each-way", "stake-kind"]) nodes[id].addEventListener("change", () => this.update());
    nodes.stake.addEventListener("input", () => this.update());
    for (const button of document.querySelectorAll("[data-stake]"))
      button.addEventListener("click", () => {
        nodes.stake.value = button.dataset.stake;
        this.update();
      });
  }

  resume() {
    this.placing.resume();
  }

  toggle(market, selectionId) {
    if (!this.placing.busy && !this.unknown && this.waiting.size === 0) this.nodes.answer.replaceChildren();
    if (!this.legs.toggle(market, selectionId)) this.#line({ kind: "bad", text: "A slip holds no more selections." });
  }

  // Markets that changed.
  changed(ids) {
    if (this.legs.holds(ids)) this.update();
  }

  // What is chosen, as it stands now.
  #state() {
    const picks = this.legs.picks();
    const { nodes } = this;
    const { currency } = this.options.account;
    const kinds = picks.length > 0 ? kindsOf(picks.length, picks.filter((pick) => pick.banker).length) : [];
    const kind = kinds.find((each) => each.id === nodes.kind.value) || kinds.find((each) => each.id === "multiple") || kinds[0];
    const typed = amountTyped(nodes.stake.value, currency);
    const ways = waysOf(picks);
    return {
      picks, kinds, kind, currency, ways, typed,
      unit: typed === null ? null : minorOf(typed, currency),
      eachWay: ways.only || (ways.eachWay && nodes["each-way"].checked),
      stakeKind: nodes["stake-kind"].value || "cash",
      barred: [...(kind && kind.id !== "singles" ? relatedOf(picks).map(relatedText) : []), ...(ways.apart ? [apartText(ways.apart)] : [])],
      open: picks.every((pick) => pick.open),
    };
  }

  update() {
    const { nodes } = this;
    this.legs.update();
    const state = this.#state();
    nodes["slip-empty"].hidden = state.picks.length > 0;
    nodes["slip-form"].hidden = state.picks.length === 0;
    say(nodes["slip-count"], state.picks.length > 0 ? `(${state.picks.length})` : "");
    this.#stakeKinds();
    if (state.picks.length === 0) return;
    this.#kinds(state);
    this.#eachWay(state);
    say(nodes["slip-related"], state.barred.join(" "));
    nodes["slip-related"].hidden = state.barred.length === 0;
    this.#sums(state);
    nodes.place.disabled = this.placing.busy || this.unknown || !state.open || state.unit === null || state.barred.length > 0;
    say(nodes.place, this.placing.busy ? "Placing …" : state.unit === null ? "Place bet"
      : `Place ${state.kind.id === "singles" ? state.kind.lines + " bets" : "bet"} · ${moneyOf(totalOf(state.kind, state.unit, state.eachWay), state.currency)}`);
  }

  #kinds({ kinds, kind, eachWay }) {
    const { nodes } = this;
    nodes["kind-field"].hidden = kinds.length < 2;
    const wanted = kinds.map((each) => `${each.id}|${each.text} (${linesText(each, eachWay)})`);
    if (this.kindsShown !== wanted.join("\n")) {
      this.kindsShown = wanted.join("\n");
      nodes.kind.replaceChildren(...wanted.map((each) => new Option(each.slice(each.indexOf("|") + 1), each.split("|")[0])));
    }
    nodes.kind.value = kind.id;
    this.legs.bankersPossible(kinds.length > 1 && kind.id !== "singles");
  }

  #eachWay({ picks, ways, eachWay }) {
    const { nodes } = this;
    nodes["each-way-field"].hidden = !ways.eachWay;
    this.#eachWayForced(ways.only);
    const texts = [...new Set(picks.map((pick) => `${pick.place_terms} of the odds, ${pick.places} places`))].join("; ");
    const half = eachWay ? `Half of the stake to win, half to be placed: ${texts}.` : texts;
    say(nodes["each-way-terms"], !ways.eachWay ? "" : ways.only ? `${half} This market is bet on each-way only.` : half);
  }

  // What the customer had chosen comes back with the choice.
  #eachWayForced(forced) {
    const choice = this.nodes["each-way"];
    if (forced === choice.disabled) return;
    if (forced) this.eachWayChosen = choice.checked;
    choice.checked = forced || this.eachWayChosen;
    choice.disabled = forced;
  }

  #stakeKinds() {
    const { account } = this.options;
    const { nodes } = this;
    const kinds = Object.keys(STAKE_KINDS).filter((kind) => kind === "cash" || account.has(kind));
    const balances = { cash: account.available, free: account.free_bets, bonus: account.bonus };
    const texts = kinds.map((kind) => `${STAKE_KINDS[kind]} (${money(balances[kind], account.currency)})`);
    nodes["stake-kind-field"].hidden = kinds.length < 2;
    if (this.kindsOfStake === texts.join("\n")) return;
    this.kindsOfStake = texts.join("\n");
    const before = nodes["stake-kind"].value;
    nodes["stake-kind"].replaceChildren(...kinds.map((kind, index) => new Option(texts[index], kind)));
    nodes["stake-kind"].value = kinds.includes(before) ? before : "cash";
  }

  #sums({ kind, picks, unit, eachWay, stakeKind, currency, open }) {
    const { nodes } = this;
    const perLine = kind.id === "singles" ? "on each single" : kind.lines > 1 ? "on each line" : "";
    say(nodes["stake-label"], ["Stake", perLine, eachWay ? "each way" : ""].filter(Boolean).join(" "));
    nodes.stake.setAttribute("aria-invalid", String(unit === null));
    if (unit === null) {
      for (const id of ["slip-lines", "slip-total", "slip-return"]) say(nodes[id], "–");
      say(nodes["slip-hint"], "A stake is an amount with no more digits than its currency has.");
      return;
    }
    const returns = open ? returnOf(kind, picks, { unit, eachWay, free: stakeKind === "free" }) : null;
    say(nodes["slip-lines"], `${linesText(kind, eachWay)} of ${moneyOf(unit, currency)}`);
    say(nodes["slip-total"], moneyOf(totalOf(kind, unit, eachWay), currency));
    say(nodes["slip-return"], returns === null ? "–" : moneyOf(returns, currency));
    if (!this.placing.busy) say(nodes["slip-hint"], hintOf(picks, stakeKind));
  }

  #submit() {
    const state = this.#state();
    if (this.placing.busy || this.unknown || state.unit === null || state.barred.length > 0 || !state.open) return;
    const bodies = bodiesOf(state.kind, state.picks, { ...state, policy: this.nodes.policy.value });
    this.#begin(bodies, state.kind.id === "singles" ? 1 : state.kind.lines * (state.eachWay ? 2 : 1));
  }

  #begin(bodies, lines) {
    this.waiting.clear();
    this.nodes.answer.replaceChildren();
    this.placing.place(bodies, lines);
  }

  #answered(part, answer) {
    if (answer.code === 401) {
      this.#line({ kind: "bad", text: "Your demo session has ended; a new one begins. The bet was not placed." });
      this.options.onUnauthorised();
      return;
    }
    const told = answerOf(answer, part, this.options.show);
    const line = this.#line(told, told.again && (() => this.#begin([told.again.body], part.lines)));
    if (told.kind === "bad") return;
    if (told.kind === "wait") this.waiting.set(answer.body.bet_id, line);
    for (const leg of part.body.legs || [part.body]) this.legs.drop(leg.market_id, leg.selection_id);
    this.options.onPlaced(answer.body);
  }

  #unanswered(parts) {
    this.unknown = true;
    this.#line({ kind: "bad", text: "There was no answer, so we do not know yet whether the bet was placed.", again: { text: "Ask again" } },
      () => {
        this.unknown = false;
        this.nodes.answer.replaceChildren();
        this.placing.send(parts);
      });
  }

  // A pushed or read state of a bet: ends the wait of a pending one.
  betUpdate(bet) {
    const line = this.waiting.get(bet.bet_id);
    if (!line || bet.status === "PENDING") return;
    this.waiting.delete(bet.bet_id);
    const taken = bet.status !== "NOT_ACCEPTED";
    line.className = "answer " + (taken ? "good" : "bad");
    line.textContent = taken ? placedText(bet, this.options.show) : "Not accepted. " + whyNot(bet.reason || bet.code);
  }

  #line({ kind, text, again }, onAgain) {
    const line = element("div", "answer " + kind, text);
    if (again && onAgain) {
      const button = element("button", "", again.text);
      button.type = "button";
      button.addEventListener("click", onAgain, { once: true });
      line.append(button);
    }
    this.nodes.answer.append(line);
    return line;
  }
}

function hintOf(picks, stakeKind) {
  const delay = Math.max(...picks.map((pick) => pick.bet_delay_ms));
  return [stakeKind === "free" ? "Of a free bet the winnings are paid, not the stake." : "",
    delay > 0 ? `In play this bet waits ${delay / 1000} s before it is taken.` : ""].filter(Boolean).join(" ");
}

function relatedText([name, count]) {
  return `${count} of your selections are of ${name}: one bears on the other, so they cannot be in one bet. ` +
    "Remove one, or choose singles.";
}

function apartText([eachWay, toWin]) {
  return `${eachWay} is bet on each-way only, and ${toWin} to win only: place them one after the other.`;
}
