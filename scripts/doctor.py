"""`make doctor`: checks the Redis that CELERY_BROKER_URL names, else the one of a running `make dev`."""

import os
import sys

import env_file
from dev import LOCK, URL_FILE
from handoff_ledger.doctor import main
from process import is_locked

if __name__ == "__main__":
    os.chdir(env_file.ROOT)
    if not env_file.read(env_file.ROOT / ".env").get("CELERY_BROKER_URL"):
        if not (is_locked(LOCK) and URL_FILE.exists()):
            sys.exit("No stack runs here: start `make dev`, or set CELERY_BROKER_URL to the Redis to check.")
        os.environ["CELERY_BROKER_URL"] = URL_FILE.read_text()
    sys.exit(main())
