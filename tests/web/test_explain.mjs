// test_explain.mjs - web/player/explain.js and bet_view.js: what is told of a bet.
import assert from "node:assert/strict";
import test from "node:test";

import { badgeOf, decideAt, sumsOf, titleOf } from "../../web/player/bet_view.js";
import { explain } from "../../web/player/explain.js";

const bet = (more = {}) => ({ status: "WON", stake: "10.00", odds: "2.05", currency: "GBP", payout: "20.50", legs: [{}], ...more });

test("the server's sentences are told as they are", () => {
  assert.deepEqual(explain(bet({ explanation: ["You staked.", "You won."] })), ["You staked.", "You won."]);
});

test("a push without sentences says at least what was paid", () => {
  assert.deepEqual(explain(bet({ payout: 20.5 })), ["This bet returned £20.50."]);
});

test("a correction is told with what was moved, not with the reversal between", () => {
  const lines = explain(bet({
    payout: "5.00", explanation: ["You half lost."],
    history: [{ event: "PLACED" }, { event: "SETTLED", settlement: "1", payout: "15.25", delta: "15.25" },
      { event: "REVERSED", settlement: "1", payout: "0.00", delta: "-15.25", reverses: "0-7" },
      { event: "SETTLED", settlement: "2", payout: "5.00", delta: "5.00", reverses: "0-7" }],
  }));
  assert.equal(lines.length, 2);
  assert.match(lines[1], /was £15\.25 and is now £5\.00.*£10\.25 was taken back/);
});

test("between a reversal and the new settlement that is what is said", () => {
  assert.match(explain({ status: "PLACED", reason: "RESULT_CORRECTED", legs: [{}] })[0], /corrected/);
});

test("an open bet has nothing to explain", () => {
  assert.deepEqual(explain({ status: "PLACED", legs: [{}], history: [{ event: "PLACED" }] }), []);
});

test("a bet that was sold is told apart from one that was settled", () => {
  assert.deepEqual(badgeOf(bet({ status: "SETTLED", money: "CASHED_OUT" })), ["cashed_out", "Cashed out"]);
  assert.equal(badgeOf(bet({ status: "PLACED", money: "PART_CASHED" }))[1], "Open · part cashed out");
  assert.deepEqual(badgeOf(bet({ status: "SETTLED" })), ["settled", "Settled"]);
  assert.equal(sumsOf(bet({ status: "SETTLED", money: "CASHED_OUT", cashed_out: "14.20", payout: "0.00" })), "Stake £10.00 · cashed out for £14.20");
  assert.equal(sumsOf(bet({ status: "PLACED", money: "PART_CASHED", cashed_out: "7.10", stake_left: "5.00" })),
    "Stake £10.00 · cashed out for £7.10 · £5.00 still on");
  assert.equal(sumsOf(bet({ cashed_out: "0.00", money: "SETTLED" })), "Stake £10.00 · returned £20.50");
});

test("a bet has the name that it was placed under", () => {
  const legs = (count, bankers = 0) => Array.from({ length: count }, (_, index) => ({ selection_name: "S" + index, banker: index < bankers || undefined }));
  const named = (count, system, bankers) => titleOf({ type: "system", system, legs: legs(count, bankers) });
  assert.equal(titleOf({ type: "single", legs: legs(1), each_way: true }), "S0 each-way");
  assert.equal(titleOf({ type: "multiple", legs: legs(2) }), "Double");
  assert.equal(named(4, ["1", "2", "3", "4"]), "Lucky 15");
  assert.equal(named(3, [2, 3]), "Trixie");
  assert.equal(named(4, ["2"]), "Round robin by twos");
  assert.equal(named(4, ["2"], 1), "Banker with every 2 of 3");
  assert.equal(named(4, ["2", "4"]), "System 2,4 of 4");
});

test("the end of a wait is where it stands, in an answer or in the history", () => {
  assert.equal(decideAt({ status: "PENDING", decide_at: "2026-01-01T00:00:05Z" }), Date.parse("2026-01-01T00:00:05Z"));
  assert.equal(decideAt({ status: "PENDING", history: [{ event: "PENDING", decide_at: "2026-01-01T00:00:05Z" }] }), Date.parse("2026-01-01T00:00:05Z"));
  assert.equal(decideAt({ status: "PLACED", decide_at: "2026-01-01T00:00:05Z" }), null);
});
