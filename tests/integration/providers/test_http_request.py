"""`http.request` from its acceptance to its end: over a real Redis, against the simulator."""

import json
import logging
import socket
import ssl
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook

from handoff_contracts.tasks.http_request import HTTP_REQUEST
from handoff_ledger import Limits, State, SyncLedger, Task, calls
from handoff_worker.binding import Binding
from handoff_worker.execution.executor import Executor
from handoff_worker.execution.run_result import RunResult
from handoff_worker.handlers.http_request import http_request
from handoff_worker.resources import Resources
from handoff_worker.settings import Settings
from tests.integration.providers.http_simulator import (
    HttpSimulator,
    Misdeed,
    Say,
    break_tls,
    cut,
    drip,
    drip_head,
    endless,
    endless_head,
    garbage,
    hang,
    problem,
    redirect,
    reset,
)
from tests.integration.worker.bench import Bench

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BINDING = Binding(HTTP_REQUEST, http_request, asynchronous=True)


Run = Callable[[str], RunResult]


@pytest.fixture
def run(redis_url: str, tmp_path: Path) -> Iterator[Run]:
    """Runs a task as a pool process does, which may reach loopback."""
    (tmp_path / "webhook.shop.json").write_text(json.dumps({"secret": SECRET}))
    settings = Settings(egress_allow="127.0.0.0/8", apps_dir=tmp_path)
    ledger = SyncLedger(redis_url)
    executor = Executor(ledger, Limits(), Resources.open(settings, ledger), "me", lambda: False)
    yield lambda id: executor.run(BINDING, id)
    executor.close()


@pytest.fixture
def ends(bench: Bench, run: Run) -> Callable[..., Task]:
    """Hands a request in, runs one attempt, and gives the task."""

    def request(url: str, **fields: Any) -> Task:
        id = bench.accept(HTTP_REQUEST, {"url": url, **fields})
        run(id)
        return bench.task(id)

    return request


Ends = Callable[..., Task]


def test_a_request_is_sent_unchanged_and_its_reply_is_kept(server: HttpSimulator, ends: Ends) -> None:
    server.script["/v1/x?a=%20b"] = [
        Say(201, b'{"ok": "\xc3\xa9"}', {"Content-Type": "application/json", "X-Own": "1"})
    ]
    body = {"name": "Zoë", "n": [1, None]}
    task = ends(server.url("/v1/x?a= b#part"), method="PUT", body_json=body, headers={"Authorization": "Bearer t"})
    assert task.state is State.SUCCEEDED
    assert task.result == {
        "status": 201,
        "body": '{"ok": "é"}',
        "encoding": "text",
        "truncated": False,
        "headers": {"content-type": "application/json"},
    }
    (asked,) = server.asked
    assert (asked.method, json.loads(asked.body)) == ("PUT", body)
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "user-agent": "handoff",
        "content-type": "application/json",
        "content-length": str(len(asked.body)),
        "authorization": "Bearer t",
    }


def test_a_text_and_bytes_are_bodies_too(server: HttpSimulator, ends: Ends) -> None:
    ends(server.url(), method="POST", body="é")
    ends(server.url(), method="POST", body_base64="AP8=", headers={"Content-Type": "image/x"})
    ends(server.url(), method="POST")
    assert [asked.body for asked in server.asked] == ["é".encode(), b"\0\xff", b""]
    types = [asked.headers.get("content-type") for asked in server.asked]
    assert types == ["text/plain; charset=utf-8", "image/x", None]
    assert server.connections == 1


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\0\0", b"\x1b[0m"])
def test_a_binary_body_is_kept_as_base64(server: HttpSimulator, ends: Ends, body: bytes) -> None:
    server.script["/"] = [Say(200, body)]
    result = ends(server.url()).result
    assert (result["encoding"], b64decode(result["body"])) == ("base64", body)


def test_a_body_that_was_packed_in_spite_of_us_is_not_unpacked(server: HttpSimulator, ends: Ends) -> None:
    server.script["/"] = [Say(200, b"\x1f\x8b bomb", {"Content-Encoding": "gzip"})]
    result = ends(server.url()).result
    assert (b64decode(result["body"]), result["headers"]["content-encoding"]) == (b"\x1f\x8b bomb", "gzip")


def test_a_long_body_is_cut_between_two_characters(server: HttpSimulator, ends: Ends) -> None:
    server.script["/"] = [Say(200, "é".encode() * 30_000)]
    result = ends(server.url(), keep_body=101).result
    assert (result["body"], result["encoding"], result["truncated"]) == ("é" * 50, "text", True)
    server.script["/"] = [Say(200, b'"' * 200_000)]
    result = ends(server.url(), keep_body=65_536).result
    assert (len(result["body"]), result["truncated"]) == (65_536, True)


@pytest.mark.parametrize(
    ("say", "state", "code"),
    [
        *[(problem(status), State.FAILED, "payload_rejected") for status in (302, 400, 401, 403, 404, 410, 422, 501)],
        *[(problem(status), State.SCHEDULED, f"status_{status}") for status in (408, 500, 502, 503, 504)],
        *[
            (Say(misdeed=misdeed), State.SCHEDULED, "connection_lost")
            for misdeed in (reset, garbage, endless_head, cut)
        ],
        *[(Say(misdeed=misdeed), State.SCHEDULED, "timeout") for misdeed in (hang, drip, drip_head)],
    ],
)
def test_a_refusal_fails_and_a_fault_is_tried_again(
    server: HttpSimulator, bench: Bench, run: Run, say: Say, state: State, code: str
) -> None:
    server.script["/"] = [say]
    id = bench.accept(HTTP_REQUEST, {"url": server.url(), "timeout": 2 if code == "timeout" else 30})
    began = time.monotonic()
    ending = run(id)
    assert time.monotonic() - began < 20
    assert (ending.state, ending.code) == (state, code)
    assert len(server.asked) == 1
    assert bench.task(id).attempt == 1


@pytest.mark.parametrize("misdeed", [hang, reset, garbage, drip_head])
def test_a_post_without_a_reply_gives_up_unless_repeatable(
    server: HttpSimulator, bench: Bench, run: Run, misdeed: Misdeed
) -> None:
    post = {"url": server.url(), "method": "POST", "body": "buy", "timeout": 2}
    server.script["/"] = [Say(misdeed=misdeed) for _ in range(4)]
    once = bench.accept(HTTP_REQUEST, post)
    assert run(once).code == "unknown"
    assert bench.task(once).state is State.FAILED
    repeated: list[dict[str, Any]] = [{"unknown": "repeat"}, {"headers": {"Idempotency-Key": "7"}}, {"webhook": "shop"}]
    for fields in repeated:
        assert run(bench.accept(HTTP_REQUEST, {**post, **fields})).state is State.SCHEDULED
    assert len(server.asked) == 4


def test_a_post_that_never_left_is_tried_again(bench: Bench, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    find = socket.getaddrinfo

    def nowhere(host: Any, *args: Any, **options: Any) -> Any:
        if host == "nosuch.invalid":
            raise socket.gaierror
        return find(host, *args, **options)

    post = {"url": "http://127.0.0.1:1/", "method": "POST"}
    ending = run(bench.accept(HTTP_REQUEST, post))
    assert (ending.state, ending.code) == (State.SCHEDULED, "not_connected")
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    ending = run(bench.accept(HTTP_REQUEST, {**post, "url": "https://nosuch.invalid/"}))
    assert (ending.state, ending.code) == (State.SCHEDULED, "not_connected")


@pytest.mark.parametrize("misdeed", [endless, cut, drip])
def test_a_post_whose_answer_began_is_done(server: HttpSimulator, ends: Ends, misdeed: Misdeed) -> None:
    server.script["/"] = [Say(misdeed=misdeed)]
    task = ends(server.url(), method="POST", timeout=2)
    assert (task.state, task.result["status"], task.result["truncated"]) == (State.SUCCEEDED, 200, True)
    assert len(task.result["body"]) <= 16_384


def test_an_error_that_passes_is_delivered_in_the_end(server: HttpSimulator, bench: Bench, run: Run) -> None:
    server.script["/"] = [problem(503, Retry_After="1")]
    id = bench.accept(HTTP_REQUEST, {"url": server.url(), "method": "POST"})
    ending = run(id)
    assert 1 <= ending.after <= 1.25
    assert bench.due_again(id)
    assert run(id).state is State.SUCCEEDED
    assert bench.task(id).attempt == 2
    assert len(server.asked) == 2


def test_a_429_holds_the_same_server_and_credential(server: HttpSimulator, bench: Bench, run: Run) -> None:
    server.script["/"] = [problem(429, Retry_After="2")]
    mine = {"url": server.url(), "headers": {"Authorization": "5ecret-mine"}}
    first, second = bench.accept(HTTP_REQUEST, mine), bench.accept(HTTP_REQUEST, mine)
    other = bench.accept(HTTP_REQUEST, {**mine, "headers": {"Authorization": "5ecret-other"}})
    assert run(first).code == "status_429"
    assert run(second).code == "throttled"
    assert run(other).state is State.SUCCEEDED
    assert len(server.asked) == 2
    for id in (first, second):
        assert bench.due_again(id)
        assert run(id).state is State.SUCCEEDED
    assert len(server.asked) == 4


def test_only_failed_items_are_retried(server: HttpSimulator, bench: Bench, run: Run) -> None:
    server.script["/busy"] = [problem(503, Retry_After="1")]
    server.script["/hang"] = [Say(misdeed=hang)]
    server.script["/no"] = [problem(404)]
    paths = ["/a", "/busy", "/no", "/b", "/hang"]
    batch = bench.accept_batch(HTTP_REQUEST, {"timeout": 3}, [{"url": server.url(path)} for path in paths])
    assert run(f"{batch}.0").state is State.SCHEDULED
    assert bench.due_again(f"{batch}.0")
    assert run(f"{batch}.0").state is State.SUCCEEDED
    assert bench.counts(batch) == {State.SUCCEEDED: 4, State.FAILED: 1}
    assert sorted(server.paths()) == sorted(f"GET {path}" for path in [*paths, "/busy", "/hang"])


def test_a_pack_shares_connections(server: HttpSimulator, bench: Bench, run: Run) -> None:
    batch = bench.accept_batch(HTTP_REQUEST, {"url": server.url()}, [{"body": str(n)} for n in range(100)])
    assert run(f"{batch}.0").state is State.SUCCEEDED
    assert len(server.asked) == 100
    assert server.connections <= HTTP_REQUEST.policy.concurrency


def test_a_webhook_is_verified_and_its_id_stays(server: HttpSimulator, bench: Bench, run: Run) -> None:
    server.script["/"] = [problem(500, Retry_After="1")]
    event = {"type": "order.paid", "data": {"id": 7}}
    hook = {"url": server.url(), "method": "POST", "webhook": "shop", "headers": {"X-Own": "1"}}
    id = bench.accept(HTTP_REQUEST, {**hook, "body_json": event})
    batch = bench.accept_batch(HTTP_REQUEST, hook, [{"body": "1"}, {"body": "2"}])
    run(id)
    assert bench.due_again(id)
    assert run(id).state is State.SUCCEEDED
    run(f"{batch}.0")
    for asked in server.asked:
        Webhook(SECRET).verify(asked.body, dict(asked.headers), json_parse=True)
    ids = [asked.headers["webhook-id"] for asked in server.asked]
    assert ids[:2] == [id, id]
    assert sorted(ids[2:]) == [f"{batch}.0.0", f"{batch}.0.1"]


def test_a_gone_webhook_is_listed(server: HttpSimulator, ends: Ends, bench: Bench) -> None:
    server.script["/in"] = [problem(410)]
    task = ends(server.url("/in"), method="POST", webhook="shop")
    assert (task.state, task.error and task.error.code) == (State.FAILED, "recipient_gone")
    (gone,), _ = bench.ledger.run(calls.list_gone(10))
    assert (gone.channel, gone.recipient, gone.task) == ("webhook:shop", server.url("/in"), task.id)


def test_without_its_secret_nothing_is_sent(server: HttpSimulator, ends: Ends) -> None:
    task = ends(server.url(), method="POST", webhook="unknown")
    assert (task.state, task.error and task.error.code) == (State.FAILED, "no_such_app")
    assert server.asked == []


def test_a_redirect_is_the_reply_unless_redirects_are_followed(server: HttpSimulator, ends: Ends) -> None:
    server.script["/a"] = [redirect("/b") for _ in range(3)]
    assert ends(server.url("/a")).state is State.FAILED
    assert ends(server.url("/a"), expect=[302]).result["headers"]["location"] == "/b"
    assert ends(server.url("/a"), redirects=1).result["body"] == "fine"
    assert server.paths() == ["GET /a", "GET /a", "GET /a", "GET /b"]


def test_a_loop_of_redirects_ends(server: HttpSimulator, ends: Ends) -> None:
    server.script["/a"] = [redirect("/a") for _ in range(20)]
    task = ends(server.url("/a"), redirects=3)
    assert task.error
    assert (task.error.code, "too_many_redirects" in task.error.message) == ("payload_rejected", True)
    assert len(server.asked) == 4


def test_a_post_follows_only_redirects_that_keep_the_method(server: HttpSimulator, ends: Ends) -> None:
    server.script["/a"] = [redirect("/b", 308), redirect("/b", 303)]
    assert ends(server.url("/a"), method="POST", body="x", redirects=1).state is State.SUCCEEDED
    assert ends(server.url("/a"), method="POST", body="x", redirects=1).state is State.FAILED
    assert server.paths() == ["POST /a", "POST /b", "POST /a"]
    assert server.asked[1].body == b"x"


def test_another_origin_gets_no_credential(server: HttpSimulator, ends: Ends) -> None:
    with HttpSimulator("127.0.0.2") as other:
        server.script["/a"] = [redirect("/b")]
        server.script["/b"] = [redirect(other.url("/c"))]
        other.script["/c"] = [redirect(server.url("/d"))]
        own = {"Authorization": "5ecret", "Cookie": "5ecret", "X-Api-Key": "5ecret", "Accept": "text/x"}
        assert ends(server.url("/a"), redirects=3, headers=own).state is State.SUCCEEDED
        (away,) = other.asked
    assert "5ecret" in server.asked[1].headers["authorization"]
    for asked in (away, server.asked[2]):
        assert "5ecret" not in str(asked.headers)
        assert asked.headers["accept"] == "text/x"
    assert away.headers["host"] == f"127.0.0.2:{other.port}"


@pytest.mark.parametrize(
    "location",
    [
        *("http://10.0.0.1/", "http://[::1]:6379/", "//127.8.8.8@169.254.169.254/", "http://2852039166/"),
        *("file:///etc/passwd", "gopher://127.0.0.1/", "http://user@127.0.0.1/", "http://:80/", ""),
    ],
)
def test_a_redirect_is_checked_as_the_first_address_was(server: HttpSimulator, ends: Ends, location: str) -> None:
    server.script["/"] = [redirect(location)]
    task = ends(server.url(), redirects=5)
    assert (task.state, task.error and task.error.code) == (State.FAILED, "payload_rejected")
    assert len(server.asked) == 1


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def tls_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls_is_spoken_to_the_name_at_the_address_that_was_checked(authority: trustme.CA, ends: Ends) -> None:
    names: list[str | None] = []
    context = tls_context(authority, "localhost")
    context.sni_callback = lambda _, name, __: names.append(name)
    with HttpSimulator(tls=context) as server:
        assert ends(server.url(host="localhost")).state is State.SUCCEEDED
        assert server.asked[0].headers["host"] == f"localhost:{server.port}"
    assert names == ["localhost"]


def test_a_certificate_may_be_of_an_address(authority: trustme.CA, ends: Ends) -> None:
    with HttpSimulator(tls=tls_context(authority, "127.0.0.1")) as server:
        assert ends(server.url()).state is State.SUCCEEDED


def test_tls_that_breaks_is_a_connection_that_is_lost(authority: trustme.CA, bench: Bench, run: Run) -> None:
    with HttpSimulator(tls=tls_context(authority, "127.0.0.1")) as server:
        server.script["/"] = [Say(misdeed=break_tls)]
        ending = run(bench.accept(HTTP_REQUEST, {"url": server.url(), "timeout": 20}))
        assert (ending.state, ending.code) == (State.SCHEDULED, "connection_lost")


def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, bench: Bench, run: Run) -> None:
    with HttpSimulator(tls=tls_context(authority, "other.example")) as server:
        ending = run(bench.accept(HTTP_REQUEST, {"url": server.url(host="localhost"), "method": "POST"}))
        assert (ending.state, ending.code) == (State.SCHEDULED, "tls_failed")
        assert server.asked == []


def test_https_is_not_left_for_http(authority: trustme.CA, ends: Ends, server: HttpSimulator) -> None:
    with HttpSimulator(tls=tls_context(authority, "localhost")) as secure:
        secure.script["/"] = [redirect(server.url())]
        assert ends(secure.url(host="localhost"), redirects=5).state is State.FAILED
    assert server.asked == []


def test_no_proxy_of_the_environment_is_used(
    server: HttpSimulator, monkeypatch: pytest.MonkeyPatch, ends: Ends
) -> None:
    with HttpSimulator() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert ends(server.url()).state is State.SUCCEEDED
        assert proxy.connections == 0


def test_the_log_contains_no_secret(server: HttpSimulator, ends: Ends, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = Say(200, b"5ecret", {"Set-Cookie": "5ecret"})
    server.script["/5ecret"] = [told, problem(500), redirect("http://5ecret/")]
    for _ in range(3):
        ends(server.url("/5ecret"), headers={"Authorization": "5ecret"}, method="POST", body="5ecret")
    server.script["/5ecret"] = [Say(misdeed=reset)]
    ends(server.url("/5ecret"), headers={"Authorization": "5ecret"}, method="POST", body="5ecret")
    assert len(server.asked) == 4
    assert "5ecret" not in caplog.text
