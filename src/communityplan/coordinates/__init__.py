"""Chinese coordinates: WGS-84, GCJ-02 and BD-09, CGCS2000 zones, and which datum points are in.

WGS-84 is what GPS receivers, OpenStreetMap and (within a metre) CGCS2000 use. GCJ-02 (火星坐标)
is WGS-84 moved by a smooth function of the place, 20 to 710 m; Amap (高德) and Tencent (腾讯) use
it. BD-09 is GCJ-02 moved once more, by 760 to 990 m; Baidu (百度) uses it.
"""

from communityplan.coordinates.cgcs2000 import Cgcs2000, cgcs2000_crs, recognise_cgcs2000
from communityplan.coordinates.datum import CHINA_BOX, DATUM_USERS, DATUMS, convert_datum
from communityplan.coordinates.fit import fits_better, guess_datum

__all__ = [
    "CHINA_BOX",
    "DATUMS",
    "DATUM_USERS",
    "Cgcs2000",
    "cgcs2000_crs",
    "convert_datum",
    "fits_better",
    "guess_datum",
    "recognise_cgcs2000",
]
