// result_body.js - from what a trader chose to the body of a results request (docs/PROTOCOL.md,
// section 5). Pure. A trader is told what is missing; what contradicts, the server says.

import { exact } from "../shared/decimal.js";

export const OUTCOMES = [
  ["", "– no change –"], ["WON", "Won"], ["LOST", "Lost"], ["VOID", "Void"], ["HALF_WON", "Half won"],
  ["HALF_LOST", "Half lost"], ["DEAD_HEAT", "Dead heat …"], ["POSITION", "Position …"], ["WITHDRAWN", "Withdrawn …"],
];
export const KINDS = [
  ["result", "Result"], ["rollback", "Roll a result back"], ["cancel", "Void bets"], ["undo_cancel", "Undo a void"],
];
export const MODELS = [
  ["", "the book's rule"], ["rule4", "Rule 4"], ["winnings", "from the winnings"], ["price", "off the price"],
];

// Says what is missing: the message is for people.
export class Incomplete extends Error {}

const DECIMAL = /^\d+(\.\d+)?$/;
const WHOLE = /^\d{1,9}$/;

// choice: {market, kind, version, reason, places, model, score:[home,away], from, until,
// selections:[{id, outcome, share, position, tied, withdrawnAt, withdrawnOdds, reduction, reason,
// open}]}; all values are texts.
export function resultBody(choice) {
  const { reason } = choice;
  if (!reason) throw new Incomplete("Say why: the reason stands in the ledger.");
  const market = { market_id: choice.market.market_id, kind: choice.kind };
  if (choice.kind === "result") Object.assign(market, resultOf(choice));
  else if (choice.kind === "rollback") Object.assign(market, rollbackOf(choice));
  else Object.assign(market, windowOf(choice));
  return { result_version: whole(choice.version, "The version"), reason, markets: [market] };
}

function resultOf(choice) {
  const selections = choice.selections.filter((each) => each.outcome).map(selectionOf);
  const score = choice.score && choice.score.some(Boolean)
    ? choice.score.map((each) => whole(each, "Each side of the score", 0)) : undefined;
  if (selections.length === 0 && !score) throw new Incomplete("Choose the outcome of a selection, or a score.");
  const members = { score, deduction_model: choice.model || undefined };
  if (selections.some((each) => each.position !== undefined))
    members.places = whole(choice.places || "1", "The number of places");
  if (selections.length > 0) members.selections = selections;
  return members;
}

function selectionOf(choice) {
  const members = { selection_id: choice.id };
  if (choice.reason) members.reason = choice.reason;
  switch (choice.outcome) {
    case "DEAD_HEAT":
      if (!/^\d+\/\d+$/.test(choice.share)) throw new Incomplete("A dead heat needs its share, as 1/2.");
      return { ...members, result: "WON", dead_heat_factor: choice.share };
    case "POSITION":
      return { ...members, position: whole(choice.position, "A position"), tied: whole(choice.tied || "1", "How many share it") };
    case "WITHDRAWN":
      return { ...members, ...withdrawalOf(choice) };
    default:
      return { ...members, result: choice.outcome };
  }
}

function withdrawalOf(choice) {
  const members = { withdrawn_at: timeOf(choice.withdrawnAt, "When it was withdrawn") };
  if (choice.withdrawnOdds && choice.reduction)
    throw new Incomplete("Either the price when it was withdrawn, or the reduction in per cent.");
  for (const [text, member, what] of [[choice.withdrawnOdds, "withdrawn_odds", "Its price"], [choice.reduction, "reduction_factor", "The reduction"]]) {
    if (!text) continue;
    if (!DECIMAL.test(text)) throw new Incomplete(`${what} is a decimal number.`);
    members[member] = exact(text);
  }
  return members;
}

function rollbackOf(choice) {
  const open = choice.selections.filter((each) => each.open);
  if (open.length === 0) return {};
  return { selections: open.map((each) => ({ selection_id: each.id, reason: each.reason || undefined })) };
}

// Without an end on one side the window is open there.
function windowOf(choice) {
  return {
    void_from: choice.from ? timeOf(choice.from, "The beginning") : undefined,
    void_until: choice.until ? timeOf(choice.until, "The end") : undefined,
  };
}

function whole(text, what, least = 1) {
  if (!WHOLE.test(text) || Number(text) < least) throw new Incomplete(`${what} is a whole number from ${least}.`);
  return Number(text);
}

function timeOf(local, what) {
  const time = new Date(local);
  if (!local || Number.isNaN(time.getTime())) throw new Incomplete(`${what} is missing.`);
  return time.toISOString();
}
