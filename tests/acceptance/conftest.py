"""The whole stack, once a session."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from stack import Stack
from tests.acceptance.checkout import Checkout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack, Flower included. What kills or reconfigures a part starts a stack of its own."""
    with Stack(tmp_path_factory.mktemp("stack"), flower=True) as running:
        yield running


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    copy = Checkout.into(tmp_path.resolve() / "checkout")
    yield copy
    for process in copy.processes():
        with suppress(psutil.NoSuchProcess):  # what a killed starter's reaper ends is gone at any moment
            process.kill()
