// index.js - the package: a book of markets kept right, a stream that comes back, bets answered once.
export { decodeCbor, CBOR_PROTOCOL } from "./cbor.js";
export { MarketBook } from "./market_book.js";
export { PLACING_MAX } from "./bets.js";
export { Stream } from "./stream.js";
