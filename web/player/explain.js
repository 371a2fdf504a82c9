// explain.js - how a bet's return came about: the server's sentences, which it makes from the
// ledger's record, and what corrections moved. Pure.

import { minorOf, money, moneyOf } from "../shared/money.js";

export const OVER = ["WON", "LOST", "VOID", "SETTLED"];

// Sentences, the newest state last; empty while there is nothing to explain.
export function explain(bet) {
  if (bet.status === "PLACED" && bet.reason === "RESULT_CORRECTED")
    return ["The result was corrected: what was paid is taken back, and the bet is settled anew."];
  const lines = Array.isArray(bet.explanation) ? [...bet.explanation] : [];
  const settlements = (bet.history || []).filter(
    (record) => record.settlement !== undefined && record.event !== "REVERSED");
  for (let i = 1; i < settlements.length; i++)
    lines.push(explainCorrection(settlements[i - 1], settlements[i], bet.currency));
  if (lines.length === 0 && OVER.includes(bet.status) && bet.payout !== undefined)
    lines.push(`This bet returned ${money(bet.payout, bet.currency)}.`);
  return lines;
}

function explainCorrection(before, after, currency) {
  const moved = minorOf(after.payout, currency) - minorOf(before.payout, currency);
  const how = moved < 0n
    ? `${moneyOf(-moved, currency)} was taken back from your balance`
    : `${moneyOf(moved, currency)} was added to your balance`;
  return `The result was corrected: the return was ${money(before.payout, currency)} and is now ` +
    `${money(after.payout, currency)}, so ${how}. Both settlements stay in the bet's history.`;
}
