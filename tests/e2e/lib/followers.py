"""Clients of the price stream that stay through everything: JSON, CBOR and event streams, many in
one thread. Each keeps every version that it was shown, and what stood for those that it was not."""
import asyncio
import json
import threading
from urllib.parse import quote

import cbor2
import websockets

from . import api
from .binary import PROTOCOL, plain

BACKOFF_SECONDS = 0.2


def read(text):
    api.message_text(text)
    return json.loads(text)


class Follower:
    """Follows its channels until it is told to end; comes back when told to, and resumes."""

    def __init__(self, address, channels, binary=False, tls=None):
        self.address, self.channels, self.binary, self.tls = address, channels, binary, tls
        self.seq, self.sids, self.sid = {}, {}, None  # of each channel; and the newest
        self.seen = {}                 # (channel, market) -> [(version, 'delta' or 'whole')]
        self.refused, self.broken, self.resumed, self.snapshots, self.hints = [], 0, 0, 0, 0
        self.closes, self.wait, self.connections = [], BACKOFF_SECONDS, 0
        self.problems = []

    # What websockets.connect() takes besides, and how long an event stream may be silent.
    patience = {'open_timeout': 60, 'ping_interval': None}
    silence_seconds = None
    buffers = {}

    async def pause(self, transport):
        """After each message; may take its time, or abort the transport."""

    def note(self, channel, market, version, kind):
        rows = self.seen.setdefault((channel, market), [])
        if rows and version <= rows[-1][0] and (kind == 'delta' or version < rows[-1][0]):
            self.problems.append(f'{channel} {market}: {version} after {rows[-1]}')
        rows.append((version, kind))

    def next_seq(self, message):
        channel, seq = message['channel'], message['seq']
        if seq != self.seq[channel] + 1:
            self.problems.append(f'{channel}: {message["op"]} {seq} after {self.seq[channel]}')
        self.seq[channel] = seq

    def number(self, channel, message):
        """A snapshot's number, which counts with its sid only: another loop has other ones."""
        if self.sids.get(channel) == message['sid'] and message['seq'] < self.seq[channel]:
            self.problems.append(f'{channel}: snapshot {message["seq"]} falls')
        self.sid = self.sids[channel] = message['sid']
        self.seq[channel] = message['seq']

    def exact(self):
        """Where it may be resumed exactly."""
        return {'sid': self.sid,
                'seq': {c: seq for c, seq in self.seq.items() if self.sids[c] == self.sid}}

    def take_resumed(self, message):
        channel, seq = message['channel'], message['seq']
        self.resumed += 1
        if seq != self.seq[channel]:
            self.problems.append(f'{channel}: resumed at {seq}')

    def take(self, message):
        op, channel = message['op'], message.get('channel')
        if op == 'snapshot':
            self.snapshots += 1
            self.number(channel, message)
            for market in message['markets']:
                self.note(channel, market['market_id'], market['odds_version'], 'whole')
        elif op == 'resumed':
            self.take_resumed(message)
        elif op == 'delta':
            self.next_seq(message)
            self.note(channel, message['market_id'], message['odds_version'], 'delta')
        elif op == 'image':
            if 'seq' in message:
                self.next_seq(message)
                kind = 'delta'  # it stands for itself alone: it is no excuse for earlier ones
            else:
                kind = 'whole'  # behind `skipped`
            market = message['market']
            self.note(channel, market['market_id'], market['odds_version'], kind)
        elif op == 'skipped':
            self.seq[channel] = message['seq']
        elif op == 'removed':
            self.next_seq(message)
        elif op == 'reconnect':
            self.hints += 1
            self.wait = message['after_ms'] / 1000
        elif op == 'error':
            self.problems.append(f'{message}')

    def ask(self):
        if not self.seq:
            return {'op': 'subscribe', 'channels': self.channels}
        return {'op': 'resume', 'channels': self.channels, **self.exact()}

    async def follow(self):
        protocols = [PROTOCOL] if self.binary else None
        url = '%s://%s:%d/v1/stream' % ('wss' if self.tls else 'ws', *self.address)
        async with websockets.connect(url, max_size=None, subprotocols=protocols, ssl=self.tls,
                                      **self.patience, **self.buffers) as socket:
            await socket.send(json.dumps(self.ask()))
            self.connections += 1
            try:
                async for message in socket:
                    self.take(plain(cbor2.loads(message)) if self.binary else read(message))
                    await self.pause(socket.transport)
            finally:
                self.closes.append(socket.close_code)

    async def run(self):
        while True:
            self.wait = BACKOFF_SECONDS
            try:
                await self.follow()
            except ConnectionRefusedError as error:
                self.refused.append(error)
            except (OSError, EOFError, asyncio.TimeoutError,
                    websockets.exceptions.WebSocketException):
                self.broken += 1
            await asyncio.sleep(self.wait)


class Events(Follower):
    """The same over server-sent events: the last id is where to resume."""
    last_id, query, stream_bytes = None, '', 1 << 16

    async def follow(self):
        reader, writer = await asyncio.wait_for(asyncio.open_connection(
            *self.address, ssl=self.tls, limit=self.stream_bytes), self.silence_seconds)

        async def line():
            return await asyncio.wait_for(reader.readline(), self.silence_seconds)

        try:
            names = ','.join(quote(c, safe=':') for c in self.channels)
            head = f'GET /v1/stream?channels={names}{self.query} HTTP/1.1\r\nHost: x\r\n' \
                   'Accept: text/event-stream\r\n'
            head += f'Last-Event-ID: {self.last_id}\r\n' if self.last_id else ''
            writer.write((head + '\r\n').encode())
            status = await line()
            if b' 200 ' not in status:
                self.broken += 1
                return
            while (await line()).strip():
                pass
            self.connections += 1
            before = self.snapshots
            rest = b''
            while size := int((await line()).strip() or b'0', 16):
                rest += await reader.readexactly(size)
                await reader.readline()
                while b'\n\n' in rest:
                    event, rest = rest.split(b'\n\n', 1)
                    self.event(event.decode())
                    await self.pause(writer.transport)
            self.closes.append('end')
            self.resumed += self.snapshots == before and self.last_id is not None
        finally:
            writer.close()

    def event(self, text):
        for line in text.split('\n'):
            if line.startswith('id: '):
                self.last_id = line[4:]
            elif line.startswith('retry: '):
                self.hints += 1
                self.wait = int(line[7:]) / 1000
            elif line.startswith('data: '):
                self.take(read(line[6:]))


class Followers:
    """All of them, in a thread of their own."""

    def __init__(self, followers):
        self.followers, self.loop, self.tasks = followers, asyncio.new_event_loop(), []
        self.begun = threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.all(),),
                                       daemon=True)
        self.thread.start()

    async def all(self):
        self.tasks = [asyncio.ensure_future(f.run()) for f in self.followers]
        self.begun.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def end(self):
        self.begun.wait()
        for task in self.tasks:
            self.loop.call_soon_threadsafe(task.cancel)
        self.thread.join()
        for task in self.tasks:
            error = None if task.cancelled() else task.exception()
            assert error is None, repr(error)
