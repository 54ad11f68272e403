"""The ledger as Redis's users: what was accepted is there after a restart, and a user does its own work alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis as Client
from redis import RedisError
from redis.exceptions import NoPermissionError

from credentials import new_passwords, redis_urls
from handoff_ledger import State, SyncLedger
from handoff_ledger.acl import users_file
from process import free_port
from stack import Redis
from tests.integration.ledger.lab import Lab

PASSWORDS = new_passwords()


class Guarded(Redis):
    """A Redis that knows its users alone."""

    def __init__(self, folder: Path, users: str) -> None:
        super().__init__(folder, port=free_port(), appendonly=True)
        file = folder / "users.acl"
        file.write_text(users)
        self.command += ["--aclfile", str(file)]
        self.urls = redis_urls({**PASSWORDS}, f"127.0.0.1:{self.port}")

    def ready(self) -> bool:
        with self.as_admin() as admin:
            try:
                return bool(admin.ping())
            except RedisError:
                return False

    def as_admin(self) -> Client:
        return Client(port=self.port, username="admin", password=PASSWORDS["admin"], decode_responses=True)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    redis = Guarded(tmp_path, users_file(PASSWORDS))
    redis.start()
    redis.wait_ready()
    yield redis
    redis.stop()


def test_what_was_accepted_is_there_after_a_kill(guarded: Guarded) -> None:
    with guarded.as_admin() as admin:
        api = SyncLedger(guarded.urls["api"])
        id = Lab(admin, api).submit()
        api.close()
        admin.execute_command("WAITAOF", 1, 0, 5000)
    guarded.kill()
    guarded.start()
    guarded.wait_ready()
    with guarded.as_admin() as admin:
        worker = SyncLedger(guarded.urls["worker"])
        lab = Lab(admin, worker)
        assert lab.read(id).state is State.QUEUED
        assert lab.claim(id).id == id
        worker.close()
        assert admin.acl_log() == []


@pytest.mark.parametrize("user", ["api", "worker", "flower"])
def test_a_user_may_not_do_what_is_not_its_work(guarded: Guarded, user: str) -> None:
    with Client.from_url(guarded.urls[user]) as client:
        for command in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["GET", "another"], ["SHUTDOWN"]):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command)
