"""How a file and its address are named on the command line and in scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from n6prog.errors import UsageError
from n6prog.image import FileSpec, parse_spec


@pytest.mark.parametrize(
    ("text", "path", "address"),
    [
        ("app.elf", "app.elf", None),
        ("weights.raw@0x71000000", "weights.raw", 0x71000000),
        ("weights.raw@0x7100_0000", "weights.raw", 0x71000000),
        ("weights.raw@1895825408", "weights.raw", 0x71000000),
        ("dir@home/a.bin@0X70380000", "dir@home/a.bin", 0x70380000),
        ("C:/a b/x.bin@0", "C:/a b/x.bin", 0),
    ],
)
def test_an_address_follows_the_last_at_sign(text: str, path: str, address: int | None) -> None:
    assert parse_spec(text) == FileSpec(Path(path), address)


@pytest.mark.parametrize(
    ("text", "path", "slot"),
    [
        ("a.bin@app", "a.bin", "app"),
        ("a.bin@fsbl-b", "a.bin", "fsbl-b"),
        ("dir@x/a.bin@model_2", "dir@x/a.bin", "model_2"),
    ],
)
def test_a_slot_may_stand_in_an_addresss_place(text: str, path: str, slot: str) -> None:
    spec = parse_spec(text)
    assert spec == FileSpec(Path(path), slot=slot)
    assert str(spec) == text


def test_a_file_whose_name_holds_an_at_sign_wins(tmp_path: Path) -> None:
    odd = tmp_path / "net@0x10"
    odd.write_bytes(b"x")
    assert parse_spec(str(odd)) == FileSpec(odd, None)
    assert parse_spec(f"{odd}@0x71000000") == FileSpec(odd, 0x71000000)


def test_a_path_object_carries_no_address() -> None:
    assert parse_spec(Path("a@0x70000000")) == FileSpec(Path("a@0x70000000"), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@0x70000000",
        "a.bin@",
        "a.bin@0x",
        "a.bin@7zz",
        "user@host.bin",
        "a.bin@-4",
        "a.bin@0x1_0000_0000",
        "a@" + "9" * 9000,
    ],
)
def test_what_is_not_file_and_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(text)
    assert caught.value.code == "E-USAGE"
    assert caught.value.findings[0].cure
