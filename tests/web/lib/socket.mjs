// socket.mjs - a WebSocket for Node before 22, as small as the tests of web/client need it: text and
// binary messages, unmasked frames of a server, close codes. Plain TCP only.
import { randomBytes } from "node:crypto";
import net from "node:net";

export class Socket {
  constructor(url, protocols = []) {
    const { hostname, port, pathname } = new URL(url);
    this.readyState = 0;
    this.code = 1006;
    this.bytes = Buffer.alloc(0);
    this.tcp = net.connect(Number(port), hostname, () => {
      this.tcp.setNoDelay(true);
      const offered = protocols.length ? `Sec-WebSocket-Protocol: ${protocols.join(", ")}\r\n` : "";
      this.tcp.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" + offered +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`);
    });
    this.tcp.on("error", () => {}); // close follows
    this.tcp.on("close", () => this.#ended());
    this.tcp.on("data", (bytes) => {
      this.bytes = Buffer.concat([this.bytes, bytes]);
      if (this.readyState === 0) this.#handshake();
      while (this.readyState > 0 && this.#frame());
    });
  }

  #handshake() {
    const end = this.bytes.indexOf("\r\n\r\n");
    if (end < 0) return;
    const good = this.bytes.subarray(0, end).toString().startsWith("HTTP/1.1 101");
    this.bytes = this.bytes.subarray(end + 4);
    if (!good) {
      this.tcp.destroy();
      return;
    }
    this.readyState = 1;
    this.onopen?.({});
  }

  #frame() {
    const { bytes } = this;
    if (bytes.length < 2) return false;
    let length = bytes[1] & 127, at = 2;
    if (length === 126 && bytes.length >= 4) (length = bytes.readUInt16BE(2)), (at = 4);
    else if (length === 127 && bytes.length >= 10) (length = Number(bytes.readBigUInt64BE(2))), (at = 10);
    else if (length >= 126) return false;
    if (bytes.length < at + length) return false;
    this.bytes = bytes.subarray(at + length);
    this.#take(bytes[0] & 15, bytes.subarray(at, at + length));
    return true;
  }

  #take(opcode, content) {
    if (opcode === 1) this.onmessage?.({ data: content.toString() });
    if (opcode === 2) this.onmessage?.({ data: Uint8Array.from(content).buffer });
    if (opcode === 9) this.#write(10, content);
    if (opcode !== 8) return;
    this.code = content.length >= 2 ? content.readUInt16BE(0) : 1005;
    this.#write(8, content.subarray(0, 2));
    this.tcp.end();
  }

  #write(opcode, content) {
    const mask = randomBytes(4);
    const head = content.length < 126 ? Buffer.from([128 | opcode, 128 | content.length])
      : Buffer.from([128 | opcode, 254, content.length >> 8, content.length & 255]);
    const masked = Buffer.from(content.map((byte, n) => byte ^ mask[n % 4]));
    this.tcp.write(Buffer.concat([head, mask, masked]));
  }

  #ended() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code: this.code });
  }

  send(text) {
    this.#write(1, Buffer.from(text));
  }

  close() {
    this.readyState = 2;
    this.tcp.end();
  }
}
