"""No test depends on a developer's shell, nor on a `.env` or a log in the folder where pytest was started."""

import os
from collections.abc import Iterator

import pytest

for name in [name for name in os.environ if name.startswith(("HANDOFF_", "CELERY_", "FLOWER_"))]:
    del os.environ[name]
# Where a shell sets it, each process that a test starts would compile a thousand modules anew, for half a second.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With NO_SKIPS set, as in CI, a test that was skipped for what the machine lacks is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter and (skipped := reporter.stats.get("skipped")):
        reporter.write_line(f"NO_SKIPS: {', '.join(sorted(report.nodeid for report in skipped))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        yield
