"""A SunSpec device served by pymodbus.

Reads one line, "base hexadecimal-registers", prints the port it listens on, then answers each line "address [value]" with the
register's value after setting it where a value is given. Ends with its standard input.
"""
import asyncio
import logging
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.server.async_io import ModbusTcpServer

# A client that asks where nothing is, is what the tests are about.
logging.disable(logging.ERROR)

HOLDING = 3


async def main():
    loop = asyncio.get_running_loop()
    base, image = (await loop.run_in_executor(None, sys.stdin.readline)).split()
    words = [int(image[at : at + 4], 16) for at in range(0, len(image), 4)]
    holding = ModbusSparseDataBlock({int(base) + at: word for at, word in enumerate(words)})
    store = ModbusSlaveContext(hr=holding, zero_mode=True)
    server = ModbusTcpServer(ModbusServerContext(slaves=store), address=("127.0.0.1", 0))
    task = asyncio.ensure_future(server.serve_forever())
    await server.serving
    print(server.server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        address, *value = line.split()
        if value:
            store.setValues(HOLDING, int(address), [int(value[0])])
        print(int(store.getValues(HOLDING, int(address), 1)[0]), flush=True)
    task.cancel()


asyncio.run(main())
