"""`make up`: runs the stack in containers, for development, or with --production exactly as compose.yaml says.

The first run creates `.env` from `.env.example`. Every run replaces the placeholders in `.env` with new secrets.
Containers read secrets from files below `.handoff/secrets`.
Exit codes: 0, all containers are healthy; 1, one is not; 2, Docker is missing, or a setting is wrong.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import env_file
from credentials import redis_urls, users_file
from handoff_common.settings import is_placeholder
from handoff_ledger.acl import RULES
from stack import ROOT

ENV = ROOT / ".env"
SECRETS = ROOT / ".handoff" / "secrets"
# The credentials of `email.send` in development, unless HANDOFF_APPS_DIR has other ones.
MAIL_SINK = '{"host": "mail", "port": 8025, "tls": "none", "sender": "Handoff <handoff@localhost>"}'
PASSWORDS = {user: f"HANDOFF_REDIS_{user.upper()}_PASSWORD" for user in RULES}


def setting_errors(settings: Mapping[str, str], *, production: bool) -> list[str]:
    """Return a sentence for each setting that is missing. The sentence says what to do."""
    needed = ["HANDOFF_API_KEY_PEPPER", "FLOWER_BASIC_AUTH", "FLOWER_COOKIE_SECRET", *PASSWORDS.values()]
    errors = [
        f"{name} in .env is missing or still a placeholder: set it to a random text of letters and digits."
        for name in needed
        if is_placeholder(settings.get(name, "").rpartition(":")[2])
    ]
    if production and not api_keys(settings):
        errors.append("There is no API key: put what `make key NAME=client` prints into .env, at HANDOFF_API_KEYS.")
    return errors


def api_keys(settings: Mapping[str, str]) -> str:
    """Return the entries of HANDOFF_API_KEYS and of HANDOFF_API_KEYS_FILE, separated by commas."""
    file = settings.get("HANDOFF_API_KEYS_FILE")
    lines = (ROOT / file).read_text().splitlines() if file else []
    entries = [*settings.get("HANDOFF_API_KEYS", "").split(","), *(line.partition("#")[0].strip() for line in lines)]
    return ",".join(filter(None, entries))


def secret_files(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the content of each secret file, by file name."""
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
    """Return the content of each provider's credential file, by file name."""
    folder = ROOT / settings.get("HANDOFF_APPS_DIR", "apps")
    sink = {} if production else {"smtp.default.json": MAIL_SINK}
    return sink | {file.name: file.read_text() for file in folder.glob("*.json")}


def write_files(folder: Path, files: Mapping[str, str]) -> bool:
    """Write files that containers can read. Return whether any content changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for name, text in files.items():
        file = folder / name
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            changed = True
        file.chmod(0o644)  # a container runs as another user
    return changed


def write_secrets(settings: Mapping[str, str], *, production: bool) -> bool:
    """Write the secrets into a folder that only this user can enter. Return whether containers must be recreated.

    A changed provider credential needs no new container, because the worker reads the file when it uses it.
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
    """Run Compose with the settings of `.env`. Return its exit code."""
    files = ["compose.yaml"] if production else ["compose.yaml", "compose.override.yaml"]
    command = ["docker", "compose", *(f"--file={ROOT / 'deploy' / 'compose' / file}" for file in files)]
    command += [f"--env-file={ENV}"] if ENV.exists() else []
    return subprocess.run([*command, *arguments], check=False).returncode


def up(*, production: bool) -> int:
    env_file.complete(ENV)
    settings = env_file.read(ENV)
    try:
        errors = setting_errors(settings, production=production)
    except OSError as error:
        errors = [f"HANDOFF_API_KEYS_FILE can't be read: {error.strerror}."]
    if errors:
        print(*errors, sep="\n", file=sys.stderr)
        return 2
    changed = write_secrets(settings, production=production)
    start = ["up", "--detach", "--wait", "--remove-orphans", *(["--force-recreate"] if changed else [])]
    for step in (["build", "--quiet"], start):
        if docker_compose(*step, production=production):
            print("The stack did not start: see the output above, and `make logs`.", file=sys.stderr)
            return 1
    print(*places(settings, production=production), sep="\n")
    return 0


def places(settings: Mapping[str, str], *, production: bool) -> list[str]:
    """Return the lines that say where to find each service."""
    if production:
        network = f"{settings.get('COMPOSE_PROJECT_NAME', 'handoff')}_front"
        return [f"All services are healthy. No port is published: connect the reverse proxy to the network {network}."]
    api, flower = settings.get("HANDOFF_API_PORT", "8000"), settings.get("HANDOFF_FLOWER_PORT", "5555")
    return [
        "API and workers reload on save. `make logs` follows the logs; `make down` stops the stack and keeps its data.",
        "Mail    make logs SERVICE=mail",
        f"Flower  http://127.0.0.1:{flower}  (login {settings['FLOWER_BASIC_AUTH']})",
        f"API     http://127.0.0.1:{api}/docs",
    ]


def has_compose() -> bool:
    if not shutil.which("docker"):
        return False
    return not subprocess.run(["docker", "compose", "version"], check=False, capture_output=True).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="compose", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--production", action="store_true")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for `docker compose`; default: start the stack")
    options = parser.parse_args()
    if not has_compose():
        print("`make up` needs Docker with Compose: https://docs.docker.com/engine/install", file=sys.stderr)
        return 2
    if options.arguments:
        return docker_compose(*options.arguments, production=options.production)
    return up(production=options.production)


if __name__ == "__main__":
    sys.exit(main())
