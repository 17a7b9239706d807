"""sshare: shares and decayed usage of the account tree."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.slurm.records import Share
from tracker.slurm.rows import Row, read_rows
from tracker.slurm.tres import parse_count

FIELDS = (
    "Account", "User", "Partition", "RawShares", "RawUsage", "EffectvUsage", "FairShare", "LevelFS",
)  # fmt: skip


def parse_sshare(text: str, *, fields: Sequence[str] = FIELDS) -> list[Share]:
    """Rows in tree order; the account's indentation, kept even with ``-P``, is its depth."""
    return [_share(row) for row in read_rows(text, fields, command="sshare", separator="|")]


def _share(row: Row) -> Share:
    account = row.raw("Account")
    if not account.strip():
        raise row.error("Account is empty")
    return Share(
        account=account.strip(),
        user=row.text("User"),
        depth=len(account) - len(account.lstrip(" ")),
        raw_shares=row.read("RawShares", parse_shares),
        raw_usage=row.number("RawUsage"),
        effective_usage=row.number("EffectvUsage"),
        fair_share=row.number("FairShare"),
        level_fs=row.number("LevelFS"),
        partition=row.text("Partition"),
    )


def parse_shares(text: str) -> int | None:
    """None for ``parent``: the children compete in the grandparent's place."""
    return None if text.strip() == "parent" else parse_count(text)
