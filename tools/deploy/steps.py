"""What a person reads while it runs: one line a step, with the seconds since the start."""

import time

_BEGAN = time.monotonic()


def print_step(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


def print_detail(text: str) -> None:
    """Lines that belong to the step before."""
    print("\n".join(f"          {line}" for line in text.splitlines()), flush=True)
