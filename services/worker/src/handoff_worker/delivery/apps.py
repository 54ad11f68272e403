"""Apps: the named credentials of providers. Each is a file `<provider>.<app>.json` in one folder."""

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
    """A credential: the text of its file, and the channel of that text."""

    text: str = field(repr=False)
    channel: Channel


class Apps:
    """Reads the folder's files, and reads a file again when it changes: a new credential needs no restart."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.apps_dir
        self._rates = parse_rates(settings.pace)
        self._known: dict[Path, tuple[tuple[int, int, int], App]] = {}

    def get(self, provider: str, name: str) -> App:
        """The credential of a provider's app: the same object while its file stays unchanged.

        Raises:
            Fail: there is no such file.
        """
        file = self._file(provider, name)
        try:
            status = file.stat()
            # Size and inode too: a kernel's clock may tick only every 4 ms.
            version = status.st_mtime_ns, status.st_size, status.st_ino
            if (known := self._known.get(file)) and known[0] == version:
                return known[1]
            text = file.read_text()
        except OSError:
            raise Fail("no_such_app", "No credential of that name is configured.") from None
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:8]
        app = App(text, self.channel(provider, name, fingerprint))
        self._known[file] = version, app
        return app

    def channel(self, provider: str, name: str, fingerprint: str = "") -> Channel:
        """The channel of an app, with the rate that the settings give the app or its provider."""
        rate = self._rates.get(f"{provider}:{name}", self._rates.get(provider, 0.0))
        return Channel(f"{provider}:{name}:{fingerprint}", rate)

    def _file(self, provider: str, name: str) -> Path:
        if not NAME.fullmatch(name) or self._folder is None:
            raise Fail("no_such_app", "No credential of that name is configured.")
        return self._folder / f"{provider}.{name}.json"
