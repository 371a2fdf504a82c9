// odds.js - prices in the formats that people read (BETTING-RULES 4.10). A price is an exact
// fraction: of `odds_exact` where there is one, else of the decimal digits. What is shown is
// derived from it and never sent; a shown fraction is exact, or it is no fraction.

import { greatestDivisor, scaled } from "./decimal.js";

export const FORMATS = [["decimal", "Decimal"], ["fractional", "Fractions"], ["us", "US"]];
const PLACES = 8;

// {n, d}: decimal odds n/d; null without a price.
export function fractionOf(odds, oddsExact) {
  if (oddsExact) {
    const [n, d] = oddsExact.split("/").map(BigInt);
    return { n, d };
  }
  const n = scaled(odds, PLACES);
  return n === null ? null : reduced(n, 10n ** BigInt(PLACES));
}

function reduced(n, d) {
  const by = greatestDivisor(n, d);
  return by === 0n ? null : { n: n / by, d: d / by };
}

// The text of a price, "–" where there is none.
export function price(odds, format = "decimal", oddsExact = undefined) {
  const fraction = odds === undefined || odds === null ? null : fractionOf(odds, oddsExact);
  if (!fraction) return "–";
  if (format === "fractional") return fractional(fraction);
  if (format === "us") return american(fraction);
  return decimal(fraction);
}

// At least two places, at most four, rounded half up where the price has more.
function decimal(fraction) {
  const text = ratio(fraction, 4);
  return text.replace(/0{1,2}$/, "");
}

// 6/4 is written 6/4 by bookmakers, 3/2 by us: the lowest terms.
function fractional({ n, d }) {
  const won = reduced(n - d, d);
  return won ? `${won.n}/${won.d}` : "0/1";
}

// +150: what a stake of 100 wins; -200: the stake that wins 100. Two places at most.
function american({ n, d }) {
  const won = n - d;
  if (won <= 0n) return "–";
  const value = won >= d ? { n: won * 100n, d } : { n: d * 100n, d: won };
  return (won >= d ? "+" : "-") + ratio(value, 2).replace(/\.?0+$/, "");
}

// n/d with so many places, half up.
function ratio({ n, d }, places) {
  const scale = 10n ** BigInt(places);
  const value = (n * scale * 2n + d) / (d * 2n);
  const digits = String(value).padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
