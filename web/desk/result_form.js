// result_form.js - the form in which the result of one market is entered, of every kind.

import { box, button, element, field, input, select } from "../shared/dom.js";
import { price } from "../shared/odds.js";
import { Incomplete, KINDS, MODELS, OUTCOMES, resultBody } from "./result_body.js";
import { RESULTS, besides, outcome, refusal, tell } from "./words.js";

// Now, as a field for local times has it.
function now() {
  const time = new Date();
  return new Date(time.getTime() - time.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}

const timeInput = (value = "") => input({ type: "datetime-local", step: "1", value });
const wholeInput = (value = "") => input({ inputmode: "numeric", maxlength: "9", value });

export class ResultForm {
  // onDone() after an answer
  constructor(api, market, onDone) {
    this.api = api;
    this.market = market;
    this.onDone = onDone;
    this.kind = select(KINDS, "result");
    this.kind.addEventListener("change", () => this.#kindShow());
    this.version = wholeInput(next(market));
    this.version.addEventListener("input", () => { this.versionTyped = true; });
    this.reason = input({ maxlength: "96", required: "" });
    this.selections = market.selections.map((selection) => new SelectionRow(selection));
    this.groups = { result: this.#resultGroup(), rollback: this.#rollbackGroup(), window: this.#windowGroup() };
    this.answer = element("div", "answer");
    this.answer.setAttribute("role", "status");
    this.submit = element("button", "main", "Enter the result");
    this.root = document.createElement("form");
    this.root.noValidate = true;
    this.root.append(
      box("div", "pair", field("What", this.kind), field("Version", this.version)),
      this.groups.result, this.groups.rollback, this.groups.window,
      field("Reason", this.reason), this.submit, this.answer);
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#kindShow();
  }

  // The market as it is now; what was typed stays.
  update(market) {
    this.market = market;
    if (!this.versionTyped && document.activeElement !== this.version) this.version.value = next(market);
    for (const row of this.selections)
      row.update(market.selections.find((each) => each.id === row.id));
  }

  #resultGroup() {
    this.places = wholeInput(Number(this.market.places) > 0 ? this.market.places : "1");
    this.model = select(MODELS, "");
    this.score = [wholeInput(), wholeInput()];
    const lost = button("All others lost", () => this.selections.forEach((row) => row.fallBack("LOST")));
    const group = document.createElement("fieldset");
    const more = document.createElement("details");
    more.append(element("summary", "", "Score, places, deductions"),
      box("div", "pair", field("Score, home", this.score[0]), field("Score, away", this.score[1])),
      box("div", "pair", field("Places paid", this.places), field("Withdrawn runners take", this.model)));
    group.append(element("legend", "", "Selections"), ...this.selections.map((row) => row.root), box("div", "actions", lost), more);
    return group;
  }

  #rollbackGroup() {
    const group = document.createElement("fieldset");
    group.append(element("legend", "", "Open again (none named: all of them)"),
      ...this.selections.map((row) => row.openRoot));
    return group;
  }

  #windowGroup() {
    this.from = timeInput();
    this.until = timeInput();
    const group = document.createElement("fieldset");
    group.append(element("legend", "", "Bets accepted"),
      box("div", "pair", field("from", this.from), field("until before", this.until)),
      element("p", "quiet small", "Without an end it is open on that side; without both it is all bets."));
    return group;
  }

  #kindShow() {
    const kind = this.kind.value;
    this.groups.result.hidden = kind !== "result";
    this.groups.rollback.hidden = kind !== "rollback";
    this.groups.window.hidden = kind !== "cancel" && kind !== "undo_cancel";
    this.submit.textContent = {
      result: "Enter the result", rollback: "Roll it back", cancel: "Void these bets", undo_cancel: "Undo the void",
    }[kind];
  }

  #choice() {
    return {
      market: this.market, kind: this.kind.value, version: this.version.value.trim(), reason: this.reason.value.trim(),
      places: this.places.value.trim(), model: this.model.value, score: this.score.map((each) => each.value.trim()),
      from: this.from.value, until: this.until.value, selections: this.selections.map((row) => row.choice()),
    };
  }

  async #send() {
    let body;
    try {
      body = resultBody(this.#choice());
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      tell(this.answer, false, error.message);
      return;
    }
    this.submit.disabled = true;
    const answer = await this.api.results(this.market.event_id, body).catch(() => null);
    this.submit.disabled = false;
    if (!answer) {
      tell(this.answer, false, "There was no answer: sending it again changes nothing that was recorded.");
      return;
    }
    const [market] = answer.body.markets || [];
    tell(this.answer, answer.code === 200, market ? outcome(market) + besides(answer) : refusal(answer));
    if (answer.code === 200) this.versionTyped = false;
    this.onDone();
  }
}

const next = (market) => String(BigInt(market.result_version || "0") + 1n);

// One selection: its outcome, and what that outcome needs besides.
class SelectionRow {
  constructor(selection) {
    this.id = selection.id;
    this.outcome = select(OUTCOMES, "");
    this.outcome.setAttribute("aria-label", "Outcome of " + selection.name);
    this.outcome.addEventListener("change", () => this.#more());
    this.share = input({ placeholder: "1/2", value: "1/2" });
    this.position = wholeInput();
    this.tied = wholeInput("1");
    this.withdrawnAt = timeInput(now());
    this.withdrawnOdds = input({ inputmode: "decimal" });
    this.reduction = input({ inputmode: "decimal" });
    this.reason = input({ maxlength: "96" });
    this.now = element("span", "quiet number");
    this.details = element("div", "outcome-more");
    this.root = box("div", "outcome",
      box("div", "outcome-head", element("span", "", selection.name), this.now, this.outcome), this.details);
    this.root.dataset.selection = selection.id;
    this.open = input({ type: "checkbox" });
    this.openRoot = box("label", "check", this.open, element("span", "", selection.name));
    this.#more();
    this.update(selection);
  }

  update(selection) {
    if (!selection) return;
    this.now.textContent = selection.result ? RESULTS[selection.result] || selection.result
      : selection.odds ? price(selection.odds, "decimal", selection.odds_exact) : "";
  }

  fallBack(word) {
    if (this.outcome.value) return;
    this.outcome.value = word;
    this.#more();
  }

  #more() {
    const shown = {
      DEAD_HEAT: [field("Its share", this.share)],
      POSITION: [field("Position", this.position), field("Shared by", this.tied)],
      WITHDRAWN: [field("When (the provider's clock)", this.withdrawnAt), field("Price then", this.withdrawnOdds),
        field("or reduction in %", this.reduction)],
    }[this.outcome.value] || [];
    if (shown.length > 0 || this.outcome.value === "VOID") shown.push(field("Reason", this.reason));
    this.details.replaceChildren(...shown);
    this.details.hidden = shown.length === 0;
  }

  choice() {
    const text = (name) => this[name].value.trim();
    return {
      id: this.id, outcome: this.outcome.value, share: text("share"), position: text("position"), tied: text("tied"),
      withdrawnAt: text("withdrawnAt"), withdrawnOdds: text("withdrawnOdds"), reduction: text("reduction"),
      reason: this.details.contains(this.reason) ? text("reason") : "", open: this.open.checked,
    };
  }
}
