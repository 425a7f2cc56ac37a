// What one value sees of the picture that goes into the stem.

// Of a line of arithmetic.js's plan: how many pixels a side one value sees, and how many lie between two of its values. The
// stem makes each value of the block's input of 11 pixels, 4 from the next.
export const onPicture = ({ receptiveField, jump }) => ({ field: 4 * (receptiveField - 1) + 11, jump: 4 * jump });

// The part of the picture, a box in its pixels.
export function fieldOf({ field, jump }, [, y, x], { width, height }) {
  const [top, bottom] = ends(y * jump, field, height), [left, right] = ends(x * jump, field, width);
  return { top, left, height: bottom - top, width: right - left };
}

function ends(middle, field, length) {
  return [Math.max(0, middle - (field - 1) / 2), Math.min(length, middle + (field + 1) / 2)];
}
