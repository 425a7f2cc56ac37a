// Draws on a canvas, and once more when the browser has lost what was there: with the GPU go the canvases.
export function drawOn(canvas, draw) {
  const context = canvas.getContext("2d");
  draw(context);
  canvas.oncontextrestored = () => draw(context);
}
