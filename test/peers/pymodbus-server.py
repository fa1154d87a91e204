"""Modbus TCP server on pymodbus for the driver's tests.

Prints the port it listens on, then answers each line on standard input, "table unit address [value]", with the register's
value after setting it where a value is given. Ends with its standard input.
"""
import asyncio
import logging
import sys

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server.async_io import ModbusTcpServer

# A client that goes away, or asks for a register that is not there, is what the tests are about.
logging.disable(logging.ERROR)

TABLES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


def registers(wordorder):
    """What a field device of either word order would show, encoded by pymodbus itself."""
    builder = BinaryPayloadBuilder(byteorder=Endian.Big, wordorder=wordorder)
    builder.add_16bit_uint(0b0101)
    builder.add_16bit_int(-5)
    builder.add_32bit_int(-123456)
    builder.add_32bit_uint(4000000000)
    builder.add_32bit_float(59.98)
    return builder.to_registers() + [0] * 40


def slave(wordorder):
    block = ModbusSequentialDataBlock
    return ModbusSlaveContext(
        di=block(0, [0, 1] * 20),
        co=block(0, [0] * 40),
        hr=block(0, [0] * 40),
        ir=block(0, registers(wordorder)),
        zero_mode=True,
    )


async def main():
    slaves = {1: slave(Endian.Big), 2: slave(Endian.Little)}
    context = ModbusServerContext(slaves=slaves, single=False)
    server = ModbusTcpServer(context, address=("127.0.0.1", 0))
    task = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        table, unit, address, *value = line.split()
        store, code = slaves[int(unit)], TABLES[table]
        if value:
            store.setValues(code, int(address), [int(value[0])])
        print(int(store.getValues(code, int(address), 1)[0]), flush=True)
    task.cancel()


asyncio.run(main())
