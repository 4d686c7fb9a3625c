"""Settings: where each value comes from, and what is said about wrong ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from n6prog.config import BY_NAME, SETTINGS, Place, Settings, resolve, unknown_variables
from n6prog.config_file import ConfigFile, find_file
from n6prog.errors import UsageError

SAMPLES = {
    "probe": ("003A", "003A"),
    "swd_clock": ("8M", 8_000_000),
    "board": ("stm32n6570-dk", "stm32n6570-dk"),
    "connect": ("UR", "under-reset"),
    "wait": ("2.5", 2.5),
    "erase": ("all-touched", "all-touched"),
    "header": ("none", "none"),
    "map": ("0x34000000=0x70100000", ("0x34000000=0x70100000",)),
    "slot": ("app", "app"),
    "diff": ("1", True),
    "no_verify": ("1", True),
    "unprotect": ("yes", True),
    "after": ("halt", "halt"),
    "loader": ("classic", "classic"),
    "output": ("dump.bin", "dump.bin"),
    "report": ("out.zip", "out.zip"),
    "svg": ("map.svg", "map.svg"),
    "dry_run": ("yes", True),
    "json": ("1", True),
    "no_progress": ("on", True),
    "verbose": ("2", 2),
    "quiet": ("true", True),
    "preset": ("fast", "fast"),
    "boot1": ("0", "0"),
    "stlink_port": ("7184", "7184"),
    "cmsis_dap_port": ("off", "off"),
    "uart_port": ("0", "0"),
    "n6prog_port": ("0", "0"),
    "listen": ("127.0.0.1", "127.0.0.1"),
    "time_scale": ("0.5", "0.5"),
    "log": ("n6.log", "n6.log"),
}


def from_toml(folder: Path, text: str, name: str = "n6prog.toml") -> ConfigFile:
    (folder / name).write_text(text, encoding="utf-8")
    found = find_file(folder)
    assert found is not None
    return found


def refused(folder: Path, text: str, name: str = "n6prog.toml") -> UsageError:
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, from_toml(folder, text, name))
    return caught.value


def test_the_table_and_the_type_name_the_same_settings() -> None:
    assert {setting.name for setting in SETTINGS} == set(SAMPLES)
    assert set(Settings.__dataclass_fields__) - {"origins", "file", "slots"} == set(SAMPLES)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "preset"])
def test_every_option_has_a_variable_and_a_key(name: str, tmp_path: Path) -> None:
    text, value = SAMPLES[name]
    variable = "N6PROG_" + name.upper()
    by_variable = resolve({}, {variable: text})
    assert getattr(by_variable, name) == value
    assert str(by_variable.origins[name]) == variable
    flag = BY_NAME[name].takes == "flag"
    file = from_toml(tmp_path, f"\n{name} = {'true' if flag else repr(text)}\n")
    by_file = resolve({}, {}, file)
    expected = str(tmp_path / text) if name in ("log", "output", "report", "svg") else value
    assert getattr(by_file, name) == expected
    assert str(by_file.origins[name]) == f"{tmp_path / 'n6prog.toml'}:2"


def test_command_line_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = from_toml(tmp_path, 'erase = "chip"\nafter = "halt"\nconnect = "halt"\n')
    environ = {"N6PROG_ERASE": "all-touched", "N6PROG_AFTER": "none"}
    settings = resolve({"erase": "changed"}, environ, file)
    assert (settings.erase, settings.after, settings.connect, settings.header) == ("changed", "none", "halt", "auto")
    places = [settings.origins[name].place for name in ("erase", "after", "connect", "header")]
    assert places == [Place.COMMAND_LINE, Place.ENVIRONMENT, Place.FILE, Place.DEFAULT]


def test_an_empty_variable_is_no_setting() -> None:
    assert resolve({}, {"N6PROG_BOARD": ""}).origins["board"].place is Place.DEFAULT


def test_the_nearest_file_upward_is_taken(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "n6prog.toml").write_text('board = "far"\n')
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.n6prog]\n\nboard = "near"\n')
    settings = resolve({}, {}, find_file(inner))
    assert settings.board == "near"
    assert str(settings.origins["board"]) == f"{tmp_path / 'a' / 'pyproject.toml'}:5"


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "n6prog.toml").write_text('board = "far"\n')
    (tmp_path / "sub" / "pyproject.toml").write_text('[project]\ndependencies = ["n6prog"]\n')
    assert resolve({}, {}, find_file(tmp_path / "sub")).board == "far"


def test_somebody_elses_broken_pyproject_is_no_matter_of_ours(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert find_file(tmp_path) is None


def test_n6prog_toml_goes_before_pyproject_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.n6prog]\nboard = "a"\n')
    assert resolve({}, {}, from_toml(tmp_path, 'board = "b"\n')).board == "b"


def test_a_board_file_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    file = from_toml(tmp_path, 'board = "boards/mine.toml"\n')
    assert resolve({}, {}, file).board == str(tmp_path / "boards" / "mine.toml")


def test_keys_may_be_written_with_dashes(tmp_path: Path) -> None:
    assert resolve({}, {}, from_toml(tmp_path, 'swd-clock = "3300k"\n')).swd_clock == 3_300_000


def test_numbers_in_the_file_are_read_like_texts(tmp_path: Path) -> None:
    settings = resolve({}, {}, from_toml(tmp_path, "swd_clock = 8_000_000\nwait = 2\nmap = ['1=2', '3=4']\n"))
    assert (settings.swd_clock, settings.wait, settings.map) == (8_000_000, 2.0, ("1=2", "3=4"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('probe = "a"\n\nbaord = "x"\n', 3, "Did you mean 'board'?"),
        ('swd_clock = "8000"\n', 1, "Did you mean 8000k?"),
        ("\nswd_clock = 8000\n", 2, "Did you mean 8000k?"),
        ("no_verify = 1\n", 1, "no_verify = true"),
        ("board = 5\n", 1, "board wants a text"),
        ('after = "run"\n', 1, "not in this version"),
        ('connect = "atach"\n', 1, "Did you mean 'attach'?"),
        ("\n[slots.app]\nstart = 1\n", 2, "size: is missing"),
        ("[slots.app]\nstart = 0x70100001\nsize = 0x1000\nheader = true\n", 2, "multiple of 0x1000"),
        ("[slots.app]\nstart = 0x70100000\nsize = 0x1000\nheadr = true\n", 4, 'is "headr" meant'),
        ('[slots."my app"]\nstart = 0x70100000\n', 1, "letters, digits"),
        ("slots = 3\n", 1, "[slots.app]"),
        ('[slots]\napp = "0x70100000"\n', 1, "[slots.app]"),
        ('preset = "fats"\n[presets.fast]\n', 1, "Did you mean 'fast'?"),
        ('preset = "fast"\n[presets.fast]\nprobe = "a"\npreset = "fast"\n', 4, "'preset' is not a setting"),
        ('preset = "fast"\n[presets.fast]\n\nafter = "never"\n', 4, "after"),
        ('probe = "a"\nboard = \n', 2, "not TOML"),
        ("erase = 3\n", 1, "erase wants a text"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    error = refused(tmp_path, text) if "= \n" not in text else None
    if error is None:
        with pytest.raises(UsageError) as caught:
            from_toml(tmp_path, text)
        error = caught.value
    assert error.exit_code == 2
    assert error.findings[0].code == "E-CONFIG"
    assert error.findings[0].subject == f"{tmp_path / 'n6prog.toml'}:{line}"
    assert words in error.findings[0].text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wait = 1" + "0" * 5000, "4300 digits"),  # Python's limit for decimal integers
        ("wait = 0x" + "f" * 5000, "far too large"),
        ("swd_clock = inf", "far too large"),
        ("wait = nan", "far too large"),
        ("map = " + "[" * 5000 + "]" * 5000, "nested too deep"),
    ],
)
def test_what_python_itself_cannot_read_is_a_fault_of_the_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, from_toml(tmp_path, text))
    assert caught.value.findings[0].code == "E-CONFIG"
    assert words in caught.value.findings[0].text


def test_a_file_too_large_for_settings_is_not_read(tmp_path: Path) -> None:
    for name in ("n6prog.toml", "pyproject.toml"):
        with (tmp_path / name).open("wb") as file:
            os.truncate(file.fileno(), 1 << 40)
    with pytest.raises(UsageError) as caught:
        find_file(tmp_path)
    assert "has 1099511627776 bytes" in caught.value.findings[0].text
    (tmp_path / "n6prog.toml").unlink()
    found = find_file(tmp_path)
    assert found is None or found.path.parent != tmp_path
    (tmp_path / "pyproject.toml").write_text("[tool.n6prog]\nboard = 'x'\n" + "# long\n" * 30_000)
    with pytest.raises(UsageError, match="no more than 131072 are read"):
        find_file(tmp_path)


def test_a_fault_in_pyproject_counts_lines_of_its_own_table(tmp_path: Path) -> None:
    text = '[project]\nboard = 1\n[tool.other]\nboard = 2\n[tool.n6prog]\n"board" = 3\n'
    assert refused(tmp_path, text, "pyproject.toml").findings[0].subject == f"{tmp_path / 'pyproject.toml'}:6"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = from_toml(tmp_path, 'wait = "soon"\nnonsense = 1\n')
    with pytest.raises(UsageError) as caught:
        resolve({"erase": "everything"}, {"N6PROG_AFTER": "sleep"}, file)
    told = " ".join(f"{found.subject} {found.text}" for found in caught.value.findings)
    for word in ("--erase", "N6PROG_AFTER", "n6prog.toml:1", "n6prog.toml:2"):
        assert word in told


def test_a_slip_in_a_variable_is_seen() -> None:
    assert unknown_variables({"N6PROG_BAORD": "x", "N6PROG_BOARD": "y", "HOME": "z"}) == ["N6PROG_BAORD"]


@given(st.dictionaries(st.sampled_from(sorted(SAMPLES)), st.text(max_size=12), max_size=4))
def test_any_text_is_either_a_value_or_a_usage_error(texts: dict[str, str]) -> None:
    try:
        settings = resolve(texts, {})
    except UsageError:
        return
    assert all(settings.origins[name].place is Place.COMMAND_LINE for name in texts)


def test_a_preset_goes_before_the_file_and_behind_the_environment(tmp_path: Path) -> None:
    text = 'board = "a"\nerase = "chip"\nafter = "none"\n[presets.fast]\nswd-clock = "24M"\nerase = "all-touched"\n'
    file = from_toml(tmp_path, text + 'after = "reset"\n')
    settings = resolve({"preset": "fast"}, {"N6PROG_AFTER": "halt"}, file)
    assert (settings.board, settings.swd_clock, settings.erase, settings.after) == (
        "a",
        24_000_000,
        "all-touched",
        "halt",
    )
    assert str(settings.origins["erase"]) == f"{tmp_path / 'n6prog.toml'}:6"
    assert resolve({}, {}, file).erase == "chip"
    assert resolve({"preset": "fast", "erase": "changed"}, {}, file).erase == "changed"


def test_presets_and_slots_stand_in_pyproject_too(tmp_path: Path) -> None:
    text = (
        '[tool.n6prog]\npreset = "ci"\n[tool.n6prog.presets.ci]\nquiet = true\n'
        "[tool.n6prog.slots.model]\nstart = 0x71000000\nsize = 0x100000\nheader = false\n"
    )
    settings = resolve({}, {}, from_toml(tmp_path, text, "pyproject.toml"))
    assert settings.quiet
    assert str(settings.origins["quiet"]) == f"{tmp_path / 'pyproject.toml'}:4"
    (item,) = settings.slots
    assert (item.slot.name, item.slot.start, item.slot.size, item.slot.header) == (
        "model",
        0x7100_0000,
        0x10_0000,
        False,
    )
    assert item.where == f"{tmp_path / 'pyproject.toml'}:5"


def test_a_preset_that_is_nowhere_is_told_with_its_option() -> None:
    with pytest.raises(UsageError) as caught:
        resolve({"preset": "fast"}, {})
    assert caught.value.findings[0].subject == "--preset"
    assert "[presets.NAME]" in caught.value.findings[0].cure
