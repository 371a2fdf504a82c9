// http.js - requests that survive a bad connection.
//
// Whatever changes something is sent under one idempotency key until there is an answer: when the
// network fails, or the server is busy, the same key goes again, so that it may be asked for many
// times and is done once (DESIGN L3).

import { parseJson, writeJson } from "./decimal.js";

const RETRY_MS = [300, 800, 2000, 4000, 8000];
const RETRY_CODES = new Set([429, 502, 503, 504]);

// A key nobody else has. randomUUID exists only on https and localhost.
export function newKey() {
  if (globalThis.crypto.randomUUID) return globalThis.crypto.randomUUID();
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// No answer was to be had: nobody can say here whether it was done.
export class Unanswered extends Error {}

// A segment of a path: ids may hold anything, "/" too.
export const segment = (text) => encodeURIComponent(text);

export class Http {
  // options: base, token, fetch, sleep(ms), random; all but the token for tests.
  constructor(options = {}) {
    this.options = {
      base: "",
      token: null,
      fetch: (...args) => globalThis.fetch(...args),
      sleep: (ms) => new Promise((resolve) => globalThis.setTimeout(resolve, ms)),
      random: Math.random,
      ...options,
    };
  }

  // {code, body, replayed, retryAfterMs}; numbers of the body are texts. Throws Unanswered.
  async once(method, path, body, key) {
    const headers = { Accept: "application/json" };
    if (this.options.token) headers.Authorization = "Bearer " + this.options.token;
    if (key) headers["Idempotency-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    let text;
    try {
      response = await this.options.fetch(this.options.base + path, {
        method, headers, cache: "no-store",
        body: body === undefined ? undefined : writeJson(body),
      });
      text = await response.text(); // an answer that breaks off is no answer
    } catch {
      throw new Unanswered(path);
    }
    return {
      code: response.status,
      body: parse(text),
      replayed: response.headers.get("Idempotent-Replayed") === "true",
      retryAfterMs: Math.min(10, Number(response.headers.get("Retry-After")) || 0) * 1000,
    };
  }

  // The same, asked again under the same key; throws Unanswered when every attempt failed.
  async retried(method, path, body, key, onRetry = () => {}) {
    for (let attempt = 0; ; attempt++) {
      let answer = null;
      try {
        answer = await this.once(method, path, body, key);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
      }
      if (answer && !RETRY_CODES.has(answer.code)) return answer;
      if (attempt === RETRY_MS.length) {
        if (answer) return answer;
        throw new Unanswered(path);
      }
      const wait = RETRY_MS[attempt] * (0.5 + this.options.random());
      onRetry(attempt + 1);
      await this.options.sleep(Math.max(wait, answer ? answer.retryAfterMs : 0));
    }
  }
}

function parse(text) {
  try {
    return parseJson(text);
  } catch {
    return {};
  }
}
