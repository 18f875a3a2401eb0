"""Fonts of plots: one with Chinese letters, or a warning that says which to install."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

from communityplan.errors import MissingLibraryError
from communityplan.maps.theme import FONTS

__all__ = ["find_chinese_font", "font_families", "require_matplotlib"]

OTHER_FONTS = (
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "WenQuanYi Zen Hei",
    "Microsoft JhengHei",
    "SimSun",
    "KaiTi",
    "STHeiti",
    "Songti SC",
    "Heiti TC",
    "Arial Unicode MS",
)
"""Further fonts with Chinese letters, less fit for figures."""


def require_matplotlib() -> None:
    """Refuse to go on without matplotlib.

    Raises
    ------
    MissingLibraryError
        Names the extra to install.
    """
    if find_spec("matplotlib") is None:
        raise MissingLibraryError("plots need matplotlib; pip install 'communityplan[plots]'")


def find_chinese_font() -> str | None:
    """Name of a font with Chinese letters that matplotlib can use; None where there is none.

    Fonts of the system come first, then the one that the package zhplot carries.

    Returns
    -------
    str or None
    """
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    for name in (*FONTS, *OTHER_FONTS):
        if name in known:
            return name
    carried = _carried_font()
    if carried is None:
        return None
    font_manager.fontManager.addfont(carried)
    return str(font_manager.FontProperties(fname=carried).get_name())


def font_families(lang: str) -> list[str]:
    """Font families for a language; warns where Chinese letters would come out as boxes.

    Parameters
    ----------
    lang : {"zh", "en"}
        Language of the plot.

    Returns
    -------
    list of str
        Names for matplotlib, the first that has a letter is used.
    """
    # names of communities and buildings may be Chinese in an English plot too
    chinese = find_chinese_font()
    if chinese is None and lang == "zh":
        warnings.warn(
            "no font with Chinese letters was found, so Chinese words come out as boxes. Install "
            "one, such as Noto Sans CJK SC (Debian and Ubuntu: apt-get install fonts-noto-cjk), "
            "or pip install zhplot, or plot with lang='en'",
            UserWarning,
            stacklevel=4,
        )
    return ["DejaVu Sans"] if chinese is None else [chinese, "DejaVu Sans"]


def _carried_font() -> Path | None:
    """The font that zhplot carries, without running that package."""
    found = find_spec("zhplot")
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(found.submodule_search_locations[0]) / "fonts" / "NotoSansSC-Regular.ttf"
    return file if file.exists() else None
