"""No test depends on a developer's shell, nor on a `.env` or a log in the folder where pytest was started."""

import os
from collections.abc import Iterator

import pytest

for name in [name for name in os.environ if name.startswith(("HANDOFF_", "CELERY_", "FLOWER_"))]:
    del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield
