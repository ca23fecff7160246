"""The serial boot loader of an ESP32 at a TCP port, as esptool talks to it: enough to flash a chip that is not there.

Protocol: esptool's documentation, "Serial Protocol". The ROM takes esptool's stub, and plays it from then on.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable

HEADER = struct.Struct("<BBHI")
REQUEST, RESPONSE = 0, 1
FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA, SYNC, WRITE_REG, READ_REG = 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A
SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0F
DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY_INFO, ERASE_FLASH = 0x10, 0x11, 0x12, 0x13, 0x14, 0xD0
UNSUPPORTED = b"\1\5\0\0"
MAGIC_REGISTER, SPI_W0 = 0x40001000, 0x3FF42080
ESP32, ESP32_S2 = 0x00F01D83, 0x000007C6
FLASH_ID = 0x1640C8  # of 4 MB


class RomLoader:
    """A chip waiting to be flashed at ``url``; ``flash`` is what it holds, ``steps`` what was done to it."""

    def __init__(self, magic: int = ESP32, size: int = 4 << 20) -> None:
        self.flash = bytearray(size)  # what was there before
        self.steps: list[str] = []
        self._magic = magic
        self._stub = False
        self._place = 0
        self._inflater = zlib.decompressobj()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        self._connection, _ = self._listener.accept()
        frame: bytearray | None = None
        while received := self._connection.recv(65536):
            for byte in received:
                if byte == 0xC0:
                    if frame:
                        self._request(bytes(frame).replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb"))
                        frame = None
                    else:
                        frame = bytearray()
                elif frame is not None:
                    frame.append(byte)

    def _send(self, packet: bytes) -> None:
        escaped = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        self._connection.sendall(b"\xc0" + escaped + b"\xc0")

    def _answer(self, operation: int, value: int = 0, data: bytes = b"", status: bytes = bytes(4)) -> None:
        data += status[:2] if self._stub else status
        self._send(HEADER.pack(RESPONSE, operation, len(data), value) + data)

    def _request(self, packet: bytes) -> None:
        direction, operation, _, _ = HEADER.unpack_from(packet)
        if direction != REQUEST:
            return
        handlers: dict[int, Callable[[bytes], None]] = {
            SYNC: self._sync,
            READ_REG: self._read_register,
            MEM_END: self._start_stub,
            ERASE_FLASH: self._erase,
            DEFL_BEGIN: self._begin,
            DEFL_DATA: self._data,
            MD5: self._digest,
        }
        if operation in handlers:
            handlers[operation](packet[HEADER.size :])
        elif operation == SECURITY_INFO:
            self._answer(operation, status=UNSUPPORTED)
        else:
            self._answer(operation)

    def _sync(self, _: bytes) -> None:
        for _time in range(8):
            self._answer(SYNC, value=int(not self._stub))

    def _read_register(self, data: bytes) -> None:
        (address,) = struct.unpack_from("<I", data)
        self._answer(READ_REG, {MAGIC_REGISTER: self._magic, SPI_W0: FLASH_ID}.get(address, 0))

    def _start_stub(self, _: bytes) -> None:
        self._answer(MEM_END)
        self._stub = True
        self._send(b"OHAI")

    def _erase(self, _: bytes) -> None:
        self.flash[:] = b"\xff" * len(self.flash)
        self.steps.append("erase")
        self._answer(ERASE_FLASH)

    def _begin(self, data: bytes) -> None:
        self._place = struct.unpack_from("<IIII", data)[3]
        self._inflater = zlib.decompressobj()
        self.steps.append(f"write 0x{self._place:x}")
        self._answer(DEFL_BEGIN)

    def _data(self, data: bytes) -> None:
        content = self._inflater.decompress(data[16:])
        self.flash[self._place : self._place + len(content)] = content
        self._place += len(content)
        self._answer(DEFL_DATA)

    def _digest(self, data: bytes) -> None:
        address, size = struct.unpack_from("<II", data)
        self.steps.append("digest")
        self._answer(MD5, data=hashlib.md5(self.flash[address : address + size]).digest())
