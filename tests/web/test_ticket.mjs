// test_ticket.mjs - web/player/ticket.js and answers.js: which bets a slip makes, what they cost and
// return, what is sent, and what becomes of a refusal.
import assert from "node:assert/strict";
import test from "node:test";

import { answerOf, whyNot } from "../../web/player/answers.js";
import { partOf } from "../../web/player/cash_out.js";
import { offerOfPush, offerText } from "../../web/player/offer.js";
import { bodiesOf, choose, kindsOf, linesText, relatedOf, returnOf, totalOf, waysOf } from "../../web/player/ticket.js";
import { exact, revive, writeJson } from "../../web/shared/decimal.js";
import { price } from "../../web/shared/odds.js";

const pick = (odds, more = {}) => ({
  market_id: "m", selection_id: "s", event_id: "e", event_name: "E", odds, odds_version: 17, banker: false, places: 0, ...more,
});
const picks = (...odds) => odds.map((each, index) => pick(each, { market_id: "m" + index, event_id: "e" + index }));
const kind = (id, legs, bankers) => kindsOf(legs, bankers).find((each) => each.id === id);
const money = { unit: 100n, eachWay: false, free: false };
const order = { unit: 100n, eachWay: false, stakeKind: "cash", policy: "better", currency: "GBP" };
const sent = (...args) => bodiesOf(...args).map((body) => JSON.parse(writeJson(body)));

test("every named bet has the lines of the betting rules, section 4.5", () => {
  for (const [id, legs, lines] of [["TRIXIE", 3, 4], ["PATENT", 3, 7], ["YANKEE", 4, 11], ["LUCKY_15", 4, 15], ["CANADIAN", 5, 26],
    ["LUCKY_31", 5, 31], ["HEINZ", 6, 57], ["LUCKY_63", 6, 63], ["SUPER_HEINZ", 7, 120], ["GOLIATH", 8, 247]]) {
    assert.equal(kind(id, legs).lines, lines, id);
    assert.equal(kind(id, legs + 1), undefined);
  }
  assert.equal(choose(30, 15), 155117520);
});

test("what is offered follows from the number of selections and bankers", () => {
  assert.deepEqual(kindsOf(1).map((each) => each.text), ["Single"]);
  assert.deepEqual(kindsOf(2).map((each) => each.text), ["2 singles", "Double"]);
  assert.deepEqual(kindsOf(3).map((each) => each.text), ["3 singles", "Treble", "Trixie", "Patent", "Round robin by twos"]);
  assert.deepEqual(kindsOf(4, 1).map((each) => each.text), ["4-fold", "Banker with every 1 of 3", "Banker with every 2 of 3"]);
  assert.deepEqual(kindsOf(2, 1).map((each) => each.text), ["Double"]);
});

test("lines and total stake, each way twice as many", () => {
  const lucky = kind("LUCKY_15", 4);
  assert.equal(linesText(lucky, false), "15 lines");
  assert.equal(linesText(lucky, true), "30 lines");
  assert.equal(linesText(kind("single", 1), false), "1 line");
  assert.equal(linesText(kind("singles", 3), false), "3 bets");
  assert.equal(totalOf(lucky, 50n, true), 1500n);
});

test("what all winners return is exact", () => {
  assert.equal(returnOf(kind("single", 1), picks("1.1"), { ...money, unit: 110n }), 121n);
  assert.equal(returnOf(kind("multiple", 3), picks("2.00", "1.75", "2.05"), money), 717n);
  assert.equal(returnOf(kind("LUCKY_15", 4), picks("2", "2", "2", "2"), money), 8000n);
  assert.equal(returnOf(kind("TRIXIE", 3), picks("2", "3", "4"), money), 5000n);
  assert.equal(returnOf(kind("singles", 2), picks("2", "3"), money), 500n);
  assert.equal(returnOf(kind("single", 1), [pick("1.9091", { odds_exact: "21/11" })], { ...money, unit: 1100n }), 2100n);
  assert.equal(returnOf(kind("single", 1), [pick(null)], money), null);
});

test("bankers stand in every line", () => {
  const [a, b, c] = picks("2", "3", "4");
  assert.equal(returnOf(kind("of:1", 3, 1), [{ ...a, banker: true }, b, c], money), 1400n);
});

test("each way is half to win and half to be placed at the terms", () => {
  const placed = { places: 3, place_terms: "1/5" };
  assert.equal(returnOf(kind("single", 1), [pick("6.00", placed)], { ...money, eachWay: true }), 800n);
  assert.equal(returnOf(kind("multiple", 2), [pick("6.00", placed), pick("11.00", placed)], { ...money, eachWay: true }), 7200n);
  assert.equal(returnOf(kind("single", 1), [pick("6.00")], { ...money, eachWay: true }), null);
});

test("a free bet returns its winnings alone", () => {
  assert.equal(returnOf(kind("multiple", 2), picks("2", "3"), { ...money, free: true }), 500n);
});

test("selections of one event are told by its name", () => {
  assert.deepEqual(relatedOf([...picks("2", "3"), pick("4", { event_id: "e1", event_name: "E" })]), [["E", 2]]);
  assert.deepEqual(relatedOf(picks("2", "3")), []);
});

test("a single's request, with the digits of its price", () => {
  const [body] = bodiesOf(kind("single", 1), picks("2.10"), order);
  assert.equal(writeJson(body), '{"market_id":"m0","selection_id":"s","odds":2.10,"odds_version":17,"stake":1.00,"currency":"GBP","price_policy":"better"}');
});

test("singles are a request each, a multiple and a system one", () => {
  assert.equal(sent(kind("singles", 3), picks("2", "3", "4"), order).length, 3);
  const [multiple] = sent(kind("multiple", 2), picks("2", "3"), { ...order, eachWay: true, stakeKind: "free" });
  assert.deepEqual([multiple.type, multiple.stake, multiple.each_way, multiple.stake_kind, multiple.legs.length], ["multiple", 2, true, "free", 2]);
  const [lucky] = sent(kind("LUCKY_15", 4), picks("2", "3", "4", "5"), { ...order, eachWay: true });
  assert.deepEqual([lucky.type, lucky.system_name, lucky.unit_stake, lucky.stake], ["system", "LUCKY_15", 1, undefined]);
  const [robin] = sent(kind("of:1", 3, 1), picks("2", "3", "4").map((each, index) => ({ ...each, banker: index === 0 })), order);
  assert.deepEqual([robin.system, robin.legs[0].banker, robin.legs[1].banker], [[1], true, undefined]);
});

const show = (odds, oddsExact) => price(odds, "decimal", oddsExact);
const part = (body, lines = 1) => ({ body: { currency: "GBP", ...body }, lines });

test("a higher limit is answered with the stake that passes", () => {
  const refused = { code: 422, body: { code: "STAKE_LIMIT", stake_max: "3.20" } };
  const single = answerOf(refused, part({ stake: exact("10.00") }), show);
  assert.match(single.text, /Accept £3\.20 instead\?/);
  assert.equal(single.again.body.stake.text, "3.20");
  const system = answerOf(refused, part({ unit_stake: exact("1.00") }, 15), show);
  assert.match(system.text, /Accept £3\.15/);
  assert.equal(system.again.body.unit_stake.text, "0.21");
  assert.equal(answerOf({ code: 422, body: { code: "LIABILITY_LIMIT", stake_max: "0.00" } }, part({ stake: exact("1.00") }), show).again, undefined);
});

test("a moved price is put to the customer, of several legs that leg's", () => {
  const moved = { code: 409, body: { code: "ODDS_CHANGED", odds: "1.80", odds_version: "21" } };
  const single = answerOf(moved, part({ odds: exact("2.00"), stake: exact("1") }), show);
  assert.match(single.text, /from 2\.00 to 1\.80/);
  assert.deepEqual([single.again.body.odds.text, single.again.body.odds_version.text], ["1.80", "21"]);
  const double = answerOf({ ...moved, body: { ...moved.body, leg: "2" } }, part({ legs: [{ odds: exact("3.00") }, { odds: exact("2.00") }] }), show);
  assert.deepEqual(double.again.body.legs.map((leg) => leg.odds.text), ["3.00", "1.80"]);
});

test("what was placed, waits, was placed before, or was refused is said so", () => {
  const body = { bet_id: "1", stake: "15.00", potential_return: "80.00", currency: "GBP" };
  assert.match(answerOf({ code: 201, body }, part({}), show).text, /^Placed: £15\.00, would return £80\.00\.$/);
  assert.match(answerOf({ code: 200, body, replayed: true }, part({}), show).text, /already; not twice/);
  assert.equal(answerOf({ code: 202, body }, part({}), show).kind, "wait");
  assert.match(answerOf({ code: 422, body: { code: "RELATED_LEGS" } }, part({}), show).text, /one event/);
  assert.match(answerOf({ code: 503, body: {} }, part({}), show).text, /busy/);
  assert.match(whyNot("SCORE_CHANGED"), /score/);
});

test("an offer of the desk is told with its prices, pushed and read alike", () => {
  const push = { offer_id: "0-29", stake: "20.00", potential_return: "36.00", valid_until: "t", balance: "1.00",
    legs: [{ selection_name: "Home", odds: "1.80" }] };
  const offer = offerOfPush(push);
  assert.deepEqual(offer, { offer_id: "0-29", stake: "20.00", potential_return: "36.00", valid_until: "t",
    prices: [{ leg: "1", odds: "1.80", odds_exact: undefined }] });
  const single = { currency: "GBP", legs: [{ selection_name: "Home" }] };
  assert.equal(offerText(offer, single, show), "The desk offers £20.00 at 1.80, would return £36.00.");
  const double = { currency: "GBP", legs: [{ selection_name: "Home" }, { selection_name: "Away" }] };
  assert.match(offerText({ ...offer, prices: [{ leg: "2", odds: "3.00" }] }, double, show), / at Away 3\.00, would/);
  assert.match(offerText({ ...offer, prices: [] }, single, show), /offers £20\.00, would/);
});

test("what waits for an answer is kept with its digits", () => {
  const kept = JSON.parse(JSON.stringify({ stake: exact("0.10"), odds: 2 }), revive);
  assert.equal(writeJson(kept), '{"stake":0.10,"odds":2}');
});

test("each way is possible with terms everywhere, and the only way where a selection says so", () => {
  const terms = { places: 3, place_terms: "1/5" };
  const both = pick("6.00", terms);
  const only = pick("6.00", { ...terms, event_name: "2.30", each_way_only: true });
  assert.deepEqual(waysOf([]), { eachWay: false, only: false, apart: null });
  assert.deepEqual(waysOf([both]), { eachWay: true, only: false, apart: null });
  assert.deepEqual(waysOf([both, only]), { eachWay: true, only: true, apart: null });
  assert.deepEqual(waysOf([only, pick("2.00")]), { eachWay: false, only: false, apart: ["2.30", "E"] });
  assert.deepEqual(waysOf([both, pick("2.00")]), { eachWay: false, only: false, apart: null });
});

test("a part of an offer is rounded down", () => {
  assert.equal(partOf(14251n, "0.5"), 7125n);
  assert.equal(partOf(14251n, "1"), 14251n);
  assert.equal(partOf(3n, "0.25"), 0n);
});
