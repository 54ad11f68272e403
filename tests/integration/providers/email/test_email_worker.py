"""Real worker processes that send mail, and the death of one in the middle of a pack."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

from handoff_contracts.tasks.email_send import EMAIL_SEND
from handoff_ledger import State
from process import wait_until
from tests.integration.providers.email.mail_servers import MailSink
from tests.integration.providers.email.posting import SENDER
from tests.integration.worker.floor import Floor, logs, pool

READERS = [f"reader{number}@mail.example" for number in range(500)]


def test_a_killed_worker_repeats_at_most_its_sends_in_flight(tmp_path: Path, sink: MailSink) -> None:
    sink.delay = 0.2
    apps = tmp_path / "apps"
    apps.mkdir()
    app = {"host": "127.0.0.1", "port": sink.port, "tls": "none", "sender": SENDER, "connections": 10}
    (apps / "smtp.default.json").write_text(json.dumps(app))
    with Floor(tmp_path) as floor:
        worker = floor.hire("mail", HANDOFF_APPS_DIR=str(apps), HANDOFF_LOG_LEVEL="debug")
        worker.wait_ready()
        batch = floor.accept_batch(EMAIL_SEND, {"text": "News", "subject": "5ecret"}, [{"to": to} for to in READERS])
        assert wait_until(lambda: len(sink.taken) >= 150, 60), logs([worker])[-2000:]
        children = pool(worker)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        assert len(sink.taken) < len(READERS)
        assert wait_until(lambda: floor.counts(batch) == {State.SUCCEEDED: len(READERS)}, 240), floor.counts(batch)
        log = logs([worker])
    times = Counter(sink.received())
    assert set(times) == set(READERS)
    repeats = sum(times.values()) - len(READERS)
    assert 0 < repeats <= len(children) * EMAIL_SEND.policy.concurrency
    assert len({mail.message["Message-ID"] for mail in sink.taken}) == len(READERS), "a repeat is known as one"
    assert "5ecret" not in log
    assert "@mail.example" not in log
