"""The response table of mail servers: the first matching rule decides. It ignores the texts of replies."""

import re
from enum import StrEnum
from typing import NamedTuple

from handoff_worker.delivery.responses import Category, ProviderResponse

QUOTA_SECONDS = 3600.0  # how often to try again when the day's quota is used up


class Stage(StrEnum):
    """The last step before a reply, or before silence. Before `SENT`, no server can have accepted the mail."""

    CONNECT = "connect"  # with greeting, EHLO and STARTTLS
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    SENT = "sent"


class Rule(NamedTuple):
    """`code` and `enhanced` are patterns of the whole codes. `enhanced` (RFC 3463) is empty if there is none."""

    stages: set[Stage]
    code: str
    enhanced: str
    category: Category
    throttled: bool = False
    retry_after: float | None = None


ALL = set(Stage)
LOGIN = {Stage.CONNECT, Stage.AUTH}
MAIL = ALL - LOGIN
ABOUT_RECIPIENT = {Stage.RCPT, Stage.SENT}  # a mail has one recipient, so a final reply may be about it
ANY = ".*"
RULES = [
    Rule(ALL, "53[0458]", ANY, Category.CREDENTIAL_REJECTED),  # a login, another login method or TLS is needed
    Rule(ALL, "5..", r"5\.7\.(8|9|57)", Category.CREDENTIAL_REJECTED),
    Rule(LOGIN, "5..", ANY, Category.CREDENTIAL_REJECTED),  # before any mail, so no mail is at fault
    Rule({Stage.AUTH}, "4..", ANY, Category.RETRY, throttled=True),  # too many logins
    Rule(ALL, "421", r"4\.7\.\d+", Category.RETRY, throttled=True),  # Gmail and Outlook: over the rate
    Rule(ALL, "432", ANY, Category.RETRY, throttled=True),  # Exchange Online: too many connections
    Rule(MAIL, "454", ANY, Category.RETRY, throttled=True),  # SES: over the rate or the day's quota
    Rule(MAIL, "550", r"5\.4\.5", Category.RETRY, throttled=True, retry_after=QUOTA_SECONDS),  # Gmail: the day's quota
    Rule(ABOUT_RECIPIENT, "5..", r"5\.1\.(1|2|6|10)", Category.RECIPIENT_GONE),  # unknown, moved, null MX
    Rule(ABOUT_RECIPIENT, "5..", r"5\.2\.1", Category.RECIPIENT_GONE),  # the mailbox is disabled
    Rule({Stage.RCPT}, "55[16]", "", Category.RECIPIENT_GONE),
    Rule(MAIL, "5..", ANY, Category.PAYLOAD_REJECTED),
    Rule(ALL, "4..", ANY, Category.RETRY),
    Rule({Stage.SENT}, ANY, ANY, Category.UNKNOWN),
    Rule(ALL, ANY, ANY, Category.RETRY),
]


def categorize_smtp_reply(stage: Stage, code: int, text: str) -> ProviderResponse:
    """The response for an unexpected reply."""
    found = re.match(rf"{code // 100}\.\d{{1,3}}\.\d{{1,3}}\b", text)
    enhanced = found[0] if found else ""
    for rule in RULES:
        if stage in rule.stages and re.fullmatch(rule.code, str(code)) and re.fullmatch(rule.enhanced, enhanced):
            break
    reason = f"smtp_{code}_{enhanced}".rstrip("_").replace(".", "_") if 200 <= code < 600 else "bad_reply"
    return ProviderResponse(rule.category, reason, retry_after=rule.retry_after, throttled=rule.throttled)


def categorize_silence(stage: Stage, reason: str) -> ProviderResponse:
    """The response if no reply came: only a mail that was sent is `unknown`."""
    return ProviderResponse(Category.UNKNOWN if stage is Stage.SENT else Category.RETRY, reason)
