"""An LED sign with an FK/OLM card on a pseudo-terminal: DA | 64 | PN PN | CMD | DL | DATA | CRC low, high. Written from
the card's published protocol; the CRC by crcmod. It acknowledges each whole frame and keeps what it was to show."""
import os
import time

import crcmod.predefined

from ups_peers import Plug

CRC = crcmod.predefined.mkCrcFun("modbus")
TEXT, TEXT_HEAD = 0x62, 19
COLOURS = {b"\xff\x00\x00\x00": "red", b"\x00\xff\x00\x00": "green", b"\xff\xff\x00\x00": "yellow"}


class Sign(Plug):
    def __init__(self, path):
        self._heard = b""
        # (line, colour, text), in the order of their coming.
        self.shown = []
        self.noise_bytes = 0
        super().__init__(path)

    def hear(self, master, heard):
        self._heard += heard
        while len(self._heard) >= 8:
            size = 8 + self._heard[5]
            if self._heard[1] == 0x64 and len(self._heard) < size:
                return
            frame = self._heard[:size]
            if frame[1] != 0x64 or CRC(frame) != 0:
                self._heard, self.noise_bytes = self._heard[1:], self.noise_bytes + 1
                continue
            self._heard = self._heard[size:]
            answer = frame[:2] + b"\xff\xff" + frame[4:5] + b"\x01\x00"
            os.write(master, answer + CRC(answer).to_bytes(2, "little"))
            data = frame[6:-2]
            if frame[4] == TEXT and len(data) == TEXT_HEAD + int.from_bytes(data[17:19], "little"):
                self.shown.append((data[0], COLOURS.get(data[9:13]), data[TEXT_HEAD:].decode("gb2312")))

    def wait(self, colour, words, seconds=5, start=0):
        """Whether it was told to show these words in that colour, after the first `start` texts."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(has == colour and words in text for _, has, text in self.shown[start:]):
                return True
            time.sleep(0.05)
        return False
