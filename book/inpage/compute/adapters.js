// Whether a GPU of the browser's is the processor by a longer way.
export function isFallback(adapter) {
  return adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter ?? false;
}
