// test_placing.mjs - web/player/placing.js: bets on their way are asked for until they have an
// answer, under their key, and by who meant them.
import assert from "node:assert/strict";
import test from "node:test";

import { Placing, forget } from "../../web/player/placing.js";
import { exact, writeJson } from "../../web/shared/decimal.js";
import { Unanswered } from "../../web/shared/http.js";

// What a browser keeps of a tab.
const kept = new Map();
globalThis.sessionStorage = {
  getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key),
};

// Answers in turn; an Error is thrown.
function placing(...answers) {
  const said = { sent: [], answered: [], unanswered: null };
  const made = new Placing({
    api: {
      placeBet: async (body, key) => {
        said.sent.push([key, writeJson(body)]);
        const next = answers.shift();
        if (next instanceof Error) throw next;
        return next;
      },
    },
    onAnswer: (part, answer) => said.answered.push(answer.code),
    onUnanswered: (parts) => { said.unanswered = parts; },
    onRetry: () => {}, onChange: () => {},
  });
  return { made, said };
}

const bodies = [{ stake: exact("1.10") }, { stake: exact("2.20") }];

test("one after the other, each under a key of its own, and nothing is kept", async () => {
  const { made, said } = placing({ code: 201 }, { code: 409 });
  await made.place(bodies, 1);
  assert.deepEqual(said.answered, [201, 409]);
  assert.deepEqual(said.sent.map(([, body]) => body), ['{"stake":1.10}', '{"stake":2.20}']);
  assert.notEqual(said.sent[0][0], said.sent[1][0]);
  assert.equal(kept.size, 0);
});

test("what has no answer is kept with its key and its digits, and goes again after a reload", async () => {
  const before = placing({ code: 201 }, new Unanswered("net"));
  await before.made.place(bodies, 1);
  assert.equal(before.said.unanswered.length, 1);
  const after = placing({ code: 200 });
  await after.made.resume();
  assert.deepEqual(after.said.sent, [before.said.sent[1]]);
  assert.equal(kept.size, 0);
});

test("under a dead token the others are not sent, and never for somebody else", async () => {
  const { made, said } = placing({ code: 401 });
  await made.place(bodies, 1);
  assert.equal(said.sent.length, 1);
  await made.resume();
  assert.equal(said.sent.length, 1);
});

test("who comes next does not send what was left", async () => {
  const { made, said } = placing(new Unanswered("net"));
  await made.place(bodies, 1);
  forget();
  await made.resume();
  assert.equal(said.sent.length, 1);
});
