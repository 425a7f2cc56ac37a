// Graphviz, which lays graphs out, for the worker that Python runs in (python-worker.js): a script of its own, since most
// who start Python draw no graph. It says where everything lies as `dot -Tjson0` does.
import { instance } from "@viz-js/viz";

self.graphviz = async () => {
  const viz = await instance();
  return (graph) => viz.renderString(graph, { format: "json0" });
};
