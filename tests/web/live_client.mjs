// live_client.mjs OPTIONS - web/client against a real server, driven by tests/e2e/test_client.py: commands come
// as lines of JSON ({"bet", "key"}), and what happens is told as lines of JSON.
import readline from "node:readline";

import { Stream } from "../../web/client/index.js";
import { Socket } from "./lib/socket.mjs";

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const stream = new Stream({
  WebSocket: globalThis.WebSocket ?? Socket,
  onState: (state, retryMs) => tell({ state, retryMs }),
  onFrame: (frame) => tell({ frame, versions: stream.book.have() }),
  ...JSON.parse(process.argv[2]),
});
stream.begin();
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { bet, key } = JSON.parse(line);
  stream.placeBet(bet, key).then((answer) => tell({ answer }), (error) => tell({ error: error.message }));
}).on("close", () => {
  stream.end();
  process.exit(0);
});
