"""`email.send` through aiosmtpd: the mails that arrive, their recipients, and the number of connections."""

import asyncio
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff_contracts.tasks.email_send import EmailSend
from handoff_ledger import State
from handoff_ledger.calls.items import list_items
from handoff_worker.delivery.apps import Apps
from handoff_worker.delivery.responses import Category
from handoff_worker.execution.run_result import RunResult
from handoff_worker.providers.smtp.client import SmtpServers
from handoff_worker.settings import Settings
from process import wait_until
from tests.integration.providers.email.mail_servers import MailSink, Server, SmtpSimulator
from tests.integration.providers.email.posting import PASSWORD, READER, SENDER, Post

Certified = Callable[[str], ssl.SSLContext]
Serve = Callable[[Server], None]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_mail_goes_by_tls_and_after_a_login(
    post: Post, serve: Serve, certified: Certified, ca_file: Path, *, implicit: bool
) -> None:
    sink = MailSink(certified("127.0.0.1"), implicit=implicit)
    sink.password = PASSWORD
    serve(sink)
    login = {"username": "shop", "password": PASSWORD}
    post.app(sink.port, tls="tls" if implicit else "starttls", ca_file=ca_file, **login)
    id, ending = post.send(subject="Your order")
    assert ending == RunResult(State.SUCCEEDED)
    (mail,) = sink.taken
    assert (mail.sender, mail.recipients) == ("shop@shop.example", [READER])
    task = post.task(id)
    message_id = mail.message["Message-ID"]
    assert task.result == {"category": "delivered", "message_id": message_id, "id": "2.0.0 Ok: queued as 1"}
    assert (task.attempt, len(sink.logins), sink.connections) == (1, 1, 1)


def test_a_mail_has_all_its_parts(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    (post.blobs / "2026").mkdir()
    (post.blobs / "2026" / "Rechnung ü.pdf").write_bytes(b"%PDF\r\n.\r\n\x00\xff")
    mail = {
        "header_to": ["Jörg Müller <joerg@mail.example>"],
        "header_cc": [READER],
        "reply_to": "Help <help@shop.example>",
        "subject": " ".join(["Grüße"] * 30),
        "text": ".\n..\nÄ plain\rtext\nFrom here",
        "html": "<p>Ä</p>",
        "headers": {"List-Unsubscribe": f"<https://shop.example/{'u' * 200}>", "References": "<a@b> <c@d>"},
        "attachments": [
            {"path": "2026/Rechnung ü.pdf", "media_type": "application/pdf"},
            {"content": b64encode(b"a,b\n").decode(), "name": "list.csv", "media_type": "text/csv"},
        ],
    }
    assert post.send(**mail)[1] == RunResult(State.SUCCEEDED)
    (taken,) = sink.taken
    assert taken.recipients == [READER]
    message = taken.message
    headers = {name: message[name] for name in ("From", "To", "Cc", "Reply-To", "Subject", "List-Unsubscribe")}
    assert headers == {
        "From": "Shop <shop@shop.example>",
        "To": "Jörg Müller <joerg@mail.example>",
        "Cc": READER,
        "Reply-To": "Help <help@shop.example>",
        "Subject": " ".join(["Grüße"] * 30),
        "List-Unsubscribe": f"<https://shop.example/{'u' * 200}>",
    }
    assert message["References"].split() == ["<a@b>", "<c@d>"]
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == [".", "..", "Ä plain", "text", "From here"]
    assert html.get_content().splitlines() == ["<p>Ä</p>"]
    pdf, table = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type()) == ("Rechnung ü.pdf", "application/pdf")
    assert pdf.get_payload(decode=True) == b"%PDF\r\n.\r\n\x00\xff"
    assert (table.get_filename(), table.get_content_type()) == ("list.csv", "text/csv")
    assert table.get_payload(decode=True) == b"a,b\n"
    assert max(map(len, taken.content.split(b"\r\n"))) <= 998
    assert taken.content.isascii()


def test_a_pack_shares_a_few_connections(post: Post, sink: MailSink) -> None:
    post.app(sink.port, connections=3)
    readers = [f"reader{number}@mail.example" for number in range(50)]
    batch, ending = post.send_all({"text": "News"}, [{"to": reader} for reader in readers])
    assert ending == RunResult(State.SUCCEEDED)
    assert sink.received() == sorted(readers)
    assert sink.connections == 3
    items, _ = post.bench.ledger.run(list_items(batch, 50))
    ids = {mail.recipients[0]: mail.message["Message-ID"] for mail in sink.taken}
    assert len(set(ids.values())) == 50
    assert [item.result and item.result["message_id"] for item in items] == [ids[reader] for reader in readers]
    post.send()
    assert sink.connections == 3, "the next task uses them too"


def test_copies_share_the_common_fields(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    common = {
        "header_to": ["a@mail.example"],
        "header_cc": ["b@mail.example"],
        "text": "Hello",
        "message_id": "<one@shop.example>",
    }
    _, ending = post.send_all(common, [{"to": f"{name}@mail.example"} for name in "abc"])
    assert ending == RunResult(State.SUCCEEDED)
    assert sink.received() == ["a@mail.example", "b@mail.example", "c@mail.example"]
    for mail in sink.taken:
        assert (mail.message["To"], mail.message["Cc"]) == ("a@mail.example", "b@mail.example")
        assert mail.message["Message-ID"] == "<one@shop.example>"
        assert b"c@mail" not in mail.content


def test_addresses_of_every_language(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    assert post.send(to="用户@例え.jp")[1] == RunResult(State.SUCCEEDED)
    assert post.send(to="jorg@müller.example")[1] == RunResult(State.SUCCEEDED)
    assert sink.received() == ["jorg@xn--mller-kva.example", "用户@xn--r8jz45g.jp"]
    assert sink.taken[0].message["To"] == "用户@xn--r8jz45g.jp"


def test_a_server_without_smtputf8_rejects_international_addresses(post: Post, serve: Serve) -> None:
    sink = MailSink(enable_SMTPUTF8=False)
    serve(sink)
    post.app(sink.port)
    id, ending = post.send(to="用户@mail.example")
    assert ending == RunResult(State.FAILED, "payload_rejected")
    error = post.task(id).error
    assert error
    assert error.message == "The provider rejected the payload: smtputf8_missing."
    assert post.send()[1] == RunResult(State.SUCCEEDED)
    assert (sink.received(), sink.connections) == ([READER], 1)


def test_a_connection_that_its_server_dropped_is_replaced(post: Post, sink: MailSink) -> None:
    post.app(sink.port)
    assert post.send()[1] == RunResult(State.SUCCEEDED)
    sink.drop()
    id, ending = post.send()
    assert ending == RunResult(State.SUCCEEDED)
    assert (post.task(id).attempt, sink.connections, len(sink.taken)) == (1, 2, 2)


@pytest.mark.parametrize(
    ("path", "code"), [("none.pdf", "no_such_file"), ("link", "no_such_file"), ("large", "file_too_large")]
)
def test_an_attachment_that_can_not_be_had(post: Post, sink: MailSink, tmp_path: Path, path: str, code: str) -> None:
    post.app(sink.port)
    (tmp_path / "secret").write_text("outside")
    (post.blobs / "link").symlink_to(tmp_path / "secret")
    with (post.blobs / "large").open("wb") as large:
        large.truncate(11 * 1024 * 1024)
    assert post.send(attachments=[{"path": path}])[1] == RunResult(State.FAILED, code)
    assert sink.connections == 0


async def test_a_timed_out_mail_closes_its_connection(tmp_path: Path, simulator: SmtpSimulator) -> None:
    app = {"host": "127.0.0.1", "port": simulator.port, "tls": "none", "sender": SENDER, "connections": 1}
    (tmp_path / "smtp.default.json").write_text(json.dumps(app))
    settings = Settings(apps_dir=tmp_path)
    servers = SmtpServers(settings, Apps(settings))
    simulator.replies["RCPT"] = ["hang"]
    mail = EmailSend(to=READER, text="Hello")
    given_up = asyncio.create_task(servers["default"].send(mail, "<one@shop.example>"))
    assert await asyncio.to_thread(wait_until, lambda: f"RCPT TO:<{READER}>" in simulator.commands, 10)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    began = time.monotonic()
    response = await servers["default"].send(mail, "<two@shop.example>")
    assert time.monotonic() - began < 20, "it waited for the reply to the first"
    assert response.category is Category.DELIVERED
    assert [taken.message["Message-ID"] for taken in simulator.taken] == ["<two@shop.example>"]
    assert simulator.connections == 2
    await servers.aclose()
    assert simulator.commands[-1] == "QUIT"
