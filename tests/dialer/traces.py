"""Looks for a number, however it is written, in files, in processes' memory and on the loopback wire."""

import socket
import struct
import threading
from pathlib import Path

SPOKEN = dict(zip("0123456789", "零一二三四五六七八九"))
PINYIN = dict(zip("0123456789", "ling yi er san si wu liu qi ba jiu".split()))
_PIECE_BYTES = 1 << 24
_BETWEEN = b"\0 -"


def forms(digits: str) -> list[bytes]:
    """What `digits` may look like: written, grouped, wide, spoken, spelled; in each way to store text.

    Give digits that can be spoken in one way only (none of 0, 1, 2, 7).
    """
    half = len(digits) // 2
    spoken = [SPOKEN[digit] for digit in digits]
    texts = [digits, " ".join(digits), "-".join(digits), "".join(chr(ord(digit) + 0xFEE0) for digit in digits)]
    texts += [digits[:half] + mark + digits[half:] for mark in (" ", "-")]
    texts += [mark.join(spoken) for mark in ("", " ", "、", "，")] + ["".join(spoken[:half]) + "，" + "".join(spoken[half:])]
    texts += [mark.join(PINYIN[digit] for digit in digits) for mark in ("", " ")]
    escaped = "".join(f"\\u{ord(sign):04x}" for sign in spoken)
    found = [escaped.encode(), digits.encode().hex().encode()]
    for text in texts:
        found += [text.encode(code) for code in ("utf-8", "utf-16-le", "utf-32-le")]
    return list(dict.fromkeys(found))


def held_in(data: bytes, wanted: list[bytes]) -> list[bytes]:
    """Which of `wanted` are in `data`."""
    return [form for form in wanted if form in data]


def held_in_memory(pid: int, wanted: list[bytes]) -> tuple[list[bytes], int]:
    """Which of `wanted` are in what the process has written to its memory, and how many bytes were read.

    Zero bytes, spaces and dashes are left out on both sides: most of memory is zero, and most forms
    of a number are then one.

    Raises:
        PermissionError: this machine does not let its memory be read.
    """
    packed = {form.translate(None, _BETWEEN): form for form in wanted}
    found, total, longest = set(), 0, max(map(len, packed))
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            if "w" not in rights or "r" not in rights:
                continue
            begin, end = (int(side, 16) for side in span.split("-"))
            tail = b""
            for at in range(begin, end, _PIECE_BYTES):
                try:
                    memory.seek(at)
                    piece = memory.read(min(_PIECE_BYTES, end - at))
                except (OSError, OverflowError):
                    break  # given back meanwhile, or a device's
                total += len(piece)
                piece = tail + piece.translate(None, _BETWEEN)
                found.update(packed[form] for form in held_in(piece, list(packed)))
                tail = piece[-longest:]
    return sorted(found), total


def family(pid: int) -> list[int]:
    """A process, its children and theirs, and so on."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        children.setdefault(parent, []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def held_in_files(folder: Path, wanted: list[bytes]) -> list[str]:
    """The files of a folder that hold any of `wanted`, in their name or within."""
    return [str(path) for path in sorted(folder.rglob("*"))
            if path.is_file() and held_in(path.name.encode() + b"\n" + path.read_bytes(), wanted)]


class Wire:
    """Everything but RTP that goes over UDP on loopback, while the context lasts.

    `packets`: (source port, destination port, payload). Raises `PermissionError` where that is not allowed.
    """

    def __init__(self) -> None:
        self.packets: list[tuple[int, int, bytes]] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        self._socket.bind(("lo", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.settimeout(0.2)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Wire":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2)
        self._socket.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                data = self._socket.recv(65_535)
            except TimeoutError:
                continue
            head = (data[0] & 15) * 4
            if data[0] >> 4 != 4 or data[9] != socket.IPPROTO_UDP or len(data) < head + 9:
                continue
            source, target = struct.unpack_from("!HH", data, head)
            payload = data[head + 8 :]
            if payload[0] >> 6 != 2:  # RTP and RTCP, version 2
                self.packets.append((source, target, payload))
