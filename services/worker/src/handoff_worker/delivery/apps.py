"""Apps: the named credentials of providers, each a file `<provider>.<app>.json` in one folder, read when it is used."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from handoff_worker.delivery.channel import Channel
from handoff_worker.errors import Fail
from handoff_worker.settings import Settings, parse_rates

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class App:
    """A provider's credential. `text`: its file; `channel`: what is sent under it, another one for other contents."""

    text: str = field(repr=False)
    channel: Channel


class Apps:
    """The folder's files. One that changed is read again, so that a credential is replaced without a restart."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.apps_dir
        self._rates = parse_rates(settings.pace)
        self._known: dict[Path, tuple[tuple[int, int, int], App]] = {}

    def get(self, provider: str, name: str) -> App:
        """The credential of a provider's app. Raises `Fail` when there is none."""
        file = self._file(provider, name)
        try:
            found = file.stat()
            written = found.st_mtime_ns, found.st_size, found.st_ino  # a kernel's clock may tick every 4 ms only
            if (known := self._known.get(file)) and known[0] == written:
                return known[1]
            text = file.read_text()
        except OSError:
            raise Fail("no_such_app", "No credential of that name is configured.") from None
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:8]
        app = App(text, self.channel(provider, name, fingerprint))
        self._known[file] = written, app
        return app

    def channel(self, provider: str, name: str, fingerprint: str = "") -> Channel:
        """The channel of an app, with the pace that is set for it or for its provider."""
        rate = self._rates.get(f"{provider}:{name}", self._rates.get(provider, 0.0))
        return Channel(f"{provider}:{name}:{fingerprint}", rate)

    def _file(self, provider: str, name: str) -> Path:
        if not NAME.fullmatch(name) or self._folder is None:
            raise Fail("no_such_app", "No credential of that name is configured.")
        return self._folder / f"{provider}.{name}.json"
