"""Settings: from the command line, the environment, n6prog.toml and the defaults, each value with its origin.

One table (`SETTINGS`) names every setting once. Its name gives the option (`swd_clock` -> `--swd-clock`), the variable
(`N6PROG_SWD_CLOCK`) and the key in `n6prog.toml` (`swd_clock`) or in `[tool.n6prog]` of `pyproject.toml`. The command
line wins over the environment, that over a preset (`[presets.NAME]` of the file), that over the file nearest upward
from the working directory, that over the default. The file may also give the project's own slots, `[slots.NAME]`.
Nothing here prints or opens a probe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from n6prog.config_file import ConfigFile
from n6prog.errors import UsageError
from n6prog.findings import Finding, finding
from n6prog.values import (
    Choice,
    ValueFault,
    choice,
    did_you_mean,
    nearest,
    parse_clock,
    parse_count,
    parse_flag,
    parse_maps,
    parse_seconds,
    parse_word,
)

if TYPE_CHECKING:
    from n6prog.project import ProjectSlot

PREFIX = "N6PROG_"
_LARGEST = 1e18  # beyond every setting; Python refuses to write integers of thousands of digits
_TABLES = ("slots", "presets")


class Place(StrEnum):
    """Where a value can come from, the strongest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value comes from; `detail` is the option, the variable, or FILE:LINE."""

    place: Place
    detail: str = ""

    def __str__(self) -> str:
        return self.detail or str(self.place)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting. Clocks in hertz (None: auto), times in seconds; `origins` says where each value comes from."""

    probe: str | None = None
    swd_clock: int | None = None
    board: str | None = None
    connect: str = "auto"
    wait: float = 0.0
    erase: str = "changed"
    header: str = "auto"
    map: tuple[str, ...] = ()
    slot: str | None = None
    diff: bool = False
    no_verify: bool = False
    unprotect: bool = False
    after: str = "reset"
    loader: str = "resident"
    output: str | None = None
    report: str | None = None
    svg: str | None = None
    dry_run: bool = False
    json: bool = False
    no_progress: bool = False
    verbose: int = 0
    quiet: bool = False
    log: str | None = None
    preset: str | None = None
    boot1: str | None = None
    stlink_port: str | None = None
    cmsis_dap_port: str | None = None
    uart_port: str | None = None
    n6prog_port: str | None = None
    listen: str | None = None
    time_scale: str | None = None
    slots: tuple[ProjectSlot, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: the field of `Settings`, how its text is read, what it is for, and how the option takes it.

    `takes`: "value", "flag" (no argument), "count" (repeated and counted) or "list" (repeated; with commas elsewhere).
    `flags`: spellings of the option besides its name. `numeric`: a TOML number will do. `is_path`: relative to the file
    that names it, unless it is one of `words`.
    """

    name: str
    parse: Callable[[str], object]
    help: str
    takes: Literal["value", "flag", "count", "list"] = "value"
    metavar: str = ""
    flags: tuple[str, ...] = ()
    numeric: bool = False
    is_path: bool = False
    words: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """The long option."""
        return "--" + self.name.replace("_", "-")

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it takes, where these are all."""
        return self.parse.choices if isinstance(self.parse, Choice) else self.words

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


_connect = choice(
    *("auto", "under-reset", "attach", "halt"),
    aliases={"ur": "under-reset", "under_reset": "under-reset", "hotplug": "attach", "hot-plug": "attach"},
)
_erase = choice("changed", "all-touched", "chip", aliases={"all_touched": "all-touched"})
_header = choice("auto", "keep", "none", "2.1", "2.3")
_after = choice(
    *("reset", "halt", "none"),
    aliases={"hard-reset": "reset", "hard_reset": "reset", "no-reset": "none", "no_reset": "none"},
    absent={"run": "An application is not started from here: set BOOT1 to 0 and power-cycle the board."},
)


def _port(what: str, backend: str, default: int) -> str:
    return f"{what} (OpenOCD: {backend} backend tcp); default {default}, 0: any, off: none"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "probe",
        parse_word,
        "serial number or part of it, or sim[:BOARD[,key=value...]]",
        "value",
        "PROBE",
        ("-p", "-u", "--uid"),
    ),
    Setting(
        *("swd_clock", parse_clock, "SWD clock: 8M, 3300k, auto (default: up to 8 MHz while reads stay right)"),
        *("value", "CLOCK", ("-f", "--freq", "--speed")),
        numeric=True,
    ),
    Setting(
        "board", parse_word, "name of a board, or a .toml file that describes one", "value", "NAME|FILE", is_path=True
    ),
    Setting("connect", _connect, "auto (default), under-reset, attach, halt", "value", "MODE"),
    Setting("wait", parse_seconds, "seconds to wait for a probe that is missing or busy", "value", "S", numeric=True),
    Setting("erase", _erase, "what to erase: changed (default), all-touched, chip", "value", "WHAT"),
    Setting(
        "header",
        _header,
        "auto (default): files stay as they are, and a boot slot wants an STM2 header; keep: the same, whatever auto "
        "may come to add; 2.1, 2.3: add one where it is missing; none: any data",
        "value",
        "HOW",
    ),
    Setting("map", parse_maps, "place what is linked at FROM at TO; may be repeated", "list", "FROM=TO"),
    Setting("slot", parse_word, "slot of the board for a file that names no address", "value", "NAME"),
    Setting("diff", parse_flag, "tell every range of bytes that differs, with both sides", "flag"),
    Setting(
        "no_verify", parse_flag, "leave out the last check, of the address lines; every block is proven anyway", "flag"
    ),
    Setting(
        "unprotect",
        parse_flag,
        "clear the flash's block protection (BP bits, non-volatile) first, if any is set",
        "flag",
    ),
    Setting("after", _after, "leave the chip: reset (default), halt (see below), none", "value", "HOW"),
    Setting(
        "loader",
        parse_word,
        "code on the chip: resident (default), classic (one call a step), or another image, its build.json beside it",
        "value",
        "WHICH",
        is_path=True,
        words=("resident", "classic"),
    ),
    Setting(
        "output",
        parse_word,
        "file to write: Intel HEX (.hex), S-records (.srec) or raw",
        "value",
        "FILE",
        ("-o",),
        is_path=True,
    ),
    Setting(
        "report",
        parse_word,
        "write all of it, with a log, into FILE.zip for a bug report",
        "value",
        "FILE",
        is_path=True,
    ),
    Setting("svg", parse_word, "draw the map of the flash into this file", "value", "OUT", is_path=True),
    Setting("dry_run", parse_flag, "plan only: nothing is written", "flag", "", ("-n",)),
    Setting("json", parse_flag, "events on stdout, one JSON object a line; text goes to stderr", "flag"),
    Setting("no_progress", parse_flag, "no progress bar", "flag"),
    Setting("verbose", parse_count, "say more; twice: everything", "count", "", ("-v",), numeric=True),
    Setting("quiet", parse_flag, "errors and warnings only", "flag", "", ("-q",)),
    Setting("preset", parse_word, "settings of [presets.NAME] in n6prog.toml", "value", "NAME"),
    Setting("log", parse_word, "write everything that happens to FILE", "value", "FILE", is_path=True),
    Setting("boot1", choice("0", "1"), "with power: the BOOT1 pin, 0 or 1, as power comes on", "value", "N"),
    Setting("stlink_port", parse_word, _port("the ST-LINK server's protocol", "st-link", 7184), "value", "PORT"),
    Setting("cmsis_dap_port", parse_word, _port("CMSIS-DAP packets", "cmsis-dap", 4441), "value", "PORT"),
    Setting("uart_port", parse_word, "USART1, raw bytes; default 4450, 0: any, off: none", "value", "PORT"),
    Setting(
        "n6prog_port",
        parse_word,
        "n6prog's own probe (--probe sim:connect=HOST:PORT); default 4460, 0: any, off: none",
        "value",
        "PORT",
    ),
    Setting("listen", parse_word, "let in other machines too: an IP address of this one", "value", "ADDR"),
    Setting(
        "time_scale",
        parse_word,
        "board time at least X times wall time (1); 0: clients'",
        "value",
        "X",
        numeric=True,
    ),
)
BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


def _text_of(setting: Setting, value: object) -> str:
    """A TOML value as the text that the option would take. Raises ValueFault for a type that does not fit."""
    name = setting.name
    if setting.takes == "flag":
        if isinstance(value, bool):
            return str(int(value))
        raise ValueFault(f"{name} is on or off", f"Write {name} = true or {name} = false.")
    if setting.takes == "list" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str):
        return value
    if setting.numeric and isinstance(value, (int, float)) and not isinstance(value, bool):
        if not abs(value) < _LARGEST:
            raise ValueFault(f"{name} is far too large", f"See what {setting.option} takes.")
        return str(value)
    raise ValueFault(f"{name} wants a text", f'Write {name} = "...".')


def resolve(cli: Mapping[str, str], environ: Mapping[str, str], file: ConfigFile | None = None) -> Settings:
    """The settings that hold. `cli` maps names of settings to texts as typed.

    Raises UsageError with every fault found, not the first only.
    """
    values: dict[str, object] = {}
    origins: dict[str, Origin] = {}
    faults: list[Finding] = []
    from_file = _from_file(file, faults) if file else {}
    from_preset = _from_preset(cli, environ, file, from_file, faults)
    for setting in SETTINGS:
        name = setting.name
        if name in cli:
            text, origin = cli[name], Origin(Place.COMMAND_LINE, setting.option)
        elif environ.get(setting.variable):
            text, origin = environ[setting.variable], Origin(Place.ENVIRONMENT, setting.variable)
        elif name in from_preset:
            text, origin = from_preset[name]
        elif name in from_file:
            text, origin = from_file[name]
        else:
            origins[name] = Origin(Place.DEFAULT)
            continue
        try:
            values[name] = setting.parse(text)
            origins[name] = origin
        except ValueFault as bad:
            faults.append(_fault(origin, setting, bad))
    slots = _slots(file, faults)
    if faults:
        raise UsageError(faults)
    return Settings(**values, slots=slots, origins=origins, file=file.path if file else None)  # type: ignore[arg-type]


def _fault(origin: Origin, setting: Setting, bad: ValueFault) -> Finding:
    if origin.place is Place.FILE:
        return finding("E-CONFIG", origin.detail, reason=f"{setting.name}: {bad.reason}. {bad.cure}")
    return finding("E-USAGE", origin.detail, reason=f"{origin.detail}: {bad.reason}", cure=bad.cure)


def _slots(file: ConfigFile | None, faults: list[Finding]) -> tuple[ProjectSlot, ...]:
    if file is None or "slots" not in file.values:
        return ()
    from n6prog.project import read_slots

    try:
        return read_slots(file)
    except UsageError as error:
        faults += error.findings
        return ()


def _from_preset(
    cli: Mapping[str, str],
    environ: Mapping[str, str],
    file: ConfigFile | None,
    from_file: Mapping[str, tuple[str, Origin]],
    faults: list[Finding],
) -> dict[str, tuple[str, Origin]]:
    """The values of the preset that command line, environment or file name, as texts."""
    setting = BY_NAME["preset"]
    text, origin = from_file.get("preset", ("", Origin(Place.DEFAULT)))
    if "preset" in cli:
        text, origin = cli["preset"], Origin(Place.COMMAND_LINE, setting.option)
    elif environ.get(setting.variable):
        text, origin = environ[setting.variable], Origin(Place.ENVIRONMENT, setting.variable)
    if not text:
        return {}
    table = file.table("presets", text) if file else None
    if table is not None:
        return _from_file(table, faults, inside_preset=True)
    presets = file.table("presets") if file else None
    names = [name for name, value in presets.values.items() if isinstance(value, dict)] if presets else []
    cure = did_you_mean(text, names) if names else "Write them as [presets.NAME] tables in n6prog.toml."
    faults.append(_fault(origin, setting, ValueFault(f"there is no preset {text!r}", cure)))
    return {}


def _from_file(
    file: ConfigFile, faults: list[Finding], *, inside_preset: bool = False
) -> dict[str, tuple[str, Origin]]:
    """The file's values as texts. Keys may be written with `-` for `_`; paths are relative to the file."""
    found: dict[str, tuple[str, Origin]] = {}
    for key, value in file.values.items():
        where = file.where(key)
        if key in _TABLES and not inside_preset:
            continue
        setting = BY_NAME.get(key.replace("-", "_"))
        if setting is None or (inside_preset and setting.name == "preset"):
            faults.append(finding("E-CONFIG", where, reason=f"{key!r} is not a setting. {_unknown_key(key)}"))
            continue
        try:
            text = _text_of(setting, value)
        except ValueFault as bad:
            faults.append(_fault(Origin(Place.FILE, where), setting, bad))
            continue
        if setting.is_path and text not in setting.words and (setting.name != "board" or text.endswith(".toml")):
            text = str(file.path.parent / Path(text).expanduser())
        found[setting.name] = (text, Origin(Place.FILE, where))
    return found


def _unknown_key(key: str) -> str:
    near = nearest(key.replace("-", "_"), BY_NAME)
    return f"Did you mean {near!r}?" if near else "n6prog config lists them."


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that begin like ours and are none: most likely a slip of the pen."""
    known = {setting.variable for setting in SETTINGS}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)
