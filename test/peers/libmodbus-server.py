"""Modbus server on libmodbus (the C library, through ctypes) for the driver's tests, over "tcp" or "rtu", as unit 1.

Prints the port it listens on (for rtu the path of a pseudo terminal whose other end it serves), then answers each line on standard
input, "table address", with the register's value. Ends with its standard input.
"""
import ctypes
import os
import select
import socket
import struct
import sys
import threading
import tty

UINT8, UINT16 = ctypes.POINTER(ctypes.c_uint8), ctypes.POINTER(ctypes.c_uint16)


class Mapping(ctypes.Structure):
    """modbus_mapping_t of libmodbus 3.1."""

    _fields_ = [
        *[(name, ctypes.c_int) for name in ("nb_bits", "start_bits", "nb_input_bits", "start_input_bits")],
        *[(name, ctypes.c_int) for name in ("nb_input_registers", "start_input_registers", "nb_registers", "start_registers")],
        ("coil", UINT8),
        ("discrete", UINT8),
        ("input", UINT16),
        ("holding", UINT16),
    ]


library = ctypes.CDLL(os.environ["R_EMS_LIBMODBUS"])
library.modbus_new_tcp.restype = library.modbus_new_rtu.restype = ctypes.c_void_p
library.modbus_mapping_new.restype = ctypes.POINTER(Mapping)
context_of = ctypes.c_void_p


def serial_pair():
    """Two pseudo terminals joined like a null-modem cable; the paths of both ends."""
    ends = [os.openpty() for _ in range(2)]
    for _, end in ends:
        tty.setraw(end)

    def relay():
        (first, _), (second, _) = ends
        other = {first: second, second: first}
        while True:
            for ready in select.select([first, second], [], [])[0]:
                os.write(other[ready], os.read(ready, 4096))

    threading.Thread(target=relay, daemon=True).start()
    return [os.ttyname(end) for _, end in ends]


def check(result):
    if result == -1:
        sys.exit("libmodbus failed with errno %d" % ctypes.get_errno())
    return result


def serve(context, mapping):
    """Answers until the connection ends; a request for what the mapping lacks gets its exception from the library."""
    query = (ctypes.c_uint8 * 260)()
    while True:
        length = library.modbus_receive(context_of(context), query)
        if length == -1:
            return
        if length > 0:
            library.modbus_reply(context_of(context), query, length, mapping)


def listen(mapping):
    context = library.modbus_new_tcp(b"127.0.0.1", 0)
    listener = ctypes.c_int(check(library.modbus_tcp_listen(context_of(context), 4)))
    port = socket.socket(fileno=os.dup(listener.value)).getsockname()[1]

    def accept():
        while True:
            check(library.modbus_tcp_accept(context_of(context), ctypes.byref(listener)))
            serve(context, mapping)
            library.modbus_close(context_of(context))

    threading.Thread(target=accept, daemon=True).start()
    return port


def attach(mapping):
    ours, theirs = serial_pair()
    context = library.modbus_new_rtu(ours.encode(), 115200, ctypes.c_char(b"N"), 8, 1)
    check(library.modbus_set_slave(context_of(context), 1))
    check(library.modbus_connect(context_of(context)))

    def run():
        while True:
            serve(context, mapping)

    threading.Thread(target=run, daemon=True).start()
    return theirs


mapping = library.modbus_mapping_new(20, 20, 40, 40)
shown = struct.pack(">HhiIf", 0b0101, -5, -123456, 4000000000, 59.98)
for index, word in enumerate(struct.unpack(">%dH" % (len(shown) // 2), shown)):
    mapping.contents.input[index] = word
for index in range(20):
    mapping.contents.discrete[index] = index % 2
print(attach(mapping) if sys.argv[1] == "rtu" else listen(mapping), flush=True)
for line in sys.stdin:
    table, address = line.split()
    print(getattr(mapping.contents, table)[int(address)], flush=True)
os._exit(0)
