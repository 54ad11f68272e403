"""Notifications through SNS: Amazon's part is moto's server, and a simulator where moto has no such response."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from moto.core.base_backend import BackendDict
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.sns.models import PlatformEndpoint, SNSBackend, sns_backends

from handoff_ledger import State
from handoff_worker.delivery import http
from handoff_worker.providers.sns import endpoints as sns_endpoints
from handoff_worker.providers.sns import responses as sns_responses
from handoff_worker.providers.sns import topics as sns_topics
from tests.integration.providers.dispatch import Dispatch
from tests.integration.providers.fcm_simulator import HANG, RESET, Say
from tests.integration.providers.push_simulators import ACCOUNT, SnsSimulator, sns_error, xml

APPLICATION = f"{ACCOUNT}:app/GCM/shop"
TOPIC = f"{ACCOUNT}:news"
DEVICE = f"{ACCOUNT}:endpoint/GCM/shop"


def credential(url: str, **other: str) -> str:
    told = {"region": "eu-west-1", "access_key_id": "AKIDEXAMPLE", "secret_access_key": SnsSimulator.secret}
    return json.dumps(told | {"platform_application_arn": APPLICATION, "endpoint": url} | other)


class Moto:
    """The state of moto's SNS: its published messages, and its endpoints."""

    def __init__(self, url: str, backends: BackendDict[SNSBackend]) -> None:
        self.url = url
        backends["123456789012"]["eu-west-1"].reset()
        self.sns = backends["123456789012"]["eu-west-1"]
        self.sns.create_platform_application("shop", "GCM", {})

    def endpoint(self, token: str) -> PlatformEndpoint:
        (found,) = [endpoint for endpoint in self.sns.platform_endpoints.values() if endpoint.token == token]
        return found

    def texts(self, token: str) -> list[str]:
        """The titles that a device's platform was given."""
        messages = [json.loads(message)["GCM"] for message in self.endpoint(token).messages.values()]
        return [json.loads(message)["fcmV1Message"]["message"]["notification"]["title"] for message in messages]


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_url: str) -> Moto:
    return Moto(moto_url, sns_backends)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnsSimulator]:
    with SnsSimulator(tmp_path_factory.mktemp("sns")) as simulator:
        yield simulator


@pytest.fixture
def simulator(server: SnsSimulator, monkeypatch: pytest.MonkeyPatch) -> SnsSimulator:
    """The simulator, trusted, and patience of three seconds."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    monkeypatch.setattr(http, "TIMEOUT", timedelta(seconds=3))
    monkeypatch.setattr(sns_responses, "THROTTLED_SECONDS", 2.0)
    server.sends.clear()
    server.script.clear()
    return server


@pytest.fixture
def dispatch(redis_url: str, tmp_path: Path) -> Iterator[Dispatch]:
    dispatch = Dispatch(redis_url, tmp_path, "sns")
    yield dispatch
    dispatch.close()


@pytest.fixture
def amazon(moto: Moto, dispatch: Dispatch) -> Dispatch:
    """Dispatch to moto."""
    dispatch.app(credential(moto.url))
    return dispatch


@pytest.fixture
def simulated(simulator: SnsSimulator, dispatch: Dispatch) -> Dispatch:
    """Dispatch to the simulator."""
    dispatch.app(credential(simulator.url))
    return dispatch


def test_a_devices_endpoint_is_made_once_and_used(moto: Moto, amazon: Dispatch) -> None:
    sent = amazon.send("one", "two")
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 1)
    assert {item.result and item.result["id"] for item in sent.items} == {
        *moto.endpoint("one").messages,
        *moto.endpoint("two").messages,
    }
    assert amazon.send("one", title="Again").told == ["delivered"]
    assert (moto.texts("one"), moto.texts("two")) == (["Hello", "Again"], ["Hello"])


def test_the_arn_of_an_endpoint_is_a_token_too(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    assert amazon.send(moto.endpoint("one").arn, title="By its ARN").told == ["delivered"]
    assert moto.texts("one") == ["Hello", "By its ARN"]


def test_an_endpoint_that_was_deleted_is_made_anew(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    old = moto.endpoint("one").arn
    moto.sns.delete_endpoint(old)
    sent = amazon.send("one", title="Again")
    assert (sent.told, sent.attempts, moto.texts("one")) == (["delivered"], 1, ["Again"])
    assert moto.endpoint("one").arn != old


def test_a_disabled_endpoint_is_repaired_once_and_then_its_device_is_gone(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    moto.endpoint("one").attributes["Enabled"] = False
    sent = amazon.send("one", title="Repaired")
    assert (sent.told, sent.attempts, moto.texts("one")) == (["delivered"], 1, ["Hello", "Repaired"])
    moto.endpoint("one").attributes["Enabled"] = False
    sent = amazon.send("one", "two", title="Late")
    assert (sent.told, sent.attempts, moto.texts("one")) == (
        ["recipient_gone", "delivered"],
        1,
        ["Hello", "Repaired"],
    )
    assert amazon.gone() == [("sns:default", "one")]
    assert moto.endpoint("one").enabled is False


def test_a_repair_of_long_ago_counts_no_more(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    long_ago = int(time.time()) - sns_endpoints.REPAIR_INTERVAL_SECONDS - 60
    moto.endpoint("one").attributes |= {"Enabled": False, "CustomUserData": f"{sns_endpoints.REPAIR_MARK}{long_ago}"}
    assert amazon.send("one").told == ["delivered"]
    assert moto.endpoint("one").attributes["CustomUserData"] > f"{sns_endpoints.REPAIR_MARK}{long_ago}"


def test_an_endpoint_of_somebody_else_is_left_alone(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    moto.endpoint("one").attributes |= {"Enabled": False, "CustomUserData": "user 7"}
    assert amazon.send("one").told == ["recipient_gone"]
    assert moto.endpoint("one").attributes == {"Enabled": False, "CustomUserData": "user 7", "Token": "one"}


def test_a_token_that_changed_is_set_again(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    moto.endpoint("one").attributes |= {"Enabled": False, "Token": "another", "CustomUserData": "user 7"}
    assert amazon.send("one").told == ["delivered"]
    assert moto.endpoint("one").attributes == {"Enabled": True, "Token": "one", "CustomUserData": "user 7"}


def test_an_endpoint_that_others_made_is_found(moto: Moto, amazon: Dispatch) -> None:
    # As AWS does, moto refuses to give an endpoint of other attributes, and tells its ARN.
    application = moto.sns.get_application(APPLICATION)
    moto.sns.create_platform_endpoint(application, "user 7", "one", {})
    assert amazon.send("one").told == ["delivered"]
    assert len(moto.sns.platform_endpoints) == 1


def test_a_disabled_endpoint_by_its_arn_is_gone(moto: Moto, amazon: Dispatch) -> None:
    amazon.send("one")
    arn = moto.endpoint("one").arn
    moto.endpoint("one").attributes["Enabled"] = False
    sent = amazon.send(arn, f"{DEVICE}/never", "two")
    assert (sent.told, sent.attempts) == (["recipient_gone", "recipient_gone", "delivered"], 1)
    assert set(amazon.gone()) == {("sns:default", arn), ("sns:default", f"{DEVICE}/never")}
    assert moto.endpoint("one").enabled is False


def test_an_endpoint_of_another_application_is_none_of_ours(moto: Moto, amazon: Dispatch) -> None:
    foreign = [f"{ACCOUNT}:endpoint/GCM/bank/1", "arn:aws:sns:eu-west-1:210987654321:endpoint/GCM/shop/1", "arn:x"]
    sent = amazon.send(*foreign)
    assert (sent.told, sent.attempts) == (["payload_rejected"] * 3, 1)
    assert amazon.gone() == []


def test_without_an_application_a_token_has_no_endpoint(moto: Moto, amazon: Dispatch) -> None:
    text = json.loads(credential(moto.url))
    del text["platform_application_arn"]
    amazon.app(json.dumps(text))
    assert amazon.send("one").told == ["payload_rejected"]
    moto.sns.delete_platform_application(APPLICATION)
    amazon.app(credential(moto.url))
    assert amazon.begin("one")[1] is State.SCHEDULED
    assert amazon.held() == [("sns:default", "credential_rejected")]


def test_a_topic_is_published_to(moto: Moto, amazon: Dispatch) -> None:
    topic = moto.sns.create_topic("news", {}, {})
    sent = amazon.send(TOPIC)
    assert (sent.told, sent.attempts) == (["delivered"], 1)
    ((id, text, _, attributes, _),) = topic.sent_notifications
    assert attributes
    assert [item.result and item.result["id"] for item in sent.items] == [id]
    assert set(json.loads(text)) == {"default", "GCM", "APNS", "APNS_SANDBOX"}
    assert attributes["AWS.SNS.MOBILE.APNS.PUSH_TYPE"]["Value"] == "alert"


def test_many_for_a_topic_go_by_batches(moto: Moto, amazon: Dispatch) -> None:
    topic = moto.sns.create_topic("news", {}, {})
    items = [{"token": TOPIC, "title": str(number)} for number in range(25)] + [{"token": "one"}]
    sent = amazon.send_each(items)
    assert (sent.told, sent.attempts) == (["delivered"] * 26, 1)
    texts = [json.loads(json.loads(text)["APNS"])["aps"]["alert"]["title"] for _, text, *_ in topic.sent_notifications]
    assert sorted(texts, key=int) == [str(number) for number in range(25)]
    ids = [id for id, *_ in topic.sent_notifications]
    assert sorted(ids) == sorted(str(item.result and item.result["id"]) for item in sent.items[:25])
    assert amazon.send(f"{TOPIC}-no").told == ["recipient_gone"]


def test_requests_are_signed_like_botocores(simulator: SnsSimulator, simulated: Dispatch) -> None:
    sent = simulated.send("one", TOPIC)
    assert (sent.told, sent.attempts) == (["delivered"] * 2, 1)
    assert simulator.asked_of() == {"CreatePlatformEndpoint one": 1, f"Publish {DEVICE}/one": 1, f"Publish {TOPIC}": 1}


def test_a_bad_credential_holds_its_app_until_the_file_changes(simulator: SnsSimulator, simulated: Dispatch) -> None:
    simulated.app(credential(simulator.url, secret_access_key="5ecret"))
    batch, state = simulated.begin(f"{DEVICE}/one")
    assert (state, simulated.held()) == (State.SCHEDULED, [("sns:default", "credential_rejected")])
    assert simulated.bench.task(f"{batch}.0").attempt == 0
    assert simulated.begin(f"{DEVICE}/two")[1] is State.SCHEDULED
    assert len(simulator.sends) == 1
    simulated.app(credential(simulator.url))
    assert simulated.send(f"{DEVICE}/two").told == ["delivered"]


@pytest.mark.parametrize("action", ["CreatePlatformEndpoint one", f"Publish {DEVICE}/one"])
def test_a_disabled_application_stops_its_app(simulator: SnsSimulator, simulated: Dispatch, action: str) -> None:
    simulator.script[action] = [sns_error(400, "PlatformApplicationDisabled")]
    assert simulated.begin("one")[1] is State.SCHEDULED
    assert simulated.held() == [("sns:default", "credential_rejected")]
    assert simulator.asked_of()[action] == 1


@pytest.mark.parametrize("error", [sns_error(400, "Throttling", "Rate exceeded"), sns_error(429, "Throttled")])
def test_throttling_holds_the_whole_fleet(simulator: SnsSimulator, simulated: Dispatch, error: Say) -> None:
    simulator.script[f"Publish {DEVICE}/odd"] = [error]
    batch, state = simulated.begin("odd")
    assert (state, simulated.held()) == (State.SCHEDULED, [("sns:default", "throttled")])
    other, state = simulated.begin("two")
    assert (state, simulator.asked_of()[f"Publish {DEVICE}/two"]) == (State.SCHEDULED, 0)
    assert [simulated.bench.task(f"{id}.0").attempt for id in (batch, other)] == [1, 0]
    for id in (batch, other):
        assert simulated.bench.due_again(f"{id}.0")
        assert simulated.run(id) is State.SUCCEEDED
    asked = {f"Publish {DEVICE}/odd": 2, f"Publish {DEVICE}/two": 1}
    assert simulator.asked_of() == asked | {"CreatePlatformEndpoint odd": 1, "CreatePlatformEndpoint two": 1}


@pytest.mark.parametrize("say", [sns_error(500, "InternalError"), Say(503, "<html>Busy</html>"), HANG, RESET])
@pytest.mark.parametrize("action", ["CreatePlatformEndpoint odd", f"Publish {DEVICE}/odd"])
def test_a_failed_request_is_sent_again(simulator: SnsSimulator, simulated: Dispatch, action: str, say: Say) -> None:
    simulated.send("two")  # so that a reset takes nobody else with it
    simulator.script[action] = [say]
    sent = simulated.send("odd")
    assert (sent.told, sent.attempts) == (["delivered"], 2)
    assert simulator.asked_of()[action] == 2
    assert simulator.asked_of()[f"Publish {DEVICE}/odd"] == (1 if action.startswith("Create") else 2)
    assert simulator.asked_of()[f"Publish {DEVICE}/two"] == 1


def test_only_failed_items_are_sent_again(simulator: SnsSimulator, simulated: Dispatch) -> None:
    simulator.script[f"Publish {DEVICE}/odd"] = [sns_error(500, "InternalError")]
    sent = simulated.send("one", "odd", "two")
    assert (sent.told, sent.attempts) == (["delivered"] * 3, 2)
    published = {name: count for name, count in simulator.asked_of().items() if name.startswith("Publish")}
    assert published == {f"Publish {DEVICE}/{name}": 2 if name == "odd" else 1 for name in ("one", "odd", "two")}


def test_a_rejected_payload_is_not_sent_again(simulator: SnsSimulator, simulated: Dispatch) -> None:
    simulator.script[f"Publish {DEVICE}/odd"] = [sns_error(400, "InvalidParameter", "Invalid parameter: Message")]
    simulator.script["CreatePlatformEndpoint bad"] = [sns_error(400, "InvalidParameter", "Invalid parameter: Token")]
    sent = simulated.send("odd", "two", "bad")
    assert (sent.told, sent.attempts) == (["payload_rejected", "delivered", "payload_rejected"], 1)
    assert simulated.gone() == []


def test_a_batch_that_failed_in_part_is_sent_again_in_that_part(
    simulator: SnsSimulator, simulated: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sns_topics, "LINGER_SECONDS", 1.0)  # so that they join, however slow it is here
    failed = "<member><Id>2</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member>"
    refused = "<member><Id>3</Id><Code>InvalidParameter</Code><SenderFault>true</SenderFault></member>"
    fine = "<member><Id>1</Id><MessageId>m-1</MessageId></member>"
    result = f"<Failed>{failed}{refused}</Failed><Successful>{fine}</Successful>"
    simulator.script[f"PublishBatch {TOPIC}"] = [xml("PublishBatch", result)]
    sent = simulated.send_each([{"token": TOPIC, "title": str(number)} for number in range(3)])
    assert (sorted(sent.told), sent.attempts) == (["delivered", "delivered", "payload_rejected"], 2)
    assert simulator.asked_of() == {f"PublishBatch {TOPIC}": 1, f"Publish {TOPIC}": 1}


def test_a_topic_that_may_not_be_published_to_is_no_fault_of_the_credential(
    simulator: SnsSimulator, simulated: Dispatch
) -> None:
    simulator.script[f"Publish {TOPIC}"] = [sns_error(403, "AuthorizationError")]
    assert simulated.send(TOPIC).told == ["payload_rejected"]
    assert simulated.held() == []
