// bet_view.js - one bet as it is shown: what it is, its legs with their results, its money, what
// its return came of.

import { box, element } from "../shared/dom.js";
import { minorOf, money } from "../shared/money.js";
import { whyNot } from "./answers.js";
import { OVER, explain } from "./explain.js";
import { kindsOf } from "./ticket.js";

const STATUS = {
  PENDING: "Waiting", PLACED: "Open", NOT_ACCEPTED: "Not accepted", WON: "Won", LOST: "Lost", VOID: "Void",
  SETTLED: "Settled",
};
const RESULTS = {
  OPEN: "", WON: "✓ Won", LOST: "✗ Lost", VOID: "Void", HALF_WON: "½ Half won", HALF_LOST: "½ Half lost",
  DEAD_HEAT: "Dead heat",
};

// Does it wait for the desk, and not only for the end of a delay?
export function isReferred(bet) {
  if (bet.status !== "PENDING" || bet.referral === "ACCEPTED") return false;
  const history = bet.history || [];
  const passed = history.some((record) => ["REFERRAL_ACCEPTED", "OFFER_ACCEPTED"].includes(record.event));
  return !passed && (bet.referred !== undefined || history.some((record) => record.referred !== undefined));
}

// A bet that was sold is told apart from one that was settled.
export function badgeOf(bet) {
  if (bet.money === "CASHED_OUT") return ["cashed_out", "Cashed out"];
  if (bet.money === "PART_CASHED" && bet.status === "PLACED") return ["part_cashed", "Open · part cashed out"];
  if (isReferred(bet)) return ["pending", bet.offer ? "Offer of the desk" : "With the desk"];
  return [(bet.status || "").toLowerCase(), STATUS[bet.status] || bet.status || ""];
}

export function titleOf(bet) {
  const legs = bet.legs || [];
  const eachWay = bet.each_way ? " each-way" : "";
  if (legs.length < 2) {
    const leg = legs[0] || bet;
    return (leg.selection_name || leg.selection_id || "Bet") + eachWay;
  }
  return systemName(bet, legs) + eachWay;
}

function systemName(bet, legs) {
  const bankers = legs.filter((leg) => leg.banker).length;
  const kinds = kindsOf(legs.length, bankers);
  if (bet.type !== "system") return kinds.find((kind) => kind.id === "multiple").text;
  const sizes = (bet.system || []).map(Number).join();
  const kind = kinds.find((each) => each.id !== "singles" && each.id !== "multiple" && each.sizes.join() === sizes);
  return kind ? kind.text : `System ${sizes} of ${legs.length}`;
}

// As its newest record that says so has it.
export const decideAtOf = (history) => (history || []).map((record) => record.decide_at).filter(Boolean).at(-1);

// When a bet that waits is decided; null for others.
export function decideAt(bet) {
  if (bet.status !== "PENDING") return null;
  if (bet.offer) return null; // it waits for the customer
  const at = bet.decide_at || decideAtOf(bet.history);
  return at ? Date.parse(at) : null;
}

export function sumsOf(bet) {
  const sum = (amount) => money(amount, bet.currency);
  const kind = { free: " of a free bet", bonus: " of bonus money" }[bet.stake_kind] || "";
  const parts = [`Stake ${sum(bet.stake)}${kind}`];
  const sold = bet.cashed_out !== undefined && minorOf(bet.cashed_out, bet.currency) > 0n;
  if (sold) parts.push(`cashed out for ${sum(bet.cashed_out)}`);
  if (sold && bet.status === "PLACED" && bet.stake_left !== undefined) parts.push(`${sum(bet.stake_left)} still on`);
  if (OVER.includes(bet.status) && bet.money !== "CASHED_OUT" && bet.payout !== undefined) parts.push(`returned ${sum(bet.payout)}`);
  else if (["PLACED", "PENDING"].includes(bet.status) && bet.potential_return !== undefined && !sold)
    parts.push(`would return ${sum(bet.potential_return)}`);
  return parts.join(" · ");
}

// For those who hear the page: what became of a bet.
export function newsOf(bet) {
  return `${titleOf(bet)}: ${badgeOf(bet)[1]}. ${sumsOf(bet)}`;
}

export function headOf(bet, show) {
  const [kind, text] = badgeOf(bet);
  const at = bet.odds !== undefined && bet.odds !== null ? ` @ ${show(bet.odds, bet.odds_exact)}`
    : (bet.legs || []).length === 1 ? ` @ ${show(bet.legs[0].odds, bet.legs[0].odds_exact)}` : "";
  return box("div", "bet-head", element("strong", "", titleOf(bet) + at), element("span", "badge " + kind, text));
}

// The legs of a bet; of a single where it is from.
export function legsOf(bet, show) {
  const legs = bet.legs || [];
  if (legs.length < 2) {
    const leg = legs[0] || bet;
    const where = [leg.market_name || leg.market_id, leg.event_name, termsOf(bet, leg)].filter(Boolean).join(" · ");
    return box("p", "quiet", where, resultOf(leg, bet));
  }
  return box("ul", "legs", ...legs.map((leg) => box("li", "",
    box("span", "", element("span", "", leg.selection_name || leg.selection_id),
      element("span", "quiet", ` ${show(leg.odds, leg.odds_exact)} · ${leg.event_name || leg.market_name || leg.market_id}` +
        (leg.banker ? " · banker" : "") + termsOf(bet, leg, " · "))),
    resultOf(leg, bet))));
}

const termsOf = (bet, leg, before = "") =>
  (bet.each_way && leg.places ? `${before}${leg.place_terms} of the odds, ${leg.places} places` : "");

function resultOf(leg, bet) {
  const single = (bet.legs || []).length < 2;
  const result = leg.result || (single ? bet.result : undefined);
  const text = RESULTS[result] ?? "";
  if (!text || (single && !leg.place_result)) return null;
  const place = leg.place_result && leg.place_result !== result ? `, ${placeText(leg.place_result)}` : "";
  return element("span", "leg-result " + result.toLowerCase(), text + place);
}

const placeText = (result) => (result === "WON" ? "placed" : result === "LOST" ? "not placed" : `place: ${RESULTS[result] || result}`);

// Why it was refused, or what its return came of. `open`: whether the steps are unfolded.
export function storyOf(bet, open, onToggle) {
  if (bet.status === "NOT_ACCEPTED") return element("p", "quiet", whyNot(bet.reason));
  const lines = explain(bet);
  if (lines.length === 0) return null;
  if (lines.length === 1) return element("p", "explain", lines[0]);
  const details = element("details", "explain");
  details.open = open;
  details.addEventListener("toggle", () => onToggle(details.open));
  details.append(element("summary", "", OVER.includes(bet.status) && bet.money !== "CASHED_OUT" ? "How this return came about" : "How the cash-out came about"),
    box("ol", "steps", ...lines.map((line) => element("li", "", line))));
  return details;
}

export function footOf(bet) {
  return element("p", "quiet small", [
    bet.created_at ? new Date(bet.created_at).toLocaleTimeString() : "",
    bet.ledger_seq ? "ledger " + bet.ledger_seq : "", bet.receipt ? "receipt signed" : "",
  ].filter(Boolean).join(" · "));
}
