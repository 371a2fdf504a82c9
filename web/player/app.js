// app.js - the player page: joins the price stream, the slip, the bets and the account.

import { Api, newKey } from "./api.js";
import { Bets } from "./bets.js";
import { money } from "./explain.js";
import { Matches } from "./matches.js";
import { Slip } from "./slip.js";
import { Stream } from "./client/index.js";

const SESSION = "overround.session";
const CATALOGUE_MS = 4000;

const api = new Api();
const nodes = Object.fromEntries(
  ["connection", "balance", "held", "deposit", "matches"].map((id) => [id, document.getElementById(id)]));
const account = { currency: "GBP" };
let stream = null;

const bets = new Bets(api);
const slip = new Slip({
  api,
  market: (id) => (stream ? stream.book.markets.get(id) : undefined),
  currency: () => account.currency,
  onPick: (marketId, selectionId) => matches.pick(marketId, selectionId),
  onPlaced: (bet) => {
    bets.put(bet);
    if (bet.balance !== undefined) showBalance(bet);
    refreshAccount(); // held stakes too
  },
  onUnauthorised: () => {
    sessionStorage.removeItem(SESSION);
    begin();
  },
});
const matches = new Matches(nodes.matches, (market, selectionId) => {
  slip.pick(market, selectionId);
  show("slip");
});

// The answer's token, kept for this tab; a new one when it has ended.
async function session() {
  const saved = JSON.parse(sessionStorage.getItem(SESSION) || "null");
  if (saved && Date.parse(saved.expires_at) > Date.now() + 60000) return saved;
  const answer = await api.session();
  if (!answer.body.token) throw new Error("no demo session: " + answer.code);
  sessionStorage.setItem(SESSION, JSON.stringify(answer.body));
  return answer.body;
}

async function refreshAccount() {
  const answer = await api.account().catch(() => null);
  if (answer && answer.code === 200) showBalance(answer.body);
}

// Answers and pushes come by different ways: the one with the lower ledger_seq is the older.
function showBalance(state) {
  const seq = Number(String(state.ledger_seq ?? "").split("-")[1]);
  if (seq < account.seq) return;
  if (seq) account.seq = seq;
  for (const key of ["balance", "held", "currency"])
    if (state[key] !== undefined && state[key] !== null) account[key] = state[key];
  nodes.balance.textContent = money(account.balance ?? 0, account.currency);
  nodes.held.textContent = Number(account.held) > 0 ? `(${money(account.held)} held)` : "";
  slip.update();
}

async function deposit() {
  nodes.deposit.disabled = true;
  const answer = await api.deposit(100, account.currency, newKey()).catch(() => null);
  nodes.deposit.disabled = false;
  if (answer && answer.code === 201) showBalance({ balance: answer.body.balance, ledger_seq: answer.body.ledger_seq });
  refreshAccount();
}

async function catalogue() {
  if (document.hidden) return;
  const answer = await api.events().catch(() => null);
  if (answer && answer.code === 200) matches.catalogue(answer.body.events || []);
}

function onFrame(frame) {
  switch (frame.op) {
    case "bet_update": {
      const bet = bets.putPushed(frame.bet || strip(frame));
      if (!bet) break;
      if (bet.balance !== undefined) showBalance(bet);
      slip.betUpdate(bet);
      // A push is short: the history, which the explanation needs, is read when it is settled.
      if (["WON", "LOST", "VOID", "SETTLED"].includes(bet.status)) bets.refresh(bet.bet_id);
      if (bet.status === "NOT_ACCEPTED" || bet.status === "PLACED") refreshAccount(); // held money
      break;
    }
    case "balance": showBalance(strip(frame)); break;
    case "receipt": if (bets.bets.has(frame.bet_id)) bets.put({ bet_id: frame.bet_id, receipt: true }); break;
    default: break;
  }
}

function strip({ op, seq, sid, channel, ...rest }) {
  return rest;
}

function onState(state, retryMs) {
  const words = {
    connecting: "Connecting …", live: "Live", stopped: "Stopped",
    waiting: `No connection: prices are old. Trying again in ${Math.ceil((retryMs || 0) / 1000)} s`,
  };
  nodes.connection.textContent = words[state];
  nodes.connection.className = "connection " + state;
  document.body.classList.toggle("stale", state === "waiting");
  if (state === "live") {
    refreshAccount();
    bets.load(); // what was settled while nobody told us
  }
}

function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll(".views [data-view]"))
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
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
  delete account.seq; // another user may live in another shard
  await refreshAccount();
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  stream = new Stream({
    url: scheme + location.host + "/v1/stream",
    token: current.token,
    channels: ["sport:football"],
    onChange: (ids) => {
      matches.update(stream.book, ids);
      if (slip.picked && ids.includes(slip.picked.marketId)) slip.update();
    },
    onState, onFrame,
  });
  stream.begin();
  slip.resume();
  catalogue();
}

for (const button of document.querySelectorAll(".views [data-view]"))
  button.addEventListener("click", () => show(button.dataset.view));
nodes.deposit.addEventListener("click", deposit);
window.addEventListener("online", () => stream && stream.hurry());
setInterval(catalogue, CATALOGUE_MS);
begin();
