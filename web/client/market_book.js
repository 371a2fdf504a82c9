// market_book.js - what a client believes about the markets: frames go in (docs/PROTOCOL.md, section
// 6), and it says what changed and whether something was missed. Two rules keep it right (P1): a
// channel's seq has no holes, or the channel is asked for afresh; a market's odds_version only
// rises, so an older price never replaces a newer one, whichever node or channel it came by.

export class MarketBook {
  constructor() {
    this.markets = new Map(); // market_id -> market; market.awaiting: shown prices are stale
    // name -> {seq, sid, synced, whole, ids: Set of market ids}; whole: no part of a snapshot is missing
    this.channels = new Map();
  }

  // Takes one frame. {changed: [market ids], resync: channel or null}.
  apply(frame) {
    switch (frame.op) {
      case "snapshot": return this.#snapshot(frame);
      case "resumed": return this.#resumed(frame);
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

  // Where these channels may be resumed exactly: {sid, seq: {channel: N}}, or null. Not one that
  // waits for an image or for the rest of a snapshot: these have no number.
  position(names) {
    const seq = {};
    let sid = null;
    for (const name of names) {
      const channel = this.channels.get(name);
      if (!channel || !channel.whole || !channel.sid || this.#awaits(channel)) continue;
      if (sid === null) sid = channel.sid;
      if (channel.sid === sid) seq[name] = channel.seq;
    }
    return sid === null ? null : { sid, seq };
  }

  // The connection is gone: nothing is in order until the next snapshot or `resumed`.
  lost() {
    for (const channel of this.channels.values()) channel.synced = false;
  }

  #snapshot(frame) {
    const before = this.channels.get(frame.channel);
    const ids = new Set(frame.markets.map((market) => market.market_id));
    const changed = new Set(ids);
    if (before && frame.partial) before.ids.forEach((id) => ids.add(id));
    const whole = !frame.more;
    this.channels.set(frame.channel, { seq: frame.seq, sid: frame.sid, synced: true, whole, ids });
    for (const market of frame.markets) this.#put(market);
    for (const id of before ? before.ids : []) {
      if (ids.has(id) || this.#wanted(id)) continue;
      this.markets.delete(id);
      changed.add(id);
    }
    return { changed: [...changed], resync: null };
  }

  // The server goes on behind the number that we said.
  #resumed(frame) {
    const channel = this.channels.get(frame.channel);
    if (!channel) return nothing();
    if (frame.seq !== channel.seq || frame.sid !== channel.sid) return this.#missed(frame.channel);
    channel.synced = true;
    return nothing();
  }

  #awaits(channel) {
    for (const id of channel.ids) if (this.markets.get(id)?.awaiting) return true;
    return false;
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
    if (!market) return this.#missed(frame.channel, false);
    // A delta says only what changed since the one before it, so after a skipped one it cannot
    // be used: the image that was promised can.
    if (market.awaiting || frame.odds_version <= market.odds_version) return nothing();
    const byId = new Map(market.selections.map((selection) => [selection.id, selection]));
    const changes = frame.selections || [];
    if (changes.some((change) => !byId.has(change.id))) return this.#missed(frame.channel, false);
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
    if (frame.seq !== undefined) { // a message of the channel; behind `skipped` it has no number
      if (frame.seq > channel.seq + 1) return this.#missed(frame.channel);
      if (frame.seq > channel.seq) channel.seq = frame.seq;
    }
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

  // What was missed is behind the number, or (`known` false) in what came with it.
  #missed(name, known = true) {
    const channel = this.channels.get(name);
    channel.synced = false;
    if (!known) channel.whole = false;
    return { changed: [], resync: name };
  }
}

function nothing() {
  return { changed: [], resync: null };
}
