"""A worker that dies amid 10,000 sends to FCM. What is repeated is counted at FCM's simulator."""

from collections import Counter
from pathlib import Path

import httpx2

from handoff_contracts.tasks.push_send import PUSH_SEND
from process import wait_until
from stack import Stack
from tests.integration.providers.fcm_simulator import FcmSimulator

DEVICES = 10_000
POOL = 2  # processes of the worker


def test_a_killed_worker_repeats_at_most_its_sends_in_flight(tmp_path: Path) -> None:
    with FcmSimulator(tmp_path, delay=0.02) as simulator:
        (tmp_path / "fcm.default.json").write_text(simulator.key_file())
        settings = {
            "HANDOFF_APPS_DIR": str(tmp_path),
            "HANDOFF_FCM_URL": simulator.url,
            "SSL_CERT_FILE": str(simulator.authority),
        }
        with Stack(tmp_path / "stack", settings=settings) as stack:
            batch = {"common": {"provider": "fcm"}, "items": [{"token": f"device-{n}"} for n in range(DEVICES)]}
            accepted = httpx2.post(f"{stack.api.url}/v1/batches/push.send", json=batch, timeout=30)
            assert accepted.status_code == 202, accepted.text
            url = f"{stack.api.url}/v1/batches/{accepted.json()['id']}"

            def ended() -> bool:
                return bool(httpx2.get(url, timeout=30).json()["state"] == "ended")

            assert wait_until(lambda: len(simulator.sends) > DEVICES // 3, 120)
            stack.worker.kill()
            assert simulator.most_in_flight > 1
            assert len(simulator.sends) < DEVICES
            stack.worker.start()
            stack.worker.wait_ready()
            assert wait_until(ended, 240), httpx2.get(url).text

            assert httpx2.get(url).json()["counts"]["succeeded"] == DEVICES
            sent = Counter(asked.token for asked in simulator.sends)
            assert len(sent) == DEVICES
            assert max(sent.values()) <= 2
            assert 0 < sent.total() - DEVICES <= PUSH_SEND.policy.concurrency * POOL
