"""Redis set up wrongly: API, worker and doctor say the same true sentence, and nothing is accepted.

What waiting does not cure ends API and worker with 2. They wait for a Redis that is merely away.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from redis import Redis as Client

from handoff_ledger.doctor import main
from process import free_port, stop_together, wait_until
from stack import Api, Redis, Worker, clean_environment
from tests.integration.api.conftest import client_of, production
from tests.integration.redis.answering import DENIED, HTTP
from tests.integration.redis.places import SECRET, Place, full, nowhere, plain_before, server, stranger, tls, user

Case = tuple[str, Place, str]

# The fault, the Redis that has it, and words of the sentence that names it.
LASTING: Sequence[Case] = [
    ("no right to channels", user("no-channels"), "&handoff:events:*"),
    ("no right to keys", user("no-keys"), "~handoff:*"),
    ("no right to write", user("read-only"), "~handoff:*"),
    ("no right to EVAL", user("no-eval"), "run EVALSHA: grant it +evalsha"),
    ("no right to INFO", user("no-info"), "run INFO: grant it +info"),
    ("no right to a command", user("no-hset"), "grant it +hset with"),
    ("a wrong password", user("no-hset", "wrong"), "refuses the login"),
    ("a user that is disabled", user("former"), "refuses the login"),
    ("no password", user(""), "asks for a password"),
    ("a database that is not there", server(path="99"), "no database of the number"),
    ("cluster mode", server("--cluster-enabled", "yes"), "runs in cluster mode"),
    ("a renamed command", server("--rename-command", "EVALSHA", ""), "does not know EVALSHA"),
    ("protected mode", stranger(DENIED), "runs in protected mode"),
    ("a web server", stranger(HTTP), "does not speak Redis's protocol"),
    ("TLS to a plain port", plain_before(server()), "does not speak TLS"),
    ("plain to a TLS port", stranger(b"", secure=True), "speaks TLS at this port"),
    ("a certificate that is not trusted", tls("rediss", trusted=False), "unable to get local issuer certificate"),
]
AWAY: Sequence[Case] = [
    ("nothing listens", nowhere(), "nothing listens"),
    ("a host name that does not resolve", nowhere("no-such-host.invalid"), "does not resolve"),
    ("as many clients as it takes", full(), "raise its maxclients"),
    ("a replica", server("--replicaof", "127.0.0.1", "1"), "is a replica now"),
    ("too few replicas", server("--min-replicas-to-write", "1"), "too few replicas"),
    ("no answer", stranger(b""), "did not answer in time"),
]
PROMISE: Sequence[tuple[str, Place, str, str]] = [  # what production alone refuses, and the doctor's words for it
    ("an evicting Redis", server("--maxmemory-policy", "allkeys-lru"), "Redis evicts keys", "Redis evicts (allkeys"),
    ("no append-only file", server(appendonly=False), "no append-only file", "no append-only file"),
]


def services(folder: Path, url: str, **settings: str) -> tuple[Api, Worker]:
    api = Api(folder, production(url, **settings), port=free_port())
    environment = {**clean_environment(), "CELERY_BROKER_URL": url, **settings}
    return api, Worker(folder, environment, concurrency=1)


def diagnosed(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the doctor prints. It finds a fault."""
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    assert main() == 1
    return capsys.readouterr().out


def refuse_to_start(folder: Path, url: str, words: str) -> None:
    """Checks that API and worker end with 2 and a line that has the words."""
    processes = services(folder, url)
    try:
        for process in processes:
            process.start()
        for process in processes:
            assert process.wait(60), process.log.read_text()
            assert process.exit_code == 2, process.log.read_text()
            # Celery warns a superuser before.
            *_, line = lines = process.log.read_text().splitlines()
            assert [each for each in lines if each.startswith("handoff: ")] == [line]
            assert words in line
            assert "Traceback" not in process.log.read_text()
            assert SECRET not in line
    finally:
        stop_together(processes)


@pytest.mark.parametrize(("place", "words"), [case[1:] for case in LASTING], ids=[case[0] for case in LASTING])
def test_what_waiting_does_not_cure_is_refused_at_start(
    place: Place, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with place(tmp_path) as url:
        said = diagnosed(url, monkeypatch, capsys)
        assert words in said
        assert SECRET not in said
        refuse_to_start(tmp_path, url, words)


@pytest.mark.parametrize(
    ("place", "words", "doctors"), [case[1:] for case in PROMISE], ids=[case[0] for case in PROMISE]
)
def test_a_redis_that_loses_tasks_is_refused_in_production(
    place: Place,
    words: str,
    doctors: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with place(tmp_path) as url:
        assert doctors in diagnosed(url, monkeypatch, capsys)
        refuse_to_start(tmp_path, url, words)
        processes = services(tmp_path, url, HANDOFF_ENV="development")
        try:
            for process in processes:
                process.start()
            for process in processes:
                process.wait_ready()
        finally:
            stop_together(processes)


@pytest.mark.parametrize(("place", "words"), [case[1:] for case in AWAY], ids=[case[0] for case in AWAY])
def test_a_redis_that_is_away_is_waited_for(
    place: Place, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with place(tmp_path) as url:
        assert words in diagnosed(url, monkeypatch, capsys)
        api, worker = services(tmp_path, url)
        try:
            for process in (api, worker):
                process.start()
            with client_of(api.url) as client:
                assert wait_until(lambda: words in detail(client, "GET", "/readyz"), 60), api.log.read_text()
                assert words in detail(client, "POST", "/v1/tasks/system.echo")
            assert wait_until(lambda: words in worker.log.read_text(), 60), worker.log.read_text()
            assert words in api.log.read_text()
            assert api.running
            assert worker.running
            assert not worker.ready()
        finally:
            stop_together([api, worker])


def detail(client: httpx2.Client, method: str, path: str) -> str:
    """Why the API answers 503; nothing while nobody answers."""
    with suppress(httpx2.TransportError):
        answer = client.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 503, answer.text
        return str(answer.json()["detail"])
    return ""


def test_rights_that_are_taken_from_a_running_api(tmp_path: Path) -> None:
    with user("no-channels")(tmp_path) as url, Client.from_url(url) as admin:
        admin.execute_command("ACL", "SETUSER", "no-channels", "allchannels")
        api = Api(tmp_path, production(url), port=free_port())
        api.start()
        try:
            api.wait_ready()
            admin.execute_command("ACL", "SETUSER", "no-channels", "resetchannels")
            assert wait_until(lambda: not api.ready(), 20)
            before = admin.dbsize()
            with client_of(api.url) as client:
                for method, path in (("GET", "/readyz"), ("POST", "/v1/tasks/system.echo"), ("POST", "/push/token")):
                    answer = client.request(method, path, json={} if path.startswith("/v1") else None)
                    assert (answer.status_code, answer.json()["code"]) == (503, "redis_unsafe")
                    assert "&handoff:events:*" in answer.json()["detail"]
                    assert int(answer.headers["Retry-After"]) > 0
                assert admin.dbsize() == before
                admin.execute_command("ACL", "SETUSER", "no-channels", "allchannels")
                assert wait_until(api.ready, 20)
                assert client.post("/v1/tasks/system.echo", json={}).status_code == 202
            log = api.log.read_text()
            assert "Redis can't serve: The user of CELERY_BROKER_URL lacks rights" in log
        finally:
            api.stop()


def test_a_worker_that_waits_ends_when_redis_comes_back_without_its_rights(tmp_path: Path) -> None:
    redis = Redis(tmp_path, port=free_port(), appendonly=True)
    redis.command += ["--user", "limited", "on", f">{SECRET}", "~*", "resetchannels", "+@all"]
    url = f"redis://limited:{SECRET}@127.0.0.1:{redis.port}/0"
    _, worker = services(tmp_path, url)
    try:
        worker.start()
        assert wait_until(lambda: "nothing listens" in worker.log.read_text(), 60)
        redis.start()
        redis.wait_ready()
        assert worker.wait(60)
        assert worker.exit_code == 2
        assert "handoff: The user of CELERY_BROKER_URL lacks rights" in worker.log.read_text()
        assert SECRET not in worker.log.read_text()
    finally:
        stop_together([worker, redis])
