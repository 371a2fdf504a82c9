// test_desk.mjs - web/desk: what a trader chose becomes the request that docs/PROTOCOL.md describes.
import assert from "node:assert/strict";
import test from "node:test";

import { wordOf } from "../../web/desk/referrals.js";
import { Incomplete, resultBody } from "../../web/desk/result_body.js";
import { claimsOf } from "../../web/desk/session.js";
import { spread, summary } from "../../web/desk/shards.js";
import { writeJson } from "../../web/shared/decimal.js";

const choice = (more = {}) => ({
  market: { market_id: "m" }, kind: "result", version: "3", reason: "seen", places: "1", model: "", score: ["", ""],
  from: "", until: "", selections: [], ...more,
});
const selection = (outcome, more = {}) => ({
  id: "a", outcome, share: "1/2", position: "", tied: "1", withdrawnAt: "2026-01-02T03:04:05Z", withdrawnOdds: "",
  reduction: "", reason: "", open: false, ...more,
});
const sent = (...selections) => JSON.parse(writeJson(resultBody(choice({ selections })))).markets[0];

test("words go as they are, and what has no outcome is not named", () => {
  assert.deepEqual(sent(selection("WON"), { ...selection(""), id: "b" }, { ...selection("HALF_LOST"), id: "c" }),
    { market_id: "m", kind: "result", selections: [{ selection_id: "a", result: "WON" }, { selection_id: "c", result: "HALF_LOST" }] });
});

test("a dead heat is a winner with its share", () => {
  assert.deepEqual(sent(selection("DEAD_HEAT", { share: "2/3" })).selections,
    [{ selection_id: "a", result: "WON", dead_heat_factor: "2/3" }]);
});

test("positions carry the market's places", () => {
  const market = JSON.parse(writeJson(resultBody(choice({ places: "3", selections: [selection("POSITION", { position: "2", tied: "2" })] })))).markets[0];
  assert.equal(market.places, 3);
  assert.deepEqual(market.selections, [{ selection_id: "a", position: 2, tied: 2 }]);
});

test("a withdrawn runner says when, and its price or what it takes, with its digits", () => {
  const text = writeJson(resultBody(choice({ selections: [selection("WITHDRAWN", { withdrawnOdds: "5.50", reason: "lame" })] })));
  assert.match(text, /"withdrawn_at":"2026-01-02T03:04:05\.000Z","withdrawn_odds":5\.50/);
  assert.match(text, /"reason":"lame"/);
  assert.equal(sent(selection("WITHDRAWN", { reduction: "12.5" })).selections[0].reduction_factor, 12.5);
  assert.throws(() => sent(selection("WITHDRAWN", { withdrawnOdds: "5", reduction: "10" })), Incomplete);
});

test("a score may stand alone, and has two sides", () => {
  assert.deepEqual(resultBody(choice({ score: ["2", "0"] })).markets, [{ market_id: "m", kind: "result", score: [2, 0], deduction_model: undefined }]);
  assert.throws(() => resultBody(choice({ score: ["2", ""] })), Incomplete);
});

test("a rollback names what is open again, or everything", () => {
  assert.deepEqual(resultBody(choice({ kind: "rollback", selections: [selection("WON")] })).markets, [{ market_id: "m", kind: "rollback" }]);
  assert.deepEqual(JSON.parse(writeJson(resultBody(choice({ kind: "rollback", selections: [selection("", { open: true })] })))).markets[0].selections,
    [{ selection_id: "a" }]);
});

test("a void has a window that may be open on each side", () => {
  const market = JSON.parse(writeJson(resultBody(choice({ kind: "cancel", from: "2026-01-02T03:04:05Z" })))).markets[0];
  assert.deepEqual(market, { market_id: "m", kind: "cancel", void_from: "2026-01-02T03:04:05.000Z" });
});

test("what is missing is said before anything is sent", () => {
  for (const wrong of [choice({ reason: "", selections: [selection("WON")] }), choice(), choice({ version: "x", selections: [selection("WON")] }),
    choice({ selections: [selection("DEAD_HEAT", { share: "half" })] }), choice({ selections: [selection("POSITION")] }),
    choice({ selections: [selection("WITHDRAWN", { withdrawnAt: "" })] })]) assert.throws(() => resultBody(wrong), Incomplete);
});

test("a token tells who bears it; anything else tells nothing", () => {
  const token = `h.${Buffer.from('{"sub":"tøm","exp":1}').toString("base64url")}.s`;
  assert.deepEqual(claimsOf(token), { sub: "tøm", exp: 1 });
  for (const bad of ["", "a.b.c", "x", `h.${Buffer.from("{}").toString("base64url")}.s`]) assert.equal(claimsOf(bad), null);
});

test("a word on a bet that waits says what was typed, with its digits, or what is wrong", () => {
  const typed = { reason: " known ", stake: "", odds: ["", ""], liftStake: false, liftLiability: false };
  const say = (word, more = {}) => wordOf(word, { ...typed, ...more }, "GBP");
  assert.deepEqual(say("reject", { stake: "5" }), { reason: "known" });
  assert.deepEqual(say("accept", { liftStake: true, stake: "5" }), { reason: "known", lift_stake: true });
  assert.equal(writeJson(say("offer", { stake: "20", odds: ["", "1,80"], liftLiability: true })),
    '{"reason":"known","lift_liability":true,"stake":20.00,"odds":[null,1.80]}');
  assert.equal(writeJson(say("offer", { odds: ["2.10", ""] })), '{"reason":"known","odds":[2.10]}');
  assert.match(say("accept", { reason: " " }), /Say why/);
  assert.match(say("offer"), /another stake, or another price/);
  assert.match(say("offer", { stake: "1.001" }), /amount/);
  assert.match(say("offer", { odds: ["evens", ""] }), /decimal/);
});

test("an answer says which shards have not got a word, and what that means", () => {
  assert.equal(spread(undefined), "");
  assert.equal(spread({ have_it: "2", away: [] }), "");
  assert.equal(spread({ have_it: "1", away: ["1"] }), "Shard 1 is away: it takes no bets before it has this.");
  assert.equal(spread({ have_it: "1", away: ["0", "2"], refused: ["1"] }),
    "Shards 0, 2 are away: they take no bets before they have this. Shard 1 refused it: it is not in force there.");
});

const shard = (number, more = {}) => ({ shard: number, attached: true, granted: true, lag_records: "0", bets_left: "0", ...more });

test("the line of the shards names those that are away first, and bets that are left", () => {
  assert.deepEqual(summary([shard("0")]), { text: "1 of 1 shard takes bets", notes: [], more: 0 });
  assert.deepEqual(summary([shard("0", { bets_left: "1" }), shard("1", { attached: false, granted: false, bets_left: "7" }),
    shard("2", { granted: false })]), {
    text: "1 of 3 shards take bets",
    notes: [{ bad: true, text: "Shard 1 is away · 7 bets to settle" }, { bad: true, text: "Shard 2 takes no bets" },
      { bad: false, text: "Shard 0: 1 bet to settle" }],
    more: 0,
  });
  const many = summary(Array.from({ length: 20 }, (_, n) => shard(String(n), { attached: false })));
  assert.deepEqual([many.notes.length, many.more], [8, 12]);
});
