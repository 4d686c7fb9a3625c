"""The layout that host and chip share, from one definition."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from n6prog.flash_algos import generate, mailbox
from n6prog.targets import chip

STRUCTS = (
    mailbox.NorSetup, mailbox.BoardSetup, mailbox.Identity, mailbox.Job, mailbox.Result, mailbox.Decision,
    mailbox.Service, mailbox.Control, mailbox.State, mailbox.Descriptor, mailbox.Outcome,
)  # fmt: skip


def test_generated_files_are_those_of_the_definition() -> None:
    table = generate.definition()
    assert generate.C_HEADER.read_text(encoding="utf-8") == generate.c_header(table)
    assert generate.PYTHON_MODULE.read_text(encoding="utf-8") == generate.python_module(table)


def test_sizes_by_hand() -> None:
    sizes = {struct.__name__: struct.SIZE for struct in STRUCTS}
    assert sizes == {
        "NorSetup": 26 * 4,
        "BoardSetup": 21 * 4,
        "Identity": 4 + 4 + 4 * 4 + 512,
        "Job": 4 * 4,
        "Result": 10 * 4 + 16 * 8,
        "Decision": 4 * 4,
        "Service": 4 * 4,
        "Control": 4,
        "State": 16 * 4,
        "Descriptor": 16 * 8 + 8 * 4,
        "Outcome": 16 * 8 + 16 * 4,
    }


def test_values_lie_where_the_chip_looks_for_them() -> None:
    job = mailbox.Job(offset=0x0001_0000, sectors=0x8001, flags=mailbox.JOB_ERASE_ALL_SET, data=0x3408_0000)
    assert job.pack() == bytes.fromhex("00000100 01800000 01000000 00000834")
    identity = mailbox.Identity(status=2, jedec=b"\xc2\x80\x3a\x00", sr=0x40, sfdp_bytes=512, sfdp=b"SFDP" + bytes(508))
    raw = identity.pack()
    assert raw[4:8] == b"\xc2\x80\x3a\x00"
    assert raw[8] == 0x40
    assert raw[20:28] == b"\x00\x02\x00\x00SFDP"
    result = mailbox.Result(page_programs=7, digests=(1, *[0] * 14, 2**64 - 60))
    assert result.pack()[28] == 7
    assert result.pack()[40:48] == b"\x01" + bytes(7)
    assert result.pack()[-8:] == b"\xc4" + b"\xff" * 7


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_packing_and_unpacking_agree(struct: type) -> None:
    raw = bytes(index * 7 % 251 for index in range(struct.SIZE))
    assert struct.unpack(raw).pack() == raw


def test_every_status_has_words_and_success_is_zero() -> None:
    assert mailbox.Status.OK == 0
    assert all(status.meaning and "\n" not in status.meaning for status in mailbox.Status)
    assert len(set(mailbox.Status)) == len({status.meaning for status in mailbox.Status})


def test_a_member_that_would_need_padding_is_refused() -> None:
    fields = {"a": {"type": "u8", "doc": ""}, "b": {"type": "u32", "doc": ""}}
    with pytest.raises(ValueError, match=r"S\.b would need padding"):
        list(generate.structs({"structs": {"S": {"doc": "", "fields": fields}}}))


def test_the_workspace_is_the_one_that_the_target_keeps_free() -> None:
    names = ("BASE", "STACK_TOP", "STACK_SIZE", "PARAMS", "BUFFER", "KEEP", "TABLE")
    assert {name: getattr(mailbox, f"LOADER_{name}") for name in names} == {
        name: getattr(chip, f"LOADER_{name}") for name in names
    }
    assert mailbox.LOADER_RESERVED == chip.LOADER_SIZE


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_compiler_sees_the_same_offsets(tmp_path: Path) -> None:
    source = '#include "mailbox.h"\n'
    expected = {}
    for struct in generate.structs(generate.definition()):
        for field in struct.fields:
            expected[f"{struct.name}_{field.name}"] = field.offset
            source += f"enum {{ A_{struct.name}_{field.name} = __builtin_offsetof({struct.name}, {field.name}) }};\n"
            source += f'__asm__("@{struct.name}_{field.name} %c0" :: "i"(A_{struct.name}_{field.name}));\n'
    # GCC takes operands only in functions; print the offsets through a function that is never called.
    lines = source.splitlines()
    body = [line for line in lines if line.startswith("__asm__")]
    rest = [line for line in lines if not line.startswith("__asm__")]
    file = tmp_path / "offsets.c"
    file.write_text("\n".join([*rest, "void f(void) {", *body, "}"]), encoding="utf-8")
    command = ("arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb", "-S", "-o", "-", "-I", str(generate.C_HEADER.parent))
    out = subprocess.run((*command, str(file)), check=True, capture_output=True, text=True).stdout
    found = {name: int(value) for name, value in re.findall(r"@(\w+) (\d+)", out)}
    assert found == expected
