// What one value sees of the picture that goes into the stem.
import { AFTER_STEM } from "../compute/stem-windows.js";

// Of a line of arithmetic.js's plan: how many pixels a side one value sees, and how many lie between two of its values.
export const onPicture = ({ receptiveField, jump }) => (
  { field: AFTER_STEM.jump * (receptiveField - 1) + AFTER_STEM.field, jump: AFTER_STEM.jump * jump });

// The part of the picture, a box in its pixels.
export function fieldOf({ field, jump }, [, y, x], { width, height }) {
  const [top, bottom] = ends(y * jump, field, height), [left, right] = ends(x * jump, field, width);
  return { top, left, height: bottom - top, width: right - left };
}

function ends(middle, field, length) {
  return [Math.max(0, middle - (field - 1) / 2), Math.min(length, middle + (field + 1) / 2)];
}
