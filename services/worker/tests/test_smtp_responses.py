"""The category of each documented reply of mail servers."""

import pytest

from handoff_worker.delivery.responses import Category
from handoff_worker.providers.smtp.responses import Stage, categorize_silence, categorize_smtp_reply

RETRY, UNKNOWN = Category.RETRY, Category.UNKNOWN
GONE, PAYLOAD, CREDENTIAL = (
    Category.RECIPIENT_GONE,
    Category.PAYLOAD_REJECTED,
    Category.CREDENTIAL_REJECTED,
)
CONNECT, AUTH, MAIL, RCPT, DATA, SENT = Stage


@pytest.mark.parametrize(
    ("stage", "reply", "category", "throttled"),
    [
        # RFC 5321, Postfix
        (CONNECT, "421 4.3.2 All server ports are busy", RETRY, False),
        (CONNECT, "421 4.7.0 mail.example Error: too many connections from 192.0.2.1", RETRY, True),
        (CONNECT, "554 5.7.1 Service unavailable; client host blocked", CREDENTIAL, False),
        (CONNECT, "521 5.3.2 mail.example does not accept mail", CREDENTIAL, False),
        (CONNECT, "454 4.7.0 TLS not available due to local problem", RETRY, False),
        (MAIL, "530 5.7.0 Must issue a STARTTLS command first", CREDENTIAL, False),
        (MAIL, "452 4.3.1 Insufficient system storage", RETRY, False),
        (MAIL, "552 5.3.4 Message size exceeds fixed limit", PAYLOAD, False),
        (MAIL, "553 5.7.1 <a@b>: Sender address rejected: not owned by user", PAYLOAD, False),
        (MAIL, "501 5.1.7 Bad sender address syntax", PAYLOAD, False),
        (RCPT, "550 5.1.1 <x@y>: Recipient address rejected: User unknown in virtual mailbox table", GONE, False),
        (RCPT, "550 5.1.2 <x@y>: Recipient address rejected: Domain not found", GONE, False),
        (RCPT, "551 5.1.6 Mailbox has moved", GONE, False),
        (RCPT, "551 User not local; please try <forward-path>", GONE, False),
        (RCPT, "556 Domain does not accept mail", GONE, False),
        (RCPT, "556 5.1.10 Recipient address has null MX", GONE, False),
        (RCPT, "550 5.2.1 The mailbox is disabled", GONE, False),
        (RCPT, "550 Requested action not taken: mailbox unavailable", PAYLOAD, False),
        (RCPT, "551 5.7.1 Relaying denied", PAYLOAD, False),
        (RCPT, "554 5.7.1 <x@y>: Relay access denied", PAYLOAD, False),
        (RCPT, "501 5.1.3 Bad recipient address syntax", PAYLOAD, False),
        (RCPT, "552 5.2.2 Mailbox full", PAYLOAD, False),
        (RCPT, "450 4.2.0 <x@y>: Recipient address rejected: Greylisted", RETRY, False),
        (RCPT, "451 4.7.1 Greylisting in action, please come back later", RETRY, False),
        (RCPT, "450 4.1.2 <x@y>: Recipient address rejected: Domain not found", RETRY, False),
        (RCPT, "452 4.2.2 Mailbox full", RETRY, False),
        (SENT, "554 5.6.0 Message content rejected", PAYLOAD, False),
        (SENT, "550 5.7.1 Message refused by policy", PAYLOAD, False),
        (SENT, "550 5.1.1 No such user", GONE, False),
        (SENT, "451 4.3.0 Error: queue file write error", RETRY, False),
        (SENT, "421 4.4.2 Timeout exceeded", RETRY, False),
        # Gmail
        (AUTH, "535 5.7.8 Username and Password not accepted", CREDENTIAL, False),
        (AUTH, "534 5.7.9 Application-specific password required", CREDENTIAL, False),
        (AUTH, "454 4.7.0 Too many login attempts, please try again later", RETRY, True),
        (MAIL, "421 4.7.0 Try again later, closing connection", RETRY, True),
        (SENT, "421 4.7.28 Our system has detected an unusual rate of mail", RETRY, True),
        (RCPT, "450 4.2.1 The user you are trying to contact is receiving mail too quickly", RETRY, False),
        (RCPT, "550 5.1.1 The email account that you tried to reach does not exist.\n5.1.1 Try checking", GONE, False),
        (SENT, "550 5.4.5 Daily user sending limit exceeded", RETRY, True),
        # Exchange Online
        (AUTH, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", CREDENTIAL, False),
        (MAIL, "530 5.7.57 Client not authenticated to send mail", CREDENTIAL, False),
        (SENT, "554 5.2.252 SendAsDenied; not allowed to send as a@b", PAYLOAD, False),
        (SENT, "550 5.7.60 Client does not have permissions to send as this sender", PAYLOAD, False),
        (CONNECT, "432 4.3.2 Concurrent connections limit exceeded", RETRY, True),
        (RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound", GONE, False),
        # Amazon SES
        (AUTH, "535 Authentication Credentials Invalid", CREDENTIAL, False),
        (AUTH, "451 Temporary service failure", RETRY, True),
        (SENT, "454 Throttling failure: Maximum sending rate exceeded.", RETRY, True),
        (MAIL, "454 Throttling failure: Daily message quota exceeded.", RETRY, True),
        (SENT, "554 Message rejected: Email address is not verified.", PAYLOAD, False),
        # No reply of a mail server
        (SENT, "-1 Malformed SMTP response line", UNKNOWN, False),
        (SENT, "354 go on", UNKNOWN, False),
        (MAIL, "-1 Malformed SMTP response line", RETRY, False),
        (RCPT, "354 go on", RETRY, False),
    ],
)
def test_replies(stage: Stage, reply: str, category: Category, throttled: bool) -> None:
    code, _, text = reply.partition(" ")
    response = categorize_smtp_reply(stage, int(code), text)
    assert (response.category, response.throttled) == (category, throttled)
    assert response.reason.startswith(f"smtp_{code}") or response.reason == "bad_reply"


def test_a_reason_names_both_codes_and_nothing_of_the_text() -> None:
    assert categorize_smtp_reply(RCPT, 550, "5.1.1 <x@y> is unknown").reason == "smtp_550_5_1_1"
    assert categorize_smtp_reply(RCPT, 550, "4.1.1 <x@y> is unknown").reason == "smtp_550"
    assert categorize_smtp_reply(RCPT, 550, "<x@y> 5.1.1 is unknown").reason == "smtp_550"


@pytest.mark.parametrize("stage", Stage)
def test_only_a_sent_mail_is_unknown(stage: Stage) -> None:
    assert categorize_silence(stage, "timeout").category is (UNKNOWN if stage is SENT else RETRY)
