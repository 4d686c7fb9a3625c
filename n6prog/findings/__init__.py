"""What n6prog can say is wrong: one value type, one table of codes."""

from n6prog.findings.model import Evidence, Finding, Severity
from n6prog.findings.table import TABLE, Entry, ExitCode, finding

__all__ = ["TABLE", "Entry", "Evidence", "ExitCode", "Finding", "Severity", "finding"]
