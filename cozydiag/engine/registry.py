"""Where checks come from: the folder `checks/`, drop-ins, and entry points of other packages.

Nothing registers itself: a file is a module, and its ``Check`` values are what counts.
"""

import os
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import NamedTuple

from cozydiag.host.files import untrusted
from cozydiag.model import Check, Result, Status
from cozydiag.text import Text, t

GROUP = "cozydiag.checks"
"""The entry point group of packages that bring checks; each names a module."""

PATIENCE = 2.0
"""Seconds that the code of others has for being imported."""


class Registry(NamedTuple):
    """The checks by id, in the order of their dependences, and what could not be loaded."""

    checks: dict[str, Check]
    errors: tuple[Result, ...]


def builtin_folder() -> str:
    """`cozydiag/checks` when installed, the sibling `checks/` in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "checks")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "checks")


def load(drop_ins: str | None = None) -> Registry:
    """All checks, ordered. A file that does not load, a duplicate, an unknown need or a cycle is an ERROR result
    that names it; the rest runs."""
    errors: list[Result] = []
    found: dict[str, Check] = {}
    for module in _modules(drop_ins, errors):
        for check in _checks(module):
            if check.id in found:
                other = found[check.id].origin
                text = t("{id} is already defined in {other}", id=check.id, other=other)
                errors.append(_error(check.origin, text))
            else:
                found[check.id] = check
    return Registry(_ordered(found, errors), _apart(errors))


def _checks(module: ModuleType) -> Iterator[Check]:
    origin = getattr(module, "__file__", None) or module.__name__
    for value in list(vars(module).values()):
        if isinstance(value, Check):
            yield value._replace(origin=origin)


def _modules(drop_ins: str | None, errors: list[Result]) -> Iterator[ModuleType]:
    folder = builtin_folder()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and not name.startswith("_"):
            yield from _attempt(os.path.join(folder, name), errors, _builtin)
    if drop_ins is not None:
        yield from _drop_ins(drop_ins, errors)
    for distribution in _distributions_with_checks(sys.path):
        yield from _attempt(distribution, errors, _in_time(_entry_points))


def _attempt(path: str, errors: list[Result], load: Callable[[str], list[ModuleType]]) -> list[ModuleType]:
    try:
        return load(path)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a file does when it is imported, the rest must run
        errors.append(_error(path, t("{path} does not load: {why}", path=path, why=f"{type(error).__name__}: {error}")))
        return []


def _in_time(load: Callable[[str], list[ModuleType]]) -> Callable[[str], list[ModuleType]]:
    """``load`` in a thread that is left behind when it hangs. Raises what it raises, and TimeoutError."""

    def bounded(path: str) -> list[ModuleType]:
        loaded: list[ModuleType] = []
        raised: list[BaseException] = []

        def attempt() -> None:
            try:
                loaded.extend(load(path))
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                raised.append(error)

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(PATIENCE)
        if thread.is_alive():
            raise TimeoutError(f"not within {PATIENCE:g} s")
        if raised:
            raise raised[0]
        return loaded

    return bounded


def _builtin(path: str) -> list[ModuleType]:
    name = "cozydiag_checks." + os.path.basename(path)[:-3]
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    SourceFileLoader(name, path).exec_module(module)
    return [module]


# -- drop-ins ----------------------------------------------------------------------------------------


def _drop_ins(folder: str, errors: list[Result]) -> Iterator[ModuleType]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py") and name[0] not in "._")
    except FileNotFoundError:
        return
    except OSError as error:
        errors.append(_error(folder, t("{path} does not load: {why}", path=folder, why=error.strerror or str(error))))
        return
    refusal = untrusted(os.stat(folder), folder) if names else None
    if refusal is not None:
        errors.append(_error(folder, refusal))
        return
    for name in names:
        yield from _attempt(os.path.join(folder, name), errors, _in_time(_drop_in))


def _drop_in(path: str) -> list[ModuleType]:
    """Compiled from the descriptor whose owner and mode were looked at: what was checked is what runs."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        refusal = untrusted(found, path)
        if refusal is not None:
            raise PermissionError(refusal.template.format(path=path))
        source = file.read(1 << 20)
    name = "cozydiag_drop_ins." + os.path.basename(path)[:-3]
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102  this is what a drop-in is
    return [module]


# -- entry points ------------------------------------------------------------------------------------


def _distributions_with_checks(path: Iterable[str]) -> Iterator[str]:
    """The metadata folders that name our group. Reading them by hand: importlib.metadata costs 4 interpreters."""
    needle = f"[{GROUP}]".encode()
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                try:
                    with open(os.path.join(folder, name, "entry_points.txt"), "rb") as file:
                        hit = needle in file.read(1 << 16)
                except OSError:
                    continue
                if hit:
                    yield os.path.join(folder, name)


def _entry_points(folder: str) -> list[ModuleType]:
    from importlib.metadata import Distribution

    points = Distribution.at(folder).entry_points.select(group=GROUP)
    return [point.load() for point in points]


# -- order -------------------------------------------------------------------------------------------


def _ordered(found: dict[str, Check], errors: list[Result]) -> dict[str, Check]:
    """In the order of needs and because; checks in a cycle or with an unknown need are left out and named."""
    from graphlib import CycleError, TopologicalSorter

    good = dict(found)
    for check in found.values():
        unknown = [name for name in (*check.needs, *check.because) if name not in found]
        if unknown:
            text = t("{id} in {path} names a check that does not exist: {unknown}",
                     id=check.id, path=check.origin, unknown=", ".join(unknown))  # fmt: skip
            errors.append(_error(check.origin, text))
            del good[check.id]
    while True:
        graph = {check.id: [n for n in (*check.needs, *check.because) if n in good] for check in good.values()}
        try:
            return {name: good[name] for name in TopologicalSorter(graph).static_order()}
        except CycleError as error:
            cycle = error.args[1]
            errors.append(
                _error(good[cycle[0]].origin, t("these checks wait for each other: {ids}", ids=" → ".join(cycle)))
            )
            for name in set(cycle):
                del good[name]


def _error(subject: str, text: Text) -> Result:
    from cozydiag.model import Finding

    finding = Finding(Status.ERROR, "check.not_loaded", text)
    return Result("registry", subject, t("The checks load"), Status.ERROR, (finding,))


def _apart(errors: list[Result]) -> tuple[Result, ...]:
    """Several errors of one file, each under a name of its own."""
    seen: dict[str | None, int] = {}
    for index, error in enumerate(errors):
        seen[error.subject] = seen.get(error.subject, 0) + 1
        if seen[error.subject] > 1:
            errors[index] = error._replace(subject=f"{error.subject}#{seen[error.subject]}")
    return tuple(errors)


def pick(checks: dict[str, Check], only: tuple[str, ...], skip: tuple[str, ...]) -> dict[str, Check]:
    """The checks whose instances may match ``only`` (globs on ``id`` or ``id:subject``) and what these need;
    without those that ``skip`` names whole."""
    from fnmatch import fnmatchcase

    def hit(name: str, patterns: tuple[str, ...]) -> bool:
        return any(fnmatchcase(name, p.split(":", 1)[0]) for p in patterns)

    whole = tuple(p for p in skip if ":" not in p)
    chosen = {name for name in checks if not only or hit(name, only)}
    for name in reversed(checks):  # needs stand before those who need them
        if name in chosen:
            chosen.update(checks[name].needs)
    return {name: check for name, check in checks.items() if name in chosen and not hit(name, whole)}
