// shards.js - how the shards of this desk are, and which of them had a word when it was answered.

import { element, nodesOf, say } from "../shared/dom.js";

const NOTES_MAX = 8; // of shards that have something to say

const count = (number, one) => `${number} ${one}${Number(number) === 1 ? "" : "s"}`;
const numbers = (list) => (list.length === 1 ? "Shard " : "Shards ") + list.join(", ");

// Of an answer's `shards`: what the trader must know; "" where all have it, or there are no others.
export function spread(shards) {
  if (!shards) return "";
  const parts = [];
  if (shards.away.length > 0) {
    const one = shards.away.length === 1;
    parts.push(`${numbers(shards.away)} ${one ? "is" : "are"} away: ${one ? "it takes" : "they take"} no bets before ` +
      `${one ? "it has" : "they have"} this.`);
  }
  if (shards.refused && shards.refused.length > 0)
    parts.push(`${numbers(shards.refused)} refused it: it is not in force there.`);
  return parts.join(" ");
}

// Of one shard what is not as it should be, or what it still has to do; null: nothing.
function noteOf(shard) {
  const left = Number(shard.bets_left) > 0 ? count(shard.bets_left, "bet") + " to settle" : "";
  if (!shard.attached) return { bad: true, text: [`Shard ${shard.shard} is away`, left].filter(Boolean).join(" · ") };
  if (!shard.granted) return { bad: true, text: [`Shard ${shard.shard} takes no bets`, left].filter(Boolean).join(" · ") };
  return left ? { bad: false, text: `Shard ${shard.shard}: ${left}` } : null;
}

// {text, notes: [{bad, text}], more}: those that are away first.
export function summary(shards) {
  const taking = shards.filter((each) => each.attached && each.granted).length;
  const notes = shards.map(noteOf).filter(Boolean).sort((a, b) => Number(b.bad) - Number(a.bad));
  return {
    text: `${taking} of ${count(shards.length, "shard")} ${shards.length === 1 ? "takes" : "take"} bets`,
    notes: notes.slice(0, NOTES_MAX), more: Math.max(0, notes.length - NOTES_MAX),
  };
}

export class Shards {
  constructor(api) {
    this.api = api;
    this.nodes = nodesOf("shards", "shards-text", "shards-notes");
  }

  async refresh() {
    const answer = await this.api.shards();
    const shards = answer.code === 200 ? answer.body.shards : [];
    this.nodes.shards.hidden = shards.length === 0;
    if (shards.length === 0) return;
    const { text, notes, more } = summary(shards);
    say(this.nodes["shards-text"], text);
    this.nodes.shards.classList.toggle("bad", notes.some((note) => note.bad));
    this.nodes["shards-notes"].replaceChildren(
      ...notes.map((note) => element("span", "badge" + (note.bad ? " held" : ""), note.text)),
      ...(more > 0 ? [element("span", "quiet", `and ${more} more`)] : []));
  }
}
