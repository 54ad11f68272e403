"""`make demo`: starts the stack, sends 10,000 pushes as one batch, checks the notification log, stops.

The last line of output is a JSON object. Exit codes: 0, the log contains each token exactly once; 1, it does not;
2, the token file or a port is unusable, or a demo runs already.
"""

import signal

if __name__ == "__main__":  # before main() there is nothing to clean up
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
import os
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from handoff_api.auth import digest
from handoff_api.keys import new_key
from interrupts import ignore, raise_once
from process import NotReady, take_lock
from progress import Progress
from stack import ROOT, Stack, chosen_ports
from tokens import counted, read_tokens

FOLDER = ROOT / ".handoff" / "demo"
ENDED = ("succeeded", "failed", "cancelled", "expired", "dead")
SENTENCE = "Successfully sent push notification to: "
SILENCE_SECONDS = 60.0  # the demo gives up after this time without an event
NOTIFICATION = {"title": "Handoff", "body": "The work was handed off.", "provider": "log"}


class Failed(Exception):
    """The demo did not finish; the message says why."""


def events(response: httpx2.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the parsed JSON data of each server-sent event."""
    name, last_event = "", time.monotonic()
    for line in response.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            last_event = time.monotonic()
            yield name, json.loads(line.removeprefix("data:"))
        elif time.monotonic() - last_event > SILENCE_SECONDS:
            break
    raise Failed("the events ended before the batch did")


def follow(client: httpx2.Client, batch: dict[str, Any]) -> dict[str, Any]:
    """Show the progress of a batch until it ends. Return its last state."""
    progress = Progress(batch["total"])
    with client.stream("GET", f"/v1/batches/{batch['id']}/events", timeout=SILENCE_SECONDS) as response:
        for name, state in events(response.raise_for_status()):
            progress.show(sum(state["counts"].get(ended, 0) for ended in ENDED))
            if name == "end":
                break
    return state


def push(stack: Stack, key: str, tokens: list[str]) -> dict[str, Any]:
    """Submit one batch and follow it. Return the figures for the last line."""
    body = {"common": NOTIFICATION, "items": [{"token": token} for token in tokens]}
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=stack.api.url, headers=headers, timeout=30, trust_env=False) as client:
        began = time.monotonic()
        response = client.post("/v1/batches/push.send", json=body)
        if response.status_code != httpx2.codes.ACCEPTED:
            raise Failed(f"the API answered {response.status_code}: {response.json()['detail']}")
        accept_ms = float(response.headers["Server-Timing"].removeprefix("accept;dur="))
        pushes = counted(len(tokens), "push", "pushes")
        print(f"The API accepted {pushes} in {accept_ms:.0f} ms. The worker sends them:", flush=True)
        counts = follow(client, response.json())["counts"]
        deliver_s = time.monotonic() - began
    return {
        "items": len(tokens),
        "succeeded": counts["succeeded"],
        "failed": len(tokens) - counts["succeeded"],
        "accept_ms": round(accept_ms, 1),
        "deliver_s": round(deliver_s, 2),
    }


def differences(log: Path, tokens: list[str]) -> list[str]:
    """Return how the log differs from one sentence for each token: missing, repeated and unknown lines."""
    expected = Counter(SENTENCE + token for token in tokens)
    found = Counter(log.read_text(encoding="utf-8").splitlines())
    kinds = {
        "missing": (expected - found).total(),
        "repeated": sum((count - 1) for line, count in found.items() if line in expected),
        "unknown": sum(count for line, count in found.items() if line not in expected),
    }
    return [f"{count:,} {kind}" for kind, count in kinds.items() if count]


def demo(tokens: list[str], ports: dict[str, int]) -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    log = ROOT / "notification.log"
    log.write_text("")
    key, pepper = new_key(), secrets.token_urlsafe()
    settings = {
        "HANDOFF_API_KEY_PEPPER": pepper,
        "HANDOFF_API_KEYS": f"demo={digest(pepper, key)}",
        "HANDOFF_NOTIFICATION_LOG": str(log),
    }
    stack = Stack(FOLDER, settings=settings, flower=True, ports=ports)
    print("Starting Redis, API, worker and Flower:", flush=True)
    with stack:
        print(f"  API     {stack.api.url}/docs")
        print(f"  Flower  {stack.flower.url}  (login {stack.flower_login})")
        print(f"  Logs    {FOLDER}", flush=True)
        outcome = push(stack, key, tokens)
    wrong = differences(log, tokens)
    if wrong:
        print(f"{log} does not contain each token exactly once. Lines: {', '.join(wrong)}.")
    else:
        sent = counted(len(tokens), "token", "tokens")
        print(f"{log} contains each token exactly once: {sent} after {outcome['deliver_s']} s.")
    print("The stack has stopped. `make dev` runs it until Ctrl-C.")
    print(json.dumps({**outcome, "api": stack.api.url, "flower": stack.flower.url, "log": str(log)}))
    return 1 if wrong else 0


def main() -> int:
    raise_once()
    file = sys.argv[1] if len(sys.argv) > 1 else None
    try:
        try:
            tokens, repeated = read_tokens(file)
            ports = chosen_ports(os.environ)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        if not take_lock(FOLDER.with_name("demo.lock")):
            print("`make demo` runs in this folder already: wait for its end.", file=sys.stderr)
            return 2
        if repeated:
            print(f"{file} repeats tokens: {counted(repeated, 'line is', 'lines are')} left out.")
        return demo(tokens, ports)
    except (Failed, NotReady, httpx2.HTTPError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        ignore()  # reaper.py kills the remaining processes


if __name__ == "__main__":
    sys.exit(main())
