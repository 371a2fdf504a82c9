// answers.js - what the server answered to a bet, in plain words, and what can be done about it.
// Pure.

import { Exact, exact } from "../shared/decimal.js";
import { amountOf, minorOf, money } from "../shared/money.js";

const REFUSALS = {
  MARKET_SUSPENDED: "The market is suspended just now. Your bet was not taken; try again when it reopens.",
  MARKET_CLOSED: "The market is closed. Your bet was not taken.",
  UNKNOWN_SELECTION: "This selection is no longer offered.",
  INSUFFICIENT_BALANCE: "Your balance does not cover this stake.",
  RELATED_LEGS: "Two of your selections are of one event, so they cannot be in one bet together.",
  NO_PLACE_TERMS: "A selection has no each-way terms any more. Your bet was not taken.",
  EACH_WAY_ONLY: "A selection is taken each-way only. Your bet was not taken.",
  LEGS_LIMIT: "That are more selections than one bet may have.",
  LINES_LIMIT: "That are more lines than one bet may have.",
  ODDS_LIMIT: "The total odds are higher than this book takes.",
  CURRENCY_MISMATCH: "Your account has another currency.",
  SELF_EXCLUDED: "You have excluded yourself from betting.",
  LIMIT_REACHED: "This bet would pass a limit that you have set.",
  GEO_BLOCKED: "Bets cannot be taken from where you are.",
};
// Of a bet that waited.
const WAITED = {
  ODDS_CHANGED: "The price moved while the bet was waiting. Your stake is back.",
  SCORE_CHANGED: "The score changed while the bet was waiting. Your stake is back.",
  MARKET_SUSPENDED: "A market was stopped while the bet was waiting. Your stake is back.",
  MARKET_CLOSED: "A market closed while the bet was waiting. Your stake is back.",
  REFERRAL_TIMEOUT: "Nobody of the book looked at it in time. Your stake is back.",
  RE_OFFERED: "You declined the desk's offer. Your stake is back.",
  OFFER_EXPIRED: "The desk's offer ended without your word. Your stake is back.",
  NOT_ACCEPTED_BY_TRADER: "The book does not take this bet. Your stake is back.",
};

// Why a bet that waited was not accepted.
export function whyNot(reason) {
  return WAITED[reason] || REFUSALS[reason] || "Your stake is back in your balance.";
}

// `part`: {body, lines} as sent; show(odds, oddsExact) writes a price. Answers
// {kind: good, bad or wait; text; again: {text, body}}: what to show, and the request that a click
// sends next. A refusal is a verdict and uses up its key, so that is a new attempt.
export function answerOf({ code, body, replayed }, part, show) {
  const sent = part.body;
  if (code === 202 && body.referred) return { kind: "wait", text: "This bet is above a limit: the desk looks at it, and may take it, offer another stake or price, or refuse it. Your stake is held." };
  if (code === 202) return { kind: "wait", text: "Your stake is held; in play every bet waits a little." };
  if (body.bet_id && (code === 201 || code === 200)) {
    const again = replayed ? " (It had been placed already; not twice.)" : "";
    return { kind: "good", text: placedText({ ...plain(sent), ...body }, show) + again };
  }
  if (body.code === "ODDS_CHANGED" && body.odds) return oddsChanged(body, sent, show);
  if (body.code === "STAKE_LIMIT" || body.code === "LIABILITY_LIMIT") return stakeLimit(body, part);
  const busy = code === 503 || code === 429 ? "The book is busy and took no bet. Try again in a moment." : "";
  return { kind: "bad", text: REFUSALS[body.code] || busy || body.detail || body.title || `Not taken (${code}).` };
}

export function placedText(bet, show) {
  const at = bet.odds ? ` at ${show(bet.odds, bet.odds_exact)}` : "";
  const returns = bet.potential_return ? `, would return ${money(bet.potential_return, bet.currency)}` : "";
  return `Placed: ${money(bet.stake, bet.currency)}${at}${returns}.`;
}

function oddsChanged(body, sent, show) {
  const moved = (leg) => ({ ...leg, odds: exact(body.odds), odds_version: exact(body.odds_version), odds_exact: body.odds_exact });
  const index = body.leg ? Number(body.leg) - 1 : 0;
  const before = sent.legs ? sent.legs[index] : sent;
  if (!before) return { kind: "bad", text: "A price changed. Your bet was not taken." };
  const next = sent.legs
    ? { ...sent, legs: sent.legs.map((leg, at) => (at === index ? moved(leg) : leg)) } : moved(sent);
  return {
    kind: "bad",
    text: `The price changed from ${show(before.odds.text, before.odds_exact)} to ${show(body.odds, body.odds_exact)}. Your bet was not taken.`,
    again: { text: `Bet at ${show(body.odds, body.odds_exact)}`, body: next },
  };
}

// The most that passes; of a system a whole amount on each line.
function stakeLimit(body, { body: sent, lines }) {
  const { currency } = sent;
  const most = minorOf(body.stake_max ?? "0", currency) ?? 0n;
  const count = sent.unit_stake ? BigInt(lines) : 1n;
  const unit = most / count;
  if (unit <= 0n) return { kind: "bad", text: "This bet is above a limit, and no lower stake would pass." };
  const total = money(amountOf(unit * count, currency), currency);
  const stake = exact(amountOf(unit, currency));
  const next = { ...sent, ...(sent.unit_stake ? { unit_stake: stake } : { stake }) };
  return {
    kind: "bad",
    text: `Your stake is above what this bet takes now. Accept ${total} instead?`,
    again: { text: `Bet ${total}`, body: next },
  };
}

// What was sent, as an answer has it: texts for amounts.
function plain(sent) {
  const entries = Object.entries(sent).map(([key, value]) => [key, value instanceof Exact ? value.text : value]);
  return Object.fromEntries(entries);
}
