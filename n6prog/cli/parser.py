"""From the words that were typed to a command and its arguments. Mistakes become UsageError."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Sequence
from typing import NoReturn

from n6prog.cli.command import COMMON, Command, usage
from n6prog.cli.habits import OPTIONS
from n6prog.config import BY_NAME, SETTINGS, Setting
from n6prog.values import nearest

_VALUE_OPTIONS = {
    flag for setting in SETTINGS if setting.takes in ("value", "list") for flag in (*setting.flags, setting.option)
}

_VALUE_FAULT = re.compile(r"argument ([^:]+): (expected one argument|ignored explicit argument .*)")


class _Parser(argparse.ArgumentParser):
    """argparse, with errors as exceptions."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of leaving the program."""
        message = message.replace("the following arguments are required", "missing")
        if fault := _VALUE_FAULT.fullmatch(message):
            raise usage(*_about_value(fault[1].split("/"), wanted=fault[2].startswith("expected")))
        raise usage(message, f"Usage: {self.format_usage().removeprefix('usage: ').strip()}")


def _about_value(flags: Sequence[str], *, wanted: bool) -> tuple[str, str]:
    """What to say of an option without its value, or with one that it does not take."""
    setting = next((item for item in SETTINGS if item.option in flags), None)
    option = setting.option if setting is not None else flags[-1]
    if not wanted:
        return f"{option} takes no value", f"Say {option} alone, or leave it out."
    if setting is None:
        return f"{option} wants a value", "Say it behind the option."
    return f"{option} wants a value", f"{option} {setting.metavar}: {setting.help}."


class _Once(argparse.Action):
    """An option that names what is worked on: a second one must not silently take the place of the first."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        """Take the value, or raise UsageError."""
        if hasattr(namespace, self.dest):
            raise usage(f"{option} is given twice", f"One command a {self.dest}; files can say it each: FILE@SLOT.")
        setattr(namespace, self.dest, values)


def split(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's word, and all other words in their order. Options may stand before the command."""
    words = list(argv)
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            return word, words[:index] + words[index + 1 :]
        index += 2 if word in _VALUE_OPTIONS else 1
    return None, words


def build(command: Command) -> argparse.ArgumentParser:
    """The parser of one command."""
    parser = _Parser(
        prog=f"n6prog {command.name}",
        usage=f"n6prog {command.usage} [options]",
        description=command.summary,
        epilog=command.details or None,
        allow_abbrev=False,
        add_help=False,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=32, width=min(120, shutil.get_terminal_size((100, 24)).columns)
        ),
    )
    if command.arguments:
        command.arguments(parser)
    if command.settings:
        own = parser.add_argument_group("options of this command")
        for name in command.settings:
            _add(own, BY_NAME[name])
    common = parser.add_argument_group("options everywhere")
    for name in COMMON:
        _add(common, BY_NAME[name])
    common.add_argument("-h", "--help", action="help", help="show this and leave")
    return parser


def _add(group: argparse._ArgumentGroup, setting: Setting) -> None:
    flags = (*setting.flags[:1], setting.option, *setting.flags[1:])
    if setting.takes == "flag":
        group.add_argument(
            *flags, dest=setting.name, action="store_const", const="1", default=argparse.SUPPRESS, help=setting.help
        )
    elif setting.takes == "count":
        group.add_argument(*flags, dest=setting.name, action="count", default=argparse.SUPPRESS, help=setting.help)
    elif setting.takes == "list":
        group.add_argument(
            *flags,
            dest=setting.name,
            action="append",
            default=argparse.SUPPRESS,
            metavar=setting.metavar,
            help=setting.help,
        )
    else:
        group.add_argument(
            *flags,
            dest=setting.name,
            action=_Once if setting.name == "slot" else "store",
            default=argparse.SUPPRESS,
            metavar=setting.metavar,
            help=setting.help,
        )


def parse(command: Command, words: Sequence[str], every: Sequence[Command]) -> argparse.Namespace:
    """Read the words of one command. Raises UsageError, and SystemExit(0) after `--help`."""
    parser = build(command)
    namespace, rest = parser.parse_known_intermixed_args(_without_dashes(words))
    for word in rest:
        option = word.split("=", 1)[0]
        if not option.startswith("-"):
            raise usage(f"{word!r} is one word too many", f"Usage: n6prog {command.usage} [options]")
        raise usage(f"{command.name} has no option {option}", _hint(option, command, parser, every))
    return namespace


def _without_dashes(words: Sequence[str]) -> list[str]:
    """The words with `--` taken out: a file behind it whose name begins with a dash is ./-FILE."""
    before, after = list(words), []
    if "--" in before:
        at = before.index("--")
        before, after = before[:at], before[at + 1 :]
    return [*before, *(f"./{word}" if word.startswith("-") else word for word in after)]


def _hint(option: str, command: Command, parser: argparse.ArgumentParser, every: Sequence[Command]) -> str:
    """What to say about an option that this command does not have."""
    if option in OPTIONS:
        return OPTIONS[option]
    setting = next((s for s in SETTINGS if option == s.option or option in s.flags), None)
    if setting is not None:
        owners = [other.name for other in every if setting.name in other.settings]
        return f"It is an option of n6prog {', '.join(owners)}." if owners else f"See n6prog {command.name} --help."
    known = [flag for action in parser._actions for flag in action.option_strings]  # noqa: SLF001 - argparse has no other door
    near = nearest(option, [flag for flag in known if flag.startswith("--")]) if option.startswith("--") else None
    return f"Did you mean {near}?" if near else f"See n6prog {command.name} --help."


def typed(namespace: argparse.Namespace) -> dict[str, str]:
    """The settings that were typed, as texts."""
    texts: dict[str, str] = {}
    for name, value in vars(namespace).items():
        if name in BY_NAME:
            texts[name] = ",".join(value) if isinstance(value, list) else str(value)
    return texts
