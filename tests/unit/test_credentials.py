"""The secrets of an installation."""

import re

from credentials import SERVICES, new_passwords, new_secret, redis_urls
from handoff_common.broker import Broker
from handoff_ledger.acl import RULES


def test_a_secret_is_random_and_can_stand_anywhere() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[0-9a-f]{32}", secret) for secret in made)


def test_each_user_has_a_password_of_its_own() -> None:
    passwords = new_passwords()
    assert passwords.keys() == RULES.keys()
    assert len(set(passwords.values())) == len(passwords)


def test_each_service_logs_in_as_itself() -> None:
    passwords = new_passwords()
    urls = redis_urls(passwords, "redis:6379")
    assert urls.keys() == set(SERVICES)
    for service, url in urls.items():
        broker = Broker.parse(url)
        assert (broker.username, broker.password) == (service, passwords[service])
        assert broker.nodes == (("redis", 6379),)
