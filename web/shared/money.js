// money.js - amounts of a currency: decimal texts outside, whole minor units in sums.

import { scaled, unscaled } from "./decimal.js";

const SIGNS = { GBP: "£", EUR: "€", USD: "$" };
const scales = new Map();

// Decimal places of a currency (ISO 4217, as the browser knows it).
export function scaleOf(currency) {
  if (!scales.has(currency)) scales.set(currency, lookUp(currency));
  return scales.get(currency);
}

function lookUp(currency) {
  try {
    const format = new Intl.NumberFormat("en", { style: "currency", currency });
    return format.resolvedOptions().maximumFractionDigits;
  } catch {
    return 2;
  }
}

// Minor units; null for what is no amount of the currency.
export function minorOf(amount, currency) {
  return scaled(amount, scaleOf(currency));
}

// "12.30": an amount as requests have it.
export function amountOf(minor, currency) {
  return unscaled(minor, scaleOf(currency));
}

// What somebody typed, as an amount above nothing: " 12,5 " is "12.50". Null for anything else.
export function amountTyped(text, currency) {
  const typed = text.trim().replace(",", ".");
  if (!/^\d{1,9}(\.\d*)?$/.test(typed)) return null;
  const minor = minorOf(typed.replace(/\.$/, ""), currency);
  return minor !== null && minor > 0n ? amountOf(minor, currency) : null;
}

// "£1,234.50", "-£3.20", "JPY 500"
export function money(amount, currency = "") {
  if (amount === undefined || amount === null) return "–";
  const text = plain(String(amount), currency);
  const [whole, part] = text.replace("-", "").split(".");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
  return (text[0] === "-" ? "-" : "") + (SIGNS[currency] ?? (currency ? currency + " " : "")) + digits;
}

function plain(text, currency) {
  const minor = minorOf(text, currency);
  return minor === null ? text : amountOf(minor, currency);
}

export const moneyOf = (minor, currency) => money(amountOf(minor, currency), currency);
