"""One run of the command line: words, settings, the command, and an exit code for whatever happens."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from n6prog.cli import habits, parser
from n6prog.cli.command import Call, Command, usage
from n6prog.cli.console import Console, silence
from n6prog.config import BY_NAME, Settings, resolve
from n6prog.config_file import find_file
from n6prog.errors import N6ProgError, UsageError
from n6prog.findings import ExitCode, Finding, finding
from n6prog.values import ValueFault, nearest, parse_flag


def commands() -> tuple[Command, ...]:
    """Every command, in the order of the help text."""
    from n6prog.cli import check, completion, config, doctor, erase, flash, info, list_, read, sim, verify

    modules = (flash, verify, erase, read, check, doctor, info, list_, config, sim, completion)
    return tuple(module.COMMAND for module in modules)


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names (None: sys.argv). Gives the exit code; lets no exception out."""
    words = list(sys.argv[1:] if argv is None else argv)
    environ = dict(os.environ)
    started = time.monotonic()
    console = Console(_first_settings(words, environ), environ)
    try:
        with contextlib.ExitStack() as stack:
            call, command = _prepare(words, environ)
            if call is None or command is None:
                return ExitCode.DONE
            console = call.console
            stack.enter_context(_logging(call, words))
            exit_code, code, findings = _guarded(command, call)
    except UsageError as error:
        exit_code, code, findings = error.exit_code, error.code, error.findings
        for found in findings:
            console.fault(found)
    except SystemExit as leaving:  # argparse, after --help
        return int(leaving.code or 0)
    except OSError as problem:  # `n6prog --help | head -1`, or a full disk behind stdout
        silence(sys.stdout)
        return ExitCode.DONE if isinstance(problem, BrokenPipeError) else ExitCode.INTERNAL
    except KeyboardInterrupt:
        exit_code, code, findings = ExitCode.INTERRUPTED, "E-INTERRUPTED", (finding("E-INTERRUPTED"),)
        console.fault(findings[0])
    return int(console.end(exit_code, code, findings, time.monotonic() - started))


def _first_settings(words: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """The settings that matter before the words are understood: where a usage error is to be told."""
    with contextlib.suppress(ValueFault):
        if parse_flag(environ.get(BY_NAME["json"].variable, "")):
            return Settings(json=True)
    return Settings(json="--json" in words)


def _prepare(words: Sequence[str], environ: Mapping[str, str]) -> tuple[Call | None, Command | None]:
    """Understand the words; (None, None) when help or the version was asked for and given. Raises UsageError."""
    every = commands()
    name, rest = parser.split(words)
    if name == "help":
        name, rest = (rest[0], ["--help"]) if rest else (None, ["--help"])
    if name is None:
        _without_command(rest, every)
        return None, None
    if answer := habits.answer(words, name, rest, {command.name for command in every}):
        raise usage(*answer)
    command = next((item for item in every if item.name == name), None)
    if command is None:
        near = nearest(name, [item.name for item in every])
        raise usage(
            f"{name!r} is not a command",
            (f"Did you mean {near}? " if near else "") + f"Commands: {', '.join(item.name for item in every)}.",
        )
    namespace = parser.parse(command, rest, every)
    settings = resolve(parser.typed(namespace), environ, find_file(Path.cwd()))
    return Call(namespace, settings, Console(settings, environ), environ), command


def _without_command(rest: Sequence[str], every: Sequence[Command]) -> None:
    """Help and version. Raises UsageError when nothing was asked for."""
    if "--version" in rest or "-V" in rest:
        from n6prog.cli.version import version_text

        print(version_text())
    elif "--help" in rest or "-h" in rest:
        print(help_text(every))
    elif answer := habits.answer(rest, "", rest, {command.name for command in every}):
        raise usage(*answer)
    else:
        raise usage(
            "no command was given", f"Commands: {', '.join(item.name for item in every)}. n6prog --help tells more."
        )
    sys.stdout.flush()


def help_text(every: Sequence[Command]) -> str:
    """The page of `n6prog --help`."""
    lines = [
        "usage: n6prog COMMAND [options]",
        "",
        "Flash programmer for STM32N657 boards: firmware and weights into the octal NOR.",
    ]
    for group in dict.fromkeys(command.group for command in every):
        lines += ["", group]
        lines += [f"  {command.usage:<46}  {command.summary}" for command in every if command.group == group]
    return "\n".join(
        [
            *lines,
            "",
            "n6prog COMMAND --help tells the options; n6prog --version the version and the loader's digest.",
            "Every option can stand in the environment (N6PROG_BOARD) or in n6prog.toml (board = ...).",
            "Ranges: START+LEN or START-END (END not included), with K and M. Clocks: 8M, 3300k, auto.",
            "No board at hand? --probe sim is a simulated one.",
        ]
    )


def _guarded(command: Command, call: Call) -> tuple[ExitCode, str | None, tuple[Finding, ...]]:
    """Run the command; whatever it raises becomes findings and an exit code."""
    console = call.console
    try:
        command.run(call)
    except N6ProgError as error:
        console.trace(traceback.format_exc())
        for found in error.findings:
            console.fault(found)
        return error.exit_code, error.code, error.findings
    except KeyboardInterrupt:
        found = finding("E-INTERRUPTED")
        console.fault(found)
        return ExitCode.INTERRUPTED, found.code, (found,)
    except Exception as error:  # noqa: BLE001 - the last net: a defect is told as one, not as a traceback
        console.trace(traceback.format_exc())
        found = finding("E-INTERNAL", reason=f"{type(error).__name__}: {error}")
        console.fault(found)
        return ExitCode.INTERNAL, found.code, (found,)
    return ExitCode.DONE, None, ()


class _Book(logging.FileHandler):
    """The file of `--log`. When its disk is full the log ends, the work goes on, and that is told at the end."""

    def __init__(self, path: str, console: Console) -> None:
        super().__init__(path, mode="w", encoding="utf-8")
        self._path = path
        self._console = console

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Write nothing more."""
        problem = sys.exc_info()[1]
        self.setLevel(logging.CRITICAL + 1)
        self._console.lost(f"{self._path}: {getattr(problem, 'strerror', None) or problem}")

    def close(self) -> None:
        """End the log."""
        try:
            super().close()
        except OSError as full:
            self._console.lost(f"{self._path}: {full.strerror or full}")


@contextlib.contextmanager
def _logging(call: Call, words: Sequence[str]) -> Iterator[None]:
    """Send log records where `--log` and `-v` say, and nowhere else. Raises UsageError for a bad file."""
    settings = call.settings
    root = logging.getLogger()
    level = root.level
    handlers: list[logging.Handler] = [logging.NullHandler()]  # without one, Python prints other libraries' warnings
    if settings.verbose:
        heard = logging.StreamHandler(sys.stderr)
        heard.setLevel(logging.DEBUG if settings.verbose > 1 else logging.INFO)
        everything = settings.verbose > 1  # -v is about this tool, -vv about the libraries too
        heard.addFilter(lambda record: everything or record.name.startswith("n6prog"))
        heard.addFilter(lambda record: not record.name.startswith("n6prog.cli"))  # those lines are printed already
        heard.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        handlers.append(heard)
    if settings.log:
        try:
            book = _Book(settings.log, call.console)
        except OSError as bad:
            raise UsageError.of("E-NO-WRITE", settings.log, reason=bad.strerror or str(bad)) from bad
        book.setFormatter(
            logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
        )
        handlers.append(book)
        level = logging.DEBUG
    elif settings.verbose:
        level = logging.DEBUG if settings.verbose > 1 else logging.INFO
    before = root.level
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    if settings.log:
        _log_start(call, words)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _log_start(call: Call, words: Sequence[str]) -> None:
    """What a reader of the log must know first."""
    import platform

    from n6prog.cli.version import version_text

    log = logging.getLogger("n6prog.cli")
    log.info("n6prog %s", " ".join(words))
    log.info("%s · Python %s · %s", version_text().replace("\n", " · "), platform.python_version(), platform.platform())
    for name, origin in call.settings.origins.items():
        log.info("%s = %r (%s)", name, getattr(call.settings, name), origin)
