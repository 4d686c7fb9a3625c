"""`make bench`, second part: what flashing costs in virtual time, beside the physical limit and other ways to flash.

    python tools/speed_table.py                 all of it (some minutes); writes nothing
    python tools/speed_table.py --record        ... and keeps the figures in tools/speed/figures.toml and docs/speed.md
    python tools/speed_table.py --check         n6prog's own figures only, held against those kept: the regression test

Virtual time is the same on every machine. It rests on the constants printed below the table, none of which was timed on
a real board. A figure is too slow when it is above what was promised or more than half a percent above the one kept.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from speed import flows
from speed.cases import Case, Flow, all_cases, holds, prepare

ROOT = Path(__file__).parents[1]
FIGURES = Path(__file__).parent / "speed" / "figures.toml"
PAGE = ROOT / "docs" / "speed.md"
LINKS = {"stlink": "ST-LINK V3", "stlink-633k": "ST-LINK V3 that moves 633 kB/s at most"}
OTHERS: dict[str, Flow] = {
    "pyOCD 4K": flows.pyocd_4k,
    "pyOCD 64K": flows.pyocd_64k,
    "ext. loader": flows.external_loader,
}
OURS = "n6prog"
SLACK = 1.005

Figures = dict[str, dict[str, dict[str, float]]]
"""link -> case -> flow -> virtual seconds."""


def main() -> int:
    """0 when every figure is as promised, 1 when one is not."""
    args = _arguments()
    kept: Figures = tomllib.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    links = ["stlink"] if args.check else list(LINKS)
    figures = {link: {case.name: _measure(case, link, others=not args.check) for case in all_cases()} for link in links}
    shown = _with_kept_others(figures, kept) if args.check else figures
    text = "\n\n".join(_table(link, shown[link]) for link in links) + "\n\n" + _constants()
    print(text)
    slow = _slow(shown, kept if args.check else {})
    for line in slow:
        print(f"too slow: {line}", file=sys.stderr)
    if args.record:
        FIGURES.write_text(_toml(figures))
        PAGE.write_text(_page(text))
    return 1 if slow else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The speed table, in virtual time.")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--record", action="store_true", help="keep the figures")
    group.add_argument("--check", action="store_true", help="n6prog's own figures against those kept")
    return parser.parse_args()


def _measure(case: Case, link: str, *, others: bool) -> dict[str, float]:
    """Virtual seconds of each way for one case. Raises RuntimeError where the flash does not hold what it should."""
    ways = {OURS: flows.ours} | (OTHERS if others and case.wanted is not None else {})
    found = {}
    for name, flow in ways.items():
        place = Path(tempfile.mkdtemp(prefix="n6prog-speed-"))
        try:
            folder = prepare(case, place / "board")
            found[name] = flow(case, link, folder)
            if not holds(case, folder):
                raise RuntimeError(f"{name}, {case.name}: the flash does not hold what was asked for")
        finally:
            shutil.rmtree(place)
    return found


def _with_kept_others(figures: Figures, kept: Figures) -> Figures:
    """The figures of the others as they were when they were kept."""
    return {
        link: {name: kept.get(link, {}).get(name, {}) | found for name, found in cases.items()}
        for link, cases in figures.items()
    }


def _table(link: str, found: dict[str, dict[str, float]]) -> str:
    """Markdown, a row a case."""
    head = ["case", "limit T*", OURS, "of T*", *OTHERS, "best / n6prog"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for case in all_cases():
        times = found[case.name]
        others = [times[name] for name in OTHERS if name in times]
        rows.append(
            [
                case.name,
                f"{case.floor:.2f} s" if case.floor else "",
                f"{times[OURS]:.3f} s",
                f"{times[OURS] / case.floor:.3f}" if case.floor else "",
                *(f"{times[name]:.1f} s" if name in times else "" for name in OTHERS),
                f"{min(others) / times[OURS]:.1f}" if others else "",
            ]
        )
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    return "\n".join([f"{LINKS[link]} (simulated)", "", *lines])


def _slow(figures: Figures, kept: Figures) -> list[str]:
    """What is not as promised. The promises are for the plain ST-LINK; the kept figures for all."""
    wrong = []
    cases = {case.name: case for case in all_cases()}
    for link, found in figures.items():
        for name, times in found.items():
            case, seconds = cases[name], times[OURS]
            before = kept.get(link, {}).get(name, {}).get(OURS)
            if before is not None and seconds > before * SLACK:
                wrong.append(f"{name} ({link}): {seconds:.4f} s, kept {before:.4f} s")
            if link != "stlink":
                continue
            if seconds > case.limit:
                wrong.append(f"{name}: {seconds:.4f} s, promised {case.limit:.4f} s")
            others = [times[other] for other in OTHERS if other in times]
            if case.against and others and min(others) < case.against * seconds:
                wrong.append(f"{name}: {min(others) / seconds:.2f} times the best other, promised {case.against:g}")
    return wrong


def _constants() -> str:
    from n6prog.sim.clock import TimeModel

    nor = f"{'NOR':<22} typical times of its SFDP: 4 KiB 25 ms, 64 KiB 256 ms, page 152 us"
    return (
        f"Constants (assumptions until a real probe and board are timed):\n\n```\n{TimeModel().describe()}\n{nor}\n```"
    )


def _toml(figures: Figures) -> str:
    lines = ["# Virtual seconds, by link, case and way. Written by tools/speed_table.py --record; checked by --check."]
    for link, cases in figures.items():
        for name, times in cases.items():
            lines += ["", f'[{link}."{name}"]', *(f'"{way}" = {seconds:.6f}' for way, seconds in times.items())]
    return "\n".join(lines) + "\n"


def _page(table: str) -> str:
    return f"{PREFACE}\n{table}\n"


PREFACE = """\
# Speed, simulated

Virtual time of the simulated board, the same on every machine; nothing here was measured on silicon. Written by
`python tools/speed_table.py --record`; CI holds n6prog's own figures against these.

T* is the larger of two times: the bytes that must travel on the wire (46 SWD clocks a word), and erasing and
programming in the cheapest way at the part's typical times. n6prog is the whole command, from connecting until all is
verified. Beside it, on the same board: stock pyOCD (`FileProgrammer`, it does not verify) with our classic flash
algorithm, pages and erases of 4 KiB and of 64 KiB; and the order of things of an ST external loader: for each 64 KiB
erase, send, write in one call, nothing at the same time, then everything read back over SWD.
"""


if __name__ == "__main__":
    sys.exit(main())
