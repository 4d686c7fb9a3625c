"""`python -m n6prog.cli`."""

from n6prog.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
