// stream.js - the client's side of the price stream (docs/PROTOCOL.md, WebSocket /v1/stream).
//
// MarketBook is what this client believes about the markets: frames go in, and it says what
// changed and whether something was missed. Two rules keep it right (DESIGN P1): a channel's
// seq has no holes, or the channel is asked for afresh; a market's odds_version only rises, so
// an older price never replaces a newer one, whichever node or channel it came by.
//
// Stream holds the connection: subscribe, resume after a loss, ping, and back off with jitter.
// Everything it needs from the outside (socket, timers, randomness) can be given to it.

const RESYNC_ANSWER_MS = 5000;
const PING_MS = 15000;
const SILENCE_MS = 25000; // two missed pings less a little: the connection is dead
const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 20000;

export class MarketBook {
  constructor() {
    this.markets = new Map(); // market_id -> market; market.awaiting: shown prices are stale
    this.channels = new Map(); // name -> {seq, sid, synced, ids: Set of market ids}
  }

  // Takes one frame. {changed: [market ids], resync: channel or null}.
  apply(frame) {
    switch (frame.op) {
      case "snapshot": return this.#snapshot(frame);
      case "delta": return this.#inOrder(frame, () => this.#delta(frame));
      case "removed": return this.#inOrder(frame, () => this.#removed(frame));
      case "skipped": return this.#skipped(frame);
      case "image": return this.#image(frame);
      default: return nothing();
    }
  }

  // The versions held, for resume: {market_id: odds_version}.
  have() {
    const have = {};
    for (const [id, market] of this.markets)
      if (!market.awaiting) have[id] = market.odds_version;
    return have;
  }

  // The connection is gone: nothing is in order until the next snapshot.
  lost() {
    for (const channel of this.channels.values()) channel.synced = false;
  }

  #snapshot(frame) {
    const before = this.channels.get(frame.channel);
    const ids = new Set(frame.markets.map((market) => market.market_id));
    const changed = new Set(ids);
    if (before && frame.partial) before.ids.forEach((id) => ids.add(id));
    this.channels.set(frame.channel, { seq: frame.seq, sid: frame.sid, synced: true, ids });
    for (const market of frame.markets) this.#put(market);
    for (const id of before ? before.ids : []) {
      if (ids.has(id) || this.#wanted(id)) continue;
      this.markets.delete(id);
      changed.add(id);
    }
    return { changed: [...changed], resync: null };
  }

  // Runs `take` when the frame is the channel's next one.
  #inOrder(frame, take) {
    const channel = this.channels.get(frame.channel);
    if (!channel || !channel.synced) return nothing(); // a snapshot is on its way
    if (frame.sid !== undefined && frame.sid !== channel.sid) return this.#missed(frame.channel);
    if (frame.seq <= channel.seq) return nothing(); // a repeat
    if (frame.seq !== channel.seq + 1) return this.#missed(frame.channel);
    channel.seq = frame.seq;
    return take();
  }

  #delta(frame) {
    const market = this.markets.get(frame.market_id);
    if (!market) return this.#missed(frame.channel);
    // A delta says only what changed since the one before it, so after a skipped one it cannot
    // be used: the image that was promised can.
    if (market.awaiting || frame.odds_version <= market.odds_version) return nothing();
    const byId = new Map(market.selections.map((selection) => [selection.id, selection]));
    const changes = frame.selections || [];
    if (changes.some((change) => !byId.has(change.id))) return this.#missed(frame.channel);
    for (const change of changes) {
      const selection = byId.get(change.id);
      if ("odds" in change && !("odds_exact" in change)) delete selection.odds_exact;
      Object.assign(selection, change);
    }
    const { op, channel, seq, sid, selections, ...rest } = frame;
    Object.assign(market, rest);
    return { changed: [frame.market_id], resync: null };
  }

  #removed(frame) {
    for (const channel of this.channels.values()) channel.ids.delete(frame.market_id);
    this.markets.delete(frame.market_id);
    return { changed: [frame.market_id], resync: null };
  }

  // The server left out changes that we were too slow for, up to seq; the image follows.
  #skipped(frame) {
    const channel = this.channels.get(frame.channel);
    if (!channel || !channel.synced || frame.seq < channel.seq) return nothing();
    channel.seq = frame.seq;
    const market = this.markets.get(frame.market_id);
    if (market) market.awaiting = true;
    return { changed: market ? [frame.market_id] : [], resync: null };
  }

  #image(frame) {
    const channel = this.channels.get(frame.channel);
    if (!channel || !channel.synced) return nothing();
    if (frame.seq > channel.seq) channel.seq = frame.seq;
    channel.ids.add(frame.market.market_id);
    this.#put(frame.market);
    return { changed: [frame.market.market_id], resync: null };
  }

  #put(market) {
    const known = this.markets.get(market.market_id);
    if (known && known.odds_version > market.odds_version) {
      known.awaiting = false; // a node that is behind: what we have is newer and whole
      return;
    }
    this.markets.set(market.market_id, { ...market, selections: market.selections.map((s) => ({ ...s })) });
  }

  #wanted(id) {
    for (const channel of this.channels.values()) if (channel.ids.has(id)) return true;
    return false;
  }

  #missed(name) {
    const channel = this.channels.get(name);
    channel.synced = false;
    return { changed: [], resync: name };
  }
}

function nothing() {
  return { changed: [], resync: null };
}

export class Stream {
  // options: url, channels, token (optional), onChange(ids), onState(state, retryMs),
  // onFrame(frame) for frames that are not about markets; WebSocket, setTimeout, clearTimeout,
  // random, now for tests. States: connecting, live, waiting, stopped.
  constructor(options) {
    this.book = new MarketBook();
    this.state = "stopped";
    this.options = {
      WebSocket: globalThis.WebSocket,
      setTimeout: (call, ms) => globalThis.setTimeout(call, ms),
      clearTimeout: (timer) => globalThis.clearTimeout(timer),
      random: Math.random,
      now: () => Date.now(),
      onChange() {}, onState() {}, onFrame() {},
      ...options,
    };
    this.socket = null;
    this.failures = 0;
    this.timers = {};
  }

  begin() {
    if (this.state === "stopped") this.#connect();
  }

  end() {
    this.#timersStop();
    this.#drop();
    this.#enter("stopped");
  }

  // Tries at once, as when the browser says that it is online again.
  hurry() {
    if (this.state === "waiting") this.#connect();
  }

  send(frame) {
    if (this.socket && this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  #connect() {
    this.#timersStop();
    this.#enter("connecting");
    const protocols = this.options.token ? ["bearer." + this.options.token] : [];
    const socket = new this.options.WebSocket(this.options.url, protocols);
    this.socket = socket;
    socket.onopen = () => socket === this.socket && this.#opened();
    socket.onmessage = (event) => socket === this.socket && this.#received(event.data);
    socket.onclose = () => socket === this.socket && this.#closed();
    socket.onerror = () => {}; // onclose follows
    this.#timer("answer", RESYNC_ANSWER_MS * 2, () => this.#closed());
  }

  #opened() {
    this.heardAt = this.options.now();
    this.#ask(this.options.channels);
    this.#pingLater();
  }

  // With prices in hand, resume tells the server which; without, or when a resume was not
  // answered, subscribe.
  #ask(channels) {
    const have = this.book.have();
    const resume = Object.keys(have).length > 0 && this.failures < 2;
    this.send(resume ? { op: "resume", channels, have } : { op: "subscribe", channels, conflate_ms: 0 });
    this.#timer("answer", RESYNC_ANSWER_MS, () => this.#closed());
  }

  #received(text) {
    this.heardAt = this.options.now();
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      this.#closed(); // nothing after it can be trusted to be in order
      return;
    }
    const { changed, resync } = this.book.apply(frame);
    if (frame.op === "snapshot") this.#answered();
    if (changed.length > 0) this.options.onChange(changed);
    if (resync) this.#ask([resync]);
    this.options.onFrame(frame);
  }

  #answered() {
    const channels = this.options.channels.map((name) => this.book.channels.get(name));
    if (!channels.every((channel) => channel && channel.synced)) return;
    this.#timer("answer", 0, null);
    this.failures = 0;
    if (this.state !== "live") this.#enter("live");
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

  #closed() {
    this.#timersStop();
    this.#drop();
    this.book.lost();
    const span = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    // Half fixed, half chance: after an outage all screens must not come back at one moment.
    const wait = span / 2 + (span / 2) * this.options.random();
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
    this.timers[name] = call ? this.options.setTimeout(call, ms) : undefined;
  }

  #timersStop() {
    for (const name of Object.keys(this.timers)) this.#timer(name, 0, null);
  }
}
