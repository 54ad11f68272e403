"""Whatever a payload holds, a mail has the headers it should have, and no others."""

import json
import re
from email.parser import BytesParser
from email.policy import SMTPUTF8
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from handoff_contracts.tasks.email_send import EmailSend
from handoff_worker.errors import Fail
from handoff_worker.providers.smtp.mail import message_id, render_mail

SENDER = "Shop <shop@shop.example>"
NASTY = ["\r\nBcc: x@y", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\x00", "\ud800"]
ENCODED = "=?utf-8?q?=0d=0aBcc=3A_x=40y?="


@pytest.mark.parametrize("nasty", [*NASTY, ENCODED, "=?utf-8?b?DQpCY2M6IHhAeQ==?="])
@pytest.mark.parametrize(
    "mail",
    [
        {"subject": "a{}b"},
        {"to": "a{}b@mail.example"},
        {"to": "a@mail{}.example"},
        {"sender": "a{}b <a@mail.example>"},
        {"reply_to": "a <a@mail.example{}>"},
        {"header_to": ["a{}b <a@mail.example>"]},
        {"header_cc": ["a@mail.example{}"]},
        {"message_id": "<a{}@b>"},
        {"app": "a{}"},
        {"headers": {"List-Id{}": "x"}},
        {"attachments": [{"content": "", "name": "a{}b"}]},
        {"attachments": [{"path": "a{}b"}]},
        {"attachments": [{"content": "", "media_type": "text/plain{}"}]},
    ],
)
def test_no_field_accepts_a_line_break(mail: dict[str, Any], nasty: str) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(each) for each in value]
        if isinstance(value, dict):
            return {put(name): put(each) for name, each in value.items()}
        return value.replace("{}", nasty)

    given = {"to": "reader@mail.example", "text": ""} | mail
    EmailSend.model_validate_json(_json(given, ""))
    with pytest.raises(ValidationError):
        EmailSend.model_validate(put(given))


def _json(mail: dict[str, Any], inside: str) -> str:
    return json.dumps(mail).replace("{}", inside)


lines = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
words = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=300)


@settings(max_examples=300, deadline=None)
@given(lines, lines, lines, words, lines, st.booleans())
def test_the_headers_of_a_mail(
    subject: str,
    name: str,
    text: str,
    unsubscribe: str,
    file: str,
    international: bool,
) -> None:
    given = {
        "to": "ä@mail.example" if international else "a@mail.example",
        "header_cc": [f"{name} <a@mail.example>"],
        "subject": subject,
        "text": text,
        "html": text,
        "headers": {"List-Unsubscribe": unsubscribe},
        "attachments": [{"content": "AAAA", "name": file}],
    }
    for field, without in (("header_cc", []), ("subject", ""), ("headers", {}), ("attachments", [])):
        try:
            EmailSend.model_validate({"to": "a@b", "text": "", field: given[field]})
        except ValidationError:
            given[field] = without
    mail = EmailSend.model_validate(given)
    letter = render_mail(mail, SENDER, "<id@shop.example>", None)
    head, _, _ = letter.content.partition(b"\r\n\r\n")
    names = re.findall(rb"(?m)^([^ \t:]+):", head)
    expected = [b"Date", b"Message-ID", b"From", b"To", b"Cc", b"Subject", b"List-Unsubscribe"]
    left_out = {b"Cc": not mail.header_cc, b"List-Unsubscribe": not mail.headers}
    mime = [found for found in names if found not in expected]
    assert [found for found in names if found in expected] == [each for each in expected if not left_out.get(each)]
    assert set(mime) <= {b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding"}
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", letter.content), "a bare CR or LF"
    assert all(line.isascii() for line in letter.content.split(b"\r\n")) or international
    assert not re.search(rb"(?m)^\.(?!\.)", letter.content), "a dot that would end the mail"
    message = BytesParser(policy=SMTPUTF8).parsebytes(re.sub(rb"(?m)^\.", b"", letter.content))
    body = message.get_body(("plain",))
    assert body is not None
    assert re.split("\r\n|\r|\n", body.get_content())[0] == re.split("\r\n|\r|\n", text)[0]
    assert " ".join(message["Subject"].split()) == " ".join(mail.subject.split())


def test_long_words_of_a_header_stay_whole() -> None:
    reference = f"<{'r' * 200}@mail.example>"
    mail = EmailSend(to="a@b", text="", headers={"References": f"{reference} {reference}"})
    content = render_mail(mail, SENDER, "<id@b>", None).content
    assert f"References: {reference}\r\n {reference}\r\n".encode() in content


def test_a_domain_that_is_none_is_refused() -> None:
    for address in ("a@\u2603\u200d.example", f"a@{'ü' * 63}.example"):
        with pytest.raises(Fail, match="payload_rejected"):
            render_mail(EmailSend(to=address, text=""), SENDER, "<id@b>", None)


def test_a_message_id_is_the_same_for_the_same_work_alone() -> None:
    assert message_id(SENDER, "01a.0.1") == message_id("other@shop.example", "01a.0.1")
    assert len({message_id(SENDER, identity) for identity in ("01a", "01a.0.1", "01a.0.11", "01a.01.1")}) == 4
    assert re.fullmatch(r"<[0-9a-f]{32}@shop\.example>", message_id(SENDER, "01a"))


def test_a_rendered_mails_repr_hides_its_addresses() -> None:
    letter = render_mail(EmailSend(to="reader@mail.example", text="5ecret"), SENDER, "<id@b>", None)
    assert "reader" not in repr(letter)
    assert "5ecret" not in repr(letter)
