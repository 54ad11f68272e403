"""How `load` builds the text of a script."""

import json
import re
from hashlib import sha1
from importlib.resources import files

import pytest

from handoff_ledger import scripts

FUNCTION_PATTERN = re.compile(r"^local function (\w+)", re.MULTILINE)
NAMES = sorted(path.name.removesuffix(".lua") for path in files(scripts).iterdir() if path.name.endswith(".lua"))


@pytest.mark.parametrize("name", NAMES)
def test_redis_refuses_only_scripts_that_add_work_at_its_memory_limit(name: str) -> None:
    shebang = scripts.load(name).text.splitlines()[0]
    assert shebang == ("#!lua flags=" if name in {"accept", "accept_batch"} else "#!lua flags=allow-oom")


@pytest.mark.parametrize("name", NAMES)
def test_a_script_carries_the_digest_of_its_text(name: str) -> None:
    script = scripts.load(name)
    assert script.sha == sha1(script.text.encode(), usedforsecurity=False).hexdigest()
    assert scripts.load(name) is script


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_every_library_function_that_it_calls_in_the_order_of_the_library(name: str) -> None:
    text = scripts.load(name).text
    library = [block for part in scripts.LIBRARY_PARTS for block in scripts.blocks(part)]
    defined = [match[1] for block in library if (match := scripts.LOCAL_PATTERN.match(block))]
    present = FUNCTION_PATTERN.findall(text)
    assert {function for function in defined if re.search(rf"(?<![.\w]){function}\(", text)} <= {*present}
    assert [block for block in library if block in text] == sorted(
        (block for block in library if block in text), key=text.index
    )


def test_a_script_has_no_library_function_that_it_does_not_call() -> None:
    functions = FUNCTION_PATTERN.findall(scripts.load("accept").text)
    assert "enqueue" in functions
    assert not {"finish", "redrive", "leader_key", "close_items"} & {*functions}


def test_names_in_the_library_are_unique() -> None:
    library = [block for part in scripts.LIBRARY_PARTS for block in scripts.blocks(part)]
    names = [match[1] for block in library if (match := scripts.LOCAL_PATTERN.match(block))]
    assert len(names) == len({*names})


def test_the_template_is_json_and_a_lua_function_of_its_values() -> None:
    template = files(scripts).joinpath("message.json").read_text().strip()
    assert "]==]" not in template
    assert json.loads(template.replace("@retries@", "0"))["headers"]["id"] == "@id@"
    (function,) = [line for line in scripts.load("accept").text.splitlines() if "function message" in line]
    assert function.startswith('local function message(values) return [==[{"body":')
    assert function.count("]==] .. values.id .. [==[") == template.count("@id@")
    assert "@" not in function


def test_an_unknown_name_raises() -> None:
    with pytest.raises(FileNotFoundError):
        scripts.load("flushall")
