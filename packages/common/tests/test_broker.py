"""The valid forms of CELERY_BROKER_URL, and the error message for each invalid one."""

import ssl
from pathlib import Path

import pytest

from handoff_common.broker import Broker
from handoff_common.connections import celery_connection

SECRET = "hunter2"
SENTINELS = "sentinel://h1:26379,h2:26380"


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("redis://cache", Broker(nodes=(("cache", 6379),))),
        ("redis://:secret@cache:6380/3", Broker(nodes=(("cache", 6380),), password="secret", database=3)),
        ("redis://u:p%40%2C%23@[::1]:1/", Broker(nodes=(("::1", 1),), username="u", password="p@,#")),
        ("rediss://cache", Broker(nodes=(("cache", 6379),), tls=True)),
        ("rediss://cache?ssl_cert_reqs=CERT_REQUIRED", Broker(nodes=(("cache", 6379),), tls=True)),
        (f"{SENTINELS}?master_name=m", Broker(nodes=(("h1", 26379), ("h2", 26380)), master="m")),
        (
            "sentinels://u:p@h1:1/2?master_name=m&sentinel_password=a%26b",
            Broker(
                nodes=(("h1", 1),),
                username="u",
                password="p",
                database=2,
                master="m",
                sentinel_password="a&b",
                tls=True,
            ),
        ),
    ],
)
def test_valid_urls(url: str, broker: Broker) -> None:
    assert Broker.parse(url) == broker


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("amqp://cache", "has to start with redis://"),
        ("redis://", "names no host"),
        ("redis://h1,h2", "names several hosts"),
        ("redis://cache:port", "no valid port"),
        ("redis://cache/one", "does not name one database"),
        ("redis://cache/1/2", "does not name one database"),
        ("redis://cache?socket_timeout=1", "accepts none"),
        ("redis://cache?ssl_cert_reqs=required", "accepts none"),
        ("rediss://cache?ssl_cert_reqs=none", "turns off certificate verification"),
        ("rediss://cache?ssl_check_hostname=false", "accepts ssl_ca_certs"),
        ("rediss://cache?ssl_ca_certs=", "without a value"),
        ("rediss://cache?ssl_ca_certs=/nowhere.pem", "contains no certificate"),
        (SENTINELS, "names no master"),
        (f"{SENTINELS}?master_name=", "without a value"),
        (f"{SENTINELS}?master_name=m&ssl_ca_certs=ca.pem", "accepts master_name and sentinel_password"),
        ("sentinel://h1,h2:1?master_name=m", "names a sentinel without its port"),
        ("sentinel://h1:1,?master_name=m", "names no host"),
        ("sentinel://h1:1/0,h2:1/1?master_name=m", "does not name one database"),
        ("sentinel://h1:1/0;sentinel://h2:1/0", "name all sentinels in one URL"),
    ],
)
def test_an_invalid_url_is_refused_without_its_secrets(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        Broker.parse(url.replace("://", f"://user:{SECRET}@"))
    assert SECRET not in str(caught.value)


def test_a_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ValueError, match="contains no certificate"):
        Broker.parse(f"rediss://cache?ssl_ca_certs={file}")


def test_the_repr_contains_no_password() -> None:
    broker = Broker.parse(f"sentinel://user:{SECRET}@h:1?master_name=m&sentinel_password={SECRET}")
    assert SECRET not in repr(broker)


@pytest.mark.parametrize(
    ("url", "celery_url"),
    [
        ("redis://cache", "redis://cache:6379/0"),
        ("redis://u:p%40@[::1]:1/3", "redis://u:p%40@[::1]:1/3"),
        ("rediss://:p@cache?ssl_cert_reqs=required", "rediss://:p@cache:6379/0"),
        ("sentinel://u@h1:1,h2:2/4?master_name=m", "sentinel://u:@h1:1/4;sentinel://u:@h2:2/4"),
        ("sentinels://h1:1?master_name=m", "sentinel://h1:1/0"),
    ],
)
def test_the_url_for_celery(url: str, celery_url: str) -> None:
    assert celery_connection(url).url == celery_url


def test_celery_verifies_certificates() -> None:
    assert celery_connection("redis://cache").ssl is None
    for url in ("rediss://cache", "sentinels://h:1?master_name=m"):
        assert celery_connection(url).ssl == {
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
            "ssl_check_hostname": True,
            "ssl_ca_certs": None,
        }
