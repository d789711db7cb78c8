// A TLS server with a private CA, in a temporary folder, for the client's tests: python3 and the openssl command.

import Domain
import Foundation
import Machine
import Testing

@testable import Crypto
@testable import Uplink

/// The certificates, made once for all tests.
final class TestAuthority: Sendable {
    static let shared = Result { try TestAuthority() }

    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gw-up-\(UUID().uuidString)").path

    private init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(serverScript.utf8).write(to: URL(fileURLWithPath: "\(folder)/server.py"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardError = FileHandle.nullDevice
        process.arguments = [
            "-ec",
            """
            key="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
            for name in ca other; do
                openssl req -x509 $key -nodes -keyout $name.key -out $name.pem -days 30 -subj "/CN=Test $name"
            done
            echo 'subjectAltName=DNS:localhost,DNS:platform.example,IP:127.0.0.1' > here.ext
            echo 'subjectAltName=DNS:elsewhere.example' > elsewhere.ext
            issue() {
                openssl req $key -nodes -keyout $1.key -out $1.csr -subj "/CN=$1"
                openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -days $2 -extfile $3.ext -out $1.pem
            }
            issue good 30 here; issue expired -1 here; issue elsewhere 30 elsewhere; issue lane 30 here
            """,
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
}

/// One server process. What it does with a request is named by the request's path.
final class TestPlatformServer {
    let port: UInt16
    private let process = Process()
    /// The server ends itself when this closes, or after two minutes.
    private let lifeline = Pipe()

    /// `certificate`: good, expired or elsewhere; nil: plain HTTP. `asksIdentity`: refuses clients without one.
    convenience init(certificate: String?, asksIdentity: Bool = false) throws {
        try self.init([certificate ?? "-"] + (asksIdentity ? ["ask"] : []))
    }

    /// Lets connections in and never says a word.
    static func silent() throws -> TestPlatformServer { try TestPlatformServer(["silent"]) }

    /// A DNS server that knows platform.example as 127.0.0.1 and no other name.
    static func names() throws -> TestPlatformServer { try TestPlatformServer(["dns"]) }

    func stop() {
        // It inherits a signal mask under which it would not see SIGTERM.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private init(_ arguments: [String]) throws {
        let authority = try TestAuthority.shared.get()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.currentDirectoryURL = URL(fileURLWithPath: authority.folder)
        process.arguments = ["python3", "server.py"] + arguments
        process.standardInput = lifeline
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit {
        stop()
    }
}

private let serverScript = #"""
    import os, socket, ssl, sys, threading, time

    def end_with_parent():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Timer(120, lambda: os._exit(1)).start()

    def answer(connection, count):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return False
            data += more
            if data[0] == 0x16:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return False
        head, body = data.split(b"\r\n\r\n", 1)
        path = head.split(b" ")[1].decode()
        length = int([l for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")][0].split(b":")[1])
        if path == "/early":
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
            return False
        while len(body) < length:
            body += connection.recv(65536)
        def reply(text, extra=""):
            connection.sendall(
                f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{extra}Content-Length: {len(text)}\r\n\r\n".encode()
                + text)
        if path == "/echo":
            reply(body)
        elif path == "/twice":
            reply(body)
            time.sleep(0.3)
            reply(body)
        elif path == "/count":
            reply(str(count).encode())
        elif path == "/error":
            connection.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 6\r\n\r\nbroken")
        elif path == "/chunked":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
            time.sleep(0.05)
            connection.sendall(b"1\r\nc\r\n0\r\n\r\n")
        elif path == "/large":
            reply(b"x" * (2 << 20))
        elif path == "/cut":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            connection.shutdown(socket.SHUT_RDWR)
            return False
        elif path == "/hang-up":
            return False
        elif path == "/until-closed":
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil closed")
            if hasattr(connection, "unwrap"):
                connection.unwrap()
            return False
        elif path == "/not-http":
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
        elif path == "/stall":
            time.sleep(60)
        return True

    def serve(connection, context):
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                connection.do_handshake()
            count = 1
            while answer(connection, count):
                count += 1
        except ssl.SSLError:
            # A reset could overtake the alert that tells the client why.
            time.sleep(0.3)
        except Exception:
            pass
        connection.close()

    if sys.argv[1] == "silent":
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        time.sleep(600)
    if sys.argv[1] == "dns":
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        print(server.getsockname()[1], flush=True)
        known = b"\x08platform\x07example\x00\x00\x01"
        while True:
            query, peer = server.recvfrom(512)
            # Names come in mixed case, as a guard against forged answers.
            if query[12:].lower().startswith(known):
                record = bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
                question = query[12:12 + len(known) + 2]
                server.sendto(query[:2] + bytes([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]) + question + record, peer)
            else:
                server.sendto(query[:2] + bytes([0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]) + query[12:], peer)
    context = None
    if sys.argv[1] != "-":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1] + ".pem", sys.argv[1] + ".key")
        if len(sys.argv) > 2:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations("ca.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()
    """#
