"""`n6prog config`: every setting, with where its value comes from."""

from __future__ import annotations

from n6prog.cli import text
from n6prog.cli.command import COMMON, Call, Command
from n6prog.config import SETTINGS, Setting, Settings, unknown_variables
from n6prog.findings import finding
from n6prog.values import nearest


def run(call: Call) -> None:
    """Print the settings that hold."""
    settings = call.settings
    rows, plain = [], {}
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        origin = settings.origins[setting.name]
        rows.append((setting.name, shown(setting, settings), str(origin)))
        plain[setting.name] = {"value": value, "place": str(origin.place), "origin": str(origin)}
    call.console.extra["settings"] = plain
    call.console.extra["file"] = str(settings.file) if settings.file else None
    call.console.say(
        f"file: {settings.file}" if settings.file else "file: none (n6prog.toml, or [tool.n6prog] in pyproject.toml)"
    )
    for line in text.listing(rows, indent=""):
        call.console.say(line)
    for item in settings.slots:
        slot = item.slot
        what = f"{slot.start:#010x}+{text.size(slot.size)}{', boot header' if slot.header else ''}"
        call.console.say(f"slot {slot.name}  {what}  {item.where}")
    call.console.extra["slots"] = [
        {"name": item.slot.name, "start": item.slot.start, "size": item.slot.size, "header": item.slot.header}
        | {"origin": item.where}
        for item in settings.slots
    ]
    known = [setting.variable for setting in SETTINGS]
    for name in unknown_variables(call.environ):
        near = nearest(name, known)
        call.console.fault(
            finding("W-VARIABLE", name, hint=f"Did you mean {near}?" if near else "n6prog config lists them.")
        )


def shown(setting: Setting, settings: Settings) -> str:
    """A value as the command line would take it."""
    value = getattr(settings, setting.name)
    if setting.name == "swd_clock":
        return "auto" if value is None else text.clock(value)
    if setting.takes == "flag":
        return "on" if value else "off"
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


COMMAND = Command(
    name="config",
    usage="config",
    summary="settings, each with its origin",
    group="More",
    run=run,
    settings=tuple(setting.name for setting in SETTINGS if setting.name not in COMMON),
)
