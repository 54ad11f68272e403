"""`python -m bench.peers.fill MODULE TASKS`: enqueues so many tasks of a peer, and ends."""

import asyncio
import importlib
import sys

if __name__ == "__main__":
    module, tasks = sys.argv[1:]
    enqueuing = importlib.import_module(f"bench.peers.{module}").fill(int(tasks))
    if enqueuing:
        asyncio.run(enqueuing)
