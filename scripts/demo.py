"""`make demo`: starts the stack, pushes one batch to 10,000 devices, counts what the log holds, stops.

The last line is a JSON object. Exit codes: 0, the log holds each token exactly once; 1, it does not; 2, a token file or
a port is no good.
"""

import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from handoff_api.auth import digest
from handoff_api.keys import new_key
from process import NotReady
from progress import Progress
from stack import ROOT, Stack, chosen_ports

ENDED = ("succeeded", "failed", "cancelled", "expired", "dead")
SENTENCE = "Successfully sent push notification to: "
SILENCE = 60.0  # seconds without an event after which the demo gives up
NOTIFICATION = {"title": "Handoff", "body": "The work was handed off.", "provider": "log"}


class Failed(Exception):
    """The demo could not be carried out; the message says why."""


def read_tokens(file: str | None) -> list[str]:
    """One token a line, blank lines and repetitions left out; 10,000 made ones without a file.

    Raises:
        ValueError: the file cannot be read, or holds no token.
    """
    if file is None:
        return [f"demo-device-{number:05}" for number in range(10_000)]
    try:
        lines = Path(file).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"The tokens in {file} cannot be read: {reason}.") from error
    tokens = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not tokens:
        raise ValueError(f"{file} holds no token: write one a line.")
    return tokens


def events(response: httpx2.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """The server-sent events of a response: name, and the data's JSON."""
    name, heard = "", time.monotonic()
    for line in response.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            heard = time.monotonic()
            yield name, json.loads(line.removeprefix("data:"))
        elif time.monotonic() - heard > SILENCE:
            break
    raise Failed("the events ended before the batch did")


def follow(client: httpx2.Client, batch: dict[str, Any]) -> dict[str, Any]:
    """Shows a batch's progress until its end; returns its last state."""
    progress = Progress(batch["total"])
    with client.stream("GET", f"/v1/batches/{batch['id']}/events", timeout=SILENCE) as response:
        for name, state in events(response.raise_for_status()):
            progress.show(sum(state["counts"].get(ended, 0) for ended in ENDED))
            if name == "end":
                break
    return state


def push(stack: Stack, key: str, tokens: list[str]) -> dict[str, Any]:
    """Sends one batch and follows it; returns the demo's numbers."""
    body = {"common": NOTIFICATION, "items": [{"token": token} for token in tokens]}
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=stack.api.url, headers=headers, timeout=30, trust_env=False) as client:
        began = time.monotonic()
        response = client.post("/v1/batches/push.send", json=body)
        if response.status_code != httpx2.codes.ACCEPTED:
            raise Failed(f"the API answered {response.status_code}: {response.text}")
        accept_ms = float(response.headers["Server-Timing"].removeprefix("accept;dur="))
        print(f"Accepted {len(tokens):,} pushes in {accept_ms:.0f} ms. Now the worker sends them:", flush=True)
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
    """What keeps the log from holding the sentence for each token exactly once, and nothing else."""
    expected = Counter(SENTENCE + token for token in tokens)
    held = Counter(log.read_text(encoding="utf-8").splitlines())
    kinds = {
        "missing": (expected - held).total(),
        "repeated": sum((count - 1) for line, count in held.items() if line in expected),
        "unknown": sum(count for line, count in held.items() if line not in expected),
    }
    return [f"{count:,} {kind}" for kind, count in kinds.items() if count]


def demo(tokens: list[str], ports: dict[str, int]) -> int:
    folder = ROOT / ".handoff" / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    log = ROOT / "notification.log"
    log.write_text("")
    key, pepper = new_key(), secrets.token_urlsafe()
    settings = {
        "HANDOFF_API_KEY_PEPPER": pepper,
        "HANDOFF_API_KEYS": f"demo={digest(pepper, key)}",
        "HANDOFF_NOTIFICATION_LOG": str(log),
    }
    stack = Stack(folder, settings=settings, flower=True, ports=ports)
    print("Starting Redis, API, worker and Flower", flush=True)
    with stack:
        print(f"  API     {stack.api.url}/docs")
        print(f"  Flower  {stack.flower.url}  (login {stack.flower_login})")
        print(f"  Logs    {folder}", flush=True)
        outcome = push(stack, key, tokens)
    wrong = differences(log, tokens)
    if wrong:
        print(f"{log} is not what it should be: lines {', '.join(wrong)}.")
    else:
        print(f"{log} holds each of the {len(tokens):,} tokens exactly once, after {outcome['deliver_s']} s.")
    print("Everything is stopped again; `make dev` keeps it running.")
    print(json.dumps({**outcome, "api": stack.api.url, "flower": stack.flower.url, "log": str(log)}))
    return 1 if wrong else 0


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        tokens = read_tokens(sys.argv[1] if len(sys.argv) > 1 else None)
        ports = chosen_ports(os.environ)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return demo(tokens, ports)
    except (Failed, NotReady, httpx2.HTTPError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
