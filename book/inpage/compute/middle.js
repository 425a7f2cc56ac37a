// A picture's pixels, as large as they are wanted.

// The middle of what is in the blob: ImageData, transparency laid on white.
export async function middleOf(blob, { height, width }) {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  const scale = Math.min(bitmap.width / width, bitmap.height / height);
  const [across, down] = [width * scale, height * scale];
  context.drawImage(bitmap, (bitmap.width - across) / 2, (bitmap.height - down) / 2, across, down, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
