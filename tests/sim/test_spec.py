"""`sim[:BOARD[,key=value...]]`."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.sim.spec import Fault, SimSpec, endpoint, parse_spec


@pytest.mark.parametrize("text", ["sim", "SIM", "sim:", "", "nucleo-n657x0-q", "sim:nucleo-n657x0-q"])
def test_the_default_board_is_the_nucleo(text: str) -> None:
    assert parse_spec(text) == SimSpec(board="nucleo-n657x0-q")


def test_all_keys_together() -> None:
    text = (
        "sim:stm32n6570-dk,state=/a/B%2Cc,rev=z,boot1=0,link=stlink,part=MX25UM51245G,float=00,seed=0x10,schedule=eager"
    )
    assert parse_spec(f"{text},fault=no-wel+drop-page:3") == SimSpec(
        board="stm32n6570-dk",
        state="/a/B,c",
        rev="Z",
        boot1=0,
        part="MX25UM51245G",
        faults=(Fault("no-wel"), Fault("drop-page", 3)),
        undriven="00",
        seed=16,
        schedule="eager",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sim:nucleo-n657x0-q,colour=red", "no key 'colour'; keys are state"),
        ("sim:nucleo-n657x0-q,state", "not key=value"),
        ("sim:state=x", "the board comes first"),
        ("sim:nucleo-n657x0-q,rev=C", "rev=C is not one of B, Z"),
        ("sim:nucleo-n657x0-q,boot1=yes", "boot1=yes is not one of 0, 1"),
        ("sim:nucleo-n657x0-q,link=jlink", "link=jlink is not one of stlink, stlink-633k, cmsis-dap"),
        ("sim:nucleo-n657x0-q,schedule=late", "schedule=late is not one of lazy, eager"),
        ("sim:nucleo-n657x0-q,fualt=mute", "did you mean fault?"),
        ("sim:nucleo-n657x0-q,seed=many", "not a number"),
        ("sim:nucleo-n657x0-q,fault=gremlins", "no fault 'gremlins'; there are ap1-closed"),
        ("sim:nucleo-n657x0-q,fault=drop-page", "is written drop-page:N"),
        ("sim:nucleo-n657x0-q,fault=drop-page:0", "counted from 1"),
        ("sim:nucleo-n657x0-q,fault=flip-page:-1", "counted from 1"),
        ("sim:nucleo-n657x0-q,fault=fail-erase:-4096", "0 or more"),
        ("sim:nucleo-n657x0-q,fault=fail-program:-1", "0 or more"),
        ("sim:nucleo-n657x0-q,fault=no-wel:1", "is written no-wel"),
        ("sim:nucleo-n657x0-q,float=maybe", "float=maybe is not one of last, ff, 00"),
        ("sim:nucleo-n657x0-q,state=", "wants a folder"),
        ("sim:nucleo-n657x0-q,seed=1,seed=2", "given twice"),
        ("sim:connect=localhost", "not HOST:PORT"),
        ("sim:connect=:4460", "not HOST:PORT"),
        ("sim:connect=localhost:0", "not HOST:PORT"),
        ("sim:connect=localhost:65536", "not HOST:PORT"),
        ("sim:connect=localhost:4460,fault=mute", "fault= is for sim serve"),
        ("sim:connect=localhost:4460,state=x", "state= is for sim serve"),
    ],
)
def test_a_bad_spec_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_spec(text)


@pytest.mark.parametrize("board", ["", "nucleo-n657x0-q,"])
def test_a_served_board_needs_no_name(board: str) -> None:
    spec = parse_spec(f"sim:{board}connect=localhost:4460,link=cmsis-dap")
    assert spec == SimSpec(connect="localhost:4460", link="cmsis-dap")


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert endpoint("[::1]:4460") == ("::1", 4460)
    assert endpoint("localhost:4460") == ("localhost", 4460)


@given(st.text(alphabet=string.ascii_letters + string.digits + "/ .,_-+:", min_size=1, max_size=40))
def test_any_folder_survives_with_its_commas_escaped(folder: str) -> None:
    assert parse_spec(f"sim:nucleo-n657x0-q,state={folder.replace(',', '%2C')}").state == folder
