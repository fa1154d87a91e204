"""A client of the operator gRPC on Debian's grpcio, which knows of the services only what they say about themselves.

Takes the port as its argument, asks by reflection for the services and for every message, calls some of them, and writes one JSON
object with what it got. The only messages that it knows beforehand are those of reflection itself, from a descriptor set on standard input.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

REFLECTION = "grpc.reflection.v1.ServerReflection"
port = sys.argv[1]
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
grpc.channel_ready_future(channel).result(timeout=10)

known = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(sys.stdin.buffer.read()).file:
    if file.name.startswith("grpc/reflection/"):
        known.Add(file)


def message_class(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


Request = message_class(known, "grpc.reflection.v1.ServerReflectionRequest")
Response = message_class(known, "grpc.reflection.v1.ServerReflectionResponse")


def reflect(**request):
    call = channel.stream_stream(
        f"/{REFLECTION}/ServerReflectionInfo",
        request_serializer=Request.SerializeToString,
        response_deserializer=Response.FromString,
    )
    return next(call(iter([Request(**request)]), timeout=10))


services = [each.name for each in reflect(list_services="").list_services_response.service]
pool = descriptor_pool.DescriptorPool()
added = set()
for symbol in [*services, "google.rpc.Status", "google.rpc.ErrorInfo"]:
    answer = reflect(file_containing_symbol=symbol)
    files = [descriptor_pb2.FileDescriptorProto.FromString(each) for each in answer.file_descriptor_response.file_descriptor_proto]
    by_name = {each.name: each for each in files}

    def add(name):
        if name in added:
            return
        added.add(name)
        for dependency in by_name[name].dependency:
            add(dependency)
        pool.Add(by_name[name])

    for each in files:
        add(each.name)


def method(name):
    service, rpc = name.split("/")
    return pool.FindServiceByName(service).FindMethodByName(rpc)


def call(name, stream=False, **fields):
    described = method(name)
    request = message_class(pool, described.input_type.full_name)(**fields)
    kind = channel.unary_stream if stream else channel.unary_unary
    return kind(
        f"/{name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=message_class(pool, described.output_type.full_name).FromString,
    )(request, timeout=10)


INSPECTION = "rems.v1.InspectionService"
found = {"services": services}
found["actors"] = [
    [actor.address, actor.machine, actor.state] for actor in call(f"{INSPECTION}/ListActors", page_size=1000).actors
]
found["status"] = json_format.MessageToDict(call(f"{INSPECTION}/GetStatus"))["grids"][0]["epoch"]
events = call(f"{INSPECTION}/WatchActors", stream=True, address_prefix="grids/port", read_mask={"paths": ["state"]})
found["watched"] = []
for event in events:
    found["watched"].append(event.WhichOneof("event"))
    if event.WhichOneof("event") == "bookmark":
        found["token"] = event.resume_token
        events.cancel()
        break
found["machine"] = call(f"{INSPECTION}/GetMachine", machine="genset").machine.mermaid.split("\n")[0]
answer = call(
    "rems.v1.ControlService/SendCommand",
    request_id="python-1",
    actor="port/dg2",
    command="explode",
    validate_only=True,
)
found["trial"] = [answer.is_accepted, answer.reason]
try:
    call("rems.v1.ControlService/TransferLeadership", request_id="python-2", grid="starboard")
except grpc.RpcError as error:
    trailers = dict(error.trailing_metadata())
    status = message_class(pool, "google.rpc.Status").FromString(trailers["grpc-status-details-bin"])
    info = message_class(pool, "google.rpc.ErrorInfo")()
    status.details[0].Unpack(info)
    found["refusal"] = [error.code().name, status.code, info.reason, info.domain, dict(info.metadata)]
json.dump(found, sys.stdout)
