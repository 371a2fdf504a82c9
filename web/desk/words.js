// words.js - what the desk's answers mean, in plain words.

import { spread } from "./shards.js";

const CODES = {
  ROLE_REQUIRED: "This token has not the role for that.",
  TOKEN_EXPIRED: "The token has expired: sign in again.",
  TOKEN_INVALID: "That is no token of this book.",
  NOT_FOUND: "There is nothing of that id.",
  SAME_ACTOR: "Nobody decides what they proposed: another person has to.",
  OLD_RESULT_VERSION: "A result with this version or a later one is in force already.",
  INVALID_RESULT: "The result contradicts itself, the score or the market.",
  NOT_YOUR_TURN: "It waits for the customer's word, or has had its most offers.",
  STAKE_LIMIT: "It is above the highest stake or return, which was not lifted.",
  LIABILITY_LIMIT: "It would cost the book too much, which was not lifted.",
  MARKET_SUSPENDED: "A market of the bet is suspended.",
  MARKET_CLOSED: "A market of the bet is closed.",
  OVERLOADED: "The book is busy: try again in a moment.",
  LEDGER_UNAVAILABLE: "The ledger cannot be written just now: nothing was recorded.",
  CURRENCY_MISMATCH: "The account has another currency.",
  AMOUNT_LIMIT: "The amount is above the limit of the book.",
  INSUFFICIENT_BALANCE: "There is not so much to take.",
};

const OUTCOMES = {
  RECORDED: "Recorded.",
  NO_CHANGE: "It was so already: nothing changed.",
  NOT_FOUND: "No such market in this event.",
};

export const RESULTS = {
  OPEN: "Open", WON: "Won", LOST: "Lost", VOID: "Void", HALF_WON: "Half won", HALF_LOST: "Half lost",
  DEAD_HEAT: "Dead heat",
};
export const KINDS = {
  result: "Result", rollback: "Rolled back", cancel: "Bets void", undo_cancel: "Bets not void after all",
};
export const STATUS = {
  active: "Open", suspended: "Suspended", closed: "Closed", settled: "Settled", cancelled: "Cancelled",
};

export function refusal({ code, body }) {
  const field = body.field || body.parameter;
  return (CODES[body.code] || body.detail || body.title || `Not done (${code}).`) + (field ? ` (${field})` : "");
}

// Of one market of a results request.
export function outcome(market) {
  if (market.outcome === "PROPOSED")
    return `Proposed as ${market.proposal_id}: it waits for another person, or for the time in which somebody may object.`;
  const seq = market.ledger_seq ? ` Ledger ${market.ledger_seq}.` : "";
  return (OUTCOMES[market.outcome] || CODES[market.outcome] || market.outcome) + seq;
}

// What is to be said besides of a word that was taken: which shards have not got it.
export function besides(answer) {
  const text = answer && answer.code === 200 ? spread(answer.body.shards) : "";
  return text && " " + text;
}

// Shows in `node` what came of a call.
export function tell(node, good, text) {
  node.className = "answer " + (good ? "good" : "bad");
  node.textContent = text;
}
