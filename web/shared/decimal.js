// decimal.js - numbers as the digits that they were written with. JSON numbers are read as texts
// and written from texts, so that no amount and no price passes through binary floating point.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const DIGITS = /^-?\d+(\.\d+)?$/;

// Every number of the JSON becomes the text of its digits.
export function parseJson(text) {
  return JSON.parse(text.replace(TOKEN, (token) => (token[0] === '"' ? token : `"${token}"`)));
}

// A number of these digits, for writeJson.
export class Exact {
  constructor(text) {
    if (!DIGITS.test(text)) throw new RangeError("no decimal: " + text);
    this.text = text;
  }

  // How it is kept by JSON.stringify, for revive.
  toJSON() {
    return { $exact: this.text };
  }
}

// For JSON.parse of what JSON.stringify kept.
export const revive = (key, value) => (value && value.$exact !== undefined ? new Exact(value.$exact) : value);

export const exact = (text) => new Exact(String(text));

// As JSON.stringify, but an Exact is written as it is.
export function writeJson(value) {
  if (value instanceof Exact) return value.text;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members.map(([key, each]) => JSON.stringify(key) + ":" + writeJson(each)).join(",")}}`;
}

// "2.05" with 4 places is 20500n. Null for what is no decimal, or has more digits than that:
// nothing is rounded here. A number of the price stream counts as the digits that it prints as,
// which are those that were sent as long as there are at most 15 of them.
export function scaled(text, places) {
  const digits = String(text ?? "");
  if (!DIGITS.test(digits)) return null;
  const [whole, part = ""] = digits.replace("-", "").split(".");
  const kept = part.replace(/0+$/, "");
  if (kept.length > places) return null;
  const value = BigInt(whole + kept.padEnd(places, "0"));
  return digits[0] === "-" ? -value : value;
}

// The other way: 20500n with 4 places is "2.0500".
export function unscaled(value, places) {
  const digits = String(value < 0n ? -value : value).padStart(places + 1, "0");
  const sign = value < 0n ? "-" : "";
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

export function greatestDivisor(a, b) {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}
