"""The scalars of one ``Event`` message, as old and new writers put them.

Fields: tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto. A scalar
is a ``simple_value``, or (TensorFlow 2) a tensor of rank 0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

# dtype -> how its bytes are packed, and the field that holds it where it is not packed
_NUMBERS = {
    1: ("<f", "float_val"),
    2: ("<d", "double_val"),
    3: ("<i", "int_val"),
    9: ("<q", "int64_val"),
    19: ("<e", None),
}


@dataclass(frozen=True, slots=True)
class Event:
    wall_time_s: float  # as the writer's clock had it; nonsense is passed on
    step: int
    scalars: list[tuple[str, float]]  # (tag, value)


def read_event(record: bytes) -> Event | None:
    """None for bytes that are no event."""
    from google.protobuf.message import DecodeError

    try:
        event = _event_class().FromString(record)
    except DecodeError:
        return None
    scalars = []
    for each in event.summary.value:
        value = _number(each)
        if value is not None:
            scalars.append((each.tag.decode("utf-8", "replace"), value))
    return Event(event.wall_time, event.step, scalars)


def _number(value: Any) -> float | None:
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    tensor = value.tensor
    if tensor.dtype not in _NUMBERS or tensor.tensor_shape.dim or tensor.tensor_shape.unknown_rank:
        return None
    packed, field = _NUMBERS[tensor.dtype]
    if len(tensor.tensor_content) == struct.calcsize(packed):
        return float(struct.unpack(packed, tensor.tensor_content)[0])
    held = getattr(tensor, field) if field else []
    return float(held[0]) if len(held) == 1 else None


# --- the messages, as far as they are read; protocol buffers step over every other field
_FIELDS: dict[str, list[tuple[str, int, str]]] = {
    "Event": [("wall_time", 1, "double"), ("step", 2, "int64"), ("summary", 5, "Summary")],
    "Summary": [("value", 1, "*Value")],
    "Value": [("tag", 1, "bytes"), ("simple_value", 2, "float"), ("tensor", 8, "Tensor")],
    "Tensor": [
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "Shape"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "*float"),
        ("double_val", 6, "*double"),
        ("int_val", 7, "*int32"),
        ("int64_val", 10, "*int64"),
    ],
    "Shape": [("dim", 2, "*Dim"), ("unknown_rank", 3, "bool")],
    "Dim": [("size", 1, "int64")],
}


@cache
def _event_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    # proto2, in which a number that was not sent can be told from 0
    file = descriptor_pb2.FileDescriptorProto(
        name="queuecast/event.proto", package="queuecast", syntax="proto2"
    )
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, written in fields:
            kind = written.removeprefix("*")
            field = described.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if kind != written else kinds.LABEL_OPTIONAL
            if kind in _FIELDS:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".queuecast.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("queuecast.Event"))
