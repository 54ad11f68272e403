"""SNS: signatures as botocore makes them, every documented error with its meaning, messages as the guides show them."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff_contracts.tasks.push_send import PushSend
from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse, delivered, snake_case
from handoff_worker.errors import CODE
from handoff_worker.providers.sns import api as sns_api
from handoff_worker.providers.sns import client as sns
from handoff_worker.providers.sns import topics as sns_topics
from handoff_worker.providers.sns.payload import sns_message
from handoff_worker.providers.sns.responses import THROTTLED_SECONDS, categorize_sns_error
from handoff_worker.providers.sns.sigv4 import AwsKey, Signer
from tests.integration.providers.push_simulators import botocores_signature

GONE, RETRY, BAD = Category.RECIPIENT_GONE, Category.RETRY, Category.PAYLOAD_REJECTED
REJECTED = Category.CREDENTIAL_REJECTED
SECRET = "5ecret/Key+Of/An/SnsAccount"
# The API reference of Publish, PublishBatch and of the endpoints' actions, and "Common Errors": status, code.
DOCUMENTED = [
    (400, "AccessDeniedException", REJECTED),
    (403, "AuthorizationError", REJECTED),
    (400, "BatchRequestTooLong", BAD),
    (400, "EndpointDisabled", GONE),
    (403, "ExpiredTokenException", REJECTED),
    (400, "IncompleteSignature", REJECTED),
    (500, "InternalError", RETRY),
    (500, "InternalFailure", RETRY),
    (403, "InvalidClientTokenId", REJECTED),
    (400, "InvalidParameter", BAD),
    (400, "InvalidParameterValue", BAD),
    (403, "InvalidSecurity", REJECTED),
    (400, "KMSAccessDenied", BAD),
    (400, "KMSDisabled", BAD),
    (400, "KMSInvalidState", BAD),
    (400, "KMSNotFound", BAD),
    (403, "KMSOptInRequired", BAD),
    (400, "KMSThrottling", RETRY),
    (400, "MissingParameter", BAD),
    (403, "MissingAuthenticationToken", REJECTED),
    (400, "NotAuthorized", REJECTED),
    (404, "NotFound", GONE),
    (403, "OptInRequired", REJECTED),
    (400, "PlatformApplicationDisabled", REJECTED),
    (400, "RequestExpired", REJECTED),
    (503, "ServiceUnavailable", RETRY),
    (403, "SignatureDoesNotMatch", REJECTED),
    (429, "Throttled", RETRY),
    (400, "Throttling", RETRY),
    (400, "ThrottlingException", RETRY),
    (400, "ValidationError", BAD),
    (400, "ValidationException", BAD),
]


@pytest.mark.parametrize(("status", "code", "category"), DOCUMENTED)
def test_every_documented_error_has_a_category(status: int, code: str, category: Category) -> None:
    response = categorize_sns_error(status, code)
    assert (response.category, response.reason.replace("_", "")) == (category, code.lower())
    assert CODE.fullmatch(response.reason)
    assert response.throttled == ("Throttl" in code)
    assert response.retry_after == (THROTTLED_SECONDS if response.throttled else None)


@pytest.mark.parametrize(
    ("status", "category"), [(400, BAD), (404, BAD), (413, BAD), (401, REJECTED), (403, REJECTED), (502, RETRY)]
)
def test_without_a_known_code_the_status_decides(status: int, category: Category) -> None:
    for code in ("", "Brand5ecretNew"):
        assert categorize_sns_error(status, code) == ProviderResponse(category, f"http_{status}")
    assert categorize_sns_error(429, "", after=3.0) == ProviderResponse(
        RETRY, "http_429", retry_after=3.0, throttled=True
    )


def test_codes_become_reasons() -> None:
    assert [snake_case(code) for code in ("EndpointDisabled", "KMSNotFound", "InvalidClientTokenId")] == [
        "endpoint_disabled",
        "kms_not_found",
        "invalid_client_token_id",
    ]


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["", "a/session+token="]),
    st.sampled_from(["us-east-1", "cn-north-1"]),
    st.datetimes(datetime(2015, 8, 30), datetime(2050, 1, 1)),  # noqa: DTZ001 - hypothesis wants them so
)
def test_signatures_equal_botocores(body: bytes, session: str, region: str, when: datetime) -> None:
    now = when.replace(tzinfo=UTC)
    host, stamp = "sns.example.org:8443", now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": sns_api.FORM}
    wanted = {**headers, "x-amz-date": stamp} | ({"x-amz-security-token": session} if session else {})
    signature = botocores_signature(host, wanted, body, SECRET, region)
    ours = Signer(AwsKey("AKIDEXAMPLE", SECRET, session), region, "sns")
    for _ in range(2):  # the day's key is kept
        signed = ours.sign(host, headers, body, now)
        assert signed.pop("authorization").endswith(f"Signature={signature}")
        assert signed == wanted
    assert SECRET not in repr(ours)


def test_no_repr_shows_a_secret() -> None:
    assert SECRET not in repr(AwsKey("AKIDEXAMPLE", SECRET, SECRET))


def test_fcms_message_is_json_within_json() -> None:
    push = PushSend(token="t", title="Hello", body="Wörld", data={"k": "v"}, ttl=60)
    sent = sns_message(push, "GCM")
    texts = json.loads(sent["Message"])
    assert sent["MessageStructure"] == "json"
    assert set(texts) == {"default", "GCM"}
    fcm = json.loads(texts["GCM"])["fcmV1Message"]["message"]
    assert fcm["notification"] == {"title": "Hello", "body": "Wörld"}
    assert (fcm["data"], fcm["android"]) == ({"k": "v"}, {"ttl": "60s"})
    assert "token" not in fcm
    assert attributes(sent) == {"AWS.SNS.MOBILE.GCM.TTL": "60"}


def test_a_message_for_apples_devices() -> None:
    sent = sns_message(PushSend(token="t", data={"k": "v"}, ttl=60), "APNS_SANDBOX")
    texts = json.loads(sent["Message"])
    assert set(texts) == {"default", "APNS_SANDBOX"}
    assert json.loads(texts["APNS_SANDBOX"]) == {"k": "v", "aps": {"content-available": 1}}
    assert attributes(sent) == {
        "AWS.SNS.MOBILE.APNS.PUSH_TYPE": "background",
        "AWS.SNS.MOBILE.APNS.PRIORITY": "5",
        "AWS.SNS.MOBILE.APNS_SANDBOX.TTL": "60",
    }


def test_a_topics_message_has_every_platform() -> None:
    sent = sns_message(PushSend(token="t", body="b"))
    texts = json.loads(sent["Message"])
    assert set(texts) == {"default", "GCM", "APNS", "APNS_SANDBOX"}
    assert texts["default"] == "b"


def attributes(sent: dict[str, str]) -> dict[str, str]:
    names = {key.rpartition(".")[0]: name for key, name in sent.items() if key.endswith(".Name")}
    return {name: sent[f"{entry}.Value.StringValue"] for entry, name in names.items()}


def test_a_batch_that_failed_in_part() -> None:
    text = """<PublishBatchResponse xmlns="https://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed>
      <member><Id>2</Id><Code>InternalError</Code><Message>m</Message><SenderFault>false</SenderFault></member>
      <member><SenderFault>true</SenderFault><Code>InvalidParameter</Code><Id>3</Id></member>
      <member><Id>5</Id><Code>AuthorizationError</Code><SenderFault>true</SenderFault></member>
      </Failed><Successful><member><MessageId>m-1</MessageId><Id>1</Id></member></Successful></PublishBatchResult>
      <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishBatchResponse>"""
    assert sns_topics.read_batch(text, 5) == [
        delivered("m-1"),
        ProviderResponse(RETRY, "internal_error"),
        ProviderResponse(BAD, "invalid_parameter"),
        ProviderResponse(Category.UNKNOWN, "untold"),
        ProviderResponse(BAD, "authorization_error"),
    ]


@settings(deadline=None)
@given(st.lists(st.integers(0, 120_000), max_size=40))
def test_batches_keep_their_limits_and_the_order(sizes: list[int]) -> None:
    waiting = [({"Message": "x" * size}, object()) for size in sizes]
    made = sns_topics.split_batches(waiting)  # type: ignore[arg-type]  # futures belong to a loop
    assert [entry for batch in made for entry in batch] == waiting
    for batch in made:
        assert 1 <= len(batch) <= 10
        assert len(batch) == 1 or sum(len(urlencode(entry[0])) for entry in batch) <= sns_topics.BATCH_BYTES


def credential(**other: str) -> str:
    told = {"region": "eu-west-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}
    return json.dumps(told | other)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        credential(region="5ecret"),
        credential(platform_application_arn="arn:aws:sns:eu-west-1:123456789012:topic"),
        credential(endpoint="sns.example.org"),
        credential(more="5ecret"),
    ],
)
def test_a_malformed_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*") as failed:
        sns.read_account(text)
    assert "5ecret" not in str(failed.value)


def test_a_file_names_its_platform() -> None:
    arn = "arn:aws:sns:eu-west-1:123456789012:app/GCM/shop"
    assert sns.read_account(credential(platform_application_arn=arn)).application == arn
    assert SECRET not in repr(sns.read_account(credential()))


class Slow(sns_api.SnsApi):
    """Never responses."""

    def __init__(self) -> None:
        self.called = asyncio.Event()

    async def call(self, action: str, parameters: Mapping[str, str]) -> str:
        self.called.set()
        await asyncio.Event().wait()
        return ""


async def test_a_cancelled_leader_leaves_the_others_unknown() -> None:
    api = Slow()
    topics = sns_topics.Topics(api)
    leader, other = (asyncio.create_task(topics.publish("topic", {"Message": "m"})) for _ in range(2))
    async with asyncio.timeout(10):
        await api.called.wait()
        leader.cancel()
        assert await other == ProviderResponse(Category.UNKNOWN, "cancelled")
    assert leader.cancelled()


async def test_a_cancelled_follower_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(self: sns_api.SnsApi, action: str, parameters: Mapping[str, str]) -> str:
        entries = "".join(f"<member><Id>{at}</Id><MessageId>m-{at}</MessageId></member>" for at in (1, 2))
        return f"<Successful>{entries}</Successful>"

    monkeypatch.setattr(sns_api.SnsApi, "call", call)
    topics = sns_topics.Topics(sns_api.SnsApi("https://sns.example.org", Signer(AwsKey("a", "b"), "c", "sns")))
    leader, other = (asyncio.create_task(topics.publish("topic", {"Message": "m"})) for _ in range(2))
    await asyncio.sleep(0)
    other.cancel()
    assert await leader == delivered("m-1")


async def test_only_a_publish_without_a_reply_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def post(*_: object) -> http.Reply:
        raise http.RequestFailed(ProviderResponse(Category.UNKNOWN, "timeout"))

    monkeypatch.setattr(http, "post", post)
    api = sns_api.SnsApi("https://sns.example.org", Signer(AwsKey("a", "b"), "c", "sns"))
    for call, category in ((api.call, Category.UNKNOWN), (api.call_repeatable, RETRY)):
        with pytest.raises(http.RequestFailed) as unanswered:
            await call("CreatePlatformEndpoint", {"Token": SECRET})
        assert unanswered.value.response == ProviderResponse(category, "timeout")
        assert SECRET not in repr(unanswered.value)
