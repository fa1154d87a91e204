"""Modbus server on pymodbus for the driver's tests, over "tcp", "rtu-over-tcp" or "rtu".

Prints the port it listens on (for rtu the path of a pseudo terminal whose other end it serves), then answers each line on standard
input, "table unit address [value]", with the register's value after setting it where a value is given. Ends with its standard input.
"""
import asyncio
import logging
import os
import select
import sys
import threading
import tty

from pymodbus.constants import Endian
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
from pymodbus.transaction import ModbusRtuFramer

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


def serial_pair():
    """Two pseudo terminals joined like a null-modem cable; the paths of both ends."""
    ends = [os.openpty() for _ in range(2)]
    for master, slave_end in ends:
        tty.setraw(slave_end)
        os.set_blocking(master, True)

    def relay():
        (first, _), (second, _) = ends
        other = {first: second, second: first}
        while True:
            for ready in select.select([first, second], [], [])[0]:
                os.write(other[ready], os.read(ready, 4096))

    threading.Thread(target=relay, daemon=True).start()
    return [os.ttyname(slave_end) for _, slave_end in ends]


async def serve(transport, context):
    """Starts the server; what the driver is to be told."""
    if transport == "rtu":
        ours, theirs = serial_pair()
        server = ModbusSerialServer(context, framer=ModbusRtuFramer, port=ours, baudrate=115200)
        await server.start()
        return theirs
    framer = {"framer": ModbusRtuFramer} if transport == "rtu-over-tcp" else {}
    server = ModbusTcpServer(context, address=("127.0.0.1", 0), **framer)
    asyncio.ensure_future(server.serve_forever())
    await server.serving
    return server.server.sockets[0].getsockname()[1]


async def main():
    slaves = {1: slave(Endian.Big), 2: slave(Endian.Little)}
    context = ModbusServerContext(slaves=slaves, single=False)
    print(await serve(sys.argv[1], context), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        table, unit, address, *value = line.split()
        store, code = slaves[int(unit)], TABLES[table]
        if value:
            store.setValues(code, int(address), [int(value[0])])
        print(int(store.getValues(code, int(address), 1)[0]), flush=True)
    # The loop still serves, and the relay waits for ever: nothing more is owed.
    os._exit(0)


asyncio.run(main())
