// test_api.mjs - web/shared/http.js: one bet, one key, however often it has to be sent.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test from "node:test";

import { Api } from "../../web/player/api.js";
import { Unanswered, newKey } from "../../web/shared/http.js";

function answer(status, body = {}, headers = {}) {
  return { status, headers: new Map(Object.entries(headers)), text: async () => JSON.stringify(body) };
}

// Answers in turn; an Error is thrown as a broken network does.
function apiWith(...answers) {
  const sent = [];
  const slept = [];
  const api = new Api({
    token: "t", random: () => 0.5, sleep: async (ms) => slept.push(ms),
    fetch: async (url, request) => {
      sent.push({ url, ...request });
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next instanceof Error) throw next;
      return next;
    },
  });
  return { api, sent, slept };
}

const bet = { market_id: "m", selection_id: "s", odds: 2.1, stake: 10 };

test("a bet goes again under the same key until there is an answer", async () => {
  const { api, sent, slept } = apiWith(new Error("net"), answer(503), answer(201, { bet_id: "b1" }));
  const got = await api.placeBet(bet, "k1");
  assert.equal(got.code, 201);
  assert.equal(got.body.bet_id, "b1");
  assert.deepEqual(sent.map((request) => request.headers["Idempotency-Key"]), ["k1", "k1", "k1"]);
  assert.equal(new Set(sent.map((request) => request.body)).size, 1);
  assert.equal(sent[0].headers.Authorization, "Bearer t");
  assert.deepEqual(slept, [300, 800]);
});

test("amounts of an answer are the digits that were sent", async () => {
  const { api } = apiWith({ status: 200, headers: new Map(), text: async () => '{"available":100.10,"open_bets":3}' });
  assert.deepEqual((await api.account()).body, { available: "100.10", open_bets: "3" });
});

test("a refusal is an answer and is not sent again", async () => {
  const { api, sent } = apiWith(answer(409, { code: "ODDS_CHANGED", odds: 2.05 }));
  const got = await api.placeBet(bet, "k1");
  assert.equal(got.body.code, "ODDS_CHANGED");
  assert.equal(sent.length, 1);
});

test("Retry-After is heeded, up to a bound", async () => {
  const { api, slept } = apiWith(answer(429, {}, { "Retry-After": "3" }),
    answer(429, {}, { "Retry-After": "9999" }), answer(201, {}));
  await api.placeBet(bet, "k1");
  assert.deepEqual(slept, [3000, 10000]);
});

test("without any answer it says so instead of guessing", async () => {
  const { api, sent } = apiWith(new Error("net"));
  await assert.rejects(api.placeBet(bet, "k1"), Unanswered);
  assert.equal(sent.length, 6);
});

test("an answer that breaks off in its body is no answer", async () => {
  const broken = { status: 201, headers: new Map(), text: async () => { throw new Error("cut"); } };
  const { api, sent } = apiWith(broken, answer(200, { bet_id: "b1" }, { "Idempotent-Replayed": "true" }));
  const got = await api.placeBet(bet, "k1");
  assert.equal(got.replayed, true);
  assert.equal(sent.length, 2);
});

test("keys differ, also where randomUUID is not to be had", () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  const poor = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
  for (const value of [webcrypto, poor]) {
    Object.defineProperty(globalThis, "crypto", { value, configurable: true });
    assert.notEqual(newKey(), newKey());
    assert.ok(newKey().length >= 32 && newKey().length <= 64);
  }
  if (before) Object.defineProperty(globalThis, "crypto", before);
  else delete globalThis.crypto; // node 18 has none
});

test("bets are read newest first, page by page", async () => {
  const { api, sent } = apiWith(answer(200, { bets: [], next_cursor: "17" }));
  await api.bets(null);
  await api.bets("17");
  assert.deepEqual(sent.map((request) => request.url),
    ["/v1/bets?order=desc", "/v1/bets?order=desc&cursor=17"]);
});
