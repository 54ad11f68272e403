"""Lua and Python have the same names for Redis keys, and no other file has any."""

import inspect
import re
from importlib.resources import files

import pytest

from handoff_ledger import keys, scripts

PACKAGE = files("handoff_ledger")
LINE = re.compile(r"local function (\w+)_key\((\w*)\) return (.+?) end -- (string|hash|list|set|zset|stream|channel)")
FOUND = LINE.findall(PACKAGE.joinpath("scripts/lib/keys.lua").read_text())
LUA = {name: (parameter, expression) for name, parameter, expression, _ in FOUND}
LITERAL = re.compile(r"""['"]{1,2}(handoff:[^ ]|celery-task-meta)""")


def python() -> dict[str, inspect.Signature]:
    return {name: inspect.signature(function) for name, function in inspect.getmembers(keys, inspect.isfunction)}


def test_lua_and_python_have_the_same_functions() -> None:
    assert python().keys() == LUA.keys()
    assert {name: ["".join(signature.parameters)] for name, signature in python().items()} == {
        name: [parameter] for name, (parameter, _) in LUA.items()
    }


@pytest.mark.parametrize("name", LUA)
def test_a_key_has_the_same_name_in_lua_and_python(name: str) -> None:
    parameter, expression = LUA[name]
    arguments = {parameter: "x"} if parameter else {}
    parts = [arguments.get(part) or part.strip("'") for part in expression.split(" .. ")]
    assert getattr(keys, name)(**arguments) == "".join(parts)


def test_every_key_begins_with_a_prefix_that_the_acl_grants() -> None:
    names = [getattr(keys, name)(*["x"] * len(signature.parameters)) for name, signature in python().items()]
    assert all(name.startswith((keys.PREFIX, keys.CELERY_RESULT_PREFIX)) for name in names)


def test_no_other_script_or_module_has_the_name_of_a_key() -> None:
    folders = [PACKAGE, *(PACKAGE.joinpath(folder) for folder in ("calls", "scripts", "scripts/lib"))]
    texts = {
        path.name: path.read_text()
        for folder in folders
        for path in folder.iterdir()
        if path.name.endswith((".lua", ".py")) and path.name not in {"keys.lua", "keys.py"}
    }
    assert len(texts) > 50
    assert [name for name, text in texts.items() if LITERAL.search(text)] == []


@pytest.mark.parametrize("name", [path.name for path in files(scripts).iterdir() if path.name.endswith(".lua")])
def test_a_script_documents_its_keys_arguments_and_reply(name: str) -> None:
    comment = re.match(r"(?:-- .*\n)+--\n((?:-- .*\n)+)", files(scripts).joinpath(name).read_text())
    assert comment
    assert re.findall(r"^-- (KEYS|ARGV|Reply) ", comment[1], re.MULTILINE) == ["KEYS", "ARGV", "Reply"]
