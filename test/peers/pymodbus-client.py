"""Modbus TCP client on pymodbus for the tests of the simulated devices.

Takes the port as its argument, then one request per line on standard input, "table address count" to read and "table address =
value..." to write, and answers each with a line, "values ..." or "exception code". Ends with its standard input.
"""
import sys

from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=5)
if not client.connect():
    sys.exit("no connection")

for line in sys.stdin:
    table, address, *rest = line.split()
    if rest[0] == "=":
        values = [int(value) for value in rest[1:]]
        answer = client.write_registers(int(address), values, slave=1)
    elif table == "input":
        answer = client.read_input_registers(int(address), int(rest[0]), slave=1)
    else:
        answer = client.read_holding_registers(int(address), int(rest[0]), slave=1)
    if answer.isError():
        print("exception", getattr(answer, "exception_code", answer), flush=True)
    else:
        print("values", *getattr(answer, "registers", []), flush=True)
