"""`torch.fx`: a forward that runs on stand-ins, of which every step is written down as a graph."""

from .._lacking import lacking_names
from .graph import Graph, Node
from .graph_module import GraphModule
from .proxy import Proxy, TraceError
from .tracing import Tracer, symbolic_trace

__getattr__ = lacking_names("torch.fx")
__all__ = ["Graph", "GraphModule", "Node", "Proxy", "TraceError", "Tracer", "symbolic_trace"]
