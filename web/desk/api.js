// api.js - the HTTP calls of the desk (docs/PROTOCOL.md, section 5).

import { Http, segment } from "../shared/http.js";

const ADMIN = "/v1/admin/";

export class DeskApi extends Http {
  session() {
    return this.once("POST", "/v1/demo/session");
  }
  status() {
    return this.once("GET", ADMIN + "status");
  }
  shards() {
    return this.once("GET", ADMIN + "shards");
  }
  // One page; without a cursor the first.
  markets(cursor) {
    return this.once("GET", ADMIN + "markets" + (cursor ? "?cursor=" + segment(cursor) : ""));
  }
  market(id) {
    return this.once("GET", `${ADMIN}markets?market_id=${segment(id)}`);
  }
  // word: suspend, resume
  hold(marketId, word, reason) {
    return this.once("POST", `${ADMIN}markets/${segment(marketId)}/${word}`, { reason });
  }
  // Repeating it changes nothing: a result has its version.
  results(eventId, body) {
    return this.retried("POST", `${ADMIN}events/${segment(eventId)}/results`, body);
  }
  proposals() {
    return this.once("GET", ADMIN + "results/proposals");
  }
  // word: approve, reject; of one's own: withdraw
  decide(proposalId, word, reason) {
    return this.once("POST", `${ADMIN}results/proposals/${segment(proposalId)}/${word}`, { reason });
  }
  // The first page, of those that wait longest.
  referrals() {
    return this.once("GET", ADMIN + "referrals");
  }
  // word: accept, reject, offer
  refer(betId, word, body) {
    return this.once("POST", `${ADMIN}referrals/${segment(betId)}/${word}`, body);
  }
  settlements() {
    return this.once("GET", ADMIN + "settlements");
  }
  limits(method, scope, id, body) {
    return this.once(method, `${ADMIN}limits/${scope}/${segment(id)}`, body);
  }
  grant(userId, body, key) {
    return this.retried("POST", `${ADMIN}users/${segment(userId)}/grants`, body, key);
  }
}
