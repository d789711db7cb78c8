"""UHF tag readers on pseudo-terminals, for the real binary. The UHFReader18's frames are made by the package uhfreader18
(PyPI, MIT), the others' from the published protocols; the CRC of a tag by crcmod."""
import os

import crcmod.predefined
from uhfreader18.builder import build_command_frame, build_heartbeat, build_response_frame
from uhfreader18.constants import Command, Status

from ups_peers import Plug

TAG_CRC = crcmod.predefined.mkCrcFun("crc-16-genibus")


class Reader(Plug):
    """Answers each inventory with the tags before its antenna: hexadecimal texts."""

    def __init__(self, path):
        self.tags = []
        self.asked = 0
        # The bytes of the last answer, for others to read.
        self.said = b""
        self._heard = b""
        super().__init__(path)

    def hear(self, master, heard):
        self._heard += heard
        question = self.question()
        while question in self._heard:
            self._heard = self._heard.split(question, 1)[1]
            self.asked += 1
            self.said = b"".join(self.answer([bytes.fromhex(tag) for tag in self.tags]))
            os.write(master, self.said)
        self._heard = self._heard[-256:]


class R2000(Reader):
    """A0 | Len | Addr | Cmd | data | check."""

    @staticmethod
    def frame(address, data):
        body = bytes([0xA0, len(data) + 3, address, 0x89]) + data
        return body + bytes([-sum(body) & 0xFF])

    def question(self):
        return self.frame(0xFF, b"\x01")

    def answer(self, tags):
        for tag in tags:
            yield self.frame(0x01, bytes([0x8C, len(tag) // 2 << 3, 0]) + tag + bytes([129 - 60]))
        yield self.frame(0x01, bytes([0, 0, 50, 0, 0, 0, len(tags)]))


class UHFReader18(Reader):
    def question(self):
        return build_command_frame(0xFF, Command.INVENTORY)

    def answer(self, tags):
        yield build_heartbeat()
        if not tags:
            yield build_response_frame(0, Command.INVENTORY, Status.NO_TAG)
        for place, tag in enumerate(tags):
            status = Status.INVENTORY_DONE_PARTIAL if place == len(tags) - 1 else Status.INVENTORY_MORE_DATA
            yield build_response_frame(0, Command.INVENTORY, status, bytes([1, len(tag)]) + tag)


class UHFReader86(UHFReader18):
    """The same frames; antenna and strength with each tag."""

    def answer(self, tags):
        if not tags:
            yield build_response_frame(0, Command.INVENTORY, Status.NO_TAG)
        else:
            listed = b"".join(bytes([len(tag)]) + tag + b"\x48" for tag in tags)
            yield build_response_frame(
                0, Command.INVENTORY, Status.INVENTORY_DONE_PARTIAL, bytes([1, len(tags)]) + listed)


class M100(Reader):
    """BB | type | cmd | length | parameters | sum | 7E."""

    @staticmethod
    def frame(kind, command, parameters):
        body = bytes([kind, command]) + len(parameters).to_bytes(2, "big") + parameters
        return b"\xbb" + body + bytes([sum(body) & 0xFF, 0x7E])

    def question(self):
        return self.frame(0, 0x22, b"")

    def answer(self, tags):
        if not tags:
            yield self.frame(1, 0xFF, b"\x15")
        for tag in tags:
            seen = bytes([len(tag) // 2 << 3, 0]) + tag
            yield self.frame(2, 0x22, b"\xc4" + seen + TAG_CRC(seen).to_bytes(2, "big"))
