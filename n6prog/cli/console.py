"""Where everything is printed: people's text, events as JSON, findings, bars and the log."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

from n6prog.cli import text
from n6prog.cli.bar import Bar
from n6prog.config import Settings
from n6prog.events import Event, EventType
from n6prog.findings import ExitCode, Finding, finding

LOG = logging.getLogger("n6prog.cli")
LOG.addHandler(logging.NullHandler())  # without one, Python prints warnings by itself


class Console:
    """The two streams of one command. With `--json` stdout belongs to the events and people's text goes to stderr.

    A stream that is closed under us (a pipe into `head`) is dropped; the work goes on to its end. So does it with one
    that cannot be written (a full disk), and then `end` tells it and leaves with exit code 1.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self._settings = settings
        self._out: TextIO | None = stdout or sys.stdout
        self._err: TextIO | None = stderr or sys.stderr
        for stream in (self._out, self._err):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal without `·` shows `?` rather than a traceback
        terminal = self._err is not None and self._err.isatty() and environ.get("TERM") != "dumb"
        self._colour = terminal and not environ.get("NO_COLOR")
        self._width = max(60, shutil.get_terminal_size((100, 24)).columns) if terminal else None
        bars = terminal and not (settings.no_progress or settings.quiet)
        self.bar = Bar(self._err or sys.stderr, enabled=bars)
        self._told: set[tuple[str, str, str]] = set()
        self._told_as_event: set[tuple[str, str, str]] = set()
        self._end: dict[str, object] | None = None
        self._unwritten = ""
        self.extra: dict[str, object] = {}

    @property
    def json(self) -> bool:
        """Whether stdout belongs to the events."""
        return self._settings.json

    def say(self, line: str = "") -> None:
        """A line for people; nothing with `--quiet`."""
        LOG.info("%s", line)
        if not self._settings.quiet:
            self._people(text.safe(line))

    def more(self, line: str) -> None:
        """A line for people who said `-v`."""
        LOG.info("%s", line)
        if self._settings.verbose and not self._settings.quiet:
            self._people(text.safe(line))

    def finding(self, found: Finding) -> None:
        """A finding on stderr, once."""
        key = (found.code, found.subject, found.text)
        if key in self._told:
            return
        self._told.add(key)
        for line in text.finding_lines(found):
            LOG.log(logging.ERROR if found.is_error else logging.WARNING, "%s", line)
        if self._settings.quiet and found.severity == "note":
            return
        self.bar.clear()
        again = self._settings.verbose > 0
        for line in text.finding_lines(found, width=self._width, colour=self._colour, again=again):
            self._err = self._write(self._err, line)

    def event(self, event: Event) -> None:
        """An event of a flow. `end` is kept until the command is over: nothing may come after it."""
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug("event %s", event.as_json())
        if event.type is EventType.END:
            self._end = dict(event.data)
            return
        if event.type in (EventType.ERROR, EventType.WARNING):
            self._told_as_event.add(_key(event.data))
        if self.json:
            self._out = self._write(self._out, event.as_json())

    def emit(self, kind: EventType, **data: object) -> None:
        """An event of the command line's own."""
        self.event(Event(kind, data))

    def fault(self, found: Finding) -> None:
        """A finding as text and as an event, each once."""
        self.finding(found)
        if _key(found.as_dict()) not in self._told_as_event and found.severity != "note":
            self.emit(EventType.ERROR if found.is_error else EventType.WARNING, **found.as_dict())

    def end(self, exit_code: int, code: str | None, findings: tuple[Finding, ...], seconds: float) -> int:
        """The last event: what the flow reported, corrected by how the command really ended.

        Gives the exit code: another one when all went well but what was to be said about it could not be written.
        """
        self.bar.clear()
        if self._unwritten and not exit_code:
            exit_code, code = ExitCode.INTERNAL, "E-OUTPUT"
        data = self._end if self._end is not None else _empty_report(seconds, findings)
        if exit_code or not data.get("ok"):
            data.update(ok=exit_code == 0, exit_code=exit_code, code=code)
        event = Event(EventType.END, {**data, **self.extra})
        LOG.debug("event %s", event.as_json())
        if self.json:
            self._out = self._write(self._out, event.as_json())
        for stream in (self._out, self._err):
            if stream is not None:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        if self._unwritten:
            self.finding(finding("E-OUTPUT", reason=self._unwritten))
            return exit_code or ExitCode.INTERNAL
        return exit_code

    def lost(self, reason: str) -> None:
        """Something that was to be written down was not, and why."""
        self._unwritten = self._unwritten or reason

    def trace(self, lines: str) -> None:
        """A traceback, for the log; on stderr with `-vv` only."""
        LOG.error("%s", lines)
        if self._settings.verbose > 1:
            self._err = self._write(self._err, lines.rstrip())

    def _people(self, line: str) -> None:
        self.bar.clear()
        if self.json:
            self._err = self._write(self._err, line)
        else:
            self._out = self._write(self._out, line)

    def _write(self, stream: TextIO | None, line: str) -> TextIO | None:
        """Write a line; gives the stream, or None when its reader is gone or it takes no more."""
        if stream is None:
            return None
        try:
            stream.write(line + "\n")
            stream.flush()
        except (BrokenPipeError, ValueError):
            silence(stream)
            return None
        except OSError as full:
            self._unwritten = full.strerror or str(full)
            silence(stream)
            return None
        return stream


def silence(stream: TextIO) -> None:
    """Point a broken stream at the null device, so that the interpreter's last flush does not fail either."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _key(data: Mapping[str, object]) -> tuple[str, str, str]:
    return str(data.get("code")), str(data.get("subject")), str(data.get("text"))


def _empty_report(seconds: float, findings: tuple[Finding, ...]) -> dict[str, object]:
    """The data of `end` for a command that ran no flow."""
    return {
        "ok": True,
        "exit_code": 0,
        "code": None,
        "seconds": seconds,
        "virtual_seconds": None,
        "swd_clock_hz": None,
        "bytes": dict.fromkeys(("wanted", "sent", "erased", "programmed", "skipped"), 0),
        "pieces": [],
        "findings": [found.as_dict() for found in findings],
    }
