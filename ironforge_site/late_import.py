"""Packages that a worker seldom needs, loaded when something of them is asked for.

Django imports sqlparse for its migrations and for tests, and it costs each worker 1 MiB.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_loader
from threading import RLock
from types import ModuleType
from typing import Any


class _LateModule(ModuleType):
    """A package that is executed when something of it is asked for; by `LazyLoader` a plain import does that."""

    def __init__(self, spec: ModuleSpec, loader: Loader) -> None:
        super().__init__(spec.name)
        self.__dict__.update(module_from_spec(spec).__dict__)
        self.__dict__["_late"] = RLock(), loader

    def __getattr__(self, name: str) -> Any:
        """Execute it, unless that is under way, and return what it has then."""
        lock, loader = self.__dict__["_late"]
        with lock:
            if type(self) is _LateModule:
                self.__class__ = ModuleType  # type: ignore[assignment]  # as any other from here on
                loader.exec_module(self)
        return getattr(self, name)


class _ThereAlready(Loader):
    """Gives a module that is there, as it is."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Let it be what it was."""
        module.__spec__ = self._spec


class _FoundMeanwhile(MetaPathFinder):
    """Finds a module that came to be while its package was loaded late; else it would be made a second time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Execute the package first, and return where such a module is; None for any other."""
        package = sys.modules.get(fullname.rpartition(".")[0])
        if isinstance(package, _LateModule):
            getattr(package, "__all__", None)
        module = sys.modules.get(fullname)
        if module is None:
            return None
        # Of a module that came to be meanwhile the import takes the spec that the module itself has.
        module.__spec__ = spec_from_loader(fullname, _ThereAlready(module))
        return module.__spec__


def put_off(name: str) -> None:
    """Let a package be loaded late. One that is loaded, or is not to be had, is left alone."""
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        return
    sys.modules[name] = _LateModule(spec, spec.loader)
    if not any(isinstance(finder, _FoundMeanwhile) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FoundMeanwhile())
