"""Build wheel and sdist, look into them, and run the wheel from an empty virtual environment far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUST = {
    "n6prog/__init__.py",
    "n6prog/py.typed",
    "n6prog/targets/stm32n657.py",
    "n6prog/targets/boards/nucleo-n657x0-q.toml",
    "n6prog/targets/nor/mx25um51245g.toml",
    "n6prog/flash_algos/images/n6loader.bin",
    "n6prog/flash_algos/images/build.json",
    "n6prog/flash_algos/mailbox.toml",
    "n6prog/hil/__init__.py",
}


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command, give its output; a failure ends the check with what it said."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def built(folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist of this checkout, both made in `folder`; the wheel is made from the sdist, as pip would."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def look_into(wheel: Path, sdist: Path) -> None:
    """Everything is in the wheel, nothing of ours lands beside `n6prog`, and no GPL code is bundled."""
    with zipfile.ZipFile(wheel) as book:
        names = set(book.namelist())
    missing = MUST - names
    tops = {name.split("/")[0] for name in names}
    strangers = {top for top in tops if top != "n6prog" and not top.endswith(".dist-info")}
    if missing or strangers or any("unicorn" in name for name in names):
        sys.exit(f"wheel: missing {sorted(missing)}, strangers {sorted(strangers)}")
    with tarfile.open(sdist) as tape:
        inner = {name.partition("/")[2] for name in tape.getnames()}
    if "pyproject.toml" not in inner or not any(name.endswith("n6loader.bin") for name in inner):
        sys.exit("sdist: pyproject.toml or the loader is missing")


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel into an empty environment and do the main job there."""
    home = folder / "venv"
    venv.create(home, with_pip=True)
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    run(scripts / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{wheel}[sim]", cwd=folder)
    print(run(scripts / "n6prog", "--version", cwd=folder).strip())
    elf = folder / "demo_app.elf"
    elf.write_bytes((ROOT / "tests" / "data" / "demo_app" / "demo_app.elf").read_bytes())
    probe = f"sim:nucleo-n657x0-q,state={folder / 'board'}"
    for command in ("flash", "verify"):
        print(run(scripts / "n6prog", command, elf, "--probe", probe, cwd=folder).strip())
    run(scripts / "pyocd", "list", "--targets", cwd=folder)


def main() -> None:
    """Check both distributions; any fault ends with a message and exit code 1."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel, sdist = built(folder)
        look_into(wheel, sdist)
        use(wheel, folder)
    print(f"{wheel.name} and {sdist.name}: complete, and the wheel works in an empty environment")


if __name__ == "__main__":
    main()
