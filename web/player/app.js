// app.js - the bettors' page: joins the price stream, the slip, the bets and the account.

import { nodesOf, say } from "../shared/dom.js";
import { Account } from "./account.js";
import { Api } from "./api.js";
import { Bets } from "./bets.js";
import { Format } from "./format.js";
import { Matches } from "./matches.js";
import { forget } from "./placing.js";
import { Slip } from "./slip.js";
import { Stream } from "../client/index.js";

const SESSION = "overround.session";
const SPORTS = ["football", "horse_racing"];
const CATALOGUE_MS = 4000;
const CATALOGUE_PAGES_MAX = 10;

const api = new Api();
const nodes = nodesOf("connection", "matches", "format", "sports");
let stream = null;

const format = new Format(nodes.format, () => {
  matches.showAll();
  bets.showAll();
  slip.update();
});
const account = new Account(api, () => slip.update());
const bets = new Bets({
  api, show: format.show,
  onRead: (bet) => slip.betUpdate(bet),
  onMoney: (body) => {
    account.take({ balance: body.balance, currency: body.currency, ledger_seq: body.ledger_seq });
    account.refresh();
  },
});
const matches = new Matches(nodes.matches, {
  show: format.show, onPick: (market, selectionId) => slip.toggle(market, selectionId),
});
const slip = new Slip({
  api, account, show: format.show,
  market: (id) => (stream ? stream.book.markets.get(id) : undefined),
  onPicks: (keys) => matches.pick(keys),
  onPlaced: (bet) => {
    bets.put(bet);
    if (bet.balance !== undefined && !bet.stake_kind) account.take({ balance: bet.balance, ledger_seq: bet.ledger_seq });
    account.refresh(); // held stakes and tokens too
  },
  onUnauthorised: () => {
    sessionStorage.removeItem(SESSION);
    begin();
  },
});

// The answer's token, kept for this tab; a new one when it has ended.
async function session() {
  const saved = JSON.parse(sessionStorage.getItem(SESSION) || "null");
  if (saved && Date.parse(saved.expires_at) > Date.now() + 60000) return saved;
  const answer = await api.session();
  if (!answer.body.token) throw new Error("no demo session: " + answer.code);
  sessionStorage.setItem(SESSION, JSON.stringify(answer.body));
  bets.clear(); // somebody else's
  forget();
  account.clear();
  return answer.body;
}

async function catalogue() {
  if (document.hidden) return;
  const events = [];
  let cursor;
  for (let page = 0; page < CATALOGUE_PAGES_MAX && cursor !== null; page++) {
    const answer = await api.events(cursor).catch(() => null);
    if (!answer || answer.code !== 200) return;
    events.push(...(answer.body.events || []));
    cursor = answer.body.next_cursor || null;
  }
  matches.catalogue(events);
}

function onFrame(frame) {
  switch (frame.op) {
    case "bet_update": onBet(frame.bet || strip(frame)); break;
    case "balance": account.take(strip(frame)); break;
    case "receipt": if (bets.entries.has(frame.bet_id)) bets.put({ bet_id: frame.bet_id, receipt: true }); break;
    default: break;
  }
}

function onBet(update) {
  const bet = bets.putPushed(update);
  if (!bet) return;
  slip.betUpdate(bet);
  account.refresh(); // held stakes, free bets
}

function strip({ op, seq, sid, channel, ...rest }) {
  return rest;
}

function onState(state, retryMs) {
  const words = {
    connecting: "Connecting …", live: "Live", stopped: "Stopped",
    waiting: `No connection: prices are old. Trying again in ${Math.ceil((retryMs || 0) / 1000)} s`,
  };
  say(nodes.connection, words[state]);
  nodes.connection.className = "connection " + state;
  document.body.classList.toggle("stale", state === "waiting");
  if (state === "live") {
    account.refresh();
    bets.load(); // what was settled while nobody told us
  }
}

function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll(".views [data-view]"))
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
}

function sport(name) {
  matches.only(name);
  for (const button of nodes.sports.children) button.setAttribute("aria-pressed", String(button.dataset.sport === name));
}

async function begin() {
  if (stream) stream.end();
  let current;
  try {
    current = await session();
  } catch {
    onState("waiting", 5000);
    setTimeout(begin, 5000);
    return;
  }
  api.options.token = current.token;
  account.player(current.user_id);
  account.seq = 0n; // another user may live in another shard
  await account.refresh();
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  stream = new Stream({
    url: scheme + location.host + "/v1/stream",
    token: current.token,
    channels: SPORTS.map((name) => "sport:" + name),
    onChange: (ids) => {
      matches.update(stream.book, ids);
      slip.changed(ids);
    },
    onState, onFrame,
  });
  stream.begin();
  slip.resume();
  catalogue();
}

for (const button of document.querySelectorAll(".views [data-view]"))
  button.addEventListener("click", () => show(button.dataset.view));
for (const button of nodes.sports.children)
  button.addEventListener("click", () => sport(button.dataset.sport));
window.addEventListener("online", () => stream && stream.hurry());
setInterval(catalogue, CATALOGUE_MS);
begin();
