// A client written with npm's ws: follows a market over compressed frames, pings, asks for nonsense,
// is pinged, and closes. usage: ws_peer.mjs URL CHANNEL TOKEN; ws is found from the working folder.
// Prints what it saw as one JSON line.
import { createRequire } from "node:module";

const WebSocket = createRequire(`${process.cwd()}/`)("ws");
const [url, channel, token] = process.argv.slice(2);
const told = { deltas: [], pongs: [], errors: [] };
const socket = new WebSocket(url, [`bearer.${token}`], { perMessageDeflate: { threshold: 0 } });
const fail = (what) => {
  console.error(what);
  process.exit(1);
};
socket.on("error", (error) => fail(error.message));
socket.on("upgrade", (answer) => (told.accept = answer.headers["sec-websocket-accept"]));
socket.on("open", () => {
  told.extensions = socket.extensions;
  told.protocol = socket.protocol;
  socket.send(JSON.stringify({ op: "subscribe", channels: [channel] }));
  socket.ping("are you there");
});
socket.on("pong", (payload) => told.pongs.push(payload.toString()));
socket.on("message", (text, isBinary) => {
  if (isBinary) fail("binary");
  const message = JSON.parse(text);
  if (message.op === "snapshot") {
    told.snapshot = message.markets[0].selections.length;
    console.log("ready");
    socket.send(" ".repeat(60000) + "{");
  } else if (message.op === "error") {
    told.errors.push(message.code);
  } else if (message.op === "delta") {
    told.deltas.push(message.odds_version);
    if (told.deltas.length === 3) socket.close(4001, "enough");
  }
});
socket.on("close", (code) => {
  told.close = code;
  console.log(JSON.stringify(told));
});
