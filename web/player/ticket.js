// ticket.js - which bets can be made of the selections on the slip, what they cost, what they would
// return, and the request that asks for them. Pure; sums in whole minor units with exact fractions.
//
// A pick: {market_id, selection_id, event_id, event_name, odds, odds_exact, odds_version, banker,
// places, place_terms, each_way_only}. A kind: {id, text, lines, sizes, body}, `lines` to win only.

import { exact } from "../shared/decimal.js";
import { amountOf } from "../shared/money.js";
import { fractionOf } from "../shared/odds.js";

export const PICKS_MAX = 20;

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const NAMED = [
  ["TRIXIE", "Trixie", 3, range(2, 3)], ["PATENT", "Patent", 3, range(1, 3)], ["YANKEE", "Yankee", 4, range(2, 4)],
  ["LUCKY_15", "Lucky 15", 4, range(1, 4)], ["CANADIAN", "Canadian", 5, range(2, 5)],
  ["LUCKY_31", "Lucky 31", 5, range(1, 5)], ["HEINZ", "Heinz", 6, range(2, 6)], ["LUCKY_63", "Lucky 63", 6, range(1, 6)],
  ["SUPER_HEINZ", "Super Heinz", 7, range(2, 7)], ["GOLIATH", "Goliath", 8, range(2, 8)],
];
const FOLDS = { 2: "Double", 3: "Treble" };
const BY = { 2: "twos", 3: "threes", 4: "fours", 5: "fives", 6: "sixes" };

export function choose(n, k) {
  let value = 1;
  for (let i = 1; i <= k; i++) value = (value * (n - k + i)) / i;
  return value;
}

const linesOf = (n, sizes) => sizes.reduce((sum, size) => sum + choose(n, size), 0);

// What can be bet with so many selections, of which some are bankers: they stand in every line.
export function kindsOf(legs, bankers = 0) {
  if (legs === 1) return [{ id: "single", text: "Single", lines: 1, sizes: [1] }];
  const free = legs - bankers;
  const multiple = { id: "multiple", text: FOLDS[legs] || `${legs}-fold`, lines: 1, sizes: [free] };
  const kinds = bankers === 0
    ? [{ id: "singles", text: `${legs} singles`, lines: legs, sizes: [1] }, multiple] : [multiple];
  if (bankers === 0)
    for (const [id, text, count, sizes] of NAMED)
      if (count === legs) kinds.push({ id, text, lines: linesOf(legs, sizes), sizes });
  for (const size of range(bankers === 0 ? 2 : 1, Math.max(1, free - 1)))
    if (size < free) kinds.push(robin(free, bankers, size));
  return kinds;
}

function robin(free, bankers, size) {
  const text = bankers === 0 ? `Round robin by ${BY[size] || size}`
    : `${bankers === 1 ? "Banker" : bankers + " bankers"} with every ${size} of ${free}`;
  return { id: "of:" + size, text, lines: choose(free, size), sizes: [size] };
}

export function linesText(kind, eachWay) {
  const lines = kind.lines * (eachWay ? 2 : 1);
  return `${lines} ${kind.id === "singles" ? "bet" : "line"}${lines === 1 ? "" : "s"}`;
}

// Minor units: `unit` on each line, of an each-way bet on each half of it.
export function totalOf(kind, unit, eachWay) {
  return unit * BigInt(kind.lines) * (eachWay ? 2n : 1n);
}

// Minor units if every selection wins, rounded down as a first idea: the server says it exactly.
// Null while a price is missing.
export function returnOf(kind, picks, { unit, eachWay, free }) {
  const wins = picks.map((pick) => fractionOf(pick.odds, pick.odds_exact));
  if (wins.some((each) => each === null)) return null;
  const bankers = picks.map((pick) => pick.banker && kind.id !== "singles");
  let value = allWon(wins, bankers, kind.sizes, unit);
  if (eachWay) {
    const places = picks.map((pick, index) => placeOdds(wins[index], pick.place_terms));
    if (places.some((each) => each === null)) return null;
    value += allWon(places, bankers, kind.sizes, unit);
  }
  return free ? value - totalOf(kind, unit, eachWay) : value;
}

// 1 + (odds - 1) * terms
function placeOdds({ n, d }, terms) {
  if (!/^\d+\/\d+$/.test(terms || "")) return null;
  const [a, b] = terms.split("/").map(BigInt);
  return { n: d * b + (n - d) * a, d: d * b };
}

// The elementary symmetric polynomials of the sizes, over one denominator.
function allWon(odds, bankers, sizes, unit) {
  let sums = [1n];
  let denominator = 1n;
  let always = 1n;
  odds.forEach(({ n, d }, index) => {
    denominator *= d;
    if (bankers[index]) always *= n;
    else sums = range(0, sums.length).map((size) => (sums[size] ?? 0n) * d + (sums[size - 1] ?? 0n) * n);
  });
  const chosen = sizes.reduce((sum, size) => sum + (sums[size] ?? 0n), 0n);
  return (unit * chosen * always) / denominator;
}

// Selections that bear on one another cannot be in one bet: [[name of the event, how many], …].
export function relatedOf(picks) {
  const events = new Map();
  for (const pick of picks) {
    const seen = events.get(pick.event_id) || [pick.event_name, 0];
    events.set(pick.event_id, [seen[0], seen[1] + 1]);
  }
  return [...events.values()].filter(([, count]) => count > 1);
}

// Each way is possible where all have place terms, and is the only way where one of them says so;
// then one without terms cannot be in the same bet: `apart`, names of events.
export function waysOf(picks) {
  const eachWay = picks.length > 0 && picks.every((pick) => pick.places > 0);
  const only = picks.find((pick) => pick.each_way_only);
  const without = picks.find((pick) => !(pick.places > 0));
  return { eachWay, only: eachWay && only !== undefined, apart: only && without ? [only.event_name, without.event_name] : null };
}

// The bodies of the requests: one, or of singles one each.
export function bodiesOf(kind, picks, { unit, eachWay, stakeKind, policy, currency }) {
  const common = { currency, price_policy: policy };
  if (eachWay) common.each_way = true;
  if (stakeKind !== "cash") common.stake_kind = stakeKind;
  const stake = exact(amountOf(eachWay ? unit * 2n : unit, currency));
  if (kind.id === "single" || kind.id === "singles") return picks.map((pick) => ({ ...legOf(pick), stake, ...common }));
  const withBankers = kind.id.startsWith("of:");
  const legs = picks.map((pick) => (withBankers && pick.banker ? { ...legOf(pick), banker: true } : legOf(pick)));
  if (kind.id === "multiple") return [{ type: "multiple", legs, stake, ...common }];
  const which = withBankers ? { system: kind.sizes } : { system_name: kind.id };
  return [{ type: "system", ...which, legs, unit_stake: exact(amountOf(unit, currency)), ...common }];
}

function legOf(pick) {
  const leg = { market_id: pick.market_id, selection_id: pick.selection_id, odds: exact(pick.odds), odds_version: exact(pick.odds_version) };
  if (pick.odds_exact) leg.odds_exact = pick.odds_exact;
  return leg;
}
