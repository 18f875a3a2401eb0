"""The one theme of every map and plot: colours that colour-blind people can tell apart, fonts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COLOURS",
    "FONTS",
    "GROUND",
    "PLOT_COLOURS",
    "PLOT_MARKS",
    "SLOPE_BREAKS",
    "contrast",
    "ramp",
]

Floats = NDArray[np.float64]

FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "SimHei",
)
"""Fonts with Chinese letters that systems usually have, in order of preference."""

GROUND = "#f1efea"
"""The plain ground that everything is drawn on."""

RAMP_ANCHORS = ("#173a70", "#2f86a0", "#86bf8b", "#fbe05e")
"""From near or well served to far or badly served; lightness only ever grows, so that the order
also shows in grey and to every kind of colour-blindness."""

COLOURS = {
    "ink": "#23282e",
    "quiet_ink": "#59616b",
    "paper": "#ffffff",
    "ground": GROUND,
    "street": "#ffffff",
    "street_edge": "#d9d5cb",
    "level": "#c4bfb2",
    "wall": "#5b4636",
    "home": "#cbc5b8",
    "home_edge": "#9d968a",
    "community_edge": "#4d5661",
    "missing": "#dcdad5",
    # vermilion, bluish green and reddish purple of Okabe and Ito (2008), darkened where white
    # letters stand on them
    "unreachable": "#d55e00",
    "facility": "#00664b",
    "idle": "#6d2d57",
    "idle_rest": "#a8668d",
    "idle_unfit": "#8d8790",
    "opening": "#0b5a94",
    "chosen": "#c2185b",
    "gate_everyone": "#00664b",
    "gate_residents": "#e69f00",
    "gate_closed": "#a33b00",
    "gate_unknown": "#7d7d7d",
    "focus": "#0b5a94",
}
"""Colours by what they stand for. After the palette of Okabe and Ito, Color Universal Design."""

PLOT_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d")
"""Colours of lines and bars in plots, in their order (Okabe and Ito)."""

PLOT_MARKS = ("o", "s", "^", "D", "v", "P", "X")
"""Marks of lines in plots: what colours tell, shapes tell too."""

SLOPE_BREAKS = (0.02, 0.05, 0.08)
"""Limits of the classes of slope, height over length; 5 % and 8 % are the usual limits of ways and
of ramps for wheelchairs (from memory, not verified)."""

# linear RGB -> cone response -> OKLab (Björn Ottosson, 2020)
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def ramp(count: int) -> tuple[str, ...]:
    """Colours from near (dark) to far (light), evenly spaced to the eye.

    Parameters
    ----------
    count : int
        How many, at least 1.

    Returns
    -------
    tuple of str
        As ``#rrggbb``.

    Examples
    --------
    >>> from communityplan.maps.theme import ramp
    >>> ramp(2)
    ('#173a70', '#fbe05e')
    """
    anchors = np.array([_to_lab(_rgb(anchor)) for anchor in RAMP_ANCHORS])
    along = np.linspace(0.0, len(anchors) - 1.0, max(count, 1))
    places = np.arange(len(anchors))
    blended = np.column_stack([np.interp(along, places, anchors[:, axis]) for axis in range(3)])
    return tuple(_hex(_from_lab(lab)) for lab in blended)


def contrast(first: str, second: str) -> float:
    """Contrast of two colours, 1 to 21, as WCAG 2.1 defines it (relative luminance).

    Parameters
    ----------
    first, second : str
        As ``#rrggbb``.

    Returns
    -------
    float

    Examples
    --------
    >>> from communityplan.maps.theme import contrast
    >>> contrast("#000000", "#ffffff")
    21.0
    """
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 4)


def _luminance(colour: str) -> float:
    return float(_linear(_rgb(colour)) @ np.array([0.2126, 0.7152, 0.0722]))


def _rgb(colour: str) -> Floats:
    return np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])


def _hex(rgb: Floats) -> str:
    return "#" + "".join(f"{round(float(part) * 255):02x}" for part in np.clip(rgb, 0.0, 1.0))


def _linear(rgb: Floats) -> Floats:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _to_lab(rgb: Floats) -> Floats:
    return np.asarray(_TO_LAB @ np.cbrt(_TO_CONES @ _linear(rgb)), dtype=np.float64)


def _from_lab(lab: Floats) -> Floats:
    cones = np.linalg.solve(_TO_LAB, lab) ** 3
    linear = np.clip(np.linalg.solve(_TO_CONES, cones), 0.0, 1.0)
    curved = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)
