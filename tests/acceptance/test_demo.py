"""`make demo`, in a copy of the source so that it meets nobody's notification.log."""

import json
import signal
import socket
import subprocess
import sys

from demo import SENTENCE
from process import free_port, wait_until
from tests.acceptance.checkout import Checkout

FIELDS = ["items", "succeeded", "failed", "accept_ms", "deliver_s", "api", "flower", "log"]


def demo(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout.folder / "scripts/demo.py"), *arguments]
    return subprocess.run(
        command, cwd=checkout.folder, env=checkout.env, capture_output=True, text=True, timeout=90, check=False
    )


def test_it_sends_to_the_tokens_of_a_file(checkout: Checkout) -> None:
    tokens = [f"device:{number}" for number in range(700)]
    file = checkout.folder / "tokens"
    file.write_text("\n\n".join(tokens))
    answer = demo(checkout, str(file))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    outcome = json.loads(answer.stdout.splitlines()[-1])
    assert list(outcome) == FIELDS
    assert (outcome["items"], outcome["succeeded"], outcome["failed"]) == (700, 700, 0)
    log = checkout.folder / "notification.log"
    assert outcome["log"] == str(log)
    assert sorted(log.read_text().splitlines()) == sorted(SENTENCE + token for token in tokens)
    assert "\r" not in answer.stdout
    assert "100 %  700 of 700" in answer.stdout
    assert checkout.processes() == []


def test_a_refused_token_is_told(checkout: Checkout) -> None:
    file = checkout.folder / "tokens"
    file.write_text("good\nnot good\n")
    answer = demo(checkout, str(file))
    assert answer.returncode == 1
    assert "The demo failed: the API answered 422" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert checkout.processes() == []


def test_without_tokens_it_starts_nothing(checkout: Checkout) -> None:
    answer = demo(checkout, "no-such-file")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "The tokens in no-such-file cannot be read: No such file or directory.\n"


def test_a_taken_port_is_told(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        checkout.env["HANDOFF_API_PORT"] = str(port)
        answer = demo(checkout)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"Port {port} is taken: set HANDOFF_API_PORT to a free one.\n"


def test_an_interrupted_demo_leaves_nothing_behind(checkout: Checkout) -> None:
    command = [sys.executable, str(checkout.folder / "scripts/demo.py")]
    with subprocess.Popen(command, cwd=checkout.folder, env=checkout.env, stdout=subprocess.DEVNULL) as child:
        assert wait_until(lambda: len(checkout.processes()) > 4, 30)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 130
    assert wait_until(lambda: checkout.processes() == [], 5)
