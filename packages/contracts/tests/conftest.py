"""A golden file of the sample contract."""

from pathlib import Path

import pytest

from packages.contracts.tests.sample_contract import GoldenCheck


@pytest.fixture
def check(tmp_path: Path) -> GoldenCheck:
    return GoldenCheck(tmp_path)
