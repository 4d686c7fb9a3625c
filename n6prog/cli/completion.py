"""`n6prog completion`: what a shell needs to complete our words, made from the parsers themselves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from n6prog.cli.command import Call, Command, usage
from n6prog.values import did_you_mean

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True)
class Option:
    """An option as a shell sees it.

    `values`: words to offer after it. `files`: whether file names come after it; `takes`: whether anything does.
    """

    flags: tuple[str, ...]
    help: str
    takes: bool
    values: tuple[str, ...] = ()
    files: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A command as a shell sees it. `words`: what its first argument may be; none: file names, unless `bare`."""

    name: str
    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...] = ()
    bare: bool = False


def run(call: Call) -> None:
    """Print the script for one shell."""
    from n6prog.cli.app import commands
    from n6prog.cli.completion_scripts import SCRIPTS

    words = call.items()
    shell = words[0].lower()
    if len(words) != 1 or shell not in SHELLS:
        raise usage("completion wants the name of one shell", did_you_mean(" ".join(words), SHELLS))
    for line in SCRIPTS[shell](described(commands())).splitlines():
        call.console.say(line)


def described(commands: Sequence[Command]) -> tuple[Words, ...]:
    """All commands as a shell sees them."""
    return tuple(_described(command) for command in commands)


def _described(command: Command) -> Words:
    from n6prog.cli import parser

    actions = parser.build(command)._actions  # noqa: SLF001 - argparse has no other door
    options = tuple(_option(action) for action in actions if action.option_strings)
    first = next((action for action in actions if not action.option_strings), None)
    return Words(command.name, command.summary, options, _FIRST.get(command.name, ()), first is None)


_FIRST = {"sim": ("serve", "power", "inspect"), "completion": SHELLS}


def _option(action: argparse.Action) -> Option:
    from n6prog.config import BY_NAME
    from n6prog.targets.schema import board_names

    setting = BY_NAME.get(action.dest)
    values = setting.choices if setting is not None else ()
    if action.dest == "board":
        values = board_names()
    elif action.dest == "probe":
        values = ("sim",)
    elif action.dest == "slot":
        values = _slots()
    return Option(
        flags=tuple(action.option_strings),
        help=action.help or "",
        takes=action.nargs != 0,
        values=values,
        files=setting is not None and setting.is_path,
    )


def _slots() -> tuple[str, ...]:
    """The slots of the boards that come with n6prog."""
    from n6prog.targets.schema import board_names, load_board

    return tuple(dict.fromkeys(slot.name for name in board_names() for slot in load_board(name).slots))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("items", nargs="+", metavar="SHELL", help="bash, zsh or fish")


COMMAND = Command(
    name="completion",
    usage="completion bash|zsh|fish",
    summary="a script that completes our words in your shell",
    group="More",
    run=run,
    arguments=_arguments,
    details="""\
bash:  n6prog completion bash > ~/.local/share/bash-completion/completions/n6prog
zsh:   n6prog completion zsh > "${fpath[1]}/_n6prog"
fish:  n6prog completion fish > ~/.config/fish/completions/n6prog.fish""",
)
