"""`python -m handoff_api.keys NAME`: creates an API key for a client and prints it once."""

import argparse
import secrets
import sys

from handoff_api.auth import CLIENT_NAME, digest
from handoff_api.settings import PepperSettings
from handoff_common.settings import load

TEXT = """\
The key of {name}, shown only now; the client sends it as `Authorization: Bearer <key>`:
  {key}
Its entry for HANDOFF_API_KEYS (comma separated), or a line of HANDOFF_API_KEYS_FILE:
  {name}={digest}
"""


def new_key() -> str:
    """Return a key of 256 random bits."""
    return f"hk_{secrets.token_urlsafe(32)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m handoff_api.keys", description="Create an API key for a client.")
    parser.add_argument("name", help="the client's name: letters, digits, dots, dashes, underscores")
    name = parser.parse_args().name
    if not CLIENT_NAME.fullmatch(name):
        parser.error("a name has 1 to 64 letters, digits, dots, dashes or underscores")
    pepper, key = load(PepperSettings).api_key_pepper.get_secret_value(), new_key()
    sys.stdout.write(TEXT.format(name=name, key=key, digest=digest(pepper, key)))


if __name__ == "__main__":
    main()
