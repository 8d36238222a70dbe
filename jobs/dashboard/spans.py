"""Lengths of time in words. Units are symbols, the same in each language."""

from __future__ import annotations

from django.utils.translation import gettext as _

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_UNITS = ((_MINUTE_S, "s", 1), (_HOUR_S, "min", _MINUTE_S), (_DAY_S, "h", _HOUR_S), (float("inf"), "d", _DAY_S))


def length(seconds: float) -> str:
    """Name a length of time, such as `1 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    if seconds < _DAY_S:
        return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
    return f"{seconds // 86400:.0f} d {seconds % 86400 // 3600:.0f} h"


def distance(seconds: float) -> str:
    """Name how far from now a moment is: `12 s ago`, `in 3 min`. `static/js/time.js` keeps it true."""
    return _distance(seconds, _("%s ago")) if seconds >= 1 else _distance(seconds)


def bare_distance(seconds: float) -> str:
    """Name how far from now a moment is without saying `ago`: `12 s`."""
    return _distance(seconds)


def _distance(seconds: float, past: str = "%s") -> str:
    away = abs(seconds)
    if away < 1:
        return _("now")
    unit, per = next((unit, per) for limit, unit, per in _UNITS if away < limit)
    return (_("in %s") if seconds < 0 else past) % f"{away // per:.0f} {unit}"
