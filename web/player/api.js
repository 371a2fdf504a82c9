// api.js - the HTTP calls of the bettors' page (docs/PROTOCOL.md, sections 2 to 4).

import { Http, segment } from "../shared/http.js";

export class Api extends Http {
  session() {
    return this.retried("POST", "/v1/demo/session");
  }
  events(cursor) {
    return this.once("GET", "/v1/events" + (cursor ? "?cursor=" + segment(cursor) : ""));
  }
  account() {
    return this.once("GET", "/v1/account");
  }
  bets(cursor) {
    return this.once("GET", "/v1/bets?order=desc" + (cursor ? "&cursor=" + segment(cursor) : ""));
  }
  bet(betId) {
    return this.once("GET", "/v1/bets/" + segment(betId));
  }
  deposit(amount, currency, key) {
    return this.retried("POST", "/v1/account/deposits", { amount, currency }, key);
  }
  placeBet(bet, key, onRetry) {
    return this.retried("POST", "/v1/bets", bet, key, onRetry);
  }
  // word: accept, decline
  answerOffer(betId, word, offerId) {
    return this.retried("POST", `/v1/bets/${segment(betId)}/offer/${word}`, { offer_id: offerId });
  }
  cashOutOffer(betId) {
    return this.once("GET", `/v1/bets/${segment(betId)}/cash-out`);
  }
  cashOut(betId, body, key) {
    return this.retried("POST", `/v1/bets/${segment(betId)}/cash-out`, body, key);
  }
}
