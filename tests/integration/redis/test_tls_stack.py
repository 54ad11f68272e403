"""API, worker and Flower with a Redis behind TLS."""

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from process import Process, stop_together, wait_until
from stack import Stack
from tests.integration.redis.desk import Desk
from tests.integration.redis.tls import Authority, SecureRedis

PASSWORD = "pass/w@rd:with,signs#"


def test_tasks_are_done_and_flower_shows_them(authority: Authority, tmp_path: Path) -> None:
    with SecureRedis(tmp_path, authority, password=PASSWORD) as redis:
        login = f"handoff:{quote(PASSWORD, safe='')}"
        url = f"rediss://{login}@127.0.0.1:{redis.port}/3?ssl_ca_certs={authority.ca_file}"
        with Stack(tmp_path / "stack", broker_url=url, flower=True) as stack, closing(Desk(stack)) as desk:
            done = desk.submit()
            assert desk.succeeded(done)
            # An event from before Flower listens is lost, so another task may be the first that it shows.
            assert wait_until(lambda: desk.shown(desk.submit(), 5), 60)
            assert desk.flower(f"/api/task/result/{done}").json()["state"] == "SUCCESS"
            workers = desk.workers()
            stack.worker.stop()
            waiting = [desk.submit(), desk.submit()]
            assert desk.depths() == {"high": 0, "default": 2, "bulk": 0, "documents": 0}
            page = desk.flower("/broker").text
            assert "rediss://handoff:**@127.0.0.1" in page
            stack.worker.start()
            stack.worker.wait_ready()
            assert all(desk.succeeded(id) for id in waiting)
            logs = "".join(process.log.read_text() for process in stack.processes)
            for text in (workers, page, logs):
                assert PASSWORD not in text
                assert quote(PASSWORD, safe="") not in text


def test_a_certificate_of_another_ca_is_refused_and_said(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    with SecureRedis(tmp_path, authority, password=PASSWORD) as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0?ssl_ca_certs={other.ca_file}"
        said_by(tmp_path, url, "unable to get local issuer certificate")


def test_a_certificate_of_another_host_is_refused_and_said(tmp_path: Path) -> None:
    elsewhere = Authority(tmp_path, host="elsewhere.example")
    with SecureRedis(tmp_path, elsewhere, password=PASSWORD) as redis:
        url = f"rediss://127.0.0.1:{redis.port}/0?ssl_ca_certs={elsewhere.ca_file}"
        said_by(tmp_path, url, "IP address mismatch")


def said_by(folder: Path, url: str, reason: str) -> None:
    """Checks that none of the three comes to work, and that each says why."""
    stack = Stack(folder / "stack", broker_url=url, flower=True)
    processes: list[Process] = [stack.api, stack.worker, stack.flower]
    try:
        for process in processes:
            process.start()
        logs = [process.log for process in processes]
        assert wait_until(lambda: all(reason in log.read_text() for log in logs), 90)
        assert not stack.api.ready()
        assert not stack.worker.ready()
    finally:
        stop_together(processes)
