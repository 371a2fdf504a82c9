// index.d.ts - the types of the package; what each member means: docs/PROTOCOL.md, section 6.
export type MarketStatus = "active" | "suspended" | "closed" | "settled" | "cancelled";

export interface Selection {
  id: string;
  name: string;
  odds?: number | null;
  odds_exact?: string;
  status: string;
}

export interface Market {
  market_id: string;
  event_id: string;
  event_name: string;
  name: string;
  kind: string;
  sport?: string;
  status: MarketStatus;
  odds_version: number;
  in_play: boolean;
  bet_delay_ms: number;
  selections: Selection[];
  start_time?: string;
  feed_ts?: string;
  updated_at?: string;
  /** Changes were left out for us, and the image that stands for them is on its way. */
  awaiting?: boolean;
}

/** A frame of the server; `op` says which. */
export interface Frame {
  op: string;
  channel?: string;
  seq?: number;
  [member: string]: unknown;
}

export interface Applied {
  /** Markets that changed, came or went. */
  changed: string[];
  /** A channel that missed something and must be asked for afresh. */
  resync: string | null;
}

/** What a client believes about the markets. */
export class MarketBook {
  readonly markets: Map<string, Market>;
  apply(frame: Frame): Applied;
  /** The versions held, for `resume`. */
  have(): Record<string, number>;
  /** Where these channels may be resumed exactly; null: nowhere. */
  position(channels: readonly string[]): { sid: string; seq: Record<string, number> } | null;
  /** The connection is gone. */
  lost(): void;
}

export type State = "connecting" | "live" | "waiting" | "stopped";

export interface Bet {
  market_id: string;
  selection_id: string;
  stake: number;
  odds?: number;
  odds_exact?: string;
  odds_version?: number;
  currency?: string;
  price_policy?: "better" | "exact" | "within" | "any";
}

export interface BetAnswer {
  /** The idempotency key that it was asked under. */
  key: string;
  /** As the status of HTTP: 201 placed, 202 pending, 200 replayed, 4xx refused. */
  code: number;
  replayed: boolean;
  /** The body that HTTP would have. */
  bet: Record<string, unknown>;
}

/** What the stream needs of a WebSocket: the browser's, Node's, or that of the package `ws`. */
export interface Socket {
  readonly readyState: number;
  binaryType: string;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export interface StreamOptions {
  url: string;
  channels: readonly string[];
  /** A token, or who gives one at each connection. */
  token?: string | null | (() => string | null | undefined);
  /** The binary form (CBOR): fewer bytes, the same frames. */
  binary?: boolean;
  /** At most one message per market and so many ms; 0: every change. */
  conflateMs?: number;
  onChange?: (marketIds: string[]) => void;
  onState?: (state: State, retryMs?: number) => void;
  /** Every frame: own bets, balances, receipts, errors. */
  onFrame?: (frame: Frame) => void;
  WebSocket?: new (url: string, protocols?: string[]) => Socket;
  setTimeout?: (call: () => void, ms: number) => unknown;
  clearTimeout?: (timer: any) => void;
  random?: () => number;
  now?: () => number;
  newKey?: () => string;
}

export class Stream {
  constructor(options: StreamOptions);
  readonly book: MarketBook;
  readonly state: State;
  begin(): void;
  /** For good; placements without an answer are refused. */
  end(): void;
  /** Tries at once, as when the browser says that it is online again. */
  hurry(): void;
  send(frame: Frame): void;
  /** Answered once; see README. The key is made when none is given. */
  placeBet(bet: Bet, key?: string): Promise<BetAnswer>;
}

export const PLACING_MAX: number;
export const CBOR_PROTOCOL: string;
/** One message of the binary form as the object that the JSON form has. Throws what is none. */
export function decodeCbor(bytes: ArrayBuffer | Uint8Array): Frame;
