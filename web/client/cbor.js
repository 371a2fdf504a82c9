// cbor.js - the binary form of the stream (docs/PROTOCOL.md, "The binary form"), read back into the
// objects that the JSON form gives. Its tables are those of that page: new ones get new numbers.

export const CBOR_PROTOCOL = "overround.cbor.v1";

const DEPTH_MAX = 16;

const KEYS = [
  "op", "channel", "seq", "market_id", "odds_version", "status", "selections", "id", "odds",
  "feed_ts", "updated_at", "name", "markets", "event_id", "event_name", "sport", "kind",
  "in_play", "bet_delay_ms", "start_time", "sid", "changes", "partial", "more",
  "odds_exact", "market", "balance", "currency", "ledger_seq", "bet", "bet_id", "code",
  "stake", "legs", "selection_id", "after_ms",
];

const WORDS = [
  "active", "suspended", "closed", "settled", "cancelled", "delta", "snapshot", "image",
  "removed", "skipped", "resumed", "bet", "bet_update", "balance", "error", "pong",
  "receipt", "unsubscribed", "reconnect",
];

// How a whole number is meant, by its key; elsewhere it is itself.
const SHAPES = {
  op: word, status: word, odds: tenThousandths, feed_ts: time, updated_at: time, start_time: time,
  id: String, event_id: String,
};

function word(n) {
  return n >= 0 && n < WORDS.length ? WORDS[n] : n; // the status of an HTTP answer is no word
}

// By way of digits: the nearest number to the decimal, which is what JSON.parse gives.
function tenThousandths(n) {
  return Number(`${n}e-4`);
}

function time(us) {
  const ms = Math.floor(us / 1000);
  return new Date(ms).toISOString().slice(0, -1) + String(us - ms * 1000).padStart(3, "0") + "Z";
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  take(count) {
    const at = this.at;
    if (count > this.bytes.length - at) throw new RangeError("CBOR: cut off");
    this.at += count;
    return at;
  }

  // The value behind a head's first byte; null: of indefinite length.
  argument(info) {
    if (info < 24) return info;
    if (info === 24) return this.view.getUint8(this.take(1));
    if (info === 25) return this.view.getUint16(this.take(2));
    if (info === 26) return this.view.getUint32(this.take(4));
    if (info === 27) return Number(this.view.getBigUint64(this.take(8)));
    if (info === 31) return null;
    throw new SyntaxError("CBOR: reserved length");
  }

  value(key, depth) {
    if (depth > DEPTH_MAX) throw new RangeError("CBOR: too deep");
    const first = this.view.getUint8(this.take(1));
    const major = first >> 5;
    if (major === 7) return simple(first);
    const argument = this.argument(first & 31);
    if (argument === null && major !== 4 && major !== 5) throw new SyntaxError("CBOR: no length");
    switch (major) {
      case 0: return shaped(key, argument);
      case 1: return shaped(key, -1 - argument);
      case 3: return this.text(argument);
      case 4: return this.array(argument, depth);
      case 5: return this.map(argument, depth);
      case 6: return this.tagged(argument, depth);
      default: throw new SyntaxError("CBOR: byte string");
    }
  }

  text(bytes) {
    const at = this.take(bytes);
    return new TextDecoder("utf-8", { fatal: true }).decode(this.bytes.subarray(at, at + bytes));
  }

  // Whether an array or map goes on; `count` is null for one that ends by a break.
  goesOn(count, done) {
    if (count !== null) return done < count;
    if (this.at < this.bytes.length && this.bytes[this.at] === 0xff) {
      this.at += 1;
      return false;
    }
    return true;
  }

  array(count, depth) {
    const list = [];
    while (this.goesOn(count, list.length)) list.push(this.value(null, depth + 1));
    return list;
  }

  map(count, depth) {
    const object = {};
    for (let done = 0; this.goesOn(count, done); done++) {
      const number = this.value(null, depth + 1);
      const key = typeof number === "number" ? KEYS[number] : number;
      if (key === "__proto__") throw new SyntaxError("CBOR: no such member");
      const value = this.value(key, depth + 1);
      if (key !== undefined) object[key] = value; // a number of later times: passed over
    }
    return object;
  }

  // 4: a decimal fraction [exponent, mantissa] (RFC 8949, 3.4.4).
  tagged(tag, depth) {
    const content = this.value(null, depth + 1);
    if (tag !== 4) return content;
    return Number(`${content[1]}e${content[0]}`);
  }
}

function simple(first) {
  switch (first) {
    case 0xf4: return false;
    case 0xf5: return true;
    case 0xf6: return null;
    default: throw new SyntaxError("CBOR: no value of ours");
  }
}

function shaped(key, number) {
  return Object.hasOwn(SHAPES, key ?? "") ? SHAPES[key](number) : number;
}

export function decodeCbor(bytes) {
  const reader = new Reader(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes));
  const value = reader.value(null, 0);
  if (reader.at !== reader.bytes.length) throw new SyntaxError("CBOR: more than one value");
  return value;
}
