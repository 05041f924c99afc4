"""Small damages to bytes and texts, seeded: what disks, editors, programs and people do to files."""

import random

ODD = (
    b"NaN", b"Infinity", b"1e999", b"-1", b"99999999999999999999", b"0", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b'"',
    b"[" * 5000, b"{" * 3000,
    b"\n", b"\r", b"\t", b",", b";", b"\x1b[2J", b"<", b">", b"true", b"null", b"..", b"/dev/zero",
)  # fmt: skip


def mutated(raw: bytes, rng: random.Random, *, most: int = 4) -> bytes:
    """``raw`` with one to ``most`` damages."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, most)):
        if not data:
            break
        at = rng.randrange(len(data))
        to = min(len(data), at + rng.choice((1, 2, 8, 40)))
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.randrange(256)
            case 2:
                del data[at:]
            case 3:
                del data[at:to]
            case 4:
                data[at:at] = data[at:to] * rng.choice((1, 2, 50))
            case 5:
                data[at:to] = rng.choice(ODD)
            case 6:
                data[at:at] = rng.choice(ODD)
    return bytes(data)
