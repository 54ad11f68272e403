"""The letter contract's golden file."""

from pathlib import Path

import pytest

from packages.contracts.tests.sample_contract import Check


@pytest.fixture
def letters(tmp_path: Path) -> Check:
    return Check(tmp_path)
