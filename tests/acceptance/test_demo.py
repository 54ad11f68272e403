"""`make demo`, in a copy of the source so that it meets nobody's notification.log."""

import json
import signal
import socket
import subprocess
import sys

from demo import SENTENCE
from process import free_port, take_lock, wait_until
from tests.acceptance.checkout import Checkout

FIELDS = ["items", "succeeded", "failed", "accept_ms", "deliver_s", "api", "flower", "log"]


def demo(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout.folder / "scripts/demo.py"), *arguments]
    return subprocess.run(
        command, cwd=checkout.folder, env=checkout.env, capture_output=True, text=True, timeout=180, check=False
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
    assert wait_until(lambda: checkout.processes() == [], 5)


def test_a_wrong_token_starts_nothing(checkout: Checkout) -> None:
    (checkout.folder / "tokens").write_text("good\nnot good\n")
    answer = demo(checkout, "tokens")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("Line 2 of tokens is no device token: ")
    assert answer.stderr.count("\n") == 1


def test_the_demo_names_repeated_lines(checkout: Checkout) -> None:
    (checkout.folder / "tokens").write_text("one\none\n")
    answer = demo(checkout, "tokens")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.startswith("tokens repeats tokens: 1 line is left out.\n")
    assert "The API accepted 1 push in" in answer.stdout


def test_a_second_one_leaves_the_first_alone(checkout: Checkout) -> None:
    assert take_lock(checkout.folder / ".handoff/demo.lock")
    answer = demo(checkout)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "`make demo` runs in this folder already: wait for its end.\n"


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
    with subprocess.Popen(
        command, cwd=checkout.folder, env=checkout.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        assert wait_until(lambda: len(checkout.processes()) > 4, 60)
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=90)
    assert (child.returncode, errors) == (130, b"")
    assert wait_until(lambda: checkout.processes() == [], 5)
