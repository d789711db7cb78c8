"""A disk with a volatile write cache, as flash cards and eMMC have one: an NBD server that keeps what was written in
memory until the guest flushes, and at a power cut loses it, keeps some of its sectors, or keeps later writes and loses
earlier ones. Killing QEMU alone would lose nothing: its writes are in the host's page cache."""
import os
import random
import socket
import struct
import threading
import time

SECTOR = 512
FLUSH, FUA = 4, 8


class VolatileDisk:
    def __init__(self, image, path):
        self.file = open(image, "r+b")
        self.size = os.path.getsize(image)
        self.pending = {}
        self.lock = threading.Lock()
        self.is_cut = False
        self.flushes = 0
        # Why the guest had an error that no power cut explains.
        self.fault = None
        self.watched = range(0)
        self.seen = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    @staticmethod
    def _take(peer, count):
        data = bytearray()
        while len(data) < count:
            part = peer.recv(min(count - len(data), 1 << 20))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _serve(self, peer):
        peer.sendall(b"NBDMAGIC" + struct.pack(">QQI", 0x00420281861253, self.size, 1 | FLUSH | FUA) + bytes(124))
        try:
            while True:
                _, flags, kind, handle, offset, count = struct.unpack(">IHHQQI", self._take(peer, 28))
                data = self._take(peer, count) if kind == 1 else b""
                if kind == 2:
                    return
                with self.lock:
                    if self.is_cut:
                        return
                    answer = self._do(kind, flags, offset, count, data)
                peer.sendall(struct.pack(">IIQ", 0x67446698, 0, handle) + answer)
        except EOFError:
            pass
        except Exception as fault:
            with self.lock:
                self.fault = self.fault or (None if self.is_cut else repr(fault))
        finally:
            peer.close()

    def _do(self, kind, flags, offset, count, data):
        if kind == 0:
            return b"".join(self._read(sector) for sector in range(offset // SECTOR, (offset + count) // SECTOR))
        if kind == 1:
            first, last = offset // SECTOR, (offset + count) // SECTOR
            self.seen += max(0, min(last, self.watched.stop) - max(first, self.watched.start))
            for index in range(0, count, SECTOR):
                self.pending[(offset + index) // SECTOR] = data[index:index + SECTOR]
        if kind == 3 or flags & 1:
            self.flushes += 1
            self._keep(self.pending)
            self.pending = {}
        return b""

    def _read(self, sector):
        if sector in self.pending:
            return self.pending[sector]
        self.file.seek(sector * SECTOR)
        return self.file.read(SECTOR)

    def _keep(self, sectors):
        for sector, data in sectors.items():
            self.file.seek(sector * SECTOR)
            self.file.write(data)
        self.file.flush()

    def wait_for_pending(self, sectors, seconds):
        """Returns as soon as so many sectors wait for a flush."""
        end = time.monotonic() + seconds
        while len(self.pending) < sectors and time.monotonic() < end:
            time.sleep(0.0002)

    def wait_for_seen(self, sectors, seconds):
        """True as soon as so many sectors of those `watched` were written."""
        end = time.monotonic() + seconds
        while self.seen < sectors and time.monotonic() < end:
            time.sleep(0.0002)
        return self.seen >= sectors

    def cut(self, seed):
        """The power goes. What was never flushed is lost, or kept in part; returns (kept, lost) sectors."""
        chance = random.Random(seed)
        with self.lock:
            self.is_cut = True
            share = chance.choice((0.0, 0.0, 0.3, 0.7, 0.95))
            kept = {sector: data for sector, data in self.pending.items() if chance.random() < share}
            lost = len(self.pending) - len(kept)
            self._keep(kept)
            self.pending = {}
            self.file.close()
            self.listener.close()
        return len(kept), lost
