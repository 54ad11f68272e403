"""Two versions of the worker in one stack: what the older one does not know reaches the one that does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from process import wait_until
from tests.containers.engine import docker, healthy, logs
from tests.containers.host import Host, KeyClient

UNKNOWN = "system_echo.py"  # the contract that came after the older version
SHOW = "import handoff_contracts as contracts; print(*contracts.CATALOGUE)"


def build_older(folder: Path, image: str) -> None:
    """An image of the worker as it was when one contract fewer was there."""
    removed = [*folder.glob(f"packages/*/src/*/tasks/{UNKNOWN}"), *folder.glob(f"services/*/src/*/handlers/{UNKNOWN}")]
    assert len(removed) == 2
    for file in removed:
        file.unlink()
    file = folder / "services/worker/Dockerfile"
    docker(
        "buildx",
        "build",
        "--quiet",
        "--load",
        "--target=production",
        f"--tag={image}",
        f"--file={file}",
        str(folder),
        seconds=200,
    )


@pytest.fixture
def older(host: Host, tmp_path: Path) -> Iterator[str]:
    """The older worker, which serves the same lanes as `worker`."""
    name = f"{host.clone.project}-older"
    folder = tmp_path / "older"
    shutil.copytree(host.clone.folder, folder, ignore=shutil.ignore_patterns(".venv", ".git"))
    build_older(folder, f"handoff-worker:{name}")
    where = ["--network", f"{host.clone.project}_broker", "--volume", f"{host.clone.project}_worker:/var/lib/handoff"]
    url = host.clone.folder / ".handoff" / "secrets" / "worker-broker-url"
    where += ["--volume", f"{url}:/run/secrets/CELERY_BROKER_URL:ro", "--read-only", "--tmpfs=/tmp:mode=1777"]
    docker(
        "run", "--detach", "--name", name, *where, f"handoff-worker:{name}", "--queues=high,default", "--concurrency=2"
    )
    try:
        assert wait_until(lambda: healthy(name), 60), logs(name)
        yield name
    finally:
        docker("rm", "--force", name)
        docker("image", "rm", f"handoff-worker:{name}")


def test_what_one_does_not_know_reaches_the_other(host: Host, client: KeyClient, older: str) -> None:
    assert "system.echo" not in docker("exec", older, "python", "-c", SHOW)
    docker("stop", host.clone.container("worker"))
    ids = [submit(client, f"before-{number}") for number in range(50)]
    batch = client.submit("mixed", "/v1/batches/system.echo", {"items": [{"message": str(at)} for at in range(1000)]})[
        1
    ]
    assert wait_until(lambda: {client.look(f"/v1/tasks/{id}").get("state") for id in ids} == {"parked"}, 30)
    docker("start", host.clone.container("worker"))
    ids += [submit(client, f"after-{number}") for number in range(50)]
    paths = [*(f"/v1/tasks/{id}" for id in ids), f"/v1/batches/{batch}"]
    assert wait_until(lambda: all(client.look(path).get("finished_at") for path in paths), 90)
    assert {client.look(path)["state"] for path in paths[:-1]} == {"succeeded"}
    assert client.look(paths[-1])["counts"]["succeeded"] == 1000
    assert '"event":"task.parked"' in logs(older)


def submit(client: KeyClient, key: str) -> str:
    return client.submit(key, "/v1/tasks/system.echo", {"message": key})[1]
