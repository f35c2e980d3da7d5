#!/usr/bin/env python3
"""A TCP proxy that misbehaves as it is told, for tests.

usage: proxy.py PORT TARGET CONTROL [SEED]

Listens on 127.0.0.1:PORT and passes on to TARGET, HOST:PORT or the path of a Unix socket. The file
CONTROL says how, and may change at any time:

    (empty)     as it comes
    delay MS    every piece is held for so long, each way
    cut BYTES   a connection ends after 1 .. BYTES bytes of both ways together, anywhere
    hold        nothing is passed on, nothing is closed: a black hole

At the end (SIGTERM) it prints how many connections it had and how many it cut.
"""
import asyncio
import random
import signal
import sys


class Proxy:
    def __init__(self, target, control, seed):
        self.target, self.control = target, control
        self.random = random.Random(seed)
        self.connections = self.cuts = 0

    def order(self):
        try:
            words = open(self.control).read().split()
        except OSError:
            words = []
        return (words[0], int(words[1]) if len(words) > 1 else 0) if words else ("", 0)

    async def pump(self, reader, writer, budget):
        """One way of one connection; budget is shared with the other way."""
        while data := await reader.read(65536):
            what, amount = self.order()
            if what == "delay":
                await asyncio.sleep(amount / 1000)
            while self.order()[0] == "hold":
                await asyncio.sleep(0.1)
            if what == "cut":
                if budget[0] is None:
                    budget[0] = self.random.randint(1, amount)
                part, budget[0] = data[:budget[0]], budget[0] - len(data)
                writer.write(part)
                await writer.drain()
                if budget[0] <= 0:
                    self.cuts += 1
                    return
                continue
            writer.write(data)
            await writer.drain()

    async def serve(self, reader, writer):
        self.connections += 1
        writers = [writer]
        try:
            if self.target.startswith("/"):
                there = await asyncio.open_unix_connection(self.target)
            else:
                host, port = self.target.rsplit(":", 1)
                there = await asyncio.open_connection(host, int(port))
            writers.append(there[1])
            budget = [None]
            ways = [asyncio.ensure_future(self.pump(reader, there[1], budget)),
                    asyncio.ensure_future(self.pump(there[0], writer, budget))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass
        finally:
            for one in writers:
                one.close()


async def main():
    port, target, control = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    proxy = Proxy(target, control, int(sys.argv[4]) if len(sys.argv) > 4 else 7)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    await stop.wait()
    print(f"{proxy.connections} connections, {proxy.cuts} cut", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
