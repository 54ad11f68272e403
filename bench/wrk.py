"""Runs wrk: 32 connections that post as fast as the API responds."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CONNECTIONS = 32
SCRIPT = Path(__file__).with_name("post.lua")


class Load(NamedTuple):
    """Requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def read(output: str) -> Load:
    """Parse the last line of `post.lua`.

    Raises:
        SystemExit: a request was refused or failed, which makes the rate meaningless.
    """
    said = json.loads(output.rstrip().rpartition("\n")[2])
    if said["refused"] or said["failed"]:
        raise SystemExit(f"{said['refused']} requests were refused and {said['failed']} failed")
    return Load(said["rate"], said["p50"], said["p99"])


def post(url: str, body: str, seconds: int, headers: Mapping[str, str] | None = None, *, keys: bool = False) -> Load:
    """Post the body repeatedly; with `keys`, each time with a new Idempotency-Key."""
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: on Debian and Ubuntu it is the package wrk.")
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"--script={SCRIPT}"]
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}: {value}"]
    command += [url, "--", body, *(["keys"] if keys else [])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=False)
    if run.returncode:
        raise SystemExit(f"wrk ended with {run.returncode}: {run.stdout}{run.stderr}")
    return read(run.stdout)
