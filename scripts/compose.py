"""`make up`: the stack in containers, for development, or with --production as deploy/compose/compose.yaml alone has.

The first run makes `.env` from `.env.example` with secrets of its own. What is secret reaches the containers as files.
Exit codes: 0, all are healthy; 1, one is not; 2, there is no Docker, or a setting is no good.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from credentials import new_secret, redis_urls, users_file
from handoff_common.settings import is_placeholder
from handoff_ledger.acl import RULES
from stack import ROOT

ENV, EXAMPLE = ROOT / ".env", ROOT / ".env.example"
SECRETS = ROOT / ".handoff" / "secrets"
# What `email.send` uses in development unless the folder of apps has another one.
MAIL_SINK = '{"host": "mail", "port": 8025, "tls": "none", "sender": "Handoff <handoff@localhost>"}'
PASSWORDS = {user: f"HANDOFF_REDIS_{user.upper()}_PASSWORD" for user in RULES}


def make_env() -> None:
    """Writes `.env`, each of its placeholders replaced by a secret."""
    text = re.sub(r"change-me[a-z-]*$", lambda _: new_secret(), EXAMPLE.read_text(), flags=re.MULTILINE)
    ENV.touch(mode=0o600, exist_ok=False)
    ENV.write_text(text)
    print("made .env, with secrets of its own")


def read_env() -> dict[str, str]:
    """`.env`, and the environment, which wins. What is set to nothing counts as not set."""
    return {name: value for name, value in {**dotenv_values(ENV), **os.environ}.items() if value}


def faults(settings: Mapping[str, str], *, production: bool) -> list[str]:
    """What `.env` lacks, each a sentence that says what to do."""
    needed = ["HANDOFF_API_KEY_PEPPER", "FLOWER_BASIC_AUTH", "FLOWER_COOKIE_SECRET", *PASSWORDS.values()]
    said = [
        f"{name} in .env is missing or still a placeholder: set it to a random text of letters and digits."
        for name in needed
        if is_placeholder(settings.get(name, "").rpartition(":")[2])
    ]
    if production and not api_keys(settings):
        said.append("There is no API key: put what `make key NAME=client` prints into .env, at HANDOFF_API_KEYS.")
    return said


def api_keys(settings: Mapping[str, str]) -> str:
    """The entries of HANDOFF_API_KEYS and of its file."""
    file = settings.get("HANDOFF_API_KEYS_FILE")
    lines = (ROOT / file).read_text().splitlines() if file else []
    entries = [*settings.get("HANDOFF_API_KEYS", "").split(","), *(line.partition("#")[0].strip() for line in lines)]
    return ",".join(filter(None, entries))


def secret_files(settings: Mapping[str, str]) -> dict[str, str]:
    """What each service is to know, by the name of its file."""
    passwords = {user: settings[name] for user, name in PASSWORDS.items()}
    return {
        "redis-users": users_file(passwords),
        "api-key-pepper": settings["HANDOFF_API_KEY_PEPPER"],
        "api-keys": api_keys(settings),
        "flower-basic-auth": settings["FLOWER_BASIC_AUTH"],
        "flower-cookie-secret": settings["FLOWER_COOKIE_SECRET"],
        **{f"{service}-broker-url": url for service, url in redis_urls(passwords, "redis:6379").items()},
    }


def app_files(settings: Mapping[str, str], *, production: bool) -> dict[str, str]:
    """The credentials of providers, by the name of their file."""
    folder = ROOT / settings.get("HANDOFF_APPS_DIR", "apps")
    sink = {} if production else {"smtp.default.json": MAIL_SINK}
    return sink | {file.name: file.read_text() for file in folder.glob("*.json")}


def write_files(folder: Path, files: Mapping[str, str]) -> bool:
    """Writes files for containers. Tells whether any is another now."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, text in files.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            changed = True
        file.chmod(0o644)  # a container's user is another than this one
    return changed


def write_secrets(settings: Mapping[str, str], *, production: bool) -> bool:
    """Writes what is secret below a folder that nobody else on this host can enter. Tells whether services have to be
    made anew: a credential of a provider is read when it is used.
    """
    SECRETS.mkdir(parents=True, exist_ok=True)
    SECRETS.chmod(0o700)
    apps = app_files(settings, production=production)
    write_files(SECRETS / "apps", apps)
    for file in (SECRETS / "apps").iterdir():
        if file.name not in apps:
            file.unlink()
    return write_files(SECRETS, secret_files(settings))


def docker_compose(*arguments: str, production: bool) -> int:
    """Runs Compose, with what `.env` says."""
    files = ["compose.yaml"] if production else ["compose.yaml", "compose.override.yaml"]
    command = ["docker", "compose", *(f"--file={ROOT / 'deploy' / 'compose' / file}" for file in files)]
    command += [f"--env-file={ENV}"] if ENV.exists() else []
    return subprocess.run([*command, *arguments], check=False).returncode


def up(*, production: bool) -> int:
    if not ENV.exists():
        make_env()
    settings = read_env()
    try:
        said = faults(settings, production=production)
    except OSError as error:
        said = [f"HANDOFF_API_KEYS_FILE can't be read: {error.strerror}."]
    if said:
        print(*said, sep="\n", file=sys.stderr)
        return 2
    changed = write_secrets(settings, production=production)
    start = ["up", "--detach", "--wait", "--remove-orphans", *(["--force-recreate"] if changed else [])]
    for step in (["build", "--quiet"], start):
        if docker_compose(*step, production=production):
            print("It did not come up: its output stands above, and `make logs` has more.", file=sys.stderr)
            return 1
    print(*places(settings, production=production), sep="\n")
    return 0


def places(settings: Mapping[str, str], *, production: bool) -> list[str]:
    """Where to look at what runs."""
    if production:
        network = f"{settings.get('COMPOSE_PROJECT_NAME', 'handoff')}_front"
        return [f"All are healthy. No port is published: what stands before them joins the network {network}."]
    api, flower = settings.get("HANDOFF_API_PORT", "8000"), settings.get("HANDOFF_FLOWER_PORT", "5555")
    return [
        f"API     http://127.0.0.1:{api}/docs",
        f"Flower  http://127.0.0.1:{flower}  (login {settings['FLOWER_BASIC_AUTH']})",
        "Mail    make logs SERVICE=mail",
        "API and workers run what you save. make logs follows them, make down stops them and keeps their data.",
    ]


def has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    return not subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="compose", description=__doc__)
    parser.add_argument("--production", action="store_true")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what to tell Compose instead of starting it")
    options = parser.parse_args()
    if not has_compose():
        print("This needs Docker with Compose: https://docs.docker.com/engine/install", file=sys.stderr)
        return 2
    if options.arguments:
        return docker_compose(*options.arguments, production=options.production)
    return up(production=options.production)


if __name__ == "__main__":
    sys.exit(main())
