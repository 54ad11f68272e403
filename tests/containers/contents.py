"""What is in an image: prints it as JSON. Runs in the image."""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

MEMBERS = [f"handoff_{name}" for name in ("api", "common", "contracts", "flower", "http2", "ledger", "worker")]
UNWANTED = ("cc", "gcc", "clang", "ld", "make", "uv", "uvx", "curl", "wget", "git")
PIPS = ("pip", "pip3", "python -m pip", "/usr/local/bin/python -m pip", "/usr/local/bin/python -m ensurepip")


def compiled(source: Path) -> bool:
    """Whether a module's bytecode is there, and is of this source: Python compares time and size."""
    cache = Path(importlib.util.cache_from_source(str(source)))
    if not cache.exists():
        return False
    header, stat = cache.read_bytes()[:16], source.stat()
    return header[8:] == int(stat.st_mtime).to_bytes(4, "little") + stat.st_size.to_bytes(4, "little")


def works(command: str) -> bool:
    try:
        return not subprocess.run([*command.split(), "--version"], capture_output=True, check=False).returncode
    except FileNotFoundError:
        return False


packages = Path(sysconfig.get_path("purelib"))
sys.stdout.write(
    json.dumps(
        {
            "environment": {
                "implementation_name": sys.implementation.name,
                "os_name": os.name,
                "platform_machine": platform.machine(),
                "platform_python_implementation": platform.python_implementation(),
                "platform_system": platform.system(),
                "python_full_version": platform.python_version(),
                "python_version": ".".join(platform.python_version_tuple()[:2]),
                "sys_platform": sys.platform,
            },
            "distributions": {
                found.name.lower().replace("_", "-"): found.version for found in metadata.distributions()
            },
            "members": [name for name in MEMBERS if importlib.util.find_spec(name)],
            "programs": [name for name in UNWANTED if shutil.which(name)] + [pip for pip in PIPS if works(pip)],
            "uncompiled": [str(source) for source in packages.rglob("*.py") if not compiled(source)],
            "user": [os.getuid(), os.getgid()],
        }
    )
)
