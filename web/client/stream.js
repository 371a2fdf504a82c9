// stream.js - holds the connection of the price stream (docs/PROTOCOL.md, section 6): subscribe, resume after
// a loss, ping, back off with jitter, and carry bets across connections.
//
// Everything it needs from the outside (socket, timers, randomness) can be given to it.
import { Bets, randomKey } from "./bets.js";
import { CBOR_PROTOCOL, decodeCbor } from "./cbor.js";
import { MarketBook } from "./market_book.js";

const RESYNC_ANSWER_MS = 5000;
const PING_MS = 15000;
const SILENCE_MS = 25000; // two missed pings less a little: the connection is dead
const HAVE_BYTES_MAX = 48 * 1024; // a message has at most 64 KiB

// How long to wait, by why the connection ended: from `min`, twice as long each time, to `max`.
const USUAL = { min: 500, max: 20000 };
const BUSY = { min: 5000, max: 60000 }; // we were too slow for it
const FAULT = { min: 10000, max: 300000 }; // it finds fault with us: to come again changes little
const WAITS = { 1002: FAULT, 1003: FAULT, 1007: FAULT, 1008: FAULT, 1009: FAULT, 1013: BUSY };
const WELL_MS = 60000; // live for so long: the faults are forgotten

export class Stream {
  // options: see index.d.ts. States: connecting, live, waiting, stopped.
  constructor(options) {
    this.book = new MarketBook();
    this.state = "stopped";
    this.options = {
      WebSocket: globalThis.WebSocket,
      setTimeout: (call, ms) => globalThis.setTimeout(call, ms),
      clearTimeout: (timer) => globalThis.clearTimeout(timer),
      random: Math.random,
      now: () => Date.now(),
      newKey: randomKey,
      binary: false,
      conflateMs: 0,
      onChange() {}, onState() {}, onFrame() {},
      ...options,
    };
    this.socket = null;
    this.failures = 0; // connections in a row that were never live
    this.faults = 0; // ends in a row that were BUSY or FAULT
    this.liveAt = null;
    this.hintMs = null; // of `reconnect`
    this.timers = {};
    this.rests = 0;
    this.bets = new Bets({
      send: (frame) => this.send(frame),
      later: (call, ms) => this.#timer(`bet ${this.rests++}`, ms, call),
      random: this.options.random,
      newKey: this.options.newKey,
    });
  }

  begin() {
    if (this.state === "stopped") this.#connect();
  }

  end() {
    this.#timersStop();
    this.#drop();
    this.#enter("stopped");
    this.bets.end();
  }

  // Tries at once, as when the browser says that it is online again.
  hurry() {
    if (this.state === "waiting") this.#connect();
  }

  send(frame) {
    if (this.socket && this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  placeBet(bet, key) {
    return this.bets.place(bet, key);
  }

  #protocols() {
    const { token, binary } = this.options;
    const bearer = typeof token === "function" ? token() : token;
    return [...(binary ? [CBOR_PROTOCOL] : []), ...(bearer ? ["bearer." + bearer] : [])];
  }

  #connect() {
    this.#timer("retry", 0, null);
    this.hintMs = null;
    this.#enter("connecting");
    const socket = new this.options.WebSocket(this.options.url, this.#protocols());
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket === this.socket && this.#opened();
    socket.onmessage = (event) => socket === this.socket && this.#received(event.data);
    socket.onclose = (event) => socket === this.socket && this.#closed(event && event.code);
    socket.onerror = () => {}; // onclose follows
    this.#timer("answer", RESYNC_ANSWER_MS * 2, () => this.#closed());
  }

  #opened() {
    this.heardAt = this.options.now();
    this.#ask(this.options.channels);
    this.#pingLater();
    this.bets.opened();
  }

  // With prices in hand, resume tells the server where we are: by number, and the versions for the
  // channels that it cannot go on with. Without, or when a resume was not answered, subscribe.
  #ask(channels) {
    const conflate = { conflate_ms: this.options.conflateMs };
    const have = this.book.have();
    let frame = { op: "subscribe", channels, ...conflate };
    if (this.failures < 2 && Object.keys(have).length > 0) {
      frame = { op: "resume", channels, ...this.book.position(channels) };
      if (this.options.conflateMs > 0) Object.assign(frame, conflate);
      if (JSON.stringify(have).length <= HAVE_BYTES_MAX) frame.have = have;
    }
    for (const name of channels) {
      const channel = this.book.channels.get(name);
      if (channel) channel.synced = false; // until it is answered
    }
    this.send(frame);
    this.#timer("answer", RESYNC_ANSWER_MS, () => this.#closed());
  }

  #read(data) {
    return typeof data === "string" ? JSON.parse(data) : decodeCbor(data);
  }

  #received(data) {
    this.heardAt = this.options.now();
    let frame;
    try {
      frame = this.#read(data);
    } catch {
      this.#closed(1007); // nothing after it can be trusted to be in order
      return;
    }
    const { changed, resync } = this.book.apply(frame);
    if (frame.op === "snapshot" || frame.op === "resumed") this.#answered();
    if (frame.op === "reconnect") this.hintMs = frame.after_ms;
    if (frame.op === "bet") this.bets.answered(frame);
    if (changed.length > 0) this.options.onChange(changed);
    if (resync) this.#ask([resync]);
    this.options.onFrame(frame);
  }

  #answered() {
    const channels = this.options.channels.map((name) => this.book.channels.get(name));
    if (!channels.every((channel) => channel && channel.synced)) return;
    this.#timer("answer", 0, null);
    this.failures = 0;
    if (this.state === "live") return;
    this.liveAt = this.options.now();
    this.#enter("live");
  }

  #pingLater() {
    this.#timer("ping", PING_MS, () => {
      if (this.options.now() - this.heardAt > SILENCE_MS) {
        this.#closed();
        return;
      }
      this.send({ op: "ping" });
      this.#pingLater();
    });
  }

  // How long to wait now. Half fixed, half chance: after an outage all screens must not come back
  // at one moment. A hint has been spread by the server already, and stands for one attempt.
  #wait(code) {
    if (this.hintMs !== null) return Math.max(0, this.hintMs);
    const { min, max } = WAITS[code] || USUAL;
    const bad = code in WAITS;
    if (this.liveAt !== null && this.options.now() - this.liveAt >= WELL_MS) this.faults = 0;
    const times = bad ? this.faults : this.failures;
    if (bad) this.faults += 1;
    const span = Math.min(max, min * 2 ** Math.min(times, 10));
    return span / 2 + (span / 2) * this.options.random();
  }

  #closed(code) {
    const wait = this.#wait(code);
    for (const name of ["answer", "ping"]) this.#timer(name, 0, null);
    this.#drop();
    this.book.lost();
    this.bets.lost();
    if (this.hintMs === null) this.failures += 1;
    this.liveAt = null;
    this.#enter("waiting", wait);
    this.#timer("retry", wait, () => this.#connect());
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState <= 1) socket.close();
  }

  #enter(state, retryMs) {
    this.state = state;
    this.options.onState(state, retryMs);
  }

  #timer(name, ms, call) {
    if (this.timers[name] !== undefined) this.options.clearTimeout(this.timers[name]);
    delete this.timers[name];
    if (!call) return;
    this.timers[name] = this.options.setTimeout(() => {
      delete this.timers[name];
      call();
    }, ms);
  }

  #timersStop() {
    for (const name of Object.keys(this.timers)) this.#timer(name, 0, null);
  }
}
