"""The sink of `bench/push.py`: nginx, with TLS and HTTP/2. Nobody's phone rings."""

import json
import shutil
import socket
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from process import Process, free_port, wait_until
from stack import clean_environment

PATH = "/v1/projects/bench/messages:send"
WAIT_SECONDS = 120.0
SENT = '{\n  "name": "projects/bench/messages/0:1800000000000000%31bd1c9631bd1c96"\n}\n'
TOKEN = json.dumps({"access_token": "t" * 1000, "expires_in": 3600, "token_type": "Bearer"})
# Each send is a line of the log: the time it was answered at, in seconds since 1970.
CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000;
    log_format time $msec;
    access_log off;
    default_type "application/json; charset=UTF-8";
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate sink.pem;
        ssl_certificate_key sink.key;
        location /token {{ return 200 '{token}'; }}
        location /v1/ {{ access_log sends.log time; return 200 '{sent}'; }}
    }}
}}
"""


class Sink(Process):
    """As Google's servers to whoever has the app's file. Needs nginx (Debian: apt install nginx-light)."""

    def __init__(self, folder: Path) -> None:
        if not shutil.which("nginx"):
            raise SystemExit("nginx is not installed: on Debian and Ubuntu it is the package nginx-light.")
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = authority.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(str(folder / "sink.key"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "sink.pem"))
        self._port = free_port()
        self.url = f"https://localhost:{self._port}"
        self.app = folder / "fcm.default.json"
        self.app.write_text(json.dumps(key_file(f"{self.url}/token")))
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(port=self._port, token=TOKEN, sent=SENT.replace("\n", "\\n")))
        self._log = folder / "sends.log"
        self._seen = 0
        command = ["nginx", "-p", str(folder), "-e", "nginx.err", "-c", str(configuration)]
        super().__init__("sink", command, folder=folder, env=clean_environment())

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def sends(self) -> list[float]:
        """When the sends were answered that it saw since it was told to forget."""
        with self._log.open() as log:
            log.seek(self._seen)
            whole, _, _ = log.read().rpartition("\n")
        return [float(line) for line in whole.split()]

    def forget(self) -> None:
        self._seen = self._log.stat().st_size

    def rate(self, sends: int) -> float:
        """Sends a second, once it has seen so many."""
        if not wait_until(lambda: len(self.sends()) >= sends, WAIT_SECONDS):
            raise SystemExit(f"{len(self.sends())} of {sends} sends arrived within {WAIT_SECONDS:.0f} s")
        seen = self.sends()
        if len(seen) != sends:
            raise SystemExit(f"{len(seen)} sends arrived in place of {sends}")
        return sends / max(seen[-1] - seen[0], 1e-3)


def key_file(token_uri: str) -> dict[str, str]:
    """A service account's key of nobody."""
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = rsa.generate_private_key(65537, 2048).private_bytes(*encoding).decode()
    account = {"type": "service_account", "project_id": "bench", "private_key_id": "1", "private_key": key}
    return {**account, "client_email": "bench@example.invalid", "token_uri": token_uri}
