"""Packs of `push.send` to FCM, by the executor over a real Redis: what each response comes to for its device, and that
nothing else is sent again. FCM is a simulator."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from handoff_contracts.tasks.push_send import PUSH_SEND, PushSend
from handoff_ledger import Item, State, SyncLedger, calls
from handoff_ledger.calls.items import list_items
from handoff_worker.binding import Binding
from handoff_worker.delivery import http
from handoff_worker.delivery.channel import Channel
from handoff_worker.execution.executor import Executor
from handoff_worker.execution.run_result import RunResult
from handoff_worker.handlers.push_send import push_send
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings
from process import wait_until
from tests.integration.providers.fcm_simulator import HANG, FcmSimulator, Say, fcm_error, new_key, written
from tests.integration.worker.bench import LIMITS, Bench

DEVICES = ["one", "two", "odd", "four"]
QUOTA = [{"subject": "project:demo", "description": "Message rate exceeded."}]
DEVICE_QUOTA = [{"subject": "device", "description": "Device message rate exceeded."}]
EXHAUSTED = fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", violations=QUOTA)
DEVICE_EXHAUSTED = fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", violations=DEVICE_QUOTA)
UNREGISTERED = Say(404, fcm_error(404, "NOT_FOUND", "UNREGISTERED"))
TOO_BIG = Say(400, fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "Message is too big"))
MISMATCH = Say(403, fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"))
BROKEN = Say(500, fcm_error(500, "INTERNAL", "INTERNAL"))


class Sender:
    """A batch of four devices, and the runs of its pack."""

    def __init__(self, redis_url: str, simulator: FcmSimulator, folder: Path) -> None:
        self.simulator = simulator
        self.bench = Bench(redis_url)
        self.file = folder / "fcm.default.json"
        self.file.write_text(simulator.key_file())
        settings = Settings(env="development", apps_dir=folder, fcm_url=simulator.url)
        ledger = SyncLedger(redis_url)
        self.resources = Resources.open(settings, ledger)
        self.executor = Executor(ledger, LIMITS, self.resources, "me", lambda: False)
        self.accept()

    def accept(self) -> None:
        """A new batch."""
        self.batch = self.bench.accept_batch(PUSH_SEND, {"provider": "fcm"}, [{"token": token} for token in DEVICES])
        self.pack = f"{self.batch}.0"

    def channel(self) -> Channel:
        return self.resources.push["fcm"].channel(PushSend(token="any", provider="fcm"))

    def run(self) -> RunResult:
        return self.executor.run(Binding(PUSH_SEND, push_send, asynchronous=True), self.pack)

    def run_again(self) -> RunResult:
        """Once it is due, and its channel is not held."""
        endings: list[RunResult] = []

        def ran() -> bool:
            assert self.bench.due_again(self.pack)
            endings.append(self.run())
            return endings[-1].code not in ("throttled", "credential_rejected")

        assert wait_until(ran, 30)
        return endings[-1]

    def items(self) -> dict[str, Item]:
        """The items by their devices."""
        items, _ = self.bench.ledger.run(list_items(self.batch, 10))
        return {DEVICES[item.index]: item for item in items}

    def states(self) -> dict[str, State]:
        return {device: item.state for device, item in self.items().items()}

    def code(self, device: str) -> str:
        error = self.items()[device].error
        return error.code if error else ""

    def sent(self) -> Counter[str]:
        return Counter(asked.token for asked in self.simulator.sends)

    def gone(self) -> list[tuple[str, str]]:
        told, _ = self.bench.ledger.run(calls.list_gone(10))
        return [(gone.channel, gone.recipient) for gone in told]

    def held(self) -> list[str]:
        return [held.why for held in self.bench.ledger.run(calls.holds())]


@pytest.fixture
def sender(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sender]:
    with FcmSimulator(tmp_path) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(simulator.authority))
        monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
        sender = Sender(redis_url, simulator, tmp_path)
        yield sender
        sender.executor.close()
        sender.bench.close()


ALL_WELL = dict.fromkeys(DEVICES, State.SUCCEEDED)
ONCE_EACH = Counter(DEVICES)
ODD_TWICE = ONCE_EACH + Counter(["odd"])


def test_delivered(sender: Sender) -> None:
    assert sender.run() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL
    assert sender.sent() == ONCE_EACH
    result = sender.items()["odd"].result
    assert result["category"] == "delivered"
    assert result["id"].startswith("projects/demo/messages/")


def test_gone(sender: Sender) -> None:
    sender.simulator.script["odd"] = [UNREGISTERED]
    assert sender.run() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL | {"odd": State.FAILED}
    assert sender.code("odd") == "recipient_gone"
    assert sender.gone() == [("fcm:default", "odd")]
    assert sender.sent() == ONCE_EACH


@pytest.mark.parametrize("say", [TOO_BIG, MISMATCH], ids=["too big", "another sender's"])
def test_refused_payload(sender: Sender, say: Say) -> None:
    sender.simulator.script["odd"] = [say]
    assert sender.run() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL | {"odd": State.FAILED}
    assert sender.code("odd") == "payload_rejected"
    assert not sender.gone()
    assert not sender.held()
    assert sender.sent() == ONCE_EACH


def test_throttled_then_delivered(sender: Sender) -> None:
    sender.simulator.script["odd"] = [Say(429, EXHAUSTED, {"retry-after": "2"})]
    began = time.monotonic()
    assert sender.run().state is State.SCHEDULED
    assert sender.held() == ["throttled"]
    assert sender.run_again() == RunResult(State.SUCCEEDED)
    assert time.monotonic() - began > 1.5
    assert sender.states() == ALL_WELL
    assert sender.sent() == ODD_TWICE
    assert not sender.held()


def test_a_devices_quota_holds_no_other_device(sender: Sender) -> None:
    sender.simulator.script["odd"] = [Say(429, DEVICE_EXHAUSTED, {"retry-after": "1"})]
    assert sender.run().state is State.SCHEDULED
    assert sender.states() == ALL_WELL | {"odd": State.SCHEDULED}
    assert not sender.held()
    assert sender.run_again() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL
    assert sender.sent() == ODD_TWICE
    assert sender.bench.task(sender.pack).attempt == 2


@pytest.mark.parametrize("say", [BROKEN, Say(502, "<html>Bad gateway</html>")], ids=["500", "502 in HTML"])
def test_server_error_then_delivered(sender: Sender, say: Say) -> None:
    sender.simulator.script["odd"] = [say]
    ending = sender.run()
    assert (ending.state, ending.code) == (State.SCHEDULED, "internal" if say is BROKEN else "http_502")
    assert sender.states() == ALL_WELL | {"odd": State.SCHEDULED}
    assert sender.run_again() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL
    assert sender.sent() == ODD_TWICE
    assert sender.bench.task(sender.pack).attempt == 2


def test_a_timeout_may_have_been_delivered_and_is_repeated(sender: Sender) -> None:
    sender.simulator.script["odd"] = [HANG]
    ending = sender.run()
    assert (ending.state, ending.code) == (State.SCHEDULED, "unknown")
    assert sender.run_again() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL
    assert sender.sent() == ODD_TWICE


def test_a_bad_credential_holds_all_until_the_file_changes(sender: Sender) -> None:
    sender.file.write_text(sender.simulator.key_file(private_key=written(new_key())))
    ending = sender.run()
    assert (ending.state, ending.code) == (State.SCHEDULED, "credential_rejected")
    assert sender.held() == ["credential_rejected"]
    assert sender.bench.task(sender.pack).attempt == 0
    assert not sender.sent()
    asked = len(sender.simulator.grants)
    assert 1 <= asked <= len(DEVICES)  # once for all, but for who came after the response and before the hold
    sender.accept()
    ending = sender.run()
    assert (ending.state, ending.code) == (State.SCHEDULED, "credential_rejected")
    assert len(sender.simulator.grants) == asked

    rejected = sender.channel()
    sender.file.write_text(sender.simulator.key_file())
    assert wait_until(lambda: sender.channel() != rejected, 5)
    sender.accept()
    assert sender.run() == RunResult(State.SUCCEEDED)
    assert sender.states() == ALL_WELL
    assert sender.sent() == ONCE_EACH


def test_nowhere_to_connect_to_is_tried_again(sender: Sender) -> None:
    sender.file.write_text(sender.simulator.key_file(token_uri="https://localhost:1/token"))
    ending = sender.run()
    assert (ending.state, ending.code) == (State.SCHEDULED, "no_access_token")
    assert not sender.sent()
