"""A proxy that takes its time: what comes is passed on later, in order, each piece after a delay of
its own."""
import asyncio
import threading

WAITING_MAX = 64  # pieces on their way; then the sender is not read any more
PIECE_BYTES = 16384


class Delay:
    """Listens at `address`, in the network of the thread that makes it."""

    def __init__(self, server, seconds, jitter, dice):
        self.server, self.seconds, self.jitter, self.dice = server, seconds, jitter, dice
        self.loop, self.passed = asyncio.new_event_loop(), 0
        self.address, self.ready = None, threading.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.run(),),
                                       daemon=True)
        self.thread.start()
        assert self.ready.wait(60)

    def close(self):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()

    async def run(self):
        self.ended = asyncio.Event()
        listener = await asyncio.start_server(self.connect, '127.0.0.1', 0)
        self.address = listener.sockets[0].getsockname()
        self.ready.set()
        await self.ended.wait()
        listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def connect(self, reader, writer):
        try:
            there = await asyncio.open_connection(*self.server)
        except OSError:  # as the server itself would answer
            writer.close()
            return
        await asyncio.gather(self.carry(reader, there[1]), self.carry(there[0], writer))

    async def carry(self, reader, writer):
        pieces = asyncio.Queue(WAITING_MAX)
        reading = asyncio.ensure_future(self.read(reader, pieces))
        try:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(due - self.loop.time())
                if not piece:
                    break
                writer.write(piece)
                self.passed += 1
                await writer.drain()
        except OSError:
            pass
        finally:
            reading.cancel()
            writer.close()

    async def read(self, reader, pieces):
        piece = b'-'
        while piece:
            try:
                piece = await reader.read(PIECE_BYTES)
            except OSError:
                piece = b''
            late = self.seconds + self.dice.uniform(-self.jitter, self.jitter)
            await pieces.put((self.loop.time() + late, piece))
