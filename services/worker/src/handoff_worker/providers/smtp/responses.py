"""What a mail server's replies mean: one table, the first rule that fits. Texts are never looked at."""

import re
from enum import StrEnum
from typing import NamedTuple

from handoff_worker.delivery.responses import Category, ProviderResponse

QUOTA_SECONDS = 3600.0  # a day's quota that is used up is asked after so often


class Stage(StrEnum):
    """What a reply answers, or what was last done when none came. Before `SENT`, no server can have taken the mail."""

    CONNECT = "connect"  # greeting, EHLO and STARTTLS too
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    SENT = "sent"


class Rule(NamedTuple):
    """`code` and `enhanced` (RFC 3463; empty when the server gives none) are matched whole."""

    stages: set[Stage]
    code: str
    enhanced: str
    category: Category
    throttled: bool = False
    retry_after: float | None = None


ALL = set(Stage)
LOGIN = {Stage.CONNECT, Stage.AUTH}
MAIL = ALL - LOGIN
READER = {Stage.RCPT, Stage.SENT}  # there is one recipient, so what is said of the mail at its end may be about it
ANY = ".*"
RULES = [
    Rule(ALL, "53[0458]", ANY, Category.CREDENTIAL_REJECTED),  # log in first, or otherwise, or by TLS
    Rule(ALL, "5..", r"5\.7\.(8|9|57)", Category.CREDENTIAL_REJECTED),
    Rule(LOGIN, "5..", ANY, Category.CREDENTIAL_REJECTED),  # no mail was named yet, so none is at fault
    Rule({Stage.AUTH}, "4..", ANY, Category.RETRY, throttled=True),  # too many logins: more of them don't help
    Rule(ALL, "421", r"4\.7\.\d+", Category.RETRY, throttled=True),  # Gmail and Outlook: too much, too fast
    Rule(ALL, "432", ANY, Category.RETRY, throttled=True),  # Exchange Online: too many connections
    Rule(MAIL, "454", ANY, Category.RETRY, throttled=True),  # SES: over the rate or the day's quota
    Rule(MAIL, "550", r"5\.4\.5", Category.RETRY, throttled=True, retry_after=QUOTA_SECONDS),  # Gmail: the day's quota
    Rule(READER, "5..", r"5\.1\.(1|2|6|10)", Category.RECIPIENT_GONE),  # no such mailbox or domain, moved, no mail
    Rule(READER, "5..", r"5\.2\.1", Category.RECIPIENT_GONE),  # the mailbox is disabled
    Rule({Stage.RCPT}, "55[16]", "", Category.RECIPIENT_GONE),
    Rule(MAIL, "5..", ANY, Category.PAYLOAD_REJECTED),
    Rule(ALL, "4..", ANY, Category.RETRY),
    Rule({Stage.SENT}, ANY, ANY, Category.UNKNOWN),
    Rule(ALL, ANY, ANY, Category.RETRY),
]


def categorize_smtp_reply(stage: Stage, code: int, text: str) -> ProviderResponse:
    """What a reply means that is not the one that was hoped for."""
    found = re.match(rf"{code // 100}\.\d{{1,3}}\.\d{{1,3}}\b", text)
    enhanced = found[0] if found else ""
    for rule in RULES:
        if stage in rule.stages and re.fullmatch(rule.code, str(code)) and re.fullmatch(rule.enhanced, enhanced):
            break
    reason = f"smtp_{code}_{enhanced}".rstrip("_").replace(".", "_") if 200 <= code < 600 else "bad_reply"
    return ProviderResponse(rule.category, reason, retry_after=rule.retry_after, throttled=rule.throttled)


def categorize_silence(stage: Stage, reason: str) -> ProviderResponse:
    """What it means that no reply came."""
    return ProviderResponse(Category.UNKNOWN if stage is Stage.SENT else Category.RETRY, reason)
