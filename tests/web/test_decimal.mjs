// test_decimal.mjs - web/shared: digits that stay what they are, amounts, prices as people read them.
import assert from "node:assert/strict";
import test from "node:test";

import { exact, parseJson, scaled, unscaled, writeJson } from "../../web/shared/decimal.js";
import { amountOf, amountTyped, minorOf, money, moneyOf } from "../../web/shared/money.js";
import { price } from "../../web/shared/odds.js";

test("numbers are read as the digits that were sent, and texts stay texts", () => {
  assert.deepEqual(parseJson('{"a":142.50,"b":[-1,9007199254740993],"c":"1.5 \\"2\\" 3","d":null,"e":true}'),
    { a: "142.50", b: ["-1", "9007199254740993"], c: '1.5 "2" 3', d: null, e: true });
  assert.throws(() => parseJson("{"));
});

test("amounts are written with the digits they have", () => {
  assert.equal(writeJson({ stake: exact("0.10"), n: 3, text: "1.20", none: undefined, list: [exact("2"), null] }),
    '{"stake":0.10,"n":3,"text":"1.20","list":[2,null]}');
  for (const bad of ["", "1e3", "NaN", "1.", ".5", "1;2"]) assert.throws(() => exact(bad), RangeError);
});

test("scaling refuses what it would have to round", () => {
  assert.equal(scaled("2.05", 4), 20500n);
  assert.equal(scaled("-0.5", 2), -50n);
  assert.equal(scaled("1.230000", 2), 123n);
  assert.equal(scaled("1.001", 2), null);
  assert.equal(scaled("x", 2), null);
  assert.equal(unscaled(-5n, 2), "-0.05");
  assert.equal(unscaled(500n, 0), "500");
});

test("an amount has the places of its currency", () => {
  assert.equal(minorOf("1.1", "GBP"), 110n);
  assert.equal(minorOf("1.5", "JPY"), null);
  assert.equal(amountOf(1100n, "KWD"), "1.100");
  assert.equal(money("1234567.5", "GBP"), "£1,234,567.50");
  assert.equal(money("-3.2", "EUR"), "-€3.20");
  assert.equal(money("500", "JPY"), "JPY 500");
  assert.equal(money(null), "–");
  assert.equal(moneyOf(90071992547409931n, "GBP"), "£900,719,925,474,099.31");
});

test("what is typed is an amount, or nothing", () => {
  assert.equal(amountTyped(" 12.5 ", "GBP"), "12.50");
  assert.equal(amountTyped("7,25", "GBP"), "7.25");
  assert.equal(amountTyped("7.", "GBP"), "7.00");
  for (const bad of ["", "0", "-1", "1.001", "1e3", "NaN", "0.00", "12345678901"]) assert.equal(amountTyped(bad, "GBP"), null);
});

test("the table of prices of the betting rules, section 4.10", () => {
  for (const [odds, fraction, us] of [["1.50", "1/2", "-200"], ["2.00", "1/1", "+100"], ["2.50", "3/2", "+150"], ["3.00", "2/1", "+200"]]) {
    assert.equal(price(odds), odds);
    assert.equal(price(odds, "fractional"), fraction);
    assert.equal(price(odds, "us"), us);
  }
});

test("an exact price is converted, not its decimal: -110 is 21/11", () => {
  assert.equal(price("1.9091", "us", "21/11"), "-110");
  assert.equal(price("1.9091", "fractional", "21/11"), "10/11");
  assert.equal(price("1.6667", "fractional", "5/3"), "2/3");
  assert.equal(price("1.6667", "decimal", "5/3"), "1.6667");
});

test("a decimal price shows at least two places and at most four", () => {
  assert.equal(price("2.1"), "2.10");
  assert.equal(price(2.1), "2.10");
  assert.equal(price("1.615"), "1.615");
  assert.equal(price("1.6154"), "1.6154");
  assert.equal(price(null), "–");
  assert.equal(price(undefined, "us"), "–");
});
