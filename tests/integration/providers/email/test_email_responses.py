"""The outcome of each reply of a mail server, and that no recipient gets a mail twice without need."""

import json
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handoff_ledger import State
from handoff_worker.execution.run_result import RunResult
from tests.integration.providers.email.mail_servers import MailSink, Server, SmtpSimulator
from tests.integration.providers.email.posting import PASSWORD, QUICK, READER, Post

Certified = Callable[[str], ssl.SSLContext]
Serve = Callable[[Server], None]
LOGIN = {"username": "shop", "password": PASSWORD}
# aiosmtpd does not close the transport of a STARTTLS that its client breaks off.
leaking = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_a_gone_recipient_is_listed_and_the_others_get_their_mail(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    sink.refusals["b@mail.example"] = ["550 5.1.1 <b@mail.example>: no such user"]
    batch, ending = post.send_all({"text": "News"}, [{"to": f"{name}@mail.example"} for name in "abc"])
    assert ending == RunResult(State.SUCCEEDED)
    assert post.bench.counts(batch) == {State.SUCCEEDED: 2, State.FAILED: 1}
    assert post.gone() == [("smtp:default", "b@mail.example", f"{batch}.0")]
    assert sink.received() == ["a@mail.example", "c@mail.example"]


def test_only_the_deferred_recipient_is_retried(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    sink.refusals["b@mail.example"] = ["451 4.7.1 greylisted", "452 4.2.2 mailbox full"]
    batch, ending = post.send_all({"text": "News"}, [{"to": f"{name}@mail.example"} for name in "abc"])
    assert (ending.state, ending.code) == (State.SCHEDULED, "smtp_451_4_7_1")
    assert post.again(f"{batch}.0").state is State.SCHEDULED
    assert post.again(f"{batch}.0") == RunResult(State.SUCCEEDED)
    assert sink.received() == ["a@mail.example", "b@mail.example", "c@mail.example"]
    assert (post.task(f"{batch}.0").attempt, post.holds()) == (3, [])


def test_a_server_error_after_the_mail_is_retried(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    sink.refusals["DATA"] = ["451 4.3.0 try again"]
    id, ending = post.send()
    assert (ending.state, ending.code) == (State.SCHEDULED, "smtp_451_4_3_0")
    assert post.again(id) == RunResult(State.SUCCEEDED)
    assert (sink.received(), post.task(id).attempt, sink.connections) == ([READER], 2, 1)


@pytest.mark.parametrize("at", ["MAIL", "DATA", READER])
def test_a_refused_mail_fails_once_and_for_all(post: Post, sink: MailSink, at: str) -> None:
    post.app(sink.port)
    sink.refusals[at] = ["554 5.7.1 spam"]
    id, ending = post.send()
    assert ending == RunResult(State.FAILED, "payload_rejected")
    assert (post.task(id).attempt, sink.taken, post.gone(), post.holds()) == (1, [], [], [])
    assert post.send()[1] == RunResult(State.SUCCEEDED)
    assert sink.connections == 1, "the connection is still of use"


def test_a_throttling_server_holds_all_mails_for_a_while(post: Post, simulator: SmtpSimulator) -> None:
    post.app(simulator.port)
    simulator.replies["MAIL"] = ["421 4.7.0 too much, too fast"]
    first, ending = post.send(to="a@mail.example")
    assert (ending.state, ending.code) == (State.SCHEDULED, "smtp_421_4_7_0")
    second, ending = post.send(to="b@mail.example")
    assert (ending.state, ending.code, post.task(second).attempt) == (State.SCHEDULED, "throttled", 0)
    assert [(held.channel.rpartition(":")[0], held.why) for held in post.holds()] == [("smtp:default", "throttled")]
    assert simulator.connections == 1
    post.release()
    assert post.again(first) == RunResult(State.SUCCEEDED)
    assert (simulator.received(), post.task(first).attempt) == (["a@mail.example"], 2)


def test_a_wrong_password_holds_the_app_until_the_file_changes(
    post: Post, serve: Serve, certified: Certified, ca_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = MailSink(certified("127.0.0.1"))
    sink.password = PASSWORD
    serve(sink)
    post.app(sink.port, tls="starttls", ca_file=ca_file, username="shop", password="wr0ng-password")
    with caplog.at_level(logging.DEBUG):
        id, ending = post.send()
        assert (ending.state, ending.code, post.task(id).attempt) == (State.SCHEDULED, "credential_rejected", 0)
        post.send()
    assert len(sink.logins) == 1, "one try by one method, and none while it is held"
    assert [held.why for held in post.holds()] == ["credential_rejected"]
    assert "wr0ng-password" not in caplog.text + repr(post.resources.apps.get("smtp", "default"))
    post.app(sink.port, tls="starttls", ca_file=ca_file, **LOGIN)
    assert post.send()[1] == RunResult(State.SUCCEEDED)


@leaking
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_certificate_of_another_name_stops_the_mail(
    post: Post, serve: Serve, certified: Certified, ca_file: Path, tls: str
) -> None:
    sink = MailSink(certified("mail.example"), implicit=tls == "tls")
    sink.password = PASSWORD
    serve(sink)
    post.app(sink.port, tls=tls, ca_file=ca_file, **LOGIN)
    _, ending = post.send()
    assert (ending.state, ending.code) == (State.SCHEDULED, "credential_rejected")
    assert (sink.logins, sink.taken) == ([], [])


@leaking
def test_a_certificate_of_an_unknown_ca_stops_the_mail(post: Post, serve: Serve, certified: Certified) -> None:
    sink = MailSink(certified("127.0.0.1"))
    serve(sink)
    post.app(sink.port, tls="starttls", **LOGIN)
    assert post.send()[1].code == "credential_rejected"
    assert (sink.logins, sink.taken) == ([], [])


def test_without_starttls_nothing_is_sent_in_the_clear(post: Post, simulator: SmtpSimulator) -> None:
    post.app(simulator.port, tls="starttls", **LOGIN)
    assert post.send()[1].code == "credential_rejected"
    assert [command.split()[0] for command in simulator.commands] == ["EHLO"]


@pytest.mark.parametrize(
    "app",
    [
        {"tls": "none", **LOGIN},
        {"tls": "starttls", "password": PASSWORD},
        {"sender": "no address"},
        {"timeout": "long"},
        {"verify": False},
    ],
)
def test_the_error_for_a_malformed_app_quotes_nothing_of_it(post: Post, app: dict[str, object]) -> None:
    post.app(1, **app)
    id, ending = post.send()
    assert ending == RunResult(State.FAILED, "bad_credential")
    assert PASSWORD not in json.dumps(vars(post.task(id)), default=str)


def test_a_drop_after_the_mail_was_sent_is_repeated_under_the_same_message_id(
    post: Post, simulator: SmtpSimulator
) -> None:
    post.app(simulator.port)
    simulator.replies["CONTENT"] = ["drop"]
    id, ending = post.send()
    assert (ending.state, ending.code) == (State.SCHEDULED, "unknown")
    assert post.again(id) == RunResult(State.SUCCEEDED)
    first, second = simulator.taken
    assert first.message["Message-ID"] == second.message["Message-ID"]
    other, _ = post.send()
    assert simulator.taken[2].message["Message-ID"] not in (None, first.message["Message-ID"]), other


def test_with_give_up_an_unknown_mail_is_not_repeated(post: Post, simulator: SmtpSimulator) -> None:
    post.contract = replace(QUICK, policy=replace(QUICK.policy, unknown="give_up"))
    post.app(simulator.port)
    simulator.replies["CONTENT"] = ["drop"]
    assert post.send()[1] == RunResult(State.FAILED, "unknown")
    simulator.replies["CONTENT"] = ["hang"]
    post.app(simulator.port, timeout=3)
    assert post.send()[1] == RunResult(State.FAILED, "unknown")
    simulator.replies["DATA"] = ["drop"]
    assert post.send()[1].state is State.SCHEDULED, "what was not sent is not in doubt"


@pytest.mark.parametrize("at", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["drop", "hang", "421 4.3.2 going down", "nonsense"])
def test_a_break_before_the_mail_is_sent_is_retried(post: Post, simulator: SmtpSimulator, at: str, how: str) -> None:
    post.app(simulator.port, timeout=2 if how == "hang" else 20)
    simulator.replies[at] = [how]
    began = time.monotonic()
    id, ending = post.send()
    assert ending.state is State.SCHEDULED
    assert ending.code in {"not_connected", "connection_lost", "timeout", "smtp_421_4_3_2", "bad_reply"}
    assert time.monotonic() - began < 15
    assert (simulator.taken, post.holds()) == ([], [])
    assert post.again(id) == RunResult(State.SUCCEEDED)
    assert (simulator.received(), post.task(id).attempt, simulator.connections) == ([READER], 2, 2)


@pytest.mark.parametrize("how", ["421 4.4.2 idle for too long", "drop", "nonsense"])
def test_a_server_that_is_tired_of_a_connection_gets_another(post: Post, simulator: SmtpSimulator, how: str) -> None:
    post.app(simulator.port)
    post.send()
    simulator.replies["RSET"] = [how]
    id, ending = post.send()
    assert ending == RunResult(State.SUCCEEDED)
    assert (post.task(id).attempt, simulator.connections, len(simulator.taken)) == (1, 2, 2)


def test_a_server_that_is_away_is_tried_again(post: Post) -> None:
    post.app(1)
    id, ending = post.send()
    assert (ending.state, ending.code, post.task(id).attempt) == (State.SCHEDULED, "not_connected", 1)


def test_no_log_or_event_contains_an_address(
    post: Post, simulator: SmtpSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    post.app(simulator.port)
    simulator.replies["RCPT"] = ["550 5.1.1 <reader@mail.example> is unknown", "554 5.7.1 <reader@mail.example> no"]
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            id, _ = post.send(subject="5ecret-subject")
            assert READER not in json.dumps(vars(post.task(id)).get("error"), default=str)
    assert READER not in caplog.text
    assert "5ecret-subject" not in caplog.text
