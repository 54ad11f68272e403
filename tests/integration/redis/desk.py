"""Who uses a stack: hands work in, and looks at Flower."""

import httpx2

from process import wait_until
from stack import Stack


class Desk:
    """A client of the stack's API and of its Flower."""

    def __init__(self, stack: Stack) -> None:
        self._api = httpx2.Client(base_url=stack.api.url, timeout=30, trust_env=False)
        login = httpx2.BasicAuth(*stack.flower_login.split(":", 1))
        self._flower = httpx2.Client(base_url=stack.flower.url, timeout=30, trust_env=False, auth=login)

    def submit(self, **options: float) -> str:
        """The id of a task that was accepted."""
        answer = self.try_to_submit(**options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def try_to_submit(self, **options: float) -> httpx2.Response:
        return self._api.post("/v1/tasks/system.echo", json={}, params=options)

    def succeeded(self, id: str, seconds: float = 60) -> bool:
        """Whether it succeeds within the seconds."""
        return wait_until(lambda: self._state(id) == "succeeded", seconds)

    def _state(self, id: str) -> str | None:
        answer = self._api.get(f"/v1/tasks/{id}")
        return answer.json()["state"] if answer.status_code == 200 else None

    def flower(self, path: str) -> httpx2.Response:
        return self._flower.get(path)

    def workers(self, seconds: float = 60) -> str:
        """All that Flower tells of the workers, once they have answered it."""
        assert wait_until(lambda: '"broker"' in self.flower("/api/workers?refresh=1").text, seconds)
        return self.flower("/api/workers").text

    def depths(self) -> dict[str, int]:
        """How many messages wait, by queue, as Flower says."""
        answer = self.flower("/api/queues/length")
        assert answer.status_code == 200, answer.text
        return {queue["name"]: queue["messages"] for queue in answer.json()["active_queues"]}

    def shown(self, id: str, seconds: float = 60) -> bool:
        """Whether Flower shows within the seconds that a task has succeeded: it heard the worker's event."""
        return wait_until(lambda: self._shown_state(id) == "SUCCESS", seconds)

    def _shown_state(self, id: str) -> str | None:
        tasks: dict[str, dict[str, str]] = self.flower("/api/tasks").json()
        return tasks.get(id, {}).get("state")

    def close(self) -> None:
        self._api.close()
        self._flower.close()
