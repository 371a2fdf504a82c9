#!/usr/bin/python3
"""bad_clients HOST PORT CHANNEL EACH - so many of each kind of bad client until standard input
ends, then what they did as one JSON object:
  stalled  follows the channel and never reads
  tiny     has a window of a few bytes, and takes one now and then
  loris    sends its handshake byte by byte
  huge     announces frames that are too long, or sends them whole
  storm    opens a stream, follows the channel, breaks off (RST), and comes back
Whoever is closed comes back. They run when nobody else wants their core (SCHED_IDLE), so that the
clients that are measured there come first."""
import asyncio
import collections
import json
import os
import socket
import struct
import sys

HANDSHAKE = (b'GET /v1/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
             b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
MASK = bytes(4)
SMALL_BUFFER = 4096
STORM_SECONDS, HUGE_SECONDS, BYTE_SECONDS, AGAIN_SECONDS = 0.02, 0.05, 0.05, 0.2
HUGE_BYTES = 70000  # more than ws_message_bytes_max

DONE = collections.Counter()


def frame(payload, length=None):
    length = len(payload) if length is None else length
    head = struct.pack('!BB', 0x81, 0x80 | length) if length < 126 else \
        struct.pack('!BBQ', 0x81, 0x80 | 127, length)
    return head + MASK + payload


class Bad:
    """One client. Each kind is a method that goes on until its connection ends."""

    def __init__(self, loop, address, channel):
        self.loop, self.address = loop, address
        self.follow = frame(json.dumps({'op': 'subscribe', 'channels': [channel]}).encode())

    async def connect(self, small=False):
        made = socket.socket()
        if small:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        made.setblocking(False)
        await self.loop.sock_connect(made, self.address)
        return made

    async def stalled(self, made):
        await self.loop.sock_sendall(made, HANDSHAKE + self.follow)
        while True:  # it notices its end when it can no longer ask for anything
            await asyncio.sleep(1)
            await self.loop.sock_sendall(made, frame(b'{"op":"ping"}'))

    async def tiny(self, made):
        await self.loop.sock_sendall(made, HANDSHAKE + self.follow)
        while await self.loop.sock_recv(made, 1):
            await asyncio.sleep(BYTE_SECONDS)

    async def loris(self, made):
        for sent in HANDSHAKE:
            await self.loop.sock_sendall(made, bytes([sent]))
            await asyncio.sleep(BYTE_SECONDS)

    async def huge(self, made):
        whole = frame(b' ' * HUGE_BYTES) if DONE['huge'] % 2 else frame(b'', 1 << 50)
        await self.loop.sock_sendall(made, HANDSHAKE + whole)
        while await self.loop.sock_recv(made, 65536):
            pass
        await asyncio.sleep(HUGE_SECONDS)

    async def storm(self, made):
        await self.loop.sock_sendall(made, HANDSHAKE + self.follow)
        await self.loop.sock_recv(made, 1024)
        await asyncio.sleep(STORM_SECONDS)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    async def run(self, kind):
        while True:
            made = await self.connect(kind in ('stalled', 'tiny'))
            DONE[kind] += 1
            try:
                await getattr(self, kind)(made)
            except OSError:
                await asyncio.sleep(AGAIN_SECONDS)
            finally:
                made.close()


async def main(host, port, channel, each):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(Bad(loop, (host, int(port)), channel).run(kind))
             for kind in ('stalled', 'tiny', 'loris', 'huge', 'storm') for _ in range(int(each))]
    print('ready', flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    broken = [repr(end) for end in ended if not isinstance(end, asyncio.CancelledError)]
    print(json.dumps({'connections': dict(DONE), 'broken': broken[:3]}))


asyncio.run(main(*sys.argv[1:]))
