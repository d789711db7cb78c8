"""A Modbus RTU slave of address 1 by pymodbus, on the serial port that is named: holding registers from 0 to 12,099.
Standard input has `ADDRESS VALUE` lines, each set ended by `done`; registers that were never set are 0."""
import asyncio
import sys
import threading

from pymodbus.framer import FramerType
from pymodbus.server import StartAsyncSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

VALUES = {}


def listen():
    for line in sys.stdin:
        words = line.split()
        if len(words) == 2:
            VALUES[int(words[0])] = int(words[1])


async def answer(function_code, start_address, address, count, current, _values):
    for register in range(address, address + count):
        current[register - start_address] = VALUES.get(register, 0)


async def serve():
    for line in sys.stdin:
        if line.strip() == "done":
            break
        address, value = line.split()
        VALUES[int(address)] = int(value)
    threading.Thread(target=listen, daemon=True).start()
    device = SimDevice(1, simdata=[SimData(0, values=[0] * 12100, datatype=DataType.REGISTERS)], action=answer)
    print("serving", flush=True)
    await StartAsyncSerialServer(context=device, framer=FramerType.RTU, port=sys.argv[1], baudrate=9600)


asyncio.run(serve())
