"""Make src/mailbox.h and mailbox.py from mailbox.toml, so that chip and host cannot disagree about a byte."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "mailbox.toml"
C_HEADER = HERE / "src" / "mailbox.h"
PYTHON_MODULE = HERE / "mailbox.py"

_SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}
_NOTICE = "Made from mailbox.toml by flash_algos/build.py; edit that file."


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a struct: its type name, how many (1 is a plain value), and its offset in bytes."""

    name: str
    type: str
    count: int
    offset: int
    doc: str

    @property
    def is_bytes(self) -> bool:
        """True for an array of u8, which Python sees as bytes."""
        return self.type == "u8" and self.count > 1


@dataclass(frozen=True, slots=True)
class Struct:
    """A struct of the mailbox; `size` in bytes."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    size: int


def definition() -> dict[str, Any]:
    """The parsed mailbox.toml."""
    return tomllib.loads(SOURCE.read_text(encoding="utf-8"))


def structs(table: Mapping[str, Any]) -> Iterator[Struct]:
    """Lay the structs out. Raises ValueError where a compiler would pad: C and Python must see the same bytes."""
    for name, entry in table["structs"].items():
        offset, widest, fields = 0, 1, []
        for member, facts in entry["fields"].items():
            width, count = _SIZES[facts["type"]], facts.get("count", 1)
            if offset % width:
                raise ValueError(f"mailbox.toml: {name}.{member} would need padding")
            fields.append(Field(member, facts["type"], count, offset, facts["doc"]))
            offset, widest = offset + width * count, max(widest, width)
        if offset % widest:
            raise ValueError(f"mailbox.toml: {name} would need padding at its end")
        yield Struct(name, entry["doc"], tuple(fields), offset)


def c_header(table: Mapping[str, Any]) -> str:
    """The text of src/mailbox.h."""
    out = [f"/* {_NOTICE} */", "#ifndef N6_MAILBOX_H", "#define N6_MAILBOX_H", "", "#include <stdint.h>", ""]
    for group in ("workspace", "constants"):
        for name, facts in table[group].items():
            out.append(f"#define {name} 0x{facts['value']:X}u /* {facts['doc']} */")
        out.append("")
    out.append("enum Status {")
    out += [f"    {name} = {facts['value']}, /* {facts['doc']} */" for name, facts in table["status"].items()]
    out += ["};", ""]
    for struct in structs(table):
        out += [f"/* {struct.doc} */", "typedef struct {"]
        for field in struct.fields:
            array = f"[{field.count}]" if field.count > 1 else ""
            out.append(f"    {_c_type(field.type)} {field.name}{array}; /* {field.doc} */")
        last, said = struct.fields[-1], '"mailbox layout"'
        out.append(f"}} {struct.name};")
        out.append(f"_Static_assert(sizeof({struct.name}) == {struct.size}, {said});")
        out += [f"_Static_assert(__builtin_offsetof({struct.name}, {last.name}) == {last.offset}, {said});", ""]
    out += ["#endif", ""]
    return "\n".join(out)


def _c_type(name: str) -> str:
    return f"uint{name[1:]}_t"


def python_module(table: Mapping[str, Any]) -> str:
    """The text of mailbox.py."""
    out = [
        '"""Layout of what host and loader exchange: constants, status codes, structs.',
        "",
        _NOTICE,
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "import struct",
        "from dataclasses import dataclass",
        "from enum import IntEnum",
        "from typing import ClassVar, Final",
        "",
        f'VERSION: Final = "{table["version"]}"',
    ]
    for group in ("workspace", "constants"):
        out.append("")
        for name, facts in table[group].items():
            out += [f"# {facts['doc']}", f"{name}: Final = 0x{facts['value']:X}"]
    out += ["", "ENTRIES: Final = ("]
    out += [f'    "{name}",' for name in table["entries"]]
    out += [")", "", "", "class Status(IntEnum):"]
    out += ['    """Result of every loader entry; `meaning` says it in words."""', ""]
    out += [f"    {name} = {facts['value']}" for name, facts in table["status"].items()]
    out += ["", "    @property", "    def meaning(self) -> str:", '        """One line for people."""']
    out += ["        return _MEANINGS[self]", "", "", "_MEANINGS: Final = {"]
    out += [f'    Status.{name}: "{facts["doc"]}",' for name, facts in table["status"].items()]
    out += ["}"]
    for item in structs(table):
        out += ["", "", *_python_class(item)]
    return "\n".join(out) + "\n"


def _python_class(item: Struct) -> Iterator[str]:
    layout = "<" + "".join(_format(field) for field in item.fields)
    yield "@dataclass(frozen=True, slots=True)"
    yield f"class {item.name}:"
    yield f'    """{item.doc}'
    yield ""
    for field in item.fields:
        yield f"    `{field.name}`: {field.doc}"
    yield '    """'
    yield ""
    yield f"    SIZE: ClassVar[int] = {item.size}"
    yield f'    FORMAT: ClassVar[struct.Struct] = struct.Struct("{layout}")'
    yield ""
    for field in item.fields:
        yield f"    {field.name}: {_python_type(field)} = {_python_default(field)}"
    yield ""
    yield "    def pack(self) -> bytes:"
    yield '        """The bytes as they lie in the chip\'s memory."""'
    yield "        return self.FORMAT.pack("
    for field in item.fields:
        star = "*" if field.count > 1 and not field.is_bytes else ""
        yield f"            {star}self.{field.name},"
    yield "        )"
    yield ""
    yield "    @classmethod"
    yield f"    def unpack(cls, data: bytes | bytearray | memoryview) -> {item.name}:"
    yield '        """The struct from exactly SIZE bytes. Raises struct.error for any other length."""'
    yield "        values = cls.FORMAT.unpack(data)"
    yield "        return cls("
    index = 0
    for field in item.fields:
        if field.count == 1 or field.is_bytes:
            yield f"            values[{index}],"
            index += 1
        else:
            yield f"            tuple(values[{index}:{index + field.count}]),"
            index += field.count
    yield "        )"


def _format(field: Field) -> str:
    if field.is_bytes:
        return f"{field.count}s"
    return (str(field.count) if field.count > 1 else "") + _FORMATS[field.type]


def _python_type(field: Field) -> str:
    if field.is_bytes:
        return "bytes"
    return "int" if field.count == 1 else "tuple[int, ...]"


def _python_default(field: Field) -> str:
    if field.is_bytes:
        return f"bytes({field.count})"
    return "0" if field.count == 1 else f"(0,) * {field.count}"
