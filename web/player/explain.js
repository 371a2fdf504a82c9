// explain.js - amounts and prices as text, and how a settled bet's return came about in plain
// words. Sums are done in whole pennies and ten-thousandths with BigInt, so that what is said
// here is what the ledger did (BETTING-RULES 4.1).

export function money(amount, currency = "") {
  if (amount === undefined || amount === null) return "–";
  return (currency ? currency + " " : "") + Number(amount).toFixed(2);
}

export function price(odds) {
  if (odds === undefined || odds === null) return "–";
  const text = Number(odds).toFixed(4).replace(/0{1,2}$/, "");
  return text;
}

// "50", "50.5", "50.00" to a number, or null: what a stake may look like.
export function stakeOf(text) {
  const trimmed = text.trim().replace(",", ".");
  if (!/^\d{1,9}(\.\d{1,2})?$/.test(trimmed)) return null;
  const stake = Number(trimmed);
  return stake > 0 ? stake : null;
}

// What a bet would return, rounded down to the penny as a first idea; the server says it exactly.
export function returnOf(stake, odds) {
  return Number((pennies(stake) * tenThousandths(odds)) / 10000n) / 100;
}

// Sentences, the newest state last; empty while the bet is open. The server's own explanation is
// made from the ledger record and goes before ours.
export function explain(bet) {
  if (bet.status === "PLACED" && bet.reason === "RESULT_CORRECTED")
    return ["The result was corrected: what was paid is taken back, and the bet is settled anew."];
  if (!["WON", "LOST", "VOID", "SETTLED"].includes(bet.status)) return [];
  const legs = bet.legs || [bet];
  let lines;
  if (Array.isArray(bet.explanation) && bet.explanation.length > 0) lines = [...bet.explanation];
  else if (legs.length === 1) lines = [explainSingle(bet, legs[0])];
  else lines = [`This bet returned ${money(bet.payout, bet.currency)}.`];
  const settlements = (bet.history || []).filter(
    (record) => record.settlement !== undefined && record.event !== "REVERSED");
  for (let i = 1; i < settlements.length; i++)
    lines.push(explainCorrection(settlements[i - 1], settlements[i], bet.currency));
  return lines.filter((line) => line !== "");
}

function explainSingle(bet, leg) {
  const sum = (amount) => money(amount, bet.currency);
  const odds = bet.odds ?? leg.odds;
  const half = Number(pennies(bet.stake)) / 200;
  const result = bet.result || leg.result || bet.status;
  const paid = bet.payout === undefined ? "" : ` You received ${sum(bet.payout)}.`;
  switch (result) {
    case "WON":
      return `Won: your stake of ${sum(bet.stake)} times the price ${price(odds)}.${paid}`;
    case "LOST":
      return `Lost: the stake of ${sum(bet.stake)} is not returned.`;
    case "VOID":
      return `Void (a push, or the market did not count): your stake comes back as it was.${paid}`;
    case "HALF_WON":
      return `Half won: half of your stake (${halves(half)}) won at ${price(odds)}, the other half ` +
        `was returned as it was.${paid}`;
    case "HALF_LOST":
      return `Half lost: half of your stake (${halves(half)}) was lost, the other half was ` +
        `returned.${paid}`;
    case "DEAD_HEAT":
      return `Dead heat: your stake is divided by how many shared the place, and that part is ` +
        `paid at ${price(odds)}.${paid}`;
    default:
      return paid.trim();
  }
}

function explainCorrection(before, after, currency) {
  const moved = Number(pennies(after.payout) - pennies(before.payout)) / 100;
  const how = moved < 0
    ? `${money(-moved, currency)} was taken back from your balance`
    : `${money(moved, currency)} was added to your balance`;
  return `The result was corrected: the return was ${money(before.payout, currency)} and is now ` +
    `${money(after.payout, currency)}, so ${how}. Both settlements stay in the bet's history.`;
}

function halves(amount) {
  return amount.toFixed(Number.isInteger(Math.round(amount * 1000) / 10) ? 2 : 3);
}

function pennies(amount) {
  return BigInt(Math.round(Number(amount) * 100));
}

function tenThousandths(odds) {
  return BigInt(Math.round(Number(odds) * 10000));
}
