"""compose.yaml alone: who may do what, in which network, as which user, and where it can write."""

import json
import subprocess
from typing import Any

import httpx2
import pytest

from handoff_ledger.acl import RULES
from process import wait_until
from tests.containers.clone import SERVICES
from tests.containers.engine import attempt, docker, inspect, said
from tests.containers.host import Host, KeyClient

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 8000), timeout=3).close()"
FORBIDDEN = (
    ["FLUSHALL"],
    ["FLUSHDB"],
    ["CONFIG", "GET", "*"],
    ["KEYS", "*"],
    ["ACL", "LIST"],
    ["SHUTDOWN"],
    ["MONITOR"],
)


@pytest.fixture(scope="module")
def containers(running_host: Host) -> dict[str, Any]:
    return {service: inspect(name) for service, name in running_host.clone.services().items()}


def test_all_of_it_runs(containers: dict[str, Any]) -> None:
    assert containers.keys() == set(SERVICES)


def test_no_port_is_published(containers: dict[str, Any]) -> None:
    assert not any(found["HostConfig"]["PortBindings"] for found in containers.values())
    assert not any(any(found["NetworkSettings"]["Ports"].values()) for found in containers.values())


@pytest.mark.parametrize("service", SERVICES)
def test_it_runs_as_nobody_in_particular_without_privileges(host: Host, service: str) -> None:
    user = "999" if service == "redis" else "10001"
    status = dict(
        line.split(":\t") for line in host.clone.inside(service, "cat", "/proc/1/status").splitlines() if ":\t" in line
    )
    assert status["Uid"].split() == [user] * 4
    assert status["Gid"].split() == [user] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", SERVICES)
def test_its_root_is_read_only(host: Host, service: str) -> None:
    container = host.clone.container(service)
    for folder in ("/", "/etc", "/usr/local/bin", *([] if service == "redis" else ["/app"])):
        answer = attempt("docker", "exec", "--user=0", container, "touch", f"{folder}/here")
        assert answer.returncode != 0
        assert "Read-only file system" in answer.stderr


def test_a_call_needs_a_key(host: Host) -> None:
    with httpx2.Client(base_url=host.url, trust_env=False) as client:
        assert client.post("/v1/tasks/system.echo", json={}).status_code == 401
        wrong = {"Authorization": "Bearer hk_wrong"}
        assert client.post("/v1/tasks/system.echo", json={}, headers=wrong).status_code == 401
        accepted = client.post("/v1/tasks/system.echo", json={"message": "hello"}, headers=host.headers)
        assert accepted.status_code == 202
        task = accepted.headers["Location"]
        assert wait_until(lambda: client.get(task, headers=host.headers).json()["state"] == "succeeded", 15)
        assert client.get("/docs").status_code == 404


def test_no_secret_is_seen_from_outside(host: Host, containers: dict[str, Any]) -> None:
    known = json.dumps(list(containers.values()))
    secrets = [*host.clone.secrets, host.key]
    assert [secret for secret in secrets if secret in known] == []
    told = {service: said(attempt("docker", "logs", found["Id"])) for service, found in containers.items()}
    assert {service for service, text in told.items() for secret in secrets if secret in text} == set()


@pytest.mark.parametrize("user", ["api", "worker", "flower"])
def test_a_user_of_redis_may_do_its_work_and_nothing_else(host: Host, user: str) -> None:
    assert host.clone.refused() == "", "what it has to do"
    said = {" ".join(command): host.clone.redis(user, *command) for command in (*FORBIDDEN, ["GET", "something-else"])}
    host.clone.redis("admin", "ACL", "LOG", "RESET")
    assert {command for command, answer in said.items() if "NOPERM" not in answer} == set()
    assert host.clone.redis(user, "PING") == '"PONG"'


def test_who_has_no_password_gets_nothing(host: Host) -> None:
    def cli(*arguments: str) -> str:
        return said(attempt("docker", "exec", host.clone.container("redis"), "redis-cli", *arguments))

    unknown = cli("GET", "handoff:anything")
    guessed = [cli("AUTH", user, password) for user in ("default", *RULES) for password in ("", "guessed")]
    probe = cli("--user", "probe", "--pass", "any", "GET", "handoff:anything")
    host.clone.redis("admin", "ACL", "LOG", "RESET")
    assert unknown.startswith("NOAUTH")
    assert all("WRONGPASS" in answer for answer in guessed), guessed
    assert "NOPERM" in probe


def test_documents_have_no_way_out(host: Host) -> None:
    """A server in the network `egress` stands for the world."""
    name = f"{host.clone.project}-outside"
    network = f"{host.clone.project}_egress"
    server = ["handoff-flower:local", "python", "-m", "http.server", "8000"]
    docker("run", "--detach", "--name", name, "--network", network, *server)
    try:
        address = inspect(name)["NetworkSettings"]["Networks"][network]["IPAddress"]

        def connects(service: str) -> subprocess.CompletedProcess[str]:
            return attempt("docker", "exec", host.clone.container(service), "python", "-c", CONNECT, address)

        assert wait_until(lambda: connects("worker-bulk").returncode == 0, 10)
        answer = connects("worker-documents")
        assert answer.returncode != 0
        assert "unreachable" in answer.stderr or "timed out" in answer.stderr
    finally:
        docker("rm", "--force", name)


def test_a_restart_of_redis_keeps_what_was_accepted(host: Host, client: KeyClient) -> None:
    """Redis loads its append-only file as `default`, whose rights decide what of it comes back."""
    ids = [
        client.submit(f"keep-{number}", "/v1/tasks/push.send?delay=3600", {"token": "kept"})[1] for number in range(50)
    ]
    keys = host.clone.redis("admin", "DBSIZE")
    assert host.clone.refused() == ""
    docker("restart", "--time=30", host.clone.container("redis"))
    assert wait_until(lambda: client.look(f"/v1/tasks/{ids[-1]}") != {}, 30)
    assert {client.look(f"/v1/tasks/{id}").get("state") for id in ids} == {"scheduled"}
    assert int(host.clone.redis("admin", "DBSIZE")) >= int(keys) - 5
    assert client.submit("keep-0", "/v1/tasks/push.send?delay=3600", {"token": "kept"}) == ("ok", ids[0])
