"""`make key NAME=client`: prints a new API key and its HANDOFF_API_KEYS entry.

The entry depends on HANDOFF_API_KEY_PEPPER. In a new clone the command creates `.env`, so that a pepper exists.
"""

import os
import sys

import env_file
from handoff_api.auth import CLIENT_NAME
from handoff_api.keys import main

if __name__ == "__main__":
    os.chdir(env_file.ROOT)
    if CLIENT_NAME.fullmatch(sys.argv[-1]) and not os.environ.get("HANDOFF_API_KEY_PEPPER"):
        env_file.complete(env_file.ROOT / ".env")
    main()
