// test_stream.mjs - web/client with a fake socket and fake timers: node --test tests/web/*.mjs
import assert from "node:assert/strict";
import test from "node:test";

import { decodeCbor, MarketBook, PLACING_MAX, Stream } from "../../web/client/index.js";

const CHANNEL = "sport:football";

function market(id, version, odds = 2.1) {
  return {
    market_id: id, event_id: "e1", event_name: "A v B", name: "Match result", kind: "1x2",
    status: "active", odds_version: version, in_play: true, bet_delay_ms: 0,
    selections: [
      { id: "home", name: "A", odds, status: "active" },
      { id: "away", name: "B", odds: 3.5, status: "active" },
    ],
  };
}

function snapshot(seq, markets, more = {}) {
  return { op: "snapshot", channel: CHANNEL, seq, sid: "node-1", markets, ...more };
}

function delta(seq, id, version, odds, more = {}) {
  return {
    op: "delta", channel: CHANNEL, seq, market_id: id, odds_version: version, status: "active",
    selections: [{ id: "home", odds, status: "active" }], feed_ts: "2026-01-01T00:00:00.000Z", ...more,
  };
}

function bookWith(...markets) {
  const book = new MarketBook();
  book.apply(snapshot(10, markets));
  return book;
}

const homeOdds = (book, id = "m1") => book.markets.get(id).selections[0].odds;

test("a snapshot and then deltas in order", () => {
  const book = bookWith(market("m1", 5), market("m2", 1));
  assert.deepEqual(book.apply(delta(11, "m1", 6, 2.2)), { changed: ["m1"], resync: null });
  assert.deepEqual(book.apply(delta(12, "m2", 2, 1.9)), { changed: ["m2"], resync: null });
  assert.equal(homeOdds(book), 2.2);
  assert.equal(book.markets.get("m1").selections[1].odds, 3.5); // not in the delta: unchanged
  assert.equal(book.markets.get("m1").name, "Match result");
});

test("a missing seq asks for a resync and shows nothing that came after the gap", () => {
  const book = bookWith(market("m1", 5));
  assert.deepEqual(book.apply(delta(12, "m1", 7, 9.9)), { changed: [], resync: CHANNEL });
  assert.equal(homeOdds(book), 2.1);
  // Until the answer comes deltas are neither used nor a reason to ask again.
  assert.deepEqual(book.apply(delta(13, "m1", 8, 8.8)), { changed: [], resync: null });
  book.apply(snapshot(13, [market("m1", 8, 8.8)]));
  assert.deepEqual(book.apply(delta(14, "m1", 9, 8.7)), { changed: ["m1"], resync: null });
});

test("a repeated seq is dropped without a resync", () => {
  const book = bookWith(market("m1", 5));
  book.apply(delta(11, "m1", 6, 2.2));
  assert.deepEqual(book.apply(delta(11, "m1", 6, 2.2)), { changed: [], resync: null });
  assert.deepEqual(book.apply(delta(4, "m1", 99, 7)), { changed: [], resync: null });
  assert.equal(homeOdds(book), 2.2);
});

test("an older version never replaces a newer one, by delta, snapshot or image", () => {
  const book = bookWith(market("m1", 50, 2.5));
  book.apply(delta(11, "m1", 49, 1.1));
  assert.equal(homeOdds(book), 2.5);
  book.apply(snapshot(3, [market("m1", 40, 1.2)], { sid: "node-2" }));
  assert.equal(homeOdds(book), 2.5);
  book.apply({ op: "image", channel: CHANNEL, seq: 4, market: market("m1", 41, 1.3) });
  assert.equal(homeOdds(book), 2.5);
  assert.equal(book.markets.get("m1").odds_version, 50);
  book.apply(delta(5, "m1", 51, 2.6)); // and the newer one still comes through
  assert.equal(homeOdds(book), 2.6);
});

test("versions of a new epoch are higher, beyond 32 bits too", () => {
  const book = bookWith(market("m1", 2 * 2 ** 32 + 7, 2.0));
  book.apply(delta(11, "m1", 3 * 2 ** 32 + 1, 2.4));
  assert.equal(homeOdds(book), 2.4);
  book.apply(delta(12, "m1", 2 * 2 ** 32 + 8, 9));
  assert.equal(homeOdds(book), 2.4);
});

test("a delta on an unknown market or selection asks for a resync", () => {
  const book = bookWith(market("m1", 5));
  assert.equal(book.apply(delta(11, "m9", 1, 2)).resync, CHANNEL);
  const other = bookWith(market("m1", 5));
  const frame = delta(11, "m1", 6, 2);
  frame.selections[0].id = "draw";
  assert.equal(other.apply(frame).resync, CHANNEL);
  assert.equal(other.markets.get("m1").odds_version, 5);
});

test("a change of sid in a delta asks for a resync", () => {
  const book = bookWith(market("m1", 5));
  assert.equal(book.apply(delta(11, "m1", 6, 2, { sid: "node-2" })).resync, CHANNEL);
});

test("after skipped only the image counts, and seq goes on where skipped said", () => {
  const book = bookWith(market("m1", 5), market("m2", 5));
  book.apply({ op: "skipped", channel: CHANNEL, seq: 14, market_id: "m1", changes: 4 });
  assert.equal(book.markets.get("m1").awaiting, true);
  assert.deepEqual(book.have(), { m2: 5 });
  assert.deepEqual(book.apply(delta(15, "m1", 9, 9.9)), { changed: [], resync: null });
  assert.equal(homeOdds(book), 2.1);
  book.apply({ op: "image", channel: CHANNEL, seq: 15, market: market("m1", 9, 3.3) });
  assert.equal(homeOdds(book), 3.3);
  assert.ok(!book.markets.get("m1").awaiting);
  assert.deepEqual(book.apply(delta(16, "m1", 10, 3.4)), { changed: ["m1"], resync: null });
});

test("removed takes the market away and keeps the count", () => {
  const book = bookWith(market("m1", 5), market("m2", 5));
  assert.deepEqual(book.apply({ op: "removed", channel: CHANNEL, seq: 11, market_id: "m1" }).changed, ["m1"]);
  assert.ok(!book.markets.has("m1"));
  assert.equal(book.apply(delta(12, "m2", 6, 4)).resync, null);
  assert.equal(book.apply({ op: "removed", channel: CHANNEL, seq: 14, market_id: "m2" }).resync, CHANNEL);
});

test("a full snapshot drops what it does not list; a partial one keeps it", () => {
  const book = bookWith(market("m1", 5), market("m2", 5));
  book.apply(snapshot(20, [market("m2", 6)], { partial: true }));
  assert.ok(book.markets.has("m1"));
  const { changed } = book.apply(snapshot(30, [market("m2", 7)]));
  assert.ok(!book.markets.has("m1"));
  assert.ok(changed.includes("m1"));
});

test("a market of two channels stays while one of them has it", () => {
  const book = bookWith(market("m1", 5));
  book.apply({ op: "snapshot", channel: "event:e1", seq: 1, sid: "node-1", markets: [market("m1", 5)] });
  book.apply(snapshot(30, []));
  assert.ok(book.markets.has("m1"));
});

test("a new price without an exact form drops the old exact form", () => {
  const m = market("m1", 5);
  m.selections[0].odds_exact = "21/13";
  const book = bookWith(m);
  book.apply(delta(11, "m1", 6, 1.7));
  assert.equal(book.markets.get("m1").selections[0].odds_exact, undefined);
});

// A world in which time passes only when told to.
function world(options = {}) {
  const w = { nowMs: 0, sockets: [], timers: new Map(), nextTimer: 1, states: [], changed: [], frames: [] };
  class Socket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, readyState: 0, sent: [], closed: false });
      w.sockets.push(this);
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.closed = true;
      this.readyState = 3;
    }
    open() {
      this.readyState = 1;
      this.onopen();
    }
    receive(frame) {
      this.onmessage({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }
    lose(code) {
      this.readyState = 3;
      this.onclose({ code });
    }
  }
  w.pass = (ms) => {
    const end = w.nowMs + ms;
    for (;;) {
      const due = [...w.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      w.timers.delete(due[0]);
      w.nowMs = due[1].at;
      due[1].call();
    }
    w.nowMs = end;
  };
  w.stream = new Stream({
    url: "ws://test/v1/stream", channels: [CHANNEL], token: "a.b.c", WebSocket: Socket,
    setTimeout: (call, ms) => {
      w.timers.set(w.nextTimer, { at: w.nowMs + ms, call });
      return w.nextTimer++;
    },
    clearTimeout: (timer) => w.timers.delete(timer),
    random: () => 0.5, now: () => w.nowMs,
    onState: (state, ms) => w.states.push([state, ms]),
    onChange: (ids) => w.changed.push(...ids),
    onFrame: (frame) => w.frames.push(frame.op),
    ...options,
  });
  Object.defineProperty(w, "socket", { get: () => w.sockets.at(-1) });
  w.live = (markets = [market("m1", 5)]) => {
    w.stream.begin();
    w.socket.open();
    w.socket.receive(snapshot(10, markets));
  };
  return w;
}

test("it subscribes with the token as subprotocol and is live with the snapshot", () => {
  const w = world();
  w.stream.begin();
  assert.deepEqual(w.socket.protocols, ["bearer.a.b.c"]);
  w.socket.open();
  assert.deepEqual(w.socket.sent, [{ op: "subscribe", channels: [CHANNEL], conflate_ms: 0 }]);
  assert.equal(w.stream.state, "connecting");
  w.socket.receive(snapshot(10, [market("m1", 5)]));
  assert.equal(w.stream.state, "live");
  assert.deepEqual(w.changed, ["m1"]);
});

test("a gap sends one resume with the versions held, and the answer heals it", () => {
  const w = world();
  w.live();
  w.socket.receive(delta(12, "m1", 7, 9));
  w.socket.receive(delta(13, "m1", 8, 9));
  assert.deepEqual(w.socket.sent.slice(1), [
    { op: "resume", channels: [CHANNEL], sid: "node-1", seq: { [CHANNEL]: 10 }, have: { m1: 5 } },
  ]);
  w.socket.receive(snapshot(13, [market("m1", 8, 9)]));
  w.socket.receive(delta(14, "m1", 9, 9.5));
  assert.equal(homeOdds(w.stream.book), 9.5);
  w.pass(20000);
  assert.equal(w.sockets.length, 1);
});

test("a resync that is not answered ends in a new connection", () => {
  const w = world();
  w.live();
  w.socket.receive(delta(12, "m1", 7, 9));
  w.pass(5000);
  assert.ok(w.sockets[0].closed);
  assert.equal(w.stream.state, "waiting");
  w.pass(1000);
  assert.equal(w.sockets.length, 2);
});

test("a lost connection resumes with what it has and ignores the old socket", () => {
  const w = world();
  w.live();
  const old = w.socket;
  old.lose();
  assert.equal(w.stream.state, "waiting");
  w.pass(500);
  w.socket.open();
  assert.deepEqual(w.socket.sent[0],
    { op: "resume", channels: [CHANNEL], sid: "node-1", seq: { [CHANNEL]: 10 }, have: { m1: 5 } });
  old.receive(delta(11, "m1", 6, 7.7));
  assert.equal(homeOdds(w.stream.book), 2.1);
  // Deltas before the new snapshot are of a count that we do not know.
  w.socket.receive(delta(11, "m1", 6, 7.7));
  assert.equal(homeOdds(w.stream.book), 2.1);
  w.socket.receive(snapshot(3, [market("m1", 6, 2.3)], { sid: "node-2" }));
  assert.equal(homeOdds(w.stream.book), 2.3);
  assert.equal(w.stream.state, "live");
});

test("it backs off longer each time, within bounds and with chance, until it is live again", () => {
  const w = world();
  w.live();
  const waits = [];
  w.socket.lose();
  for (let i = 0; i < 10; i++) {
    waits.push(w.states.at(-1)[1]);
    w.pass(waits.at(-1));
    w.socket.lose();
  }
  assert.deepEqual(waits.slice(0, 4), [375, 750, 1500, 3000]); // 500, 1000 ... of which 3/4
  assert.equal(waits.at(-1), 15000);
  w.pass(20000);
  w.socket.open();
  w.socket.receive(snapshot(1, [market("m1", 6)]));
  w.socket.lose();
  assert.equal(w.states.at(-1)[1], 375);
  const low = world({ random: () => 0 });
  low.live();
  low.socket.lose();
  assert.equal(low.states.at(-1)[1], 250);
});

test("a connection that opens but never answers backs off as well", () => {
  const w = world();
  w.stream.begin();
  for (let i = 0; i < 4; i++) {
    w.socket.open();
    w.pass(5000);
    assert.equal(w.stream.state, "waiting");
    w.pass(w.states.at(-1)[1]);
  }
  assert.ok(w.states.filter(([state]) => state === "waiting").at(-1)[1] > 2000);
});

test("it pings, and silence ends the connection", () => {
  const w = world();
  w.live();
  w.pass(15000);
  assert.deepEqual(w.socket.sent.at(-1), { op: "ping" });
  w.socket.receive({ op: "pong" });
  w.pass(15000);
  assert.equal(w.stream.state, "live");
  w.pass(30000);
  assert.notEqual(w.stream.state, "live");
  assert.ok(w.sockets[0].closed);
});

test("what is no JSON ends the connection; other frames are handed on", () => {
  const w = world();
  w.live();
  w.socket.receive({ op: "bet_update", bet: { bet_id: "b1", status: "WON" } });
  assert.ok(w.frames.includes("bet_update"));
  w.socket.receive("{");
  assert.equal(w.stream.state, "waiting");
});

test("end stops everything for good", () => {
  const w = world();
  w.live();
  w.stream.end();
  assert.ok(w.socket.closed);
  w.pass(100000);
  assert.equal(w.sockets.length, 1);
  assert.equal(w.timers.size, 0);
});

test("a resume by number goes on without a snapshot, and a wrong number does not", () => {
  const w = world();
  w.live();
  w.socket.receive(delta(11, "m1", 6, 2.2));
  w.socket.lose();
  w.pass(500);
  w.socket.open();
  assert.deepEqual(w.socket.sent[0].seq, { [CHANNEL]: 11 });
  w.socket.receive(delta(12, "m1", 7, 9.9)); // of a count that is not settled yet
  assert.equal(homeOdds(w.stream.book), 2.2);
  w.socket.receive({ op: "resumed", channel: CHANNEL, seq: 11, sid: "node-1" });
  assert.equal(w.stream.state, "live");
  w.socket.receive(delta(12, "m1", 7, 2.3));
  assert.equal(homeOdds(w.stream.book), 2.3);
  w.socket.receive({ op: "resumed", channel: CHANNEL, seq: 99, sid: "node-1" });
  assert.equal(w.socket.sent.at(-1).op, "resume"); // asked again, from where it is
});

test("what has no number is not resumed by number: an awaited image, the rest of a snapshot", () => {
  const w = world();
  w.live();
  w.socket.receive({ op: "skipped", channel: CHANNEL, seq: 14, market_id: "m1", changes: 4 });
  assert.equal(w.stream.book.position([CHANNEL]), null);
  w.socket.receive({ op: "image", channel: CHANNEL, market: market("m1", 9, 3.3) });
  assert.deepEqual(w.stream.book.position([CHANNEL]), { sid: "node-1", seq: { [CHANNEL]: 14 } });
  w.socket.receive(snapshot(20, [market("m1", 9)], { more: true }));
  assert.equal(w.stream.book.position([CHANNEL]), null);
  w.socket.receive(snapshot(20, [market("m2", 9)], { partial: true }));
  assert.deepEqual(w.stream.book.position([CHANNEL]), { sid: "node-1", seq: { [CHANNEL]: 20 } });
  w.socket.receive(delta(21, "m9", 1, 2)); // a market that we do not know: its number is not enough
  assert.equal(w.stream.book.position([CHANNEL]), null);
});

test("versions that would not fit into a message are left out of it", () => {
  const w = world();
  w.live(Array.from({ length: 4000 }, (_, n) => market(`market-${n}`, 5)));
  w.socket.lose();
  w.pass(500);
  w.socket.open();
  assert.equal(w.socket.sent[0].have, undefined);
  assert.deepEqual(w.socket.sent[0].seq, { [CHANNEL]: 10 });
});

test("the hint to reconnect is obeyed, and counts as no failure", () => {
  const w = world();
  w.live();
  w.socket.receive({ op: "reconnect", after_ms: 1234 });
  w.socket.lose(1012);
  assert.deepEqual(w.states.at(-1), ["waiting", 1234]);
  w.pass(1234);
  assert.equal(w.sockets.length, 2);
  w.socket.lose(1006); // that one failed: from here on as always
  assert.deepEqual(w.states.at(-1), ["waiting", 375]);
});

test("who was too slow waits longer, and who was found at fault longest, even when each time it was live", () => {
  for (const [code, first, most] of [[1013, 3750, 45000], [1008, 7500, 225000], [1002, 7500, 225000]]) {
    const w = world();
    const waits = [];
    w.stream.begin();
    for (let i = 0; i < 10; i++) {
      w.socket.open();
      w.socket.receive(snapshot(10, [market("m1", 5)]));
      w.socket.lose(code);
      waits.push(w.states.at(-1)[1]);
      w.pass(waits.at(-1));
    }
    assert.deepEqual(waits.slice(0, 3), [first, 2 * first, 4 * first]);
    assert.equal(waits.at(-1), most);
    w.socket.open();
    w.socket.receive(snapshot(10, [market("m1", 5)]));
    for (let i = 0; i < 5; i++) {
      w.pass(15000);
      w.socket.receive({ op: "pong" });
    }
    w.socket.lose(code); // it was well for a minute
    assert.equal(w.states.at(-1)[1], first);
  }
});

// ---- bets ----

const BET = { market_id: "m1", selection_id: "home", odds: 2.1, stake: 5 };
const placements = (socket) => socket.sent.filter((frame) => frame.op === "place_bet");
const answer = (id, code, more = {}) => ({ op: "bet", id, code, replayed: false, bet: { bet_id: "b1" }, ...more });

test("a bet without an answer goes again over the next socket, with the same key, and is answered once", async () => {
  const w = world();
  w.live();
  const placed = w.stream.placeBet(BET, "key-1");
  assert.deepEqual(placements(w.socket), [{ op: "place_bet", id: "1", idempotency_key: "key-1", bet: BET }]);
  w.socket.lose();
  w.pass(500);
  w.socket.open();
  assert.deepEqual(placements(w.socket), [{ op: "place_bet", id: "1", idempotency_key: "key-1", bet: BET }]);
  w.socket.receive(answer("1", 200, { replayed: true }));
  w.socket.receive(answer("1", 409));
  assert.deepEqual(await placed, { key: "key-1", code: 200, replayed: true, bet: { bet_id: "b1" } });
  w.socket.lose();
  w.pass(1000);
  w.socket.open();
  assert.deepEqual(placements(w.socket), []);
});

test("a bet asked for while there is no connection waits for one; each has a key of its own", async () => {
  const w = world();
  const both = [w.stream.placeBet(BET), w.stream.placeBet(BET)];
  w.live();
  const [first, second] = placements(w.socket);
  assert.match(first.idempotency_key, /^[0-9a-f]{32}$/);
  assert.notEqual(first.idempotency_key, second.idempotency_key);
  w.socket.receive(answer(second.id, 409));
  w.socket.receive(answer(first.id, 201));
  assert.deepEqual((await Promise.all(both)).map((a) => a.code), [201, 409]);
});

test("429 and 503 are no verdicts: the same is asked again later, and not for ever", async () => {
  const w = world();
  w.live();
  const placed = w.stream.placeBet(BET, "key-1");
  w.socket.receive(answer("1", 503, { retry_after: 2 }));
  assert.equal(placements(w.socket).length, 1);
  w.pass(3000);
  assert.equal(placements(w.socket).length, 2);
  for (let i = 0; i < 9; i++) {
    w.socket.receive(answer("1", 429));
    w.pass(2000);
  }
  assert.equal(placements(w.socket).length, 10);
  assert.equal((await placed).code, 429);
});

test("no more are on their way at once than the server allows, and no more wait than there is room for", async () => {
  const w = world();
  w.live();
  const all = Array.from({ length: PLACING_MAX }, () => w.stream.placeBet(BET));
  assert.equal(placements(w.socket).length, 12);
  await assert.rejects(w.stream.placeBet(BET, "key-x"), (error) => error.key === "key-x");
  w.socket.receive(answer("1", 201));
  assert.equal(placements(w.socket).length, 13);
  w.stream.end();
  const ends = await Promise.allSettled(all);
  assert.equal(ends.filter((end) => end.status === "fulfilled").length, 1);
  assert.ok(ends[1].reason.key);
});

// ---- the binary form ----

test("the binary form is asked for beside the token, and is read", () => {
  const w = world({ binary: true, token: () => "x.y.z" });
  w.stream.begin();
  assert.deepEqual(w.socket.protocols, ["overround.cbor.v1", "bearer.x.y.z"]);
  assert.equal(w.socket.binaryType, "arraybuffer");
  w.socket.open();
  const bytes = Uint8Array.from([0xbf, 0x00, 0x0f, 0xff]); // {op: pong}
  w.socket.onmessage({ data: bytes.buffer });
  assert.deepEqual(w.frames, ["pong"]);
  w.socket.onmessage({ data: bytes.subarray(0, 3) });
  assert.equal(w.stream.state, "waiting");
});

function hex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

test("numbers, times, words and texts come out as in the JSON form", () => {
  const frame = "bf" + "0005" + "0417" + // op delta, odds_version 23
    "041b0000000200000001" + // 2 * 2^32 + 1
    "0819520c" + "181a" + "c482211903e9" + // odds 2.1004, balance 10.01
    "0718ff" + "0901" + "0519012d" + // id "255", feed_ts 1 us, a status that is no word: 301
    "6178f6" + "06" + "9ff5f4ff" + "186301" + "ff"; // x null, selections [true, false], key 99: passed over
  assert.deepEqual(decodeCbor(hex(frame)), {
    op: "delta", odds_version: 8589934593, odds: 2.1004, balance: 10.01, id: "255",
    feed_ts: "1970-01-01T00:00:00.000001Z", status: 301, x: null, selections: [true, false],
  });
});

test("what is no CBOR of ours is refused, whole or cut off", () => {
  for (const bad of ["", "bf00", "ff", "5f", "40", "1c", "7f", "fb3ff0000000000000", "0000", "bf0061", "62c328",
    "9f".repeat(40), "bf695f5f70726f746f5f5f01ff"])
    assert.throws(() => decodeCbor(hex(bad)), undefined, bad);
});
