"""How far colours are apart for eyes that see all, two, or one of the three colours.

The simulation is of Machado, Oliveira and Fernandes (2009), severity 1; the distance is CIEDE2000.
"""

import math
from typing import Final, NamedTuple

Matrix = tuple[tuple[float, float, float], ...]
EYES: Final[dict[str, Matrix]] = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


class Lab(NamedTuple):
    """A colour as CIE L*a*b*, D65."""

    light: float
    a: float
    b: float


def seen(colour: str, eyes: Matrix) -> Lab:
    """What eyes make of a colour such as `#0072B2`."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    red, green, blue = (
        min(1.0, max(0.0, sum(part * one for part, one in zip(row, linear, strict=True)))) for row in eyes
    )
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (one ** (1 / 3) if one > 216 / 24389 else (24389 / 27 * one + 16) / 116 for one in (x, y, z))
    return Lab(116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))


def apart(one: Lab, other: Lab) -> float:
    """CIEDE2000; 1 is about what an eye just tells apart when both lie side by side."""
    mean = (math.hypot(one.a, one.b) + math.hypot(other.a, other.b)) / 2
    stretch = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    chroma = [math.hypot(each.a * stretch, each.b) for each in (one, other)]
    hue = [math.degrees(math.atan2(each.b, each.a * stretch)) % 360 for each in (one, other)]
    grey = not all(chroma)
    turn = 0.0 if grey else (hue[1] - hue[0] + 180) % 360 - 180
    middle = sum(hue) if grey else (hue[0] + turn / 2) % 360
    light, full = (one.light + other.light) / 2, sum(chroma) / 2
    weight = 1 - sum(
        factor * math.cos(math.radians(times * middle + shift))
        for factor, times, shift in ((0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.2, 4, -63))
    )
    by_light = (other.light - one.light) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    by_chroma = (chroma[1] - chroma[0]) / (1 + 0.045 * full)
    by_hue = (
        2 * math.sqrt(chroma[0] * chroma[1]) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * full * weight)
    )
    bend = -2 * math.sqrt(full**7 / (full**7 + 25**7))
    bend *= math.sin(math.radians(60 * math.exp(-(((middle - 275) / 25) ** 2))))
    return math.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + bend * by_chroma * by_hue)
