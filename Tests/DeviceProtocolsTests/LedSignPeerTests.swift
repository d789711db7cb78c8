// Our frames against the encoder of app-tools-zxw (PyPI, MIT), somebody else's host software for these signs. It has no
// function for the commands 0x62 and 0x30 as a whole: header, lengths, text and checksum are its work, the fixed bytes
// of the data are given to it.

import Domain
import Foundation
import Testing

@testable import DeviceProtocols

@Suite struct LedSignPeerTests {
    /// The package's own `__init__` files load web kits: each protocol file is loaded alone.
    private static let script = """
        import importlib.util, os, sys, types
        base = importlib.util.find_spec('app_tools_zxw').submodule_search_locations[0]
        def load(name, path):
            spec = importlib.util.spec_from_file_location(name, os.path.join(base, path))
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
            return module
        top = 'app_tools_zxw.SDK_硬件读写'
        page = top + '.车牌识别.显示屏_二维码'
        for name in ['app_tools_zxw', top, top + '.车牌识别', page]:
            sys.modules[name] = types.ModuleType(name)
        code = sys.modules[page + '.生成二维码'] = types.ModuleType('code')
        code.make二维码 = None
        number = load(top + '.进制转换', 'SDK_硬件读写/进制转换.py')
        check = load(top + '.crc16', 'SDK_硬件读写/crc16.py')
        sign = load(page + '.通信协议', 'SDK_硬件读写/车牌识别/显示屏_二维码/通信协议.py')
        header = getattr(sign, '__生成指令头')
        for line in sys.stdin.buffer.read().decode('utf-8').splitlines():
            address, command, fixed, counted, text = line.split('\\t')
            body = number.convert_str_16进制(text)
            size = number.convert_int_16进制(len(body) // 2) + '00' if counted == '1' else ''
            data = fixed + size + body
            frame = header(command, DA=address) + number.convert_int_16进制(len(data) // 2) + data
            print((frame + check.crc16(frame).zfill(4)).lower())
        """

    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: Python.peers)
                && (try? Python.output([
                    Python.peers, "-c", "import importlib.util as u; u.find_spec('app_tools_zxw').name",
                ]))
                    != nil,
            "needs app-tools-zxw in build/deps/venv: run tools/setup"))
    func framesEqualThoseOfAppToolsByteForByte() throws {
        let texts = ["粤B12345", "豫A·12345", "国五", "未登记车辆 禁止通行", "请稍候", "A", String(repeating: "车", count: 118)]
        var input = ""
        var ours: [String] = []
        for (position, text) in texts.enumerated() {
            let address = UInt8(position * 31)
            // The peer's codec has no U+00B7; U+30FB has the same cell.
            let theirs = text.replacingOccurrences(of: "·", with: "・")
            let bytes = GB2312.encode(text).bytes
            let line = UInt8(position % 4)
            let colour: LedSignColour = position.isMultiple(of: 2) ? .green : .red
            let shown = LedSignText(line: line, textBytes: bytes, colour: colour).frame(address: address)
            let fixed = encodeHexadecimal(Array(shown.data.prefix(17)))
            input += "\(encodeHexadecimal([address]))\t62\t\(fixed)\t1\t\(theirs)\n"
            ours.append(encodeHexadecimal(shown.encoded))
            input += "\(encodeHexadecimal([address]))\t30\t01\t0\t\(theirs)\n"
            ours.append(encodeHexadecimal(LedSignVoice.frame(address: address, textBytes: bytes).encoded))
        }
        let theirs = try Python.output([Python.peers, "-c", LedSignPeerTests.script], input: input)
        #expect(theirs.split(separator: "\n").map(String.init) == ours)
    }
}
