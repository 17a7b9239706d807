"""TensorBoard's event files: their records, and the scalars in them. Pure, and read-only.

The file format is TensorFlow's (TFRecord framing around ``Event`` messages). The ``tensorboard``
package would read it too and brings a web server, a database and gRPC along; what is needed of it
are two small libraries, for CRC-32C and for protocol buffers, and the few fields named here.
"""

from tracker.tensorboard.events import Event, read_event
from tracker.tensorboard.records import Stretch, read_records

__all__ = ["Event", "Stretch", "read_event", "read_records"]
