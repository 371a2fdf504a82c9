// test_explain.mjs - web/player/explain.js: what a settled bet is told to have returned.
import assert from "node:assert/strict";
import test from "node:test";

import { explain, money, price, returnOf, stakeOf } from "../../web/player/explain.js";

const bet = (result, payout, more = {}) => ({
  status: "SETTLED", stake: 10, odds: 2.05, currency: "GBP", payout, legs: [{ result, odds: 2.05 }], ...more,
});

test("every result of a single is explained with its sums", () => {
  assert.match(explain(bet("WON", 20.5))[0], /GBP 10\.00 times the price 2\.05.*GBP 20\.50/);
  assert.match(explain(bet("HALF_WON", 15.25))[0], /half of your stake \(5\.00\) won at 2\.05.*GBP 15\.25/);
  assert.match(explain(bet("HALF_LOST", 5))[0], /\(5\.00\) was lost.*returned.*GBP 5\.00/);
  assert.match(explain(bet("VOID", 10))[0], /push.*GBP 10\.00/);
  assert.match(explain(bet("LOST", 0))[0], /not returned/);
});

test("half of an odd stake keeps its half penny", () => {
  assert.match(explain(bet("HALF_LOST", 0.5, { stake: 1.01 }))[0], /\(0\.505\)/);
});

test("a correction is told with what was moved, not with the reversal between", () => {
  const lines = explain(bet("HALF_LOST", 5, {
    history: [{ event: "PLACED" }, { event: "SETTLED", settlement: 1, payout: 15.25, delta: 15.25 },
      { event: "REVERSED", settlement: 1, payout: 0, delta: -15.25, reverses: "0-7" },
      { event: "SETTLED", settlement: 2, payout: 5, delta: 5, reverses: "0-7" }],
  }));
  assert.equal(lines.length, 2);
  assert.match(lines[1], /was GBP 15\.25 and is now GBP 5\.00.*GBP 10\.25 was taken back/);
});

test("the server's explanation goes before ours", () => {
  assert.deepEqual(explain(bet("WON", 20.5, { explanation: ["You staked.", "You won."] })), ["You staked.", "You won."]);
});

test("between a reversal and the new settlement that is what is said", () => {
  assert.match(explain({ status: "PLACED", reason: "RESULT_CORRECTED", legs: [{}] })[0], /corrected/);
});

test("the result of a push stands beside the legs and counts", () => {
  const pushed = bet("OPEN", 15.25, { result: "HALF_WON" });
  assert.match(explain(pushed)[0], /^Half won/);
});

test("an open bet has nothing to explain", () => {
  assert.deepEqual(explain({ status: "PLACED", legs: [{}], history: [{ record: "placed" }] }), []);
});

test("a stake has at most two decimals and is positive", () => {
  assert.equal(stakeOf(" 12.5 "), 12.5);
  assert.equal(stakeOf("7,25"), 7.25);
  for (const bad of ["", "0", "-1", "1.001", "1e3", "NaN", "0.00", "12345678901"]) assert.equal(stakeOf(bad), null);
});

test("prices and money are shown with the places they have", () => {
  assert.equal(price(2.1), "2.10");
  assert.equal(price(1.6154), "1.6154");
  assert.equal(price(1.615), "1.615");
  assert.equal(price(null), "–");
  assert.equal(money(50, "GBP"), "GBP 50.00");
});

test("the return is exact where binary fractions are not", () => {
  assert.equal(returnOf(0.1, 3), 0.3);
  assert.equal(returnOf(1.1, 1.1), 1.21);
  assert.equal(returnOf(3.33, 1.333), 4.43);
});
