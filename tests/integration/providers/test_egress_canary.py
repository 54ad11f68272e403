"""No packet goes to an address that may not be reached, however it is written: seen on the wire."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

CANARY = Path(__file__).with_name("egress_canary.py")
PUBLIC = "http://8.8.8.8/"
UNSHARE = ["unshare", "--map-root-user", "--net"]
# What a packet would reach, if one were sent; that it would is shown by the test of the canary.
PRIVATE = [
    *("http://127.0.0.1/", "http://127.9.9.9/", "http://localhost/", "http://127.1/"),
    *("http://2130706433/", "http://017700000001/", "http://0177.0.0.1/", "http://0x7f000001/", "http://0x7f.1/"),
    *(
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http:\\\\127.0.0.1/",
        "http:/127.0.0.1/",
    ),
    *("http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:10.0.0.1]/"),
    *(
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::1]/",
    ),
    *("http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::]/", "http://[2001::1]/", "http://[::7f00:1]/"),
    *(
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
    ),
    *("http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xa9fea9fe/", "http://168.63.129.16/"),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.254/", "http://192.168.1.1/", "http://100.64.0.1/"),
    *(
        "http://100.100.100.200/",
        "http://192.0.0.192/",
        "http://192.0.2.1/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
    ),
    *("http://198.18.0.1/", "http://192.88.99.1/"),
]
# These the kernel, or the contract, doesn't even try.
NOWHERE = [
    *(
        "http://0.0.0.0/",
        "http://0/",
        "http://[::]/",
        "http://224.0.0.1/",
        "http://239.255.255.250/",
        "http://240.0.0.1/",
    ),
    *(
        "http://255.255.255.255/",
        "http://[ff02::1]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25lo]/",
        "http://[fe80::1%lo]/",
    ),
    *("file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "dict://127.0.0.1:6379/", "ftp://127.0.0.1/"),
    *("http://user@127.0.0.1/", "http://8.8.8.8@127.0.0.1/", "http://127.0.0.1@8.8.8.8/", "http://user:word@8.8.8.8/"),
    *("http://127.0.0.1\\@8.8.8.8/", "http://8.8.8.8\\@127.0.0.1:80/"),
]


def send(urls: list[str], *allow: str) -> dict[str, tuple[str, set[str]]]:
    command = [*UNSHARE, sys.executable, str(CANARY), *allow]
    done = subprocess.run(command, input=json.dumps(urls), capture_output=True, text=True, timeout=120, check=True)
    return {url: (became, set(targets)) for url, (became, targets) in json.loads(done.stdout).items()}


@pytest.fixture(scope="module", autouse=True)
def _namespace() -> None:
    if subprocess.run([*UNSHARE, "ip", "link"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces can't be made here")


def test_the_canary_sees_every_connection() -> None:
    told = send(PRIVATE, "0.0.0.0/0,::/0")
    assert {url for url, (became, targets) in told.items() if became != "delivered" or len(targets) != 1} == set()


def test_no_packet_is_sent() -> None:
    told = send([*PRIVATE, *NOWHERE])
    assert {url: targets for url, (_, targets) in told.items() if targets - {"8.8.8.8"}} == {}
    assert {url for url in PRIVATE if told[url] != ("address_refused", set())} == set()
    assert {url for url in NOWHERE if told[url][0] == "delivered"} <= {"http://8.8.8.8\\@127.0.0.1:80/"}


def test_no_packet_follows_a_redirect() -> None:
    urls = {f"{PUBLIC}?{quote(url)}": url for url in [*PRIVATE, *NOWHERE]}
    told = send([PUBLIC, *urls])
    assert told.pop(PUBLIC) == ("delivered", {"8.8.8.8"})
    assert {urls[url]: targets for url, (_, targets) in told.items() if targets != {"8.8.8.8"}} == {}
    # Next to a base, the last two are paths of the same server.
    delivered = {urls[url] for url, (became, _) in told.items() if became == "delivered"}
    assert delivered == {"http://8.8.8.8\\@127.0.0.1:80/", "http:/127.0.0.1/", "http:\\\\127.0.0.1/"}
    assert {became for became, _ in told.values()} == {"address_refused", "bad_redirect", "delivered"}
