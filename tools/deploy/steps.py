"""Prints the steps of a command, one line each, with the seconds since the start."""

import time

_BEGAN = time.monotonic()


def print_step(text: str) -> None:
    """Print one line for a step."""
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


def print_detail(text: str) -> None:
    """Print lines that belong to the previous step."""
    print("\n".join(f"          {line}" for line in text.splitlines()), flush=True)
