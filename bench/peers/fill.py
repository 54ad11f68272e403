"""`python -m bench.peers.fill MODULE TASKS`: enqueues TASKS tasks of a peer."""

import asyncio
import importlib
import sys

if __name__ == "__main__":
    module, tasks = sys.argv[1:]
    enqueuing = importlib.import_module(f"bench.peers.{module}").fill(int(tasks))
    if enqueuing:
        asyncio.run(enqueuing)
