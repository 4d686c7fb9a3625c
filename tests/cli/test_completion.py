"""Completion scripts offer what the parsers take: every command, every option, and the words that an option knows."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from n6prog.cli import parser
from n6prog.cli.app import commands

ALL = {command.name: command for command in commands()}


def flags(name: str) -> set[str]:
    return {flag for action in parser.build(ALL[name])._actions for flag in action.option_strings}


@pytest.fixture
def script(n6: Any) -> Any:
    def make(shell: str) -> str:
        done = n6("completion", shell)
        assert done.code == 0, done.err
        assert not done.err
        return str(done.out)

    return make


def offered(script: str, *words: str, cwd: Path) -> set[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in ("n6prog", *words))
    asked = f"COMP_WORDS=({line}); COMP_CWORD={len(words)}; _n6prog; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-uec", f"{script}\n{asked}"],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )
    assert not done.stderr
    return set(done.stdout.split())


@pytest.mark.needs("bash")
def test_bash_offers_the_commands_first(script: Any, tmp_path: Path) -> None:
    text = script("bash")
    assert offered(text, "", cwd=tmp_path) == set(ALL)
    assert offered(text, "ver", cwd=tmp_path) == {"verify"}
    assert offered(text, "--probe", "sim", "fl", cwd=tmp_path) == {"flash"}
    assert offered(text, "--v", cwd=tmp_path) == {"--version"}


@pytest.mark.needs("bash")
@pytest.mark.parametrize("name", sorted(ALL))
def test_bash_offers_every_option_of_a_command(script: Any, tmp_path: Path, name: str) -> None:
    assert offered(script("bash"), name, "-", cwd=tmp_path) == flags(name)


@pytest.mark.needs("bash")
def test_bash_offers_the_words_an_option_takes(script: Any, tmp_path: Path) -> None:
    text = script("bash")
    (tmp_path / "ours.toml").write_text("")
    (tmp_path / "app.elf").write_text("")
    assert offered(text, "flash", "--erase", "", cwd=tmp_path) == {"changed", "all-touched", "chip"}
    assert offered(text, "flash", "--connect", "a", cwd=tmp_path) == {"auto", "attach"}
    assert offered(text, "erase", "--slot", "f", cwd=tmp_path) == {"fsbl", "fsbl-b"}
    assert offered(text, "info", "--board", "", cwd=tmp_path) >= {"nucleo-n657x0-q", "stm32n6570-dk", "ours.toml"}
    assert offered(text, "flash", "a", cwd=tmp_path) == {"app.elf"}
    assert offered(text, "info", "", cwd=tmp_path) == set()
    assert offered(text, "sim", "", cwd=tmp_path) == {"serve", "power", "inspect"}
    assert offered(text, "read", "-f", "", cwd=tmp_path) == set()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_get_every_command_and_option_too(script: Any, shell: str) -> None:
    text = script(shell)
    for name in ALL:
        assert re.search(rf"\b{name}\b", text)
        for flag in flags(name):
            shown = flag if shell == "zsh" else (f"-l {flag[2:]} " if flag.startswith("--") else f"-s {flag[1:]} ")
            assert shown in text
    assert "changed all-touched chip" in text


@pytest.mark.needs("bash")
def test_the_zsh_script_is_sound_as_far_as_bash_can_tell(script: Any) -> None:
    assert subprocess.run(["bash", "-n"], input=script("zsh"), text=True, check=False).returncode == 0


def test_every_line_for_fish_is_one_command_with_its_quotes_closed(script: Any) -> None:
    for line in script("fish").splitlines()[1:]:
        words = shlex.split(line.replace("\\'", ""))
        assert words[:3] == ["complete", "-c", "n6prog"]


@pytest.mark.parametrize("words", [["tcsh"], ["bash", "zsh"], []])
def test_another_shell_is_answered_with_ours(n6: Any, words: list[str]) -> None:
    done = n6("completion", *words)
    assert done.code == 2
    assert "bash" in done.err
