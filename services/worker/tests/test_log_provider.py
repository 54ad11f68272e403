"""The `log` provider writes whole lines, whoever else writes."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery.channel import Channel
from handoff_worker.delivery.responses import delivered
from handoff_worker.providers.log.client import LogProvider

SENTENCE = "Successfully sent push notification to: "
CHANNEL = Channel("log:default:")


async def test_it_writes_the_sentence_after_its_delay(tmp_path: Path) -> None:
    provider = LogProvider(tmp_path / "log", delay=0.05, channel=CHANNEL)
    began = time.monotonic()
    response = await provider.send(PushSend(token="t" * 4096, title="never written"))
    await provider.aclose()
    assert time.monotonic() - began >= 0.05
    assert response == delivered()
    assert (tmp_path / "log").read_text() == f"{SENTENCE}{'t' * 4096}\n"


def test_lines_of_several_writers_never_mix(tmp_path: Path) -> None:
    async def write(letter: str) -> None:
        provider = LogProvider(tmp_path / "log", delay=0, channel=CHANNEL)
        await asyncio.gather(*(provider.send(PushSend(token=letter * 4000)) for _ in range(100)))
        await provider.aclose()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(asyncio.run, write(letter)) for letter in "abcd"]:
            done.result()
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(lines) == sorted(SENTENCE + letter * 4000 for letter in "abcd" for _ in range(100))
