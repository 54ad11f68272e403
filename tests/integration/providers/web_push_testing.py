"""web-push-testing, the browser and push service of others (npm), and TLS before it, which it has not."""

import asyncio
import json
import shutil
import ssl
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.request import Request, urlopen

import pytest
import trustme

from process import free_port, wait_until

VERSION = "1.2.2"


def installed(folder: Path) -> Path:
    """The package's folder; it is installed once into a folder that is kept. Without npm the test is skipped."""
    package = folder / "node_modules" / "web-push-testing"
    if not package.exists():
        if not shutil.which("npm"):
            pytest.skip("npm installs the push service that this test sends to")
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run([*command, f"web-push-testing@{VERSION}"], timeout=300, check=False)
        if done.returncode:
            pytest.skip("npm could not install the push service that this test sends to")
    return package


class WebPushTesting:
    """As a context manager: the server runs inside, and is reached at `host` by TLS."""

    def __init__(self, package: Path, folder: Path) -> None:
        self._package = package
        self._port = free_port()
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._tls)
        self._loop = asyncio.new_event_loop()
        self.sent = 0  # notifications

    def __enter__(self) -> Self:
        command = ["node", str(self._package / "src" / "bin" / "server.js"), str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_until(self._ready, 60)
        serving = asyncio.start_server(self._pass_on, "127.0.0.1", 0, ssl=self._tls)
        self._server = self._loop.run_until_complete(serving)
        self.host = f"localhost:{self._server.sockets[0].getsockname()[1]}"
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()
        self._process.kill()
        self._process.wait()

    def subscribe(self, key: str) -> dict[str, Any]:
        """A subscription to the identity of a VAPID key, at the TLS server's address."""
        found = self._ask("subscribe", {"userVisibleOnly": "true", "applicationServerKey": key})["data"]
        return {**found, "endpoint": f"https://{self.host}/notify/{found['clientHash']}"}

    def expire(self, subscription: dict[str, Any]) -> None:
        self._ask(f"expire-subscription/{subscription['clientHash']}", {})

    def messages(self, subscription: dict[str, Any]) -> list[dict[str, Any]]:
        """What was decrypted for a subscription."""
        found = self._ask("get-notifications", {"clientHash": subscription["clientHash"]})
        return [json.loads(message) for message in found["data"]["messages"]]

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        url, headers = f"http://127.0.0.1:{self._port}/{path}", {"content-type": "application/json"}
        with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith(b"{") else None

    def _ready(self) -> bool:
        try:
            self._ask("status", {})
        except OSError:
            return False
        return True

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._port)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                self.sent += data.startswith(b"POST /notify/")
                sink.write(data)
            sink.close()

        await asyncio.gather(copy(reader, onward_writer), copy(onward_reader, writer))
