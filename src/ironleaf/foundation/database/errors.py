"""What can go wrong with the database, in words of ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ironleaf.foundation.errors import AlertRule, Entry, Family, Kind, Level, StorageFailure, Text

DATABASE_UNAVAILABLE: Final = Entry(
    code=50373,
    reason="database-unavailable",
    family=Family.STORAGE,
    level=Level.L3,
    kind=Kind.UNAVAILABLE,
    message=Text(
        en="The service cannot reach its records at the moment.",
        zh="服务暂时无法访问其记录。",
    ),
    user_advice=Text(
        en="Try again in a minute. Files are converted meanwhile as usual.",
        zh="请一分钟后重试。在此期间文件转换照常进行。",
    ),
    operator_advice=Text(
        en="`trouble` in the log of this request says what is wrong; `ironleaf doctor` says how to mend it.",
        zh="该请求日志中的 `trouble` 指出了问题所在；运行 `ironleaf doctor` 可获取修复建议。",
    ),
    retryable=True,
    alert=AlertRule.RATE,
)
DATABASE_CONFLICT: Final = Entry(
    code=40973,
    reason="database-conflict",
    family=Family.STORAGE,
    level=Level.L2,
    kind=Kind.CONFLICT,
    message=Text(
        en="Somebody else has just changed the same record.",
        zh="同一条记录刚刚被其他操作修改。",
    ),
    user_advice=Text(
        en="Read the record again, then repeat the change if it is still wanted.",
        zh="请重新读取该记录，如果仍然需要，再次提交修改。",
    ),
    operator_advice=Text(
        en="Single ones are two people or replicas at the same record. Many are a defect: report them.",
        zh="偶发情况是两个人或两个副本同时操作同一条记录；如果频繁出现，则属于缺陷，请上报。",
    ),
    alert=AlertRule.SURGE,
)
ENTRIES: Final[tuple[Entry, ...]] = (DATABASE_UNAVAILABLE, DATABASE_CONFLICT)


class Trouble(StrEnum):
    """What keeps the database from working: for operators. A closed list."""

    UNREACHABLE = "unreachable"
    """No server, no such path, or one that is just starting or stopping."""
    REFUSED = "refused"
    """The user, the password or a right is not accepted."""
    MISSING = "missing"
    """The server has no database of that name."""
    BUSY = "busy"
    """Others hold it, or there are too many of us."""
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    """More work was handed in than may wait."""
    FULL = "full"
    """The disk has no room."""
    READ_ONLY = "read_only"
    DISK = "disk"
    """The disk fails."""
    CORRUPT = "corrupt"
    """The file is damaged, or no database at all."""
    SCHEMA = "schema"
    """Tables are missing or older than the program: the migration has not run yet."""
    NEWER = "newer"
    """The schema was made by a newer version of the program."""
    STATEMENT = "statement"
    """The statement itself is wrong: a defect, and trying again is of no use."""
    CLOSED = "closed"


class DatabaseUnavailable(StorageFailure):
    """The database cannot be reached or used. Nothing of the transaction has been kept, unless the answer to its
    end was lost."""

    @property
    def trouble(self) -> Trouble:
        """What is wrong, for whoever decides about another try."""
        return Trouble(str(self.context.get("trouble", Trouble.UNREACHABLE)))


class DatabaseConflict(StorageFailure):
    """A constraint forbids the change: the same record is there already, or what it points to is not."""


def make_unavailable(trouble: Trouble, **context: object) -> DatabaseUnavailable:
    """Return the failure for a trouble; ``context`` holds names and codes, never a driver's words."""
    return DatabaseUnavailable(DATABASE_UNAVAILABLE, context={"trouble": trouble.value, **context})
