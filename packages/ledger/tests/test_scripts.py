"""How a script's text is put together."""

import json
import re
from hashlib import sha1
from importlib.resources import files

import pytest

from handoff_ledger import scripts

NAMES = sorted(
    path.name.removesuffix(".lua")
    for path in files(scripts).iterdir()
    if path.name.endswith(".lua") and path.name != "prelude.lua"
)


@pytest.mark.parametrize("name", NAMES)
def test_what_adds_work_is_refused_at_the_memory_limit_and_nothing_else(name: str) -> None:
    shebang = scripts.load(name).text.splitlines()[0]
    assert shebang == ("#!lua flags=" if name in {"accept", "accept_batch"} else "#!lua flags=allow-oom")


@pytest.mark.parametrize("name", NAMES)
def test_redis_knows_it_by_the_digest_of_its_text(name: str) -> None:
    script = scripts.load(name)
    assert script.sha == sha1(script.text.encode(), usedforsecurity=False).hexdigest()
    assert scripts.load(name) is script


@pytest.mark.parametrize("name", NAMES)
def test_it_has_what_it_calls_of_the_library(name: str) -> None:
    body, text = files(scripts).joinpath(f"{name}.lua").read_text(), scripts.load(name).text
    library = "".join(files(scripts).joinpath("lib", f"{part}.lua").read_text() for part in scripts.LIBRARY_PARTS)
    called = {
        function for function in scripts.FUNCTION_PATTERN.findall(library) if re.search(rf"[ (]{function}\(", body)
    }
    assert called <= set(scripts.FUNCTION_PATTERN.findall(text))


def test_what_is_called_most_has_nothing_else_of_it() -> None:
    functions = scripts.FUNCTION_PATTERN.findall(scripts.load("accept").text)
    assert "enqueue" in functions
    assert "finish" not in functions


def test_the_template_is_json_and_a_lua_function_of_its_values() -> None:
    template = files(scripts).joinpath("message.json").read_text().strip()
    assert "]==]" not in template
    assert json.loads(template.replace("@retries@", "0"))["headers"]["id"] == "@id@"
    (function,) = [line for line in scripts.load("accept").text.splitlines() if "function message" in line]
    assert function.startswith('local function message(values) return [==[{"body":')
    assert function.count("]==] .. values.id .. [==[") == template.count("@id@")
    assert "@" not in function


def test_a_name_that_is_no_script_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        scripts.load("flushall")
