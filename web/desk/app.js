// app.js - the trading desk: signs in, shows one tab, and reads again what it shows.

import { nodesOf, say } from "../shared/dom.js";
import { Unanswered } from "../shared/http.js";
import { DeskApi } from "./api.js";
import { Grants } from "./grants.js";
import { Limits } from "./limits.js";
import { Markets } from "./markets.js";
import { Proposals } from "./proposals.js";
import { Referrals } from "./referrals.js";
import { Session } from "./session.js";
import { Settlements } from "./settlements.js";
import { Shards } from "./shards.js";

const POLL_MS = 1000;
const BARS_POLL_MS = 250; // what runs is looked at more often

const api = new DeskApi();
const session = new Session(api);
const nodes = nodesOf("connection", "figures", "who", "sign-out", "demo-notice", "tabs", "sign-in", "sign-in-form",
  "sign-in-answer", "token");
const limits = new Limits(api);
const names = new Map(); // market_id -> the market, as last read
const tabs = {
  markets: new Markets({ api, names, onLimits: (marketId) => openLimits(marketId) }),
  proposals: new Proposals({ api, names, user: () => session.user }),
  referrals: new Referrals({ api }),
  settlements: new Settlements({ api, names }),
  limits,
  grants: new Grants(api),
};
const shards = new Shards(api);
let shown = "markets";

function openLimits(marketId) {
  limits.choose("market", marketId);
  show("limits");
}

function show(tab) {
  shown = tab;
  for (const name of Object.keys(tabs)) document.getElementById(name).hidden = name !== tab;
  for (const each of nodes.tabs.children) each.setAttribute("aria-pressed", String(each.dataset.tab === tab));
  poll();
}

function signedIn(yes) {
  nodes["sign-in"].hidden = yes;
  nodes.tabs.hidden = !yes;
  nodes["sign-out"].hidden = !yes;
  nodes["demo-notice"].hidden = !(yes && session.demo);
  if (!yes) document.getElementById("shards").hidden = true;
  say(nodes.who, yes ? session.user : "");
  if (yes) show(shown);
  else for (const name of Object.keys(tabs)) document.getElementById(name).hidden = true;
}

function connection(state, text) {
  nodes.connection.className = "connection " + state;
  say(nodes.connection, text);
}

function figures(status) {
  const bets = Number(status.bets_known ?? 0).toLocaleString("en");
  say(nodes.figures, `${bets} bets · ${Number(status.accounts ?? 0).toLocaleString("en")} accounts · ` +
    `${Number(status.connections ?? 0).toLocaleString("en")} connections`);
  if (status.taking_bets) connection("live", "Taking bets");
  else connection("waiting", "No bets are taken");
}

// What is shown, and what the tabs count. True while the token is good.
async function refresh() {
  const status = await api.status();
  if (status.code === 401 || status.code === 403) return false;
  if (status.code === 200) figures(status.body);
  await shards.refresh();
  const also = ["proposals", "referrals", "settlements"].filter((tab) => tab !== shown);
  for (const tab of [shown, ...also]) if (tabs[tab].refresh) await tabs[tab].refresh();
  return true;
}

let polling = false;
async function poll() {
  if (polling || document.hidden || !api.options.token) return;
  polling = true;
  try {
    if (!(await refresh())) {
      session.end();
      signedIn(false);
      connection("waiting", "Not signed in");
    }
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    connection("waiting", "No connection: what is shown is old");
  } finally {
    polling = false;
  }
}

async function begin() {
  try {
    const yes = await session.begin();
    signedIn(yes);
    if (!yes) connection("waiting", "Not signed in");
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    connection("waiting", "No connection. Trying again …");
    setTimeout(begin, 3000);
  }
}

nodes["sign-in-form"].addEventListener("submit", (event) => {
  event.preventDefault();
  const good = session.take(nodes.token.value);
  nodes.token.value = "";
  nodes["sign-in-answer"].textContent = good ? "" : "That is no token, or it has expired.";
  nodes["sign-in-answer"].className = "answer" + (good ? "" : " bad");
  if (good) signedIn(true);
});
nodes["sign-out"].addEventListener("click", () => {
  session.end();
  signedIn(false);
  connection("waiting", "Not signed in");
});
for (const each of nodes.tabs.children) each.addEventListener("click", () => show(each.dataset.tab));
setInterval(poll, POLL_MS);
setInterval(() => {
  if (shown === "settlements" && !nodes.tabs.hidden && !document.hidden) tabs.settlements.refresh().catch(() => {});
}, BARS_POLL_MS);
begin();
