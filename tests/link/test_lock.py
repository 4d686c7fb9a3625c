"""One lock a probe, between processes: who has it is named, and whoever is gone holds nobody up."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from n6prog.link import lock
from n6prog.link.holder import Holder, holder_of_file, in_use
from n6prog.link.lock import ProbeHeld, ProbeLock, file_of, holder_of

UID = "003A00373137510D39383538"


@contextmanager
def another_process(body: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process that has the probe until its stdin ends."""
    script = (
        "import sys\n"
        "from n6prog.link.lock import ProbeLock\n"
        f"lock = ProbeLock({UID!r}, 'night run')\n"
        f"{body}\n"
        "print('in', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "--speed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        try:
            yield process
        finally:
            process.kill()


def test_who_has_the_probe_keeps_others_out_until_it_is_let_go() -> None:
    mine = ProbeLock(UID, "flash")
    with pytest.raises(ProbeHeld) as caught:
        ProbeLock(UID, "verify")
    holder = caught.value.holder
    assert (holder.pid, holder.reason, holder.host) == (os.getpid(), "flash", platform.node())
    assert holder.since
    assert holder_of(UID) == holder
    ProbeLock("another probe", "flash").release()
    mine.release()
    assert holder_of(UID) is None
    ProbeLock(UID, "verify").release()


def test_another_process_is_named_with_its_command_and_reason() -> None:
    with another_process() as process:
        with pytest.raises(ProbeHeld) as caught:
            ProbeLock(UID, "flash")
        holder = caught.value.holder
        assert (holder.pid, holder.command, holder.reason) == (process.pid, "-c --speed", "night run")
        assert holder_of(UID) == holder
        process.kill()
        process.wait()
        assert holder_of(UID) is None  # it could not clean up; the system did
        assert "night run" in file_of(UID).read_text()
        ProbeLock(UID, "flash").release()


def test_a_record_whose_process_id_lives_on_in_another_process_is_stale() -> None:
    path = file_of(UID)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": os.getppid(), "host": platform.node(), "reason": "long ago"}) + "\n")
    assert holder_of(UID) is None
    ProbeLock(UID, "flash").release()


@pytest.mark.parametrize("record", ["", "{", "[1]", "null", '{"pid": "x", "since": 7}', "\0" * 9000, "[" * 4000])
def test_a_record_that_makes_no_sense_hides_no_holder_and_makes_none(record: str) -> None:
    mine = ProbeLock(UID, "flash")
    file_of(UID).write_text(record)
    with pytest.raises(ProbeHeld) as caught:
        ProbeLock(UID, "verify")
    assert str(caught.value.holder) == "another program"
    mine.release()
    file_of(UID).write_text(record)
    assert holder_of(UID) is None
    ProbeLock(UID, "verify").release()


def test_somebody_who_only_looks_does_not_make_a_probe_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(UID)
    path.parent.mkdir(parents=True)
    path.write_text('{"pid": 1}\n')
    looking = path.open()
    assert lock._try_lock(looking, shared=True)

    class Clock:
        def sleep(self, seconds: float) -> None:
            looking.close()

    monkeypatch.setattr(lock, "WallClock", Clock)
    ProbeLock(UID, "flash").release()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_outlives_the_holder_does_not_keep_the_probe() -> None:
    body = (
        "import os, time\n"
        "heard, told = os.pipe()\n"
        "if not os.fork():\n"
        "    os.close(0); os.close(1)\n"
        "    os.write(told, b'.')\n"  # it runs, so what it inherited of the lock is closed
        "    time.sleep(20)\n"
        "    os._exit(0)\n"
        "os.read(heard, 1)\n"
    )
    with another_process(body) as process:
        process.kill()
        process.wait()
        assert holder_of(UID) is None
        ProbeLock(UID, "flash").release()


def test_a_lock_works_in_processes_that_were_not_forked() -> None:
    mine = ProbeLock(UID, "flash")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_holder_seen) == os.getpid()
    mine.release()


def _holder_seen() -> int | None:
    holder = holder_of(UID)
    return holder.pid if holder else None


def test_where_nothing_can_be_written_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    ProbeLock(UID, "flash").release()
    assert holder_of(UID) is None


def test_where_the_file_system_has_no_locks_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> bool:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock, "_try_lock", none)
    ProbeLock(UID, "flash").release()
    assert holder_of(UID) is None


@pytest.mark.parametrize("uid", ["../../x", "", "a/b", "a_b", "a" * 300, "é", ".."])
def test_ids_that_are_no_file_names_get_files_of_their_own(uid: str) -> None:
    assert file_of(uid).parent == lock.folder()
    others = {"a/b", "a_b", "../../x", "", "a" * 300, "é", ".."} - {uid}
    assert file_of(uid) not in {file_of(other) for other in others}


def test_a_holder_is_one_phrase_and_only_what_is_known() -> None:
    holder = Holder(4711, "n6prog flash app.elf", "anna", "elsewhere", "not a time", "flash")
    words = "process 4711 (n6prog flash app.elf), user anna, on elsewhere, since not a time, for flash"
    assert str(holder) == words
    assert str(Holder(7, host=platform.node())) == "process 7"
    assert Holder.of({"pid": True, "user": 3}) == Holder()


def test_the_finding_holds_what_is_known_for_programs_too() -> None:
    found = in_use("ST-LINK 003A", {"pid": 4711, "user": "anna", "reason": "flash"}).findings[0]
    assert (found.code, found.exit_code) == ("E-PROBE-BUSY", 4)
    assert found.evidence["pid"] == 4711
    assert found.text == "ST-LINK 003A is in use by process 4711, user anna, for flash"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")
def test_another_program_is_found_by_the_file_it_has_open(tmp_path: Path) -> None:
    node = tmp_path / "007"
    node.write_text("")
    script = "import sys; f = open(sys.argv[1]); print('in', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(node)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        holder = holder_of_file(node)
        process.communicate("")
    assert holder is not None
    assert holder.pid == process.pid
    assert holder.command.startswith(f"{sys.executable} -c import sys")
    assert not holder.reason
    assert holder.since.endswith("+00:00")
    assert holder_of_file(node) is None
