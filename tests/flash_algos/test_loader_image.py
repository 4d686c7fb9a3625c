"""The shipped image: whole, in its place, and free of instructions the simulator's core does not know."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from n6prog.flash_algos import LoaderDamaged, load_image, mailbox, pyocd_algo
from n6prog.flash_algos.loader_image import SHIPPED

BUILD = Path(__file__).parents[2] / "flash_algos" / "build.py"

# Armv8-M Mainline without DSP, FPU and v8.1-M (Armv8-M ARM, C1.4): what the loader is made of and little more.
ALLOWED = re.compile(
    r"(?:adc|add|addw|adr|and|asr|b|bfc|bfi|bic|bl|blx|bx|cbn?z|clz|cmn|cmp|cps(?:id|ie)|dsb|dmb|eor|isb|it[te]{0,3}|ldm|ldr[bhd]?|"
    r"ldrs[bh]|lsl|lsr|ml[as]|mov[wt]?|mrs|msr|mul|mvn|neg|nop|or[nr]|pop|push|rbit|rev(?:16|sh)?|ror|rsb|sbc|[su]bfx|[su]div|"
    r"[su]mlal|[su]mull|stm|str[bhd]?|sub|subw|[su]xt[bh]|teq|tst|bkpt|udf)"
    r"(?:ia|db|fd)?s?(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?(?:\.[nw])?"
)

BRANCH = re.compile(r"(?:bl?|b(?:eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)|cbn?z)(?:\.w)? (?:\w+, )?#(0x[0-9a-f]+)")


@pytest.mark.parametrize(
    "mnemonic", ["dls", "wls", "le", "csel", "cset", "lsll", "asrl", "vadd", "umaal", "smlad", "qadd", "ssat16"]
)
def test_the_lint_refuses_what_it_is_there_to_refuse(mnemonic: str) -> None:
    assert not ALLOWED.fullmatch(mnemonic)


def test_the_image_fits_and_is_as_recorded() -> None:
    image = load_image()
    assert image.base == 0x3407_0000
    assert len(image.code) <= mailbox.LOADER_RESERVED
    assert len(image.code) % 4 == 0
    assert set(image.entries) == set(mailbox.ENTRIES)
    assert all(
        address & 1 and image.base < address < image.base + len(image.code) for address in image.entries.values()
    )
    assert image.version == mailbox.VERSION


def test_the_return_address_holds_a_breakpoint() -> None:
    assert load_image().code[:4] == bytes.fromhex("00 be fd e7")  # bkpt #0; b .-2


def test_each_entry_clears_limits_and_masks_interrupts_before_anything_else() -> None:
    image = load_image()
    # Encodings by hand (Armv8-M ARM): MOV r12,#0; MSR MSPLIM (SYSm 10),r12; MSR PSPLIM (11),r12; CPSID i.
    veneer = bytes.fromhex("4ff0000c 8cf30a88 8cf30b88 72b6")
    for name, address in image.entries.items():
        start = address - 1 - image.base
        assert image.code[start : start + len(veneer)] == veneer, name


def test_a_damaged_byte_is_noticed(tmp_path: Path) -> None:
    code = SHIPPED.read_bytes()
    copy = tmp_path / "n6loader.bin"
    shutil.copy(SHIPPED.with_name("build.json"), tmp_path)
    for at in range(0, len(code), 64):
        copy.write_bytes(code[:at] + bytes([code[at] ^ 0x10]) + code[at + 1 :])
        with pytest.raises(LoaderDamaged) as caught:
            load_image(copy)
        assert caught.value.expected == json.loads((tmp_path / "build.json").read_text(encoding="utf-8"))["sha256"]
        assert caught.value.found != caught.value.expected
    copy.write_bytes(code[:-16])
    with pytest.raises(LoaderDamaged):
        load_image(copy)
    copy.write_bytes(code)
    assert load_image(copy).code == code


def test_pyocd_gets_an_algorithm_whose_parts_do_not_overlap() -> None:
    image = load_image()
    algo = pyocd_algo()
    assert b"".join(word.to_bytes(4, "little") for word in algo["instructions"]) == image.code
    page = 0x1_0000  # the largest page a region may have
    stack = (algo["end_stack"], algo["begin_stack"])
    areas = [(image.base, image.base + len(image.code)), stack]
    areas += [(start, start + page) for start in (*algo["page_buffers"], mailbox.LOADER_KEEP)]
    areas.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(areas))
    assert {
        algo[name] for name in ("pc_init", "pc_unInit", "pc_program_page", "pc_erase_sector", "pc_eraseAll")
    } <= set(image.entries.values())


def test_the_shipped_bytes_hold_no_instruction_beyond_armv8m_mainline() -> None:
    import capstone

    image = load_image()
    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    todo, seen = [address & ~1 for address in image.entries.values()], set[int]()
    while todo:
        address = todo.pop()
        while address not in seen:
            at = address - image.base
            assert 0 <= at < len(image.code), f"{address:#x} is outside of the image"
            instruction = next(decoder.disasm(image.code[at : at + 4], address, 1), None)
            assert instruction is not None, f"{address:#x}: {image.code[at : at + 4].hex()} is no instruction"
            assert ALLOWED.fullmatch(instruction.mnemonic), f"{address:#x}: {instruction.mnemonic} {instruction.op_str}"
            seen.update(range(address, address + instruction.size))
            address += instruction.size
            if target := BRANCH.fullmatch(f"{instruction.mnemonic} {instruction.op_str}"):
                todo.append(int(target[1], 16))
            if leaves(instruction.mnemonic, instruction.op_str):
                break
    # Branches through registers are not followed; this says that hardly any code hides behind one.
    assert len(seen) > 0.8 * len(image.code)


def leaves(mnemonic: str, operands: str) -> bool:
    """Whether nothing runs on behind this instruction (conditional ones do)."""
    name = mnemonic.removesuffix(".w")
    return name == "b" or name == "bx" or (name in {"pop", "ldm"} and "pc" in operands) or name == "bkpt"


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_rebuild_gives_the_shipped_bytes_wherever_the_sources_lie(tmp_path: Path) -> None:
    elsewhere = tmp_path / "somewhere else"
    shutil.copytree(BUILD.parent, elsewhere / "flash_algos", ignore=shutil.ignore_patterns("__pycache__"))
    (elsewhere / "n6prog").mkdir()
    (elsewhere / "n6prog" / "flash_algos").symlink_to("../flash_algos")
    rebuilt = tmp_path / "build" / "rebuilt"
    command = (sys.executable, "-S", str(elsewhere / "flash_algos" / "build.py"), "--check", "--output", str(rebuilt))
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    if "compiler differs" not in run.stdout:
        assert (rebuilt / SHIPPED.name).read_bytes() == SHIPPED.read_bytes()
    assert load_image(rebuilt).version == mailbox.VERSION


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(BUILD.parent, tmp_path / "flash_algos", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "n6prog").mkdir()
    (tmp_path / "n6prog" / "flash_algos").symlink_to("../flash_algos")
    source = tmp_path / "flash_algos" / "src" / "timer.c"
    source.write_text(source.read_text(encoding="utf-8").replace("HSI_MHZ 64u", "HSI_MHZ 63u"), encoding="utf-8")
    command = (sys.executable, "-S", str(tmp_path / "flash_algos" / "build.py"), "--check")
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 1 or "compiler differs" in run.stdout


@pytest.mark.needs("arm-none-eabi-gcc")
def test_a_stale_header_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(BUILD.parent, tmp_path / "flash_algos", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "n6prog").mkdir()
    (tmp_path / "n6prog" / "flash_algos").symlink_to("../flash_algos")
    header = tmp_path / "flash_algos" / "src" / "mailbox.h"
    header.write_text(header.read_text(encoding="utf-8").replace("TIMEOUT = 1", "TIMEOUT = 2"), encoding="utf-8")
    command = (sys.executable, "-S", str(tmp_path / "flash_algos" / "build.py"), "--check")
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert "mailbox.h" in run.stdout


@pytest.mark.needs("arm-none-eabi-gcc")
def test_the_compiled_code_holds_no_instruction_beyond_armv8m_mainline(tmp_path: Path) -> None:
    from n6prog.flash_algos import build

    build.build(tmp_path, tmp_path / "n6loader.bin")
    command = ("arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(tmp_path / "n6loader.elf"))
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    mnemonics = re.findall(r"^\s*[0-9a-f]+:\t([a-z][a-z0-9.]*)(?:\t.*)?$", listing, re.MULTILINE)
    assert len(mnemonics) > 1000
    assert [name for name in mnemonics if not ALLOWED.fullmatch(name)] == []
