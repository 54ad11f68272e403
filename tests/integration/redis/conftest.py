"""What the tests of managed Redis share."""

from pathlib import Path

import pytest

from tests.integration.redis.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
