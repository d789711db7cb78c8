"""Looks at the board's ports from outside, as another machine on its network does: frames of our own making through a
datagram socket on the free port of the hub (Board.hub). Nothing of the host's network stack is in between."""
import os
import socket
import struct
import threading
import time

OUR_MAC, OUR_ADDRESS = b"\x02\x00\x00\x00\x00\x4d", socket.inet_aton("10.0.2.77")
SYN, RST, ACK = 2, 4, 16
ARP, IP, ICMP, TCP, UDP = 0x0806, 0x0800, 1, 6, 17
OUR_PORT = 40_000


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Wire:
    def __init__(self, gate, address="10.0.2.15"):
        self.board, ours = gate.path("wire-board"), gate.path("wire-ours")
        gate.hub = (self.board, ours)
        self.address, self.mac = socket.inet_aton(address), None
        # By port: what the board answered.
        self.tcp, self.udp = {}, {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(ours)
        threading.Thread(target=self._hear, daemon=True).start()

    def _send(self, mac, kind, content):
        try:
            self.socket.sendto(mac + OUR_MAC + struct.pack(">H", kind) + content.ljust(46, b"\0"), self.board)
        except OSError:
            # Full, or the board is not there: it is asked again.
            time.sleep(0.001)

    def _arp(self, operation, mac):
        return struct.pack(">HHBBH", 1, IP, 6, 4, operation) + OUR_MAC + OUR_ADDRESS + mac + self.address

    def _hear(self):
        while True:
            frame = self.socket.recv(65536)
            kind, rest = int.from_bytes(frame[12:14], "big"), frame[14:]
            if kind == ARP and rest[14:18] == self.address and rest[24:28] == OUR_ADDRESS:
                self.mac = rest[8:14]
                if rest[7] == 1:
                    self._send(self.mac, ARP, self._arp(2, self.mac))
            # The emulator's own network is on the hub as well, and refuses in the name of whomever it does not know.
            elif kind == IP and frame[6:12] == self.mac and rest[12:16] == self.address and rest[16:20] == OUR_ADDRESS:
                body = rest[(rest[0] & 15) * 4:int.from_bytes(rest[2:4], "big")]
                if rest[9] == TCP:
                    flags = body[13]
                    self.tcp.setdefault(int.from_bytes(body[:2], "big"), "open" if flags & SYN and flags & ACK else
                                        "closed" if flags & RST else "?")
                elif rest[9] == ICMP and body[0] == 3 and body[8 + 9] == UDP:
                    self.udp[int.from_bytes(body[30:32], "big")] = "closed" if body[1] == 3 else "?"
                elif rest[9] == UDP:
                    self.udp[int.from_bytes(body[:2], "big")] = "answers"

    def _packet(self, protocol, body):
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, OUR_ADDRESS, self.address)
        self._send(self.mac, IP, head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body)

    def _syn(self, port):
        body = struct.pack(">HHIIBBHHH", OUR_PORT, port, 1, 0, 5 << 4, SYN, 1024, 0, 0)
        pseudo = OUR_ADDRESS + self.address + struct.pack(">BBH", 0, TCP, len(body))
        self._packet(TCP, body[:16] + struct.pack(">H", checksum(pseudo + body)) + body[18:])

    def find(self, seconds=20):
        """True when the board answers at all."""
        end = time.monotonic() + seconds
        while self.mac is None and time.monotonic() < end:
            self._send(b"\xff" * 6, ARP, self._arp(1, bytes(6)))
            time.sleep(0.3)
        return self.mac is not None

    def scan_tcp(self, ports=range(1, 65536), seconds=180):
        """By answer: the ports that gave it; None stands for those that gave none."""
        end = time.monotonic() + seconds
        left = list(ports)
        while left and time.monotonic() < end:
            for at in range(0, len(left), 200):
                asked = left[at:at + 200]
                for port in asked:
                    self._syn(port)
                until = time.monotonic() + 1
                while time.monotonic() < until and not all(port in self.tcp for port in asked):
                    time.sleep(0.002)
            left = [port for port in left if port not in self.tcp]
        answers = {}
        for port in ports:
            answers.setdefault(self.tcp.get(port), []).append(port)
        return answers

    def scan_udp(self, ports, tries=6):
        """What each port answers to a datagram. The kernel says "unreachable" to one machine about once a second."""
        for _ in range(tries):
            for port in ports:
                if port not in self.udp:
                    self._packet(UDP, struct.pack(">HHHH", OUR_PORT, port, 12, 0) + os.urandom(4))
                    time.sleep(0.3)
        return {port: self.udp.get(port) for port in ports}
