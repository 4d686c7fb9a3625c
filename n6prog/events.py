"""The events of a flow: one stream from which bars, JSON and records are made (DESIGN 7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

VERSION = 1


class EventType(StrEnum):
    """What an event tells."""

    BEGIN = "begin"
    PLAN = "plan"
    PROGRESS = "progress"
    REGION = "region"
    WARNING = "warning"
    ERROR = "error"
    END = "end"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its type and plain data (numbers, strings, lists and dicts of them)."""

    type: EventType
    data: Mapping[str, object]

    def as_json(self) -> str:
        """The event as one line of JSON."""
        return json.dumps({"v": VERSION, "type": str(self.type), "data": self.data}, separators=(",", ":"))


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An `on_event` that drops everything."""
